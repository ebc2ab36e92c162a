"""RDS's events of the database."""

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
    event_id: str = ""
    """``RDS-EVENT-0071``, where it is told: EventBridge and SNS have it, DescribeEvents has not."""


@dataclass(frozen=True)
class DatabaseEvents(Detail):
    """RDS's events of the instance, and of the DB cluster that it is in. ``value`` is their number."""

    events: tuple[DatabaseEvent, ...] = ()
    """Oldest first."""


KIND = DatabaseEvents
