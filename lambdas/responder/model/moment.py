"""Points in time, as the records write them: ISO 8601 in UTC, to the millisecond, with a Z."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(moment: float) -> str:
    """Return seconds since 1970 (UTC) as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(moment: str) -> float:
    """Return an ISO 8601 time as seconds since 1970 (UTC); raises ValueError."""
    return datetime.fromisoformat(moment).timestamp()


def iso_of(moment: str, otherwise: str) -> str:
    """Return an ISO 8601 time of any spelling as the records write it; ``otherwise`` where it is none."""
    try:
        return iso(seconds(moment))
    except ValueError:
        return otherwise


def epoch(moment: object) -> float | None:
    """Return an ISO 8601 time as seconds since 1970 (UTC); None where there is none."""
    return seconds(moment) if isinstance(moment, str) and moment else None
