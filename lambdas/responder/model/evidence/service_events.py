"""AWS Health's events of this Region and of the services that are used."""

from __future__ import annotations

from typing import Literal

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class ServiceEvent:
    """One event."""

    arn: str = ""
    service: str = ""
    code: str = ""
    status: str = ""
    """``open``, ``closed`` or ``upcoming``."""
    region: str = ""
    at: float = 0.0
    """Seconds since 1970 (UTC)."""
    updated: float = 0.0
    entities: tuple[str, ...] = ()
    """The resources that AWS names as affected; none where it names none, as of a public event."""
    whose: Literal["", "service", "unknown"] = ""
    """Whether it names a resource of the service; ``unknown`` where nobody can tell. Empty in older records, whose
    events were counted by AWS service and Region alone."""


@dataclass(frozen=True)
class ServiceEvents(Detail):
    """AWS Health's events of this Region and of the services that are used. ``value`` is how many are open."""

    events: tuple[ServiceEvent, ...] = ()
    """Oldest first."""
    elsewhere: int = 0
    """How many others there are, of other services and Regions."""


KIND = ServiceEvents
