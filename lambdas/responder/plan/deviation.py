"""How much worse a metric became, whether that is more than chance, and from when to when it lasted."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median

from responder.model.frozen import dataclass

Points = Sequence[tuple[float, float | None]]
"""Start of a period (seconds since 1970, UTC) and its value; None where nothing was measured."""

SLOW, FAIL, LOAD = "latency", "availability", "requests"
SURGE = "more requests"
"""The requests, where only more of them is trouble."""
CPU = "cpu"
"""What a component's pods use, in any unit that is alike at all times."""
SCALE = 1.4826
"""Median absolute deviation to standard deviation, for a normal distribution."""

_SEVERAL = 3
"""Values that tell a level, whatever one of them is."""
_LEAST = 1e-12
"""Instead of a standard deviation of nothing."""


@dataclass(frozen=True)
class Symptom:
    """What was noticed: a metric of a component, and when (seconds since 1970, UTC)."""

    node: str
    metric: str
    time: float


@dataclass(frozen=True)
class Settings:
    """The constants of the method; ``docs/isolation.md`` argues each and shows what happens when it moves."""

    sure: float = 3.0
    """Standard deviations from which a difference is no chance; the same three as in ``responder.plan.rates``."""
    risk: float = 0.001
    """Chance that a component is named where nothing is wrong, for an alarm."""
    tail: float = 0.05
    """The bad end of normal operation, from which what is rarer is extrapolated."""
    recent: float = 3600.0
    """Seconds before the alarm that tell the level at which the outage began."""
    run: int = 2
    """Periods in a row that a symptom lasts: a single one is over when somebody looks."""
    floor: float = 0.02
    """Least standard deviation, as a share of the level, of what is no count: monitoring is not more exact."""
    mismatch: float = 3.0
    """A callee that should make its caller this many times as slow as it is, is not waited for."""
    risk_of_origin: float = 0.05
    """Chance that any component of the graph stands out where nothing is wrong, once there is a symptom."""
    risk_unseen: float = 1e-9
    """The same, once the symptom's component shows nothing. Latency has heavier tails than the exponential one by which
    chance is reckoned, and work that nobody waits for has bad times of its own."""
    least_ratio: float = 0.05
    """What changes by less than a twentieth does not stand out: releases and hours of the day differ so much."""
    few: int = 3
    """Values of normal operation without which nothing is known of it, and times that a callee was in trouble before,
    from which it is known whether its callers feel it."""


@dataclass(frozen=True)
class Span:
    """Where normal operation ends, and the first moment of the outage and the one after it, seconds since 1970."""

    normal_end: float
    start: float
    end: float


@dataclass(frozen=True)
class Deviation:
    """How much worse a metric is than before, in its own unit, and the standard deviation of normal operation."""

    before: float
    by: float
    spread: float

    @property
    def z(self) -> float:
        """In standard deviations of normal operation."""
        return self.by / max(self.spread, _LEAST)


