"""RDS's events of the instance."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class DatabaseEvent:
    """One event."""

    at: float
    """Seconds since 1970 (UTC)."""
    message: str
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class DatabaseEvents(Detail):
    """RDS's events of the instance. ``value`` is their number."""

    events: tuple[DatabaseEvent, ...] = ()
    """Oldest first."""


KIND = DatabaseEvents
