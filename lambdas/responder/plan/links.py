"""The pages that a message gives: the report, the execution, the team's own pages, and the evidence at its vendor.

Each address is made of the configuration, the record's ids and what our own sources wrote; never of a text of others.
Sources: AWS's pages "AWS Management Console endpoints and quotas" (the console's hosts by region), "AWS General
Reference: ARN format" (partitions), and "Getting Started with Amazon Web Services in China".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

from responder.model.evidence import Detail, Finding
from responder.model.evidence.error_rate import ErrorRate
from responder.model.evidence.latency_p95_ms import LatencyP95
from responder.model.frozen import dataclass
from responder.model.incident import IncidentRecord
from responder.model.reference import Reference
from responder.model.service import Service
from responder.plan.wording import source_name, words

_SAFE = re.compile(r"https://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?([/?#][!#-;=?-\[\]_a-z{}~]*)?")
"""No blank, quote, angle bracket, vertical bar, backslash or backtick: nothing that ends a link in any channel."""
_MOST_CHARACTERS = 2000
_CONSOLES = {"aws": "console.aws.amazon.com", "aws-cn": "console.amazonaws.cn",
             "aws-us-gov": "console.amazonaws-us-gov.com"}
_PLAIN_CONSOLE = "https://console.aws.amazon.com/"
"""What sources write: without a region, which their page does not need."""
_NEWRELIC = frozenset({"one.newrelic.com", "one.eu.newrelic.com"})
_MOST_EVIDENCE = 3


@dataclass(frozen=True)
class Console:
    """The AWS console of one region."""

    partition: str = "aws"
    region: str = ""

    @classmethod
    def of(cls, arn: str) -> Console:
        """Return that of an ARN; of no region where it is none."""
        parts = arn.split(":")
        return cls(parts[1], parts[3]) if len(parts) > 5 and parts[0] == "arn" else cls()

    @property
    def root(self) -> str:
        """Its address, with a slash at the end; empty where the region or the partition's console is not known."""
        host = _CONSOLES.get(self.partition, "")
        return f"https://{self.region}.{host}/" if self.region and host else ""


def references(service: Service, record: IncidentRecord, bucket: str = "") -> tuple[Reference, ...]:
    """Return all pages for a message to the team, the first to open first.

    ``bucket`` is the one that keeps the reports; empty: the report is not said.
    """
    incident = record.incident
    console = Console.of(incident.execution)
    cause = incident.cause.id if incident.cause else ""
    return tuple(found for found in (
        reference("Report", report_url(console, bucket, service.service, incident.id)),
        reference("Dashboard", service.links.dashboard),
        reference("Runbook", service.links.runbooks.get(cause) or service.links.runbook),
        reference("Execution", execution_url(incident.execution)),
        *_evidence(service, record, console)) if found)


def report_url(console: Console, bucket: str, service: str, incident: str) -> str:
    """Return the address of an incident's report in the S3 console; empty where the bucket or region is not known.

    Who opens it signs in to AWS, and needs to be allowed to read the bucket.
    """
    if not bucket or not console.root:
        return ""
    return (f"{console.root}s3/object/{bucket}?region={console.region}"
            f"&prefix={quote(f'postmortems/{service}/{incident}/postmortem.html')}")


def execution_url(execution: str) -> str:
    """Return the address of an execution in the Step Functions console, by its ARN; empty where there is none."""
    console = Console.of(execution)
    return f"{console.root}states/home?region={console.region}#/v2/executions/details/{execution}" if (
        console.root) else ""


def reference(label: str, url: str, query: str = "") -> Reference | None:
    """Return a link; None where the address is empty or could be taken for anything but an https address."""
    return Reference(label, url, query) if len(url) <= _MOST_CHARACTERS and _SAFE.fullmatch(url) else None


def _evidence(service: Service, record: IncidentRecord, console: Console) -> list[Reference]:
    """Return the vendors' pages for the symptom, then for what supports the named cause most.

    What AWS says of a service is in the console of the service's own Region.
    """
    console = Console(console.partition, service.aws.region or console.region)
    trusted = _vendors(service)
    found: dict[str, Reference] = {}
    for finding in _weighty(record):
        url = finding.link
        if url.startswith(_PLAIN_CONSOLE) and console.root:
            url = console.root + url.removeprefix(_PLAIN_CONSOLE)
        label = f"{source_name(finding.source)}: {words(finding.name)}" + (
            f" of {finding.component}" if finding.component else "")
        link = reference(label, url, finding.query)
        host = urlsplit(url).hostname or ""
        if link and (host in trusted or host.endswith(tuple(f".{end}" for end in _CONSOLES.values()))):
            found.setdefault(f"{finding.source} {finding.name}", link)
    return list(found.values())[:_MOST_EVIDENCE]


def _weighty(record: IncidentRecord) -> Iterator[Finding[Detail]]:
    """Yield the observations of the symptom at what is at fault, then those that support the named cause."""
    incident, evidence = record.incident, record.evidence()
    kind: type[Detail] = LatencyP95 if incident.kind == "degraded_latency" else ErrorRate
    yield from (finding for finding in evidence.of(kind) if finding.component in incident.affected)
    cause = incident.cause.id if incident.cause else ""
    wanted = {(weighed.source, weighed.finding) for weighed in incident.evidence if cause in weighed.supports}
    for finding in evidence.newest:
        if finding.usable and (finding.source, finding.name) in wanted:
            yield finding


def _vendors(service: Service) -> frozenset[str]:
    """Return the hosts of the vendors' pages that the configuration names."""
    pages = [service.splunk.url if service.splunk else "", *(
        page for provider in service.providers for page in (provider.status_page, provider.health_url))]
    return frozenset({host for page in pages if (host := urlsplit(page).hostname)} | _NEWRELIC | {
        "health.aws.amazon.com"} | set(_CONSOLES.values()))
