"""When a component's symptom began and ended, by one rule, and how many of its requests did not come.

A period is bad in which more failed than its usual failures explain by chance, or in which hardly any request came. Of
the latter two follow each other: a single quiet period is over when somebody looks. Bad periods with less than half a
minute between them are one run, and a run counts that has two of them, or one that no chance explains. The outage is
from the first run that touches the incident to the last.

Within its first and last period the moment follows from the share of it that was bad, beside the period next to it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median

from responder.model.frozen import dataclass
from responder.plan.rates import Z
from responder.plan.review.measured import Measured, Period

_RARE = 1e-4
"""A period is bad where chance alone would make one of ten thousand as bad."""
_NO_CHANCE = 1e-9
"""The same of a single period: there are many in a year."""
_FEWEST_FAILURES = 3
_HARDLY_ANY = 0.5
"""Fewer than this share of what was to be expected, and no chance either."""
_BETWEEN_SECONDS = 30.0
_BEFORE_SECONDS = 60.0
"""A run that ended so long before the incident's first sign belongs to it."""
_LEAST_BEFORE = 3
"""With fewer well periods before the outage the hour alone tells what is usual."""
_HOUR_DIFFERS = 0.1
"""Standard error of an hour's mean as what is usual in the next minutes, as a share."""
_LOOSE = 0.1
"""A period tells how bad the outage was where no more of its failures than this share may be another's."""
_SURE = 2.0
"""Standard errors that are said beside a count: it is further off once in twenty times."""
_HOUR_SECONDS = 3600.0
_MINUTE_DIFFERS = 0.02
"""The same of an hour with which the minutes before agree."""
_DISPERSION = 1.5
"""Requests come in clusters: their standard deviation as a multiple of what independent ones have."""
_ENOUGH_BEFORE = 8
"""Periods from which their own spread is known."""
_OF_MEDIAN = 1.25
"""Standard error of a median as a multiple of a mean's (normal distribution: the root of pi / 2)."""
_SCALE = 1.4826
"""Median absolute deviation to standard deviation, of a normal distribution."""


@dataclass(frozen=True)
class Level:
    """How many requests were to be expected in a period, and how sure that is."""

    requests: float
    error: float
    """Standard error of ``requests``: what all periods share."""
    spread: float
    """Standard deviation of one period by chance."""


@dataclass(frozen=True)
class Outage:
    """When the symptom was there; moments in seconds since 1970 (UTC)."""

    onset: float
    end: float | None
    """None: it was still there when it was last measured."""
    until: float
    """The end of the last of ``periods``."""
    periods: tuple[Period, ...]
    """From the first bad one to the last; of an outage that goes on, those that are measured for good."""
    level: Level | None
    """None: not known."""
    times: tuple[tuple[float, float], ...]
    """From when to when it was there: it may have gone and come back in between."""
    unsure: float
    """Requests of the first and the last period of which nobody can tell which part of it was bad."""


def outage(measured: Measured, since: float) -> Outage | None:
    """Return the outage whose first sign was at ``since``; None where no period is bad."""
    step, usual = measured.step_seconds, measured.usual
    periods = [period for period in measured.periods if period.covered]
    level = _level([period for period in periods if period.start + step <= since], measured)
    quiet = _quiet(periods, level, step)
    bad = [period for period in periods if _fails(period, usual.error_rate) or period.start in quiet]
    runs = [run for run in _runs(bad, step) if run[-1].start + step > since - _BEFORE_SECONDS
            and _counts(run, usual.error_rate)]
    if not runs:
        return None
    first, last = runs[0][0], runs[-1][-1]
    within = tuple(period for period in periods if first.start <= period.start <= last.start)
    after = [period for period in periods if period.start > last.start]
    fewer = _fewer(within, level, step)
    begun, ended = _bad_share(first, runs[0][1:2], fewer), _bad_share(last, runs[-1][-2:-1], fewer)
    onset = first.start + step * (1 - (begun or 1.0))
    unsure = first.requests if begun is None else 0.0
    over = sum(period.covered for period in after) >= 1
    kept = within if over else _for_good(within)
    until = kept[-1].start + (1.0 if over else kept[-1].covered) * step
    end = last.start + step * (ended or 1.0) if over else None
    times = [(run[0].start + step * (1 - (_bad_share(run[0], run[1:2], fewer) or 1.0)),
              min(until, run[-1].start + step * (_bad_share(run[-1], run[-2:-1], fewer) or 1.0))) for run in runs]
    if over and ended is None and last is not first:
        unsure += last.requests
    return Outage(onset, end, until, kept, level, tuple(times), unsure)


def missing(found: Outage, step: float) -> tuple[float, float]:
    """Return how many requests did not come in an outage, and by how much that may be wrong; 0 where it may be chance.

    Only periods count of which all requests have arrived, and that with the period beside them had fewer than chance
    explains: more requests at another time make up for none of these.
    """
    level = found.level
    if level is None:
        return 0.0, 0.0
    fewer = _fewer(found.periods, level, step)
    if not fewer:
        return 0.0, 0.0
    hours = min(1.0, (max(fewer) - min(fewer)) / _HOUR_SECONDS)
    return sum(fewer.values()), _SURE * math.hypot(level.spread * math.sqrt(len(fewer)), level.error * len(fewer),
                                      _HOUR_DIFFERS * level.requests * len(fewer) * hours)


