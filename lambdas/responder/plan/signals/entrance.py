"""What the load balancer, API Gateway or CloudFront says of the component that customers reach first.

They are the entry's callers.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence import Finding
from responder.model.evidence.error_rate import ErrorRate
from responder.model.evidence.front_door import FrontDoor
from responder.model.evidence.healthy_hosts import HealthyHosts
from responder.model.evidence.target_connection_errors import TargetConnectionErrors
from responder.plan import wording
from responder.plan.rates import count_lower_bound, lower_bound
from responder.plan.signals import Context, Signal, signal

_DOORS = {"api_gateway": "API Gateway", "cloudfront": "CloudFront"}
_LEAST_ERRORS = 10
_REFUSED_SHARE = 0.02
_MULTIPLE = 3.0
"""Connections that fail come in bursts: they count where they are three times as many as usual."""


@signal("Where: the health checks do not get there, or nobody answers them: pods, nodes or the way between. What is "
        "further in fails a health check only where the check asks that far.")
def healthy_hosts_gone(component: str, value: float, usual: float) -> str:
    return (f"the load balancer finds {wording.count(value)} healthy hosts of {component} where "
            f"{wording.count(usual)} are usual")


@signal("Where: the load balancer is the entry's caller, so it says what callers say of a component that they do not "
        "get through to. A process that fails at its work still takes the connection.")
def targets_refuse_connections(component: str, count: float) -> str:
    return f"{wording.count(count)} connections of the load balancer to {component} were not established"


@signal("Where: what is in front fails requests that the entry does not know of, so they end on the way, or nobody "
        "takes them. What the entry fails itself, it counts itself.")
def requests_end_before_entry(door: str, share: float, component: str, own: float) -> str:
    return (f"{door} fails {wording.share(share)} of the requests, and {component} itself {wording.share(own)} of "
            "those that it gets")


def read(context: Context) -> Iterator[Signal]:
    """Yield how the load balancer fares with the entry's targets, and what is in front of them with its requests."""
    entry = context.service.entry
    if context.component != entry or not (context.in_itself or context.unreached):
        return
    for hosts in context.evidence.of(HealthyHosts, entry):
        usual = hosts.baseline or 0.0
        if hosts.value is not None and usual >= 1 and hosts.value <= usual / 2:
            yield healthy_hosts_gone.emit(hosts, entry, hosts.value, usual)
    for errors in context.evidence.of(TargetConnectionErrors, entry):
        if _many(errors):
            yield targets_refuse_connections.emit(errors, entry, errors.detail.errors)
    own = [rate.detail.errors / rate.detail.requests for rate in context.evidence.of(ErrorRate, entry)
           if rate.detail.requests]
    for door in context.evidence.of(FrontDoor, entry):
        least = lower_bound(door.detail.errors, door.detail.requests)
        if own and least > max(_REFUSED_SHARE, _MULTIPLE * (door.baseline or 0.0), _MULTIPLE * max(own)):
            yield requests_end_before_entry.emit(
                door, _DOORS.get(door.detail.door, door.detail.door), door.value or 0.0, entry, max(own))


def _many(finding: Finding[TargetConnectionErrors]) -> bool:
    """Whether more connections fail than chance and habit explain."""
    failed = finding.detail.errors
    # Requests are counted at the end of their minute, so the errors may be ahead of them.
    requests = max(finding.detail.requests, failed)
    seconds = finding.window.seconds if finding.window else 60.0
    return (failed >= _LEAST_ERRORS and lower_bound(failed, requests) > _REFUSED_SHARE
            and count_lower_bound(failed) > _MULTIPLE * (finding.baseline or 0.0) / 60 * seconds)