def span_of(kinds: Mapping[str, Points], symptom: Symptom, settings: Settings, certain: bool) -> Span | None:
    """When the symptom was there, or None where it was not beyond what normal operation shows."""
    points = sorted((time, value) for time, value in kinds.get(symptom.metric, ()) if value is not None)
    times = [time for time, _ in points]
    if len(times) < settings.few:
        return None
    period = median(later - earlier for earlier, later in pairwise(times))
    normal_end = _normal_end(times, symptom.time - period, settings)
    ends, alarm = bisect_right(times, normal_end), bisect_right(times, symptom.time - period)
    run = min(settings.run, len(times) - alarm)
    if ends < settings.few or not run:
        return None
    bad = anomaly_scores([value for _, value in points], symptom.metric, ends)
    usual, back = median(bad[:ends]), alarm - ends
    spread = spread_of(bad[:ends], usual)

    def level(at: int) -> float:
        """The value before: the median; the better of two, because the outage may be older than its alarm."""
        return _moved(usual, sorted(bad[at - back:at])[(back - 1) // 2], spread, back) if back else usual

    def height(at: int) -> float:
        return min(bad[at:at + run])

    places = range(alarm, len(times) - run + 1)
    # An alarm is looked at in so many places, and all of them may mislead no more often than one.
    limit = _rare([height(at) - level(at) for at in range(back, ends - run + 1)], settings.risk / len(places), settings)
    before = level(alarm)
    at = max(places, key=lambda place: (height(place), -place))
    noise = least_spread(symptom.metric, before, _usual_requests(kinds, normal_end), settings) * unknown(ends)
    if not certain and (height(at) - before <= max(limit, settings.sure * noise) or height(at) <= usual):
        return None
    half, first, final = (before + height(at)) / 2, at, at + run - 1
    while first > ends and bad[first - 1] > half:
        first -= 1
    while final + 1 < len(times) and bad[final + 1] > half:
        final += 1
    return Span(normal_end, times[first], times[final] + period / 2)


def from_alarm(series: Mapping[str, Mapping[str, Points]], symptom: Symptom, settings: Settings) -> Span | None:
    """The time from the period in which the alarm was, to the end of what was measured; None where nothing was.

    The periods are those of the symptom; where nobody measured that, of all that was measured.
    """
    own = {time for time, value in series.get(symptom.node, {}).get(symptom.metric, ()) if value is not None}
    times = sorted(own if len(own) >= settings.few else {
        time for kinds in series.values() for points in kinds.values() for time, value in points if value is not None})
    if len(times) < settings.few:
        return None
    period = median(later - earlier for earlier, later in pairwise(times))
    return Span(_normal_end(times, symptom.time - period, settings), symptom.time - period / 2, times[-1] + period / 2)


def _normal_end(times: Sequence[float], alarm: float, settings: Settings) -> float:
    """The last hour is left out, unless nothing is known from before."""
    long_before = alarm - settings.recent
    return long_before if bisect_right(times, long_before) >= settings.few else alarm


def level_before(usual: float, before: float, spread: float, count: int) -> float:
    """The level before an outage: the usual one, moved to what was last seen as far as that is no chance.

    Down, so that the outage looks worse, it is moved by several values alone: a single low one is as often a hole in
    what was measured.
    """
    return usual if before < usual and count < _SEVERAL else _moved(usual, before, spread, count)


def _moved(usual: float, before: float, spread: float, count: int) -> float:
    """A difference of z standard errors is shrunk by 1 / z² (James and Stein 1961)."""
    difference, error = before - usual, spread / math.sqrt(count)
    return usual + difference * (1 - (error / difference) ** 2) if abs(difference) > error else usual


def spread_of(values: Sequence[float], centre: float) -> float:
    """The standard deviation by the median deviation, made wider as far as few values leave it unknown."""
    return SCALE * median([abs(value - centre) for value in values]) * unknown(len(values))


def unknown(count: int) -> float:
    """By what so few values widen three standard deviations: about what Student's t has instead (3 values: 6)."""
    return 1 + 50 / count ** 2


def _rare(values: Sequence[float], risk: float, settings: Settings) -> float:
    """The value that chance exceeds with probability ``risk``.

    Source: peaks over a threshold with an exponential tail (Pickands 1975).
    """
    ordered = sorted(values)
    if not ordered:
        return 0.0
    # Too few values have no tail: then it is all that is over the middle.
    first = min(math.ceil(len(ordered) * (1 - settings.tail)) - 1, max(len(ordered) - 2, len(ordered) // 2))
    over = [value - ordered[first] for value in ordered[first + 1:]]
    if not over:
        return ordered[-1]
    return ordered[first] + sum(over) / len(over) * max(0.0, math.log(len(over) / len(ordered) / risk))


def anomaly_scores(values: Sequence[float], metric: str, normal: int) -> list[float]:
    """Return values so that more is worse.

    They are seconds, requests, the failing share, or the distance from the median of the first ``normal`` values.
    """
    if metric in (SLOW, SURGE, CPU):
        return list(values)
    if metric == FAIL:
        whole = 100.0 if max(values, default=0.0) > 1.0 else 1.0
        return [1 - value / whole for value in values]
    centre = median(values[:normal]) if normal else 0.0
    return [abs(value - centre) for value in values]


def least_spread(metric: str, level: float, requests: float, settings: Settings) -> float:
    """The standard deviation that is there at least: that of a count, or of what is measured."""
    if metric == SURGE:
        return math.sqrt(max(1.0, level))
    if metric == FAIL:
        share = min(0.5, max(level, 1 / (requests + 2)))
        return math.sqrt(share * (1 - share) / max(1.0, requests))
    return settings.floor * abs(level)


def _usual_requests(kinds: Mapping[str, Points], until: float) -> float:
    """Requests in a period of normal operation; a hundred where nobody counts them."""
    return median([value for time, value in kinds.get(LOAD, ()) if value is not None and time <= until] or [100.0])
