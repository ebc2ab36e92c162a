"""What the load balancer says of the component that customers reach first: it is the entry's caller."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence import Finding
from responder.model.evidence.healthy_hosts import HealthyHosts
from responder.model.evidence.target_connection_errors import TargetConnectionErrors
from responder.plan import wording
from responder.plan.rates import count_lower_bound, lower_bound
from responder.plan.signals import Context, Signal, signal

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


def read(context: Context) -> Iterator[Signal]:
    """Yield how the load balancer fares with the entry's targets."""
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


def _many(finding: Finding[TargetConnectionErrors]) -> bool:
    """Whether more connections fail than chance and habit explain."""
    failed = finding.detail.errors
    # Requests are counted at the end of their minute, so the errors may be ahead of them.
    requests = max(finding.detail.requests, failed)
    seconds = finding.window.seconds if finding.window else 60.0
    return (failed >= _LEAST_ERRORS and lower_bound(failed, requests) > _REFUSED_SHARE
            and count_lower_bound(failed) > _MULTIPLE * (finding.baseline or 0.0) / 60 * seconds)
