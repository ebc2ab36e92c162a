"""What was measured of workloads and nodes, compared without a threshold of anybody's system.

A median is the middle of the values, and the median of the distances from it is how much they differ among themselves:
neither is moved by a few values that stand out (P. Rousseeuw and C. Croux, "Alternatives to the Median Absolute
Deviation", 1993).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median

from responder.state.basics import Ref
from responder.state.once import once
from responder.state.state import Measure, State
from responder.state.variables import spec_of

FAR = 3.0
"""So many of the usual distances from the middle are no chance (the three sigma of statistical process control)."""
_SIGMA = 1.4826
"""What makes a median distance a standard deviation, where values are normal."""


def series(state: State, name: str) -> dict[Ref, tuple[float, ...]]:
    """Return a measure's values of each workload or node, oldest first. What is counted from the start on, and so never
    falls, is made a rate.
    """
    return {one.ref: _rate(one) if name in _COUNTED else tuple(value for _, value in one.points)
            for one in state.measures if one.name == name and one.points}


_COUNTED = frozenset(("throttled", "retransmits"))
"""Measures that some sources hand over as counters (the kernel's ``throttled_usec``, ``RetransSegs``)."""


def _rate(measure: Measure) -> tuple[float, ...]:
    """Return a measure's values; those of a counter, which only rises and at most points does, in a second."""
    points = measure.points
    steps = [(later - earlier, value - before) for (earlier, before), (later, value) in pairwise(points)]
    rising = sum(gain > 0 for _, gain in steps)
    if len(steps) < 5 or any(gain < 0 for _, gain in steps) or rising * 2 < len(steps):
        return tuple(value for _, value in points)
    return tuple(gain / length for length, gain in steps if length > 0)


def limit(state: State, ref: Ref, resource: str) -> float:
    """Return how much of a resource the containers of one pod of a workload may use together; 0: no limit is known."""
    spec = spec_of(state, ref)
    limits = [one.limits.get(resource, 0.0) for one in spec.containers] if spec else []
    return sum(limits) if limits and all(limits) else 0.0


def spread(values: Sequence[float]) -> float:
    """Return how much values differ among themselves, as a standard deviation."""
    middle = median(values)
    return _SIGMA * median(abs(value - middle) for value in values)


def stands_out(value: float, others: Iterable[float]) -> bool:
    """Whether a value is far above those of its peers: of three at least, and more than double their middle."""
    rest = list(others)
    if len(rest) < 2:
        return False
    return value > median(rest) + FAR * spread(rest) and value > 2 * median(rest)


def rise(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the middle of a series before and after its largest step upward; None where it has none.

    The step is where the two parts' middles are farthest apart, each part being a fifth of the series at least; it
    counts where it is far beyond what the values of both parts differ among themselves.
    """
    least = max(3, len(values) // 5)
    best: tuple[float, float] | None = None
    for at in range(least, len(values) - least + 1):
        before, after = median(values[:at]), median(values[at:])
        noise = max(spread(values[:at]), spread(values[at:]))
        if after > before + FAR * noise and (best is None or after - before > best[1] - best[0]):
            best = before, after
    return best


@once
def lossy(state: State) -> dict[str, tuple[float, float]]:
    """Return the nodes that send far more segments twice in a second than the others do, with the others' middle.

    Their rate stands out among the nodes', and lasts. Less than one in a second delays less than one request of a
    second's, so that is none.
    """
    found = {}
    rates = {ref.name: values for ref, values in series(state, "retransmits").items() if ref.kind == "Node"}
    for name, values in rates.items():
        others = [median(other) for node, other in rates.items() if node != name]
        step = rise(values)
        now = max(median(values), step[1] if step else 0.0)
        began = step is not None and step[1] > 2 * step[0]
        lone = not others and began
        if now >= 1 and (stands_out(now, others) or lone or (len(others) == 1 and began and now > 2 * others[0])):
            found[name] = now, median(others) if others else (step[0] if step else 0.0)
    return found if len(found) * 2 <= max(len(rates), 2) else {}
