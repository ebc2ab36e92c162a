"""What callers see of those that they call, by their client spans: for isolation, where a component's clock is calm."""

from __future__ import annotations

from responder.model.evidence import Evidence
from responder.model.evidence.calls import Calls
from responder.model.evidence.latency_p95_ms import LatencyP95
from responder.model.service import Service
from responder.plan.requests_seen import Edge, Requests, Stretch

_MS = 1000.0


def callers_views(service: Service, evidence: Evidence) -> Requests:
    """Return how long each caller waits for each callee, now and in normal operation.

    By how many times a callee is slower by its own clock is divided out, so that what is left is the way to it. One
    source's spans are taken of each caller: the first that tells both times.
    """
    slower = _slower(evidence)
    now: list[Edge] = []
    before: list[Edge] = []
    seen: set[str] = set()
    for finding in evidence.of(Calls):
        caller = finding.component
        known = {host: callee for host, callee in finding.detail.callees.items()
                 if callee.mean_ms is not None and callee.baseline_ms is not None
                 and callee.requests > 0 and callee.baseline_requests > 0}
        if caller in seen or not known:
            continue
        seen.add(caller)
        for host, callee in sorted(known.items()):
            name = service.called(host) or host
            now.append(Edge(caller, name, "", callee.requests, 0.0,
                            (callee.mean_ms or 0.0) / _MS / max(1.0, slower.get(name, 1.0))))
            before.append(Edge(caller, name, "", callee.baseline_requests, 0.0, (callee.baseline_ms or 0.0) / _MS))
    return Requests((Stretch(now),), (Stretch(before),)) if now else Requests()


def _slower(evidence: Evidence) -> dict[str, float]:
    """By how many times each component is slower by its own clock, by the source that says most."""
    found: dict[str, float] = {}
    for finding in evidence.of(LatencyP95):
        if finding.value is not None and finding.baseline:
            found[finding.component] = max(found.get(finding.component, 0.0), finding.value / finding.baseline)
    return found
