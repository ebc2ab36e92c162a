"""Memory that a component's pods use; ``value`` is the share of their limit."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Memory(Detail):
    """Memory that a component's pods use; ``value`` is the share of their limit."""

    pods: int = 0
    used: float = 0.0
    """Bytes, of all pods."""
    limit: float = 0.0
    """0: there is none."""
    requested: float = 0.0


KIND = Memory
