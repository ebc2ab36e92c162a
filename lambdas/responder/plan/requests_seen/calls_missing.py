"""Components that make fewer calls for each request than before: their work ends early, by counts of all requests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median

from responder.plan import wording
from responder.plan.deviation import spread_of
from responder.plan.requests_seen import Edge, Requests
from responder.plan.requests_seen.chance import fewer_than

_SEVERAL = 3
Call = tuple[str, str, str]
"""Caller, callee, operation."""


def calls_missing(requests: Requests) -> Mapping[str, tuple[float, str]]:
    """Return for each such caller how surprising the call is of which most are missing, in nats, and a sentence."""
    before = [_per_request(stretch.edges) for stretch in requests.before if stretch.edges]
    now = [_per_request(stretch.edges) for stretch in requests.now if stretch.edges]
    found: dict[str, tuple[float, str]] = {}
    if len(before) < _SEVERAL:
        return found
    served = {caller: sum(each[0].get(caller, 0.0) for each in now) for _, calls in before for caller, _, _ in calls}
    for call in sorted({call for _, calls in before for call in calls}):
        caller, callee, _ = call
        ratios = [calls.get(call, 0.0) / requests_of[caller] for requests_of, calls in before
                  if requests_of.get(caller)]
        if len(ratios) < _SEVERAL or not served[caller]:
            continue
        level = median(ratios)
        # What the mix of requests makes it waver by is no surprise.
        expected = max(0.0, level - spread_of(ratios, level)) * served[caller]
        count = sum(calls.get(call, 0.0) for _, calls in now)
        nats = fewer_than(count, expected)
        if nats > found.get(caller, (0.0, ""))[0]:
            usual, whole = wording.count(level * served[caller]), wording.count(served[caller])
            found[caller] = nats, (f"it calls {callee} {wording.count(count)} times, where {usual} were expected of "
                                   f"{whole} requests")
    return found


def _per_request(edges: Sequence[Edge]) -> tuple[Mapping[str, float], Mapping[Call, float]]:
    """Requests that each component answered, and the calls that it made."""
    served: dict[str, float] = defaultdict(float)
    calls: dict[Call, float] = defaultdict(float)
    for edge in edges:
        served[edge.callee] += edge.calls
        if edge.caller:
            calls[edge.caller, edge.callee, edge.operation] += edge.calls
    return served, calls
