"""Where the service's logs are in CloudWatch Logs, and what their fields are called."""

from __future__ import annotations

from responder.model.frozen import dataclass


@dataclass(frozen=True)
class CloudWatchLogs:
    """What is asked of CloudWatch Logs Insights; logs of JSON have their fields by themselves."""

    log_groups: tuple[str, ...]
    """Names of the log groups, such as ``/aws/containerinsights/payments/application``; 50 at most."""
    filter: str = ""
    """A condition of the query language for the service's lines: ``kubernetes.namespace_name = "payments"``; empty: all
    lines of the groups are the service's."""
    parse: str = ""
    """For lines of plain text: what the ``parse`` command takes fields from, with a name for each, such as
    ``@message /^\\S+ (?<level>[A-Za-z]+) /``; empty: the lines are JSON."""
    component_field: str = "component"
    """Of Container Insights with Fluent Bit: ``kubernetes.container_name``, or ``kubernetes.labels.app``."""
    level_field: str = "level"
    """The field that holds the level."""
    version_field: str = "version"
    """The field that bears the deployed version."""
    pod_field: str = "pod"
    """Of Container Insights with Fluent Bit: ``kubernetes.pod_name``."""
    error_levels: tuple[str, ...] = ("ERROR", "FATAL")
    """In any case."""
    auth_failures: str = "authentication failed|invalid credentials|invalid api key|invalid token|login failed"
    """A regular expression for lines about callers whose authentication failed, in any case; those of PostgreSQL are
    left out, for they are of the service's own way to its database."""
    rejected_signatures: str = (
        "missing signature|invalid signature|signature mismatch|signature verification failed|"
        "signature does not match|bad signature|wrong signature|unsigned request|unsigned callback|unsigned webhook|"
        "no signatures found matching")
    """A regular expression for requests that were refused because their signature is missing or wrong, in any case."""
    client_field: str = "client_ip"
    """The field of the entry's request lines that names the client; empty: clients are not counted."""
    status_field: str = "status"
    """The field of request lines that holds the HTTP status; from 400 on a request failed. Empty: by level alone."""
    duration_field: str = "duration_ms"
    """The field of request lines that holds how many milliseconds an answer took; empty: slow answers are not told."""
