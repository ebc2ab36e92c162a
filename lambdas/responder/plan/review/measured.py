"""What was measured over time: of each component one series on one grid, no request counted twice.

Each look at a source gives its periods anew, and those of another look may begin at other moments. So each look is laid
on a grid of the component's shortest period, a period's counts spread over the grid's periods by how much of it lies in
each, and of the looks at one grid period exactly one counts: one that measured all of it, late enough that its requests
had arrived, before one that did not; among equals the newest.

The sources are not added either. One that saw more of the time comes first, for a source that was blind, stale or
partial would make an outage of its own silence. Then comes one that kept every request: events may be sampled ("NRQL
reference", EXTRAPOLATE; New Relic's agents keep a limited number of events a minute), which shows where another source
counted more in the same time, and is made up for. Of those the one with the shorter periods tells more, and of equals
the one that counts and keeps no events. What the first did not see is filled in from the next. Log lines are no
requests, and are left out.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from responder.model.evidence import Bucket, Evidence, Finding, Series, Window
from responder.model.evidence.error_rate import ErrorRate
from responder.model.frozen import dataclass
from responder.plan.series import newest_start

_ARRIVES_SECONDS = 30.0
"""The last half minute may not have arrived at a source yet, where its looks do not tell how long that takes."""
_WHOLE = 0.99
"""A period of which this share was measured was measured as a whole: clocks of looks are rounded."""
_COUNTS_EACH = frozenset({"cloudwatch"})
"""Sources that count every request. Others are events, of which a vendor may keep a sample."""
_ABOUT_AS_MUCH = 0.9
_KEEPS_ALL = 0.95
_UNKNOWN_STEP = 60.0
_CLOCK = 1.0
"""Vendors give the start of a period in whole seconds."""


@dataclass(frozen=True)
class Period:
    """One period of the grid."""

    start: float
    """Seconds since 1970 (UTC)."""
    requests: float
    errors: float
    covered: float
    """The share of it that was measured, 0 to 1."""
    settled: bool
    """Whether all of its requests had arrived when it was measured."""
    known_to: float
    """To how many seconds it is known when what it counts happened: its length, and that of a source's period of which
    it is a part."""
    loose_errors: float
    """How many of ``errors`` may not be its own."""

    @property
    def whole(self) -> bool:
        """Whether all of it was measured."""
        return self.covered >= _WHOLE

    @property
    def solid(self) -> bool:
        """Whether it is measured for good."""
        return self.whole and self.settled


@dataclass(frozen=True)
class Usual:
    """What a component's normal operation was before the incident."""

    per_second: float = 0.0
    """Requests; of this hour, where the hour of the day before tells. 0: not known."""
    error_rate: float = 0.0


@dataclass(frozen=True)
class Measured:
    """One component over time."""

    component: str
    sources: tuple[str, ...]
    """The one that most comes from first."""
    step_seconds: float
    periods: tuple[Period, ...]
    """In their order; where nobody measured, there is none."""
    usual: Usual

    @property
    def series(self) -> Series:
        """The periods that were measured as a whole."""
        return tuple(Bucket(period.start, round(period.requests, 1), round(period.errors, 1))
                     for period in self.periods if period.whole)


@dataclass(frozen=True)
class _Look:
    """What one source said of one component at one time."""

    number: int
    """Grows with each look."""
    source: str
    component: str
    rows: Series
    step: float
    start: float
    end: float
    """What happened from here on was not seen."""
    settled_until: float
    partial: bool
    usual: Usual


def measured(evidence: Evidence) -> dict[str, Measured]:
    """Return each component that a source measured over time, by its name."""
    by_component: dict[str, list[_Look]] = defaultdict(list)
    for look in _looks(evidence):
        by_component[look.component].append(look)
    return {component: found for component, looks in sorted(by_component.items())
            if (found := _measured(component, looks)).periods}


def _measured(component: str, looks: Sequence[_Look]) -> Measured:
    step = min(look.step for look in looks)
    by_source: dict[str, list[_Look]] = defaultdict(list)
    for look in looks:
        by_source[look.source].append(look)
    grids = {source: _grid(mine, step) for source, mine in by_source.items()}
    seen = {source: sum(period.solid for period in grid.values()) for source, grid in grids.items()}
    most = max(seen.values())
    kept = {source: _kept(source, grids) for source in grids}

    def place(source: str) -> tuple[bool, bool, bool, float, bool, int, str]:
        return (seen[source] < _ABOUT_AS_MUCH * most, any(look.partial for look in by_source[source]),
                kept[source] < 1, min(look.step for look in by_source[source]), source not in _COUNTS_EACH,
                -seen[source], source)

    order = sorted(grids, key=place)
    periods: dict[float, Period] = {}
    used: dict[str, None] = {}
    for source in order:
        for start, period in _scaled(grids[source], kept[source]).items():
            before = periods.get(start)
            if before is None or (_quality(period) > _quality(before) and not before.whole):
                periods[start] = period
                used[source] = None
    return Measured(component, tuple(used), step, tuple(periods[start] for start in sorted(periods)),
                    by_source[order[0]][0].usual)


