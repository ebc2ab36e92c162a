"""Which workloads are slow, beyond what those that they call explain.

There is no history: a series is compared with its own earlier part, and its own time (what its callees take is taken
off) with the others' on a scale of ratios, since workloads differ by factors and not by milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import median
from typing import NamedTuple

from responder.state.basics import Ref
from responder.state.measuring import FAR, rise, series, spread, stands_out
from responder.state.once import once
from responder.state.state import State


class Slow(NamedTuple):
    """A workload that takes long of itself."""

    ref: Ref
    before: float
    """Seconds that half of its requests took before; 0: it was slow from the first."""
    now: float
    """Seconds."""
    awaited: bool
    """Whether one that calls it is slow too."""


@once
def slow(state: State) -> dict[Ref, Slow]:
    """Return the workloads that are slow of themselves: none that they call is, or all are, as they see it."""
    middles = {ref: values for ref, values in series(state, "p50").items() if len(values) > 5}
    own = {ref: _own(state, ref, middles) for ref in middles}
    found: dict[Ref, Slow] = {}
    for ref, values in middles.items():
        step = rise(values)
        if step is not None and step[1] > 2 * step[0]:
            found[ref] = Slow(ref, *step, False)
        elif _far_above(own[ref], [value for other, value in own.items() if other != ref]):
            found[ref] = Slow(ref, 0.0, median(values), False)
    for ref in sorted(found):
        theirs = {other for other in middles if other.name in state.calls.get(ref.name, ())}
        if ref in found and len(theirs) > 1 and theirs <= set(found):
            found = {other: one for other, one in found.items() if other not in theirs}
    reached = {ref: _below(state.calls, ref.name) for ref in found}
    names = {ref.name for ref in found}
    return {ref: one._replace(awaited=any(
        ref.name in state.calls.get(other.name, ()) and median(values) >= one.now / 2
        for other, values in middles.items())) for ref, one in found.items()
        if not (reached[ref] - {ref.name}) & names}


def _own(state: State, ref: Ref, middles: Mapping[Ref, tuple[float, ...]]) -> float:
    """Return what a workload takes itself: what all that it calls take, one after the other, is taken off."""
    called = set(state.calls.get(ref.name, ()))
    theirs = sum(median(values) for other, values in middles.items() if other.name in called)
    return max(median(middles[ref]) - theirs, 0.0)


def _far_above(value: float, others: list[float]) -> bool:
    """Whether a time is far above the others', by factors; fewer than four others say nothing of what is usual."""
    logs = [math.log(one) for one in others if one > 0]
    if value <= 0 or len(logs) < 4:
        return False
    return math.log(value) > median(logs) + FAR * max(spread(logs), math.log(2))


def _below(calls: Mapping[str, tuple[str, ...]], name: str) -> set[str]:
    """Return all that a workload calls, directly or not."""
    found, waiting = set[str](), [name]
    while waiting:
        for other in calls.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


def computes(state: State, ref: Ref) -> bool:
    """Whether a workload's CPU explains that it is slow: it stands still at its limit, or uses more than it did."""
    for name in ("throttled", "cpu"):
        values = series(state, name)
        its = values.get(ref, ())
        step = rise(its) if len(its) > 5 else None
        if step is not None and step[1] > 2 * step[0]:
            return True
    throttled = series(state, "throttled")
    others = [median(values) for other, values in throttled.items() if other != ref and other.kind != "Node"]
    return bool(throttled.get(ref)) and stands_out(median(throttled[ref]), others)


def nodes_of(state: State, name: str) -> frozenset[str]:
    """Return the nodes on which a workload's pods run."""
    return frozenset(pod.node for pod in state.pods if state.app(pod) == name and pod.node and not pod.over)
