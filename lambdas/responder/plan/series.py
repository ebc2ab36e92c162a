"""Requests and failures period by period: sums, and the length of a period."""

from __future__ import annotations

from collections.abc import Iterable

from responder.model.evidence import Bucket
from responder.plan.times import shortest_step


def total(series: Iterable[Bucket]) -> Bucket:
    """Return the requests and failures of all periods together, with the start of the first; 0 where there is none."""
    rows = tuple(series)
    return Bucket(rows[0].start if rows else 0.0, sum(row.requests for row in rows), sum(row.errors for row in rows))


def period_seconds(series: Iterable[Bucket], unknown: float = 60.0) -> float:
    """Return the length of a period: the shortest time between two starts; ``unknown`` for fewer than two periods."""
    return shortest_step((period.start for period in series), unknown)


def newest_start(series: Iterable[Bucket]) -> float:
    """Return the start of the newest period with requests, seconds since 1970 (UTC); 0 where there is none."""
    return max((period.start for period in series if period.requests), default=0.0)


def trailing(series: Iterable[Bucket], seconds: float) -> list[Bucket]:
    """Return the periods that start within so many seconds before the newest period with requests, and later ones."""
    rows = tuple(series)
    since = newest_start(rows) - seconds
    return [period for period in rows if period.start > since]
