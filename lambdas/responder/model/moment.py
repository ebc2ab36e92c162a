"""Points in time, as the records write them: ISO 8601 in UTC, to the millisecond, with a Z."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(moment: float) -> str:
    """Return seconds since 1970 (UTC) as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(moment: str) -> float:
    """Return an ISO 8601 time as seconds since 1970 (UTC); raises ValueError."""
    return datetime.fromisoformat(moment).timestamp()


def epoch(moment: object) -> float | None:
    """Return an ISO 8601 time as seconds since 1970 (UTC); None where there is none."""
    return seconds(moment) if isinstance(moment, str) and moment else None