def _kept(source: str, grids: Mapping[str, Mapping[float, Period]]) -> float:
    """Return the share of requests that a source kept, beside one that counts each, in the time that both have; 1 where
    that is all of them, or nobody can tell.
    """
    for other in sorted(_COUNTS_EACH & grids.keys() - {source}):
        pairs = [(grids[source][start], period) for start, period in grids[other].items()
                 if period.solid and start in grids[source] and grids[source][start].solid]
        mine, every = (sum(pair[place].requests for pair in pairs) for place in (0, 1))
        if 0 < mine < _KEEPS_ALL * every:
            return mine / every
    return 1.0


def _scaled(grid: Mapping[float, Period], kept: float) -> Mapping[float, Period]:
    """Return what a source would have counted of which it kept a share."""
    return grid if kept == 1 else {start: replace(
        period, requests=period.requests / kept, errors=period.errors / kept, loose_errors=period.loose_errors / kept)
        for start, period in grid.items()}


def _grid(looks: Sequence[_Look], step: float) -> dict[float, Period]:
    """Return one source's periods on the grid: of each the best look, among equals the newest."""
    found: dict[float, Period] = {}
    for look in sorted(looks, key=lambda look: look.number):
        for period in _laid(look, step):
            before = found.get(period.start)
            if before is None or _quality(period) >= _quality(before):
                found[period.start] = period
    return found


def _quality(period: Period) -> int:
    return 2 if period.solid else 1 if period.whole else 0


def _laid(look: _Look, step: float) -> Iterator[Period]:
    """Yield the grid's periods that a look measured, at least in part."""
    requests: dict[float, float] = defaultdict(float)
    errors: dict[float, float] = defaultdict(float)
    loose: dict[float, float] = defaultdict(float)
    known_to: dict[float, float] = defaultdict(lambda: step)
    for row in (row for row in look.rows if row.start < look.end):
        # The newest period was measured until the look alone; of a later one nothing was seen.
        end = min(row.start + look.step, look.end)
        for start in _starts(row.start, end, step):
            part = (min(end, start + step) - max(row.start, start)) / (end - row.start)
            requests[start] += part * row.requests
            errors[start] += part * row.errors
            if part < _WHOLE:
                known_to[start] = step + look.step
                loose[start] += min(1.0, min(part, 1 - part) + _CLOCK / look.step) * row.errors
    for start in _starts(look.start, look.end, step):
        covered = (min(look.end, start + step) - max(look.start, start)) / step
        yield Period(start, requests[start], errors[start], covered, start + step <= look.settled_until,
                     known_to[start], loose[start])


def _starts(start: float, end: float, step: float) -> Iterator[float]:
    """Yield the starts of the grid's periods that overlap a stretch of time."""
    at = math.floor(start / step) * step
    while at < end:
        yield at
        at += step


def _looks(evidence: Evidence) -> Iterator[_Look]:
    """Yield each answer that measured a component, as they came."""
    findings = [finding for finding in evidence.every if isinstance(finding.detail, ErrorRate) and finding.usable]
    answers, heard, late = _Answers.of(findings), _heard(findings), _late(findings)
    for number, finding in enumerate(findings):
        step = answers.step(finding)
        rows, window = tuple(sorted(finding.detail.series)), finding.window
        if window is not None:
            start = _first(rows, window.start, step)
            settled = window.end - late.get(finding.source, _ARRIVES_SECONDS)
            end = min(window.end, _end(finding.source, window.start, settled, answers.newest(finding), heard, step))
        elif rows:
            start, end = rows[0].start, rows[-1].start + step
            settled = end
        else:
            continue
        yield _Look(number, finding.source, finding.component, rows, step, start, end, settled,
                    finding.status == "partial", _usual(finding.detail))


def _first(rows: Series, start: float, step: float) -> float:
    """Return where a look begins.

    Periods that begin at the clock's multiples reach back before the window's start; others begin with the window.
    """
    phase = rows[0].start % step if rows else 0.0
    first = math.floor((start - phase) / step) * step + phase
    return first if phase < _CLOCK or start - first < _CLOCK else first + step


