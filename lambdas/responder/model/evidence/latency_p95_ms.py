"""How long 95 % of the requests took at most."""

from __future__ import annotations

from typing import NamedTuple

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


class Minute(NamedTuple):
    """One minute of a component."""

    start: float
    """Seconds since 1970 (UTC)."""
    requests: float
    p95_ms: float
    """The worst of the minute's periods."""


@dataclass(frozen=True)
class LatencyP95(Detail):
    """How long 95 % of the requests took at most. ``value`` and ``baseline`` are milliseconds."""

    requests: float = 0.0
    """Requests that ``value`` is of."""
    minutes: tuple[Minute, ...] = ()
    """Baseline and window minute by minute, where the source keeps them."""


KIND = LatencyP95
