"""Where the time of a slow component is spent: in which of its calls, or in itself."""

from __future__ import annotations

from typing import NamedTuple

from responder.model.evidence import Evidence, Finding
from responder.model.evidence.calls import Calls
from responder.model.evidence.error_rate import ErrorRate
from responder.model.evidence.latency_p95_ms import LatencyP95
from responder.model.fault_location import OWN, FaultLocation, location_of
from responder.model.service import Service
from responder.plan.rates import SLOW_MULTIPLE, count_lower_bound, count_upper_bound

SLOW_MS = 500.0
"""Below half a second a call is not called slow, whatever its usual time."""


class Slow(NamedTuple):
    """Where the time is spent, and who says so."""

    location: FaultLocation
    source: str


def slow_in(service: Service, component: str, evidence: Evidence, spans: Finding[Calls] | None) -> Slow | None:
    """Return which of the calls take much longer than usual, or that it is the component itself if none does.

    The client ``spans`` tell it, where their source sees that the component is slow at all: it may be behind, and show
    what was before. Another source tells it by how long the callees take, where all of them are components. That does
    not show the way to them: where calls do not arrive, nobody knows what the time is spent on. None: it is not slow,
    or nobody knows.
    """
    seen_by = sorted({finding.source for finding in evidence.of(LatencyP95, component) if is_slow(finding)})
    if spans is not None and spans.source in seen_by:
        for host, callee in spans.detail.callees.items():
            location, mean = location_of(service.called(host)), callee.mean_ms or 0.0
            if location and mean >= SLOW_MS and mean > SLOW_MULTIPLE * (callee.baseline_ms or 0.0):
                return Slow(location, spans.source)
        return Slow(OWN, spans.source)
    called = service.component(component).calls
    for source in seen_by:
        quick = {finding.component for finding in evidence.of(LatencyP95, source=source)
                 if finding.value and not is_slow(finding)}
        if quick.issuperset(called) and not any(_are_missing(evidence, source, component, name) for name in called):
            return Slow(OWN, source)
    return None


def _are_missing(evidence: Evidence, source: str, component: str, callee: str) -> bool:
    """Whether a callee has fewer requests than its caller's would bring, by one source's counts of both."""
    asks, asked = (evidence.one(ErrorRate, name, source) for name in (component, callee))
    if asks is None or asked is None or not asks.detail.baseline_requests:
        return False
    each = asked.detail.baseline_requests / asks.detail.baseline_requests
    return count_lower_bound(asks.detail.requests) * each > count_upper_bound(asked.detail.requests)


def is_slow(latency: Finding[LatencyP95]) -> bool:
    """Whether a component takes much longer than usual by its own clock."""
    return (latency.value or 0.0) >= max(SLOW_MS, SLOW_MULTIPLE * (latency.baseline or 0.0))
