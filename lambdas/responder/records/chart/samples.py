"""The measurements as they are drawn: no more points than can be told apart, and gaps where nothing was measured."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from statistics import median

from responder.model.evidence import Bucket, Series
from responder.model.frozen import dataclass
from responder.plan.series import period_seconds, total
from responder.plan.wording import clock, listed
from responder.records.chart.axes import STEPS

MOST_POINTS = 160
"""Of one line; more cannot be told apart, and make the page heavy."""
_UNKNOWN_SECONDS = 10.0
"""Length of a period where no component has two."""
_USUALLY = 5.0
"""Where fewer requests than this are usual in a period, one without any is chance."""


@dataclass(frozen=True)
class Sample:
    """What was measured in one period, or in several that are drawn as one."""

    start: float
    """Seconds since 1970 (UTC)."""
    seconds: float
    """From its start to its end."""
    measured_seconds: float
    """How much of that was measured."""
    requests: float
    errors: float

    @property
    def end(self) -> float:
        """When it ends."""
        return self.start + self.seconds

    @property
    def middle(self) -> float:
        """Where it is drawn."""
        return self.start + self.seconds / 2

    @property
    def error_rate(self) -> float:
        """Share of requests that failed, 0 where there were none."""
        return self.errors / self.requests if self.requests else 0.0

    @property
    def per_second(self) -> float:
        """Requests per second."""
        return self.requests / self.measured_seconds


Samples = tuple[Sample, ...]


@dataclass(frozen=True)
class Stretch:
    """A time in which something was not there."""

    start: float
    end: float
    components: tuple[str, ...]
    """Which had no requests; empty where nothing was measured at all."""
    last: bool = False
    """Whether it goes on to the end of the chart, which says nothing of when it ended."""


def samples(series: Mapping[str, Series], start: float, end: float) -> dict[str, Samples]:
    """Return each component's measurements in a time, in order."""
    lengths = [period_seconds(rows, 0.0) for rows in series.values()]
    known = [length for length in lengths if length]
    otherwise = min(known, default=_UNKNOWN_SECONDS)
    periods = {component: length or otherwise for component, length in zip(series, lengths, strict=True)}
    longest = max(periods.values(), default=otherwise)
    # Laid together on round times, such as each minute of the clock, where there are too many to draw.
    least = math.ceil((end - start) / MOST_POINTS / longest) * longest
    together = next((step for step in STEPS if step >= least and step % longest == 0), least)
    found = {}
    for component, rows in sorted(series.items()):
        period = periods[component]
        shown = [row for row in rows if start <= row.start < end]
        if (end - start) / period <= MOST_POINTS:
            found[component] = tuple(Sample(row.start, period, period, row.requests, row.errors) for row in shown)
        else:
            found[component] = tuple(_together(shown, period, together))
    return {component: mine for component, mine in found.items() if mine}


def _together(rows: Iterable[Bucket], period: float, step: float) -> Iterator[Sample]:
    for number, group in groupby(rows, lambda row: math.floor((row.start + period / 2) / step)):
        laid = tuple(group)
        both = total(laid)
        yield Sample(number * step, step, len(laid) * period, both.requests, both.errors)


def connected(mine: Sequence[Sample], *, requested: bool = False) -> Iterator[Samples]:
    """Yield the parts of a line between its gaps; with ``requested`` a period without requests is a gap too."""
    part: list[Sample] = []
    for sample in mine:
        if part and sample.start - part[-1].end > sample.seconds / 2:
            yield tuple(part)
            part = []
        if requested and not sample.requests:
            if part:
                yield tuple(part)
            part = []
        else:
            part.append(sample)
    if part:
        yield tuple(part)


def unmeasured(shown: Mapping[str, Samples], start: float, end: float) -> tuple[Stretch, ...]:
    """Return the times in which no component was measured."""
    every = sorted((sample.start, sample.end) for mine in shown.values() for sample in mine)
    until, found = start, []
    for first, last in [*every, (end, end)]:
        if first - until > 0.5 * (every[0][1] - every[0][0]):
            found.append(Stretch(until, first, (), first == last == end))
        until = max(until, last)
    return tuple(found)


def without_requests(shown: Mapping[str, Samples]) -> tuple[Stretch, ...]:
    """Return the times in which a component that usually has requests had none, though it was measured."""
    found: dict[tuple[float, float], list[str]] = {}
    for component, mine in shown.items():
        busy = [sample.requests for sample in mine if sample.requests]
        if busy and median(busy) < _USUALLY:
            continue
        for idle, group in groupby(mine, lambda sample: not sample.requests):
            rows = tuple(group)
            if idle and busy:
                found.setdefault((rows[0].start, rows[-1].end), []).append(component)
    return tuple(Stretch(start, end, tuple(names)) for (start, end), names in sorted(found.items()))


def steps(shown: Mapping[str, Samples]) -> tuple[float, ...]:
    """Return the lengths of the periods that are drawn, each once."""
    return tuple(sorted({sample.seconds for mine in shown.values() for sample in mine}))



def missing(stretches: Iterable[Stretch]) -> Iterator[str]:
    """Yield in words when something was not there."""
    for stretch in stretches:
        said = f"{listed(stretch.components)} had no requests" if stretch.components else "nothing was measured"
        start, end = clock(stretch.start), clock(stretch.end)
        yield f"{said} after {start}" if stretch.last else f"{said} from {start} to {end}"
