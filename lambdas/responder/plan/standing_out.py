"""Which components stand out: they are further from normal than chance lets expect, and nothing that they call is.

This looks at each component and each caller's view by itself, so that it finds what the mean over all requests of the
entry hides, such as one operation of ten that is slow.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import median

from responder.plan.deviation import CPU, FAIL, LOAD, SLOW, spread_of, unknown
from responder.plan.measured import GONE, Measured, State

_TAIL = 0.1
"""The bad end of normal operation, from which what is rarer is extrapolated."""
_FEW_FAIL = 0.01
"""The share of requests that may fail where nothing is wrong, whose wavering is no surprise."""
_SMALLEST = 1e-6
"""Seconds instead of none, so that there is a logarithm."""


class StandingOut:
    """How surprising each component's metrics are, in nats: the logarithm of how seldom chance does as much."""

    def __init__(self, measured: Measured) -> None:
        self._measured = measured
        reached = self._reached()
        # One of so many would be surprising by chance; ``risk`` is how often any may be.
        self._places = max(1, len(reached))
        self._limit = math.log(self._places / measured.settings.risk_of_origin)
        self._surprises: dict[State, float] = {}
        for name in reached:
            for metric in (SLOW, FAIL, CPU):
                change = measured.change(name, metric)
                if change and change.by > 0:
                    self._surprises[name, metric] = self._surprise(name, metric)
            if name not in measured.views and measured.missing(name):
                self._surprises[name, GONE] = self._gone(name)

    def surely(self, name: str, metric: str) -> bool:
        """Whether a metric of a component is further from normal than chance lets expect of any."""
        return self._surprises.get((name, metric), 0.0) >= self._limit

    def unmistakable(self, origins: Iterable[State]) -> bool:
        """Whether one of the origins is wrong, and felt by a caller, whatever the symptom's component shows."""
        limit = math.log(self._places / self._measured.settings.risk_unseen)
        return any(self._surprises[state] >= limit and self._felt(state[0]) for state in origins)

    def _felt(self, name: str) -> bool:
        """Whether the symptom begins in a component, or one of its callers is in trouble as well."""
        measured = self._measured
        component = measured.views.get(name, name)
        of_views = [view for view, behind in measured.views.items() if behind == component]
        above = {caller for known in (component, name, *of_views) for caller in measured.callers[known]}
        return name == measured.symptom.node or any(
            measured.unusual(caller, metric) for caller in above - {*measured.views} for metric in (SLOW, FAIL))

    def origins(self) -> dict[State, float]:
        """Return what is surprising and not explained by a callee, with its share of all such surprise."""
        found = {(name, metric): surprise * (1 - self._explained(name, metric))
                 for (name, metric), surprise in self._surprises.items() if self.surely(name, metric)}
        whole = sum(found.values())
        return {state: surprise / whole for state, surprise in found.items() if surprise > 0} if whole else {}

    def component(self, name: str) -> str:
        """Return the component that a name is, or is a view of."""
        return self._measured.views.get(name, name)

    def behind(self, view: str) -> list[str]:
        """Return the origin of what only the callers of a component see.

        That is the component, also where it is well by its own clock: the way to it is slow, such as a network delay
        at its pods. But a caller to which most of those that it calls look slow while they are well is slow itself; and
        where no caller calls anything else, nothing tells the two apart, and it is the callers.
        """
        measured, component = self._measured, self._measured.views[view]
        if component not in measured.measures or measured.missing(component) or not self._calm(component):
            return [component]
        callers = [caller for caller in measured.callers[view] if caller not in measured.views]
        well = {caller: self._well(caller) for caller in callers}
        compared = [caller for caller in callers if len(well[caller]) > 1]
        slow = [caller for caller in compared
                if 2 * sum(self.surely(each, SLOW) for each in well[caller]) > len(well[caller])]
        return slow or ([component] if compared else callers) or [component]

    def _well(self, caller: str) -> list[str]:
        """The callers' views of what a component calls that is well by its own clock."""
        return [view for view in self._measured.calls[caller] if view in self._measured.views
                and self._calm(self._measured.views[view]) and self._measured.change(view, SLOW)]

    def _calm(self, name: str) -> bool:
        return not self.surely(name, SLOW) and not self.surely(name, FAIL)

    def _reached(self) -> list[str]:
        """The symptom's component and all that its requests can reach."""
        seen, waiting = {self._measured.symptom.node}, [self._measured.symptom.node]
        while waiting:
            for called in self._measured.calls.get(waiting.pop(), ()):
                if called not in seen:
                    seen.add(called)
                    waiting.append(called)
        return sorted(seen)

    def _explained(self, name: str, metric: str) -> float:
        """The largest part of a component's trouble that one callee may account for.

        Percentiles do not add up along a call, so a callee counts in full that accounts for a third.
        """
        measured, most = self._measured, 0.0
        own = measured.change(name, metric)
        for called in measured.calls.get(name, ()):
            change = measured.change(called, metric)
            if self.surely(called, GONE) or (metric != CPU and self.surely(measured.views.get(called, called), CPU)):
                return 1.0
            if self.surely(called, metric) and own and change:
                alike, alone = measured.per_request(name, called)
                part = change.by / own.by
                most = max(most, min(1.0, measured.settings.mismatch * part * min(1.0, alike)), min(1.0, part * alone))
            elif (metric == SLOW and self.surely(called, FAIL)) or (
                    metric == FAIL and self.surely(called, SLOW) and measured.waits(name, called)):
                return 1.0
        return most

    def _surprise(self, name: str, metric: str) -> float:
        """How seldom a metric is so bad: slowness by how many times, failures by how many more."""
        measured = self._measured
        scores, change = measured.scores(name, metric), measured.change(name, metric)
        # What had moved before the outage is not its doing.
        moved = change.before - scores.level if change else 0.0
        normal, now = scores.normal, [value - moved for value in scores.during(measured.span)]
        if metric in (SLOW, CPU):
            return self._nats(_logarithms(normal), _logarithms(now), measured.settings.least_ratio)
        # What a count of so many requests wavers by.
        return self._nats(normal, now, math.sqrt(_FEW_FAIL / max(1.0, measured.usual_requests(name) or 100.0)))

    def _gone(self, name: str) -> float:
        """How seldom so few requests come for each of the callers', by the caller for which it is least surprising."""
        measured, found = self._measured, []
        mine = measured.recorded.values(name, LOAD)
        for caller in {measured.symptom.node, *measured.callers[name]} - {name, *measured.views}:
            theirs = measured.recorded.values(caller, LOAD)
            ratios = {time: math.log((value + 1) / (mine.get(time, 0.0) + 1)) for time, value in theirs.items()}
            found.append(self._nats(
                [value for time, value in ratios.items() if time <= measured.span.normal_end and time in mine],
                [value for time, value in ratios.items() if measured.span.start <= time < measured.span.end],
                measured.settings.least_ratio))
        return min(found, default=0.0)

    def _nats(self, normal: Sequence[float], now: Sequence[float], least: float) -> float:
        """How seldom chance brings a mean as high as now's, by the means over as many periods of normal operation.

        Source: peaks over a threshold with an exponential tail (Pickands 1975).
        """
        count = len(now)
        if len(normal) < self._measured.settings.few or not count:
            return 0.0
        count = min(count, max(1, len(normal) // self._measured.settings.few))
        means = sorted([sum(normal[at:at + count]) / count for at in range(len(normal) - count + 1)])
        # Of few means the greatest is the tail.
        first, tail = math.ceil(len(means) * (1 - _TAIL)) - 1, max(_TAIL, 1 / (len(means) + 1))
        height = sum(now) / len(now) - means[first]
        if height <= 0:
            return 0.0
        over = [mean - means[first] for mean in means[first + 1:]]
        ordered = sorted(normal)
        spread = spread_of(ordered, median(ordered)) / math.sqrt(count)
        scale = max(sum(over) / len(over) if over else 0.0, spread, least * unknown(len(normal)))
        return math.log(1 / tail) + height / scale


def _logarithms(values: Iterable[float]) -> list[float]:
    return [math.log(value if value > _SMALLEST else _SMALLEST) for value in values]


def by_component(measured: Measured, standing: StandingOut, shares: dict[State, float]) -> dict[str, float]:
    """Add up what begins in each component; what only callers see belongs to what is behind their view."""
    found: dict[str, float] = defaultdict(float)
    for (name, _), share in shares.items():
        behind = standing.behind(name) if name in measured.views else [name]
        for component in behind:
            found[component] += share / len(behind)
    return found
