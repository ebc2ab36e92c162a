"""What a component's metrics say beside those around it in the graph of calls: more than usual, missing, calm."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median

from responder.plan.deviation import (
    LOAD,
    SLOW,
    Deviation,
    Settings,
    Span,
    Symptom,
    least_spread,
    level_before,
    spread_of,
    unknown,
)
from responder.plan.recorded import Recorded, Scores

State = tuple[str, str]
"""A component and the metric in which it shows the symptom."""
GONE = "gone"
"""Not a metric: the requests do not arrive."""


class Measured:
    """A graph of calls, and what was measured of each component before and during an outage."""

    def __init__(self, graph: Mapping[str, Sequence[str]], recorded: Recorded, symptom: Symptom,
                 views: Mapping[str, str], span: Span, settings: Settings) -> None:
        self.recorded, self.symptom, self.views, self.span, self.settings = recorded, symptom, views, span, settings
        self.measures = recorded.measures
        calls = {name: {*called} for name, called in graph.items()}
        for view, component in views.items():
            calls.setdefault(view, set()).add(component)
        self.calls = {name: sorted(self._seen(calls, name)) for name in sorted(calls)}
        self.callers: dict[str, list[str]] = defaultdict(list)
        for name, called in self.calls.items():
            for other in called:
                self.callers[other].append(name)
        self._changes: dict[State, Deviation | None] = {}
        self._missing: dict[str, bool] = {}

    def _seen(self, calls: Mapping[str, set[str]], name: str) -> set[str]:
        """A component's callees; a callee without any metrics is replaced by its own callees."""
        found: set[str] = set()
        past, waiting = {name}, [*calls.get(name, ())]
        while waiting:
            other = waiting.pop()
            if other in past:
                continue
            past.add(other)
            if other in self.measures:
                found.add(other)
            else:
                waiting += calls.get(other, ())
        return found

    def missing(self, name: str) -> bool:
        """Whether it gets fewer requests than any of its callers, or the symptom's component, would let expect."""
        name = self.views.get(name, name)
        if name not in self._missing:
            above = {self.symptom.node, *self.callers[name]} - {name, *self.views}
            self._missing[name] = bool(above) and all(self._fewer(name, caller) for caller in above)
        return self._missing[name]

    def _fewer(self, name: str, caller: str) -> bool:
        mine, theirs = self.recorded.values(caller, LOAD), self.recorded.values(name, LOAD)
        usual = [value / mine[time] for time, value in theirs.items()
                 if time <= self.span.normal_end and mine.get(time)]
        now = [time for time in mine if self.span.start <= time < self.span.end]
        # One that counts at times is judged by those; one that has stopped to count gets nothing.
        now = [time for time in now if time in theirs] or now
        if len(usual) < self.settings.few or not now:
            return False
        usual.sort()
        each, seen, whole = median(usual), sum(theirs.get(time, 0.0) for time in now), sum(mine[time] for time in now)
        sure, by_chance = self.settings.sure, math.sqrt(each * whole)
        if seen >= each * whole - sure * by_chance:
            return False
        spread = spread_of(usual, each) * whole / math.sqrt(len(now))
        return seen < each * whole - sure * max(spread, by_chance)

    def unusual(self, name: str, metric: str) -> Deviation | None:
        change = self.change(name, metric)
        return change if change and change.z >= self.settings.sure else None

    def change(self, name: str, metric: str) -> Deviation | None:
        if (name, metric) not in self._changes:
            self._changes[name, metric] = self._measured(name, metric)
        return self._changes[name, metric]

    def _measured(self, name: str, metric: str) -> Deviation | None:
        scores = self.scores(name, metric)
        before, now = scores.between(self.span), scores.during(self.span)
        if scores.count < self.settings.few or not now:
            return None
        level = scores.level
        spread = max(scores.spread, unknown(scores.count) * least_spread(
            metric, level, self.usual_requests(name) or 100.0, self.settings))
        if before:
            # It may have been another day: what had moved before the outage is not its doing.
            level = level_before(level, median(before), spread, len(before))
        return Deviation(level, sum(now) / len(now) - level, spread)

    def scores(self, name: str, metric: str) -> Scores:
        """Return how bad a metric was, period by period."""
        return self.recorded.scores(name, metric, self.span.normal_end)

    def usual_requests(self, name: str) -> float:
        """Requests in a usual period; a component is called no less often than one of its callers sees."""
        return max(self.recorded.usual_requests(known, self.span.normal_end)
                   for known in (name, self.views.get(name, name)))

    def per_request(self, caller: str, called: str) -> tuple[float, float]:
        """Calls for each of the caller's requests: if all callers called alike, and if only this one called."""
        mine, theirs = self.usual_requests(caller), self.usual_requests(called)
        if caller in self.views or mine <= 0 or theirs <= 0:
            return 1.0, 1.0
        callers = {*self.callers[called], caller} - {*self.views}
        return theirs / sum(self.usual_requests(name) for name in callers), theirs / mine

    def waits(self, name: str, called: str) -> bool:
        """Whether a component is about as much slower as what it calls would make it, for all that can be seen."""
        own, change = self.change(name, SLOW), self.change(called, SLOW)
        return bool(own and change and self.per_request(name, called)[0] * change.by
                    <= self.settings.mismatch * max(0.0, own.by) + self.settings.sure * own.spread)

