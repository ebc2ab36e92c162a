"""Fields that a file has and the dataclass does not: misspelt, in the wrong section, or of an unknown product."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_args

from responder.model.masking import names
from responder.model.service import Reports, Service
from stacks import deployment
from stacks.deployment import Settings
from stacks.nearest import nearest
from stacks.reading.problem import Mistake, Path, path_text
from stacks.reading.typed import hints
from stacks.reading.values import Plain

SOURCES = ("metrics (CloudWatch)", "newrelic", "splunk", "prometheus", "application_signals", "cloudwatch_logs")
CHANNELS = ("notify_emails", "pagerduty", "slack", "statuspage", "github", "jira")
_NO_SOURCE = frozenset({"appdynamics", "cloudwatch", "coralogix", "datadog", "dynatrace", "elastic", "elasticsearch",
                        "grafana", "honeycomb", "instana", "lightstep", "loki", "logz", "newrelicone", "opensearch",
                        "opentelemetry", "otel", "pingdom", "sentry", "signalfx", "splunkobservability", "sumologic",
                        "tempo", "uptimerobot", "xray", "zabbix"})
"""Products that observe services and that the responder cannot query, or not by that name."""
_NO_CHANNEL = frozenset({"discord", "email", "googlechat", "incidentio", "linear", "mattermost", "msteams", "opsgenie",
                         "rootly", "servicenow", "sms", "teams", "telegram", "victorops", "webhook", "xmatters",
                         "zendesk"})
"""Products that reach people and that the responder cannot use."""
_MOST_HOMES = 3
"""A field that more sections have belongs to none in particular."""
_OF_DEPLOYMENT = {("prefix",), ("reports", "lock_mode")}
"""Fields of a service that the deployment's settings fill in, and no file of a service has."""


def unknown(kind: Any, value: Plain, path: Path = ()) -> Iterator[Mistake]:
    """Yield a mistake for each field that a dataclass does not have, with the nearest one that it has."""
    parts = [part for part in (kind, *get_args(kind)) if is_dataclass(part)]
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from unknown(kind, item, (*path, index))
    elif isinstance(value, dict) and parts:
        known = {field.name for field in fields(parts[0])}
        for key, item in value.items():
            if (*path, key) in _OF_DEPLOYMENT and parts[0] in (Service, Reports):
                yield Mistake((*path, key), "a field of the deployment", f"it in {deployment.FILE}")
            elif key in known:
                yield from unknown(hints(parts[0])[key], item, (*path, key))
            else:
                yield _said(parts[0], (*path, key), item, known)


def _said(kind: Any, path: Path, value: Plain, known: set[str]) -> Mistake:
    name = str(path[-1])
    if kind is Service and (said := unsupported(name)):
        return Mistake(path, said, "")
    if kind is Service and name in {field.name for field in fields(Settings)}:
        return Mistake(path, "a field of the deployment", f"it in {deployment.FILE}")
    if kind is not Service and names.kind(name) in ("secret", "pass"):
        return Mistake(path, "an unknown field for a key", "no key in a file: keep it in Secrets Manager, and name the "
                       "secret" + (" in the field `secret`" if "secret" in known else " in its section"))
    near = nearest(name, known, "-")
    if near == "-":
        # No name is near: the field may be right, and stand in the wrong section.
        homes = [home for home in _every(Service if kind is not Settings else Settings)
                 if home[-1] == name and home[:-1] != path[:-1]]
        if not 0 < len(homes) <= _MOST_HOMES:
            return Mistake(path, "an unknown field", nearest(name, known))
        said = " or ".join(map(path_text, homes))
        return Mistake(path, "an unknown field", f"{said}, where there is such a field", meant=tuple(homes))
    return Mistake(path, "an unknown field", near, meant=((*path[:-1], near.strip("'?")),))


def _every(kind: Any, path: Path = ()) -> tuple[Path, ...]:
    """Return the fields of a dataclass' sections, without those of lists."""
    found: list[Path] = []
    for field in fields(kind):
        inner = next((part for part in (hints(kind)[field.name], *get_args(hints(kind)[field.name]))
                      if is_dataclass(part)), None)
        found.append((*path, field.name))
        if inner is not None and tuple not in (getattr(hints(kind)[field.name], "__origin__", None),):
            found += _every(inner, (*path, field.name))
    return tuple(found)


def unsupported(name: str) -> str:
    """Return the message for a field that names an unsupported product, or an empty text."""
    key = name.lower().replace("_", "").replace("-", "")
    if key in _NO_SOURCE:
        return f"unknown source {name!r}; known are {', '.join(SOURCES)}"
    if key in _NO_CHANNEL:
        return f"unknown channel {name!r}; known are {', '.join(CHANNELS)}"
    return ""