def _heard(findings: Iterable[Finding[ErrorRate]]) -> dict[str, list[float]]:
    """Return when each source saw requests of any component: the starts of its periods."""
    found: dict[str, set[float]] = defaultdict(set)
    for finding in findings:
        found[finding.source].update(row.start for row in finding.detail.series if row.requests)
    return {source: sorted(starts) for source, starts in found.items()}


def _late(findings: Iterable[Finding[ErrorRate]]) -> dict[str, float]:
    """Return how long requests take to arrive at a source, where it was looked at more than once, in seconds.

    It is the age of a period from which on no later look found more in it.
    """
    counts: dict[tuple[str, str, float], list[tuple[float, float]]] = defaultdict(list)
    for finding in findings:
        for row in finding.detail.series:
            if finding.window is not None:
                counts[finding.source, finding.component, row.start].append((finding.window.end, row.requests))
    steps = _Answers.of(findings).shortest
    grew: dict[str, list[float]] = defaultdict(list)
    same: dict[str, list[float]] = defaultdict(list)
    for (source, _, start), seen in counts.items():
        most = max(count for _, count in seen)
        for at, count in seen if most and len(seen) > 1 else ():
            (same if count >= most else grew)[source].append(at - start - steps.get(source, _UNKNOWN_STEP))
    found: dict[str, float] = {}
    for source, ages in same.items():
        longest = max(grew[source], default=0.0)
        enough = min((age for age in ages if age > longest), default=longest)
        found[source] = enough if longest > _ARRIVES_SECONDS else min(enough, _ARRIVES_SECONDS)
    return found


def _end(source: str, start: float, arrived: float, newest: float, heard: Mapping[str, list[float]],
         step: float) -> float:
    """Return until when a look saw: to the end of its newest period with requests of any component.

    Where no other source saw requests after that either, none were made, as far as they would have arrived.
    """
    data_end = newest + step if newest else start
    for other, starts in heard.items():
        place = bisect_left(starts, data_end + step)
        if other != source and place < len(starts) and starts[place] <= arrived - step:
            return data_end
    return data_end + max(0, (arrived - data_end) // step) * step


@dataclass(frozen=True)
class _Answers:
    """What the components of one answer tell of each other."""

    starts: dict[tuple[str, Window | None], float]
    """Of the newest period with requests, by source and window."""
    steps: dict[tuple[str, Window | None], float]
    """Length of a period, where an answer has three or more that follow each other evenly."""
    shortest: dict[str, float]
    """Of each source."""

    @classmethod
    def of(cls, findings: Iterable[Finding[ErrorRate]]) -> _Answers:
        """Look at all answers."""
        starts: dict[tuple[str, Window | None], float] = defaultdict(float)
        steps: dict[tuple[str, Window | None], float] = {}
        shortest: dict[str, float] = {}
        for finding in findings:
            rows = sorted(finding.detail.series)
            key = finding.source, finding.window
            starts[key] = max(starts[key], newest_start(rows))
            gaps = [later.start - earlier.start for earlier, later in pairwise(rows)]
            if finding.detail.period_seconds:
                shortest[finding.source] = finding.detail.period_seconds
            elif gaps:
                shortest[finding.source] = min(min(gaps), shortest.get(finding.source, math.inf))
            if len(gaps) > 1 and max(gaps) - min(gaps) < _CLOCK:
                steps[key] = min(min(gaps), steps.get(key, math.inf))
        return cls(starts, steps, shortest)

    def newest(self, finding: Finding[ErrorRate]) -> float:
        """Return the start of the answer's newest period with requests, 0 where there is none."""
        return self.starts[finding.source, finding.window]

    def step(self, finding: Finding[ErrorRate]) -> float:
        """Return the length of an answer's periods; an older record's tell it themselves."""
        key = finding.source, finding.window
        return (finding.detail.period_seconds or self.steps.get(key)
                or self.shortest.get(finding.source, _UNKNOWN_STEP))


def _usual(detail: ErrorRate) -> Usual:
    day = detail.day_before
    share = 1.0
    if day and day.hour_requests and day.seconds and day.hour_seconds:
        # A shop that closes has fewer each day; that more come at this hour is not taken for granted.
        share = min(1.0, (day.requests / day.seconds) / (day.hour_requests / day.hour_seconds))
    return Usual(detail.usual_per_second * share,
                 detail.baseline_errors / detail.baseline_requests if detail.baseline_requests else 0.0)
