"""What was measured of each component, put in order once: whatever is asked of it later reads the same lists.

Of a recording with a thousand periods a component, putting series in order and taking medians is most of the work.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from statistics import median

from responder.plan.deviation import LOAD, SURGE, Points, Span, anomaly_scores, spread_of

_time = itemgetter(0)


class Scores:
    """How bad one metric of a component was, period by period; the first ``count`` are normal operation."""

    def __init__(self, times: Sequence[float], worse: Sequence[float], count: int) -> None:
        self.times, self.worse, self.count = times, worse, count

    @property
    def normal(self) -> Sequence[float]:
        """The scores of normal operation."""
        return self.worse[:self.count]

    @cached_property
    def level(self) -> float:
        """The median of normal operation, of which there must be some."""
        return median(self._ordered)

    @cached_property
    def spread(self) -> float:
        """The standard deviation of normal operation."""
        return spread_of(self._ordered, self.level)

    @cached_property
    def _ordered(self) -> Sequence[float]:
        return sorted(self.normal)

    @cached_property
    def by_time(self) -> Mapping[float, float]:
        """The scores of normal operation, by the start of their periods."""
        return dict(zip(self.times[:self.count], self.worse, strict=False))

    def between(self, span: Span) -> Sequence[float]:
        """Return the scores after normal operation and before the outage."""
        return self.worse[self.count:bisect_left(self.times, span.start)]

    def during(self, span: Span) -> Sequence[float]:
        """Return the scores of the outage."""
        return self.worse[bisect_left(self.times, span.start):bisect_left(self.times, span.end)]


class Recorded:
    """All series, by component and metric; a period without a value is left out."""

    def __init__(self, series: Mapping[str, Mapping[str, Points]]) -> None:
        self._series = series
        self._values: dict[tuple[str, str], Mapping[float, float]] = {}
        self._scores: dict[tuple[str, str, float], Scores] = {}
        self._usual: dict[tuple[str, float], float] = {}
        self.measures = frozenset(name for name, kinds in series.items() if any(
            value is not None for points in kinds.values() for _, value in points))
        """Components of which anything was measured."""

    def counts(self, name: str) -> bool:
        """Whether somebody counts a component's requests, if there are any."""
        return LOAD in self._series.get(name, {})

    def values(self, name: str, metric: str) -> Mapping[float, float]:
        """Return a metric's values by the start of their periods, in the order of time; empty where there are none."""
        if (name, metric) not in self._values:
            points = self._series.get(name, {}).get(metric, ())
            known = [point for point in points if point[1] is not None]
            self._values[name, metric] = {time: value for time, value in sorted(known, key=_time) if value is not None}
        return self._values[name, metric]

    def scores(self, name: str, metric: str, normal_end: float) -> Scores:
        """Return how bad a metric was; normal operation are the periods that begin until ``normal_end``."""
        key = name, metric, normal_end
        if key not in self._scores:
            values = self.values(name, LOAD if metric == SURGE else metric)
            times = [*values]
            count = bisect_right(times, normal_end)
            self._scores[key] = Scores(times, anomaly_scores([*values.values()], metric, count), count)
        return self._scores[key]

    def usual_requests(self, name: str, normal_end: float) -> float:
        """Return the requests of a usual period; 0 where nobody counts them."""
        if (name, normal_end) not in self._usual:
            values = self.values(name, LOAD)
            normal = [*values.values()][:bisect_right([*values], normal_end)]
            self._usual[name, normal_end] = median(normal) if normal else 0.0
        return self._usual[name, normal_end]
