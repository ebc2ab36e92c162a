"""Connections of the database: ``value`` now, ``baseline`` the median before."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Connections(Detail):
    """Connections of the database: ``value`` now, ``baseline`` the median before."""

    maximum: int = 0
    """How many it takes at most; 0: not known."""
    at: float | None = None
    """When the period of ``value`` began, seconds since 1970 (UTC); None: not known."""


KIND = Connections
