"""Who refuses requests because all its threads wait for what it calls: its failures are its own, and not its fault."""

from __future__ import annotations

from collections.abc import Iterable

from responder.model.evidence import Evidence
from responder.model.evidence.calls import Calls
from responder.model.evidence.error_signatures import ErrorSignatures
from responder.model.evidence.latency_p95_ms import LatencyP95
from responder.model.service import Service
from responder.plan.error_kind import ErrorKind
from responder.plan.kinds import kind_of
from responder.plan.rates import SLOW_MULTIPLE
from responder.plan.slow_calls import SLOW_MS, is_slow

_MOSTLY = 0.5


def starved(service: Service, evidence: Evidence, component: str) -> bool:
    """Whether most of a component's own failures are for want of threads or places, while it waits for a callee."""
    return bool(starved_by(service, evidence, component))


def starved_by(service: Service, evidence: Evidence, component: str) -> str:
    """Return the slow callee for which a component waits with all its threads; empty where it does not.

    By Little's law a pool is used up by how long requests last as much as by how many come (Kleinrock, "Queueing
    Systems"): so what lasts longer than usual is where it began.
    """
    own = [(kind_of(signature.whole), max(0.0, signature.count - signature.usual))
           for finding in evidence.of(ErrorSignatures) for signature in finding.detail.signatures
           if signature.component == component and "call to" not in signature.whole]
    whole = sum(count for _, count in own)
    waited = sum(count for kind, count in own if kind is ErrorKind.QUEUE)
    if not whole or waited < _MOSTLY * whole:
        return ""
    return min(set(_slow(service, evidence, component)) & set(service.component(component).calls), default="")


def _slow(service: Service, evidence: Evidence, component: str) -> Iterable[str]:
    """Yield the names of components that a component's calls take much longer of than usual, by any source."""
    for spans in evidence.of(Calls, component):
        for host, callee in spans.detail.callees.items():
            if callee.mean_ms and callee.mean_ms >= max(SLOW_MS, SLOW_MULTIPLE * (callee.baseline_ms or 0.0)):
                yield service.called(host)
    for latency in evidence.of(LatencyP95):
        if is_slow(latency):
            yield latency.component
