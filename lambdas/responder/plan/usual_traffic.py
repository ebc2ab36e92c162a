"""How many requests are usual at a time: those of the same time of the last weeks.

CloudWatch's metric math cannot look back a week, so what is usual is published as a metric, ahead of time. The alarms
on loss of traffic compare with it (``docs/alarms.md``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from statistics import median

METRIC = "UsualRequestsPerSecond"
"""The metric, by service; its namespace is the deployment's prefix."""
STEP_SECONDS = 600
"""What is usual is known for steps of ten minutes. CloudWatch keeps periods of five minutes for 63 days."""
WEEKS = 4
_KNOWN_WEEKS = 2
"""One week alone is not enough: it may have had an outage, or a holiday."""


def same_times(start: float, end: float, zone: tzinfo = UTC) -> Iterator[tuple[float, float]]:
    """Yield the same time of each of the last weeks, in seconds since 1970 (UTC), the newest week first.

    By the clock of ``zone``: people keep their habits when the clock is put forward.
    """
    for week in range(1, WEEKS + 1):
        back = timedelta(weeks=week)
        first, last = ((datetime.fromtimestamp(at, zone) - back).timestamp() for at in (start, end))
        yield first, last


def by_week(counts: Mapping[float, float], times: Sequence[tuple[float, float]]) -> list[dict[float, float]]:
    """Return for each of some stretches of time what was counted in it, by step (0, 1, …).

    ``counts`` has the start of each step of all the time, in seconds since 1970 (UTC), as have ``times``.
    """
    return [{(at - start) // STEP_SECONDS: count for at, count in counts.items() if start <= at < end}
            for start, end in times]


def usual(weeks: Sequence[Mapping[float, float]], steps: int) -> list[float | None]:
    """Return the usual requests a second for each step of a time; None where fewer than two weeks say something.

    ``weeks`` has for each week the number of requests by step (0, 1, …). A step that is missing had no requests, unless
    the whole week is missing: a count of nothing is not published. The median leaves out one odd week, such as one with
    an outage or a holiday.
    """
    known = [week for week in weeks if week]
    if len(known) < _KNOWN_WEEKS:
        return [None] * steps
    return [median(week.get(step, 0.0) for week in known) / STEP_SECONDS for step in range(steps)]