def chance_of(count: float, mean: float) -> float:
    """Return the probability of ``count`` or more where ``mean`` are expected (Poisson)."""
    whole = math.ceil(count)
    if whole <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    log = whole * math.log(mean) - mean - math.lgamma(whole + 1)
    term = total = math.exp(log)
    number = whole
    while term > total * 1e-12 and number < whole + 10_000:
        number += 1
        term *= mean / number
        total += term
    return min(1.0, total)


def _level(before: Sequence[Period], measured: Measured) -> Level | None:
    """Return what was to be expected: by the well periods before, but no more than is usual at that hour.

    Where both agree the hour tells, for it has more requests.
    """
    step, usual = measured.step_seconds, measured.usual
    hour = usual.per_second * step
    well = [period.requests for period in before if period.whole and not _fails(period, usual.error_rate)]
    if not hour and len(well) < _LEAST_BEFORE:
        return None
    centre = median(well or [hour])
    spread = _DISPERSION * math.sqrt(max(centre, 1.0))
    if len(well) >= _ENOUGH_BEFORE:
        spread = max(spread, _SCALE * median(abs(value - centre) for value in well))
    error = _OF_MEDIAN * spread / math.sqrt(max(1, len(well)))
    if hour and well and abs(hour - centre) <= Z * error:
        return Level(hour, min(error, _MINUTE_DIFFERS * hour), spread)
    if len(well) < _LEAST_BEFORE or (hour and hour < centre):
        # More than usual came before: that all of it would have gone on is not known.
        return Level(hour, _HOUR_DIFFERS * hour, spread)
    return Level(centre, error, spread)


def _fails(period: Period, usual: float) -> bool:
    return period.errors >= _FEWEST_FAILURES and chance_of(period.errors, usual * period.requests) < _RARE


def _short(period: Period, level: Level | None) -> bool:
    """Whether fewer requests came than chance explains, in a period of which all would have arrived."""
    return (level is not None and period.solid
            and level.requests - period.requests > Z * math.hypot(level.spread, level.error))


def _for_good(periods: tuple[Period, ...]) -> tuple[Period, ...]:
    """Leave out the newest periods that may still grow, where any others are left."""
    for last in range(len(periods), 0, -1):
        if periods[last - 1].solid:
            return periods[:last]
    return periods


def _runs(bad: Sequence[Period], step: float) -> list[list[Period]]:
    runs: list[list[Period]] = []
    for period in bad:
        if runs and period.start - runs[-1][-1].start - step < _BETWEEN_SECONDS:
            runs[-1].append(period)
        else:
            runs.append([period])
    return runs


def _fewer(periods: Sequence[Period], level: Level | None, step: float) -> dict[float, float]:
    """Return the start of each of two or more short periods that follow each other to the requests that did not come.
    """
    short = {period.start: level.requests - period.requests for period in periods
             if level is not None and _short(period, level)}
    return {start: by for start, by in short.items() if start - step in short or start + step in short}


def _quiet(periods: Sequence[Period], level: Level | None, step: float) -> set[float]:
    """Return the starts of two or more periods that follow each other in which hardly any request came.

    In the period before and after them it may have begun or ended: where that is short of requests, it is one of them.
    """
    short = {period.start: period.requests for period in periods if _short(period, level)}
    silent = {start for start, requests in short.items() if level and requests < _HARDLY_ANY * level.requests}
    pairs = {start for start in silent if start - step in silent or start + step in silent}
    return {start for start in short if {start, start - step, start + step} & pairs}


def _counts(run: Sequence[Period], usual: float) -> bool:
    return len(run) > 1 or chance_of(run[0].errors, usual * run[0].requests) < _NO_CHANCE


def _bad_share(period: Period, beside: Sequence[Period], fewer: Mapping[float, float]) -> float | None:
    """Return which share of a period was bad, by how bad the period next to it in the outage is.

    ``fewer`` is the start of each short period to the requests that did not come. All of it was bad where chance alone
    may make the difference. None: there is no period next to it, or its counts are not its own.
    """
    if not beside or beside[0].loose_errors > _LOOSE * beside[0].errors:
        return None
    (here, chance), (there, other) = (_badness(one, fewer) for one in (period, beside[0]))
    return 1.0 if there - here <= _SURE * math.hypot(chance, other) else here / there


def _badness(period: Period, fewer: Mapping[float, float]) -> tuple[float, float]:
    """Return the share of requests that failed or did not come, and its standard error."""
    by = fewer.get(period.start, 0.0)
    whole = period.requests + by
    if not whole:
        return 1.0, 0.0
    share = min(1.0, (period.errors + by) / whole)
    return share, math.sqrt((share * (1 - share) + (_DISPERSION ** 2 if by else 0.0)) / whole)
