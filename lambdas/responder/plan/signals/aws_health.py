"""What AWS says of its own services."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence.service_events import ServiceEvents
from responder.plan.signals import Context, Signal, signal

_COMPUTE = ("EKS", "EC2")


@signal("AWS says that what the nodes live on is in trouble; broad, and often of other zones.")
def aws_reports_compute(code: str, service: str) -> str:
    return f"AWS Health: {code} ({service})"


@signal("AWS says that RDS is in trouble; broad, and often of other instances.")
def aws_reports_database(code: str) -> str:
    return f"AWS Health: {code} (RDS)"


def read(context: Context) -> Iterator[Signal]:
    """Yield a signal for each open event of what the service lives on; not where it may concern others alone."""
    for finding in context.evidence.of(ServiceEvents):
        for event in finding.detail.events:
            if event.whose == "unknown":
                continue
            if event.status == "open" and event.service in _COMPUTE:
                yield aws_reports_compute.emit(finding, event.code, event.service)
            if event.status == "open" and event.service == "RDS" and context.in_database:
                yield aws_reports_database.emit(finding, event.code)
