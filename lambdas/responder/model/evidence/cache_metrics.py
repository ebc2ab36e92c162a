"""What a cache tells of itself; ``value`` and ``baseline`` are its hit ratio, 0 to 1."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class CacheMetrics(Detail):
    """What a cache tells of itself; ``value`` and ``baseline`` are its hit ratio, 0 to 1, ``component`` is
    ``dependency:NAME``.
    """

    lookups: float = 0.0
    """Hits and misses in the newest whole minute."""
    evictions: float = 0.0
    """Items a minute that it dropped for want of memory."""
    baseline_evictions: float = 0.0
    cpu: float | None = None
    """Share of what its engine may use of its processor, 0 to 1, of the busiest node; None: not known."""
    connections: float | None = None
    baseline_connections: float | None = None


KIND = CacheMetrics
