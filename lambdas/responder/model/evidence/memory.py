"""Memory that a component's pods use; ``value`` is the share of their limit."""

from __future__ import annotations

from dataclasses import field

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Memory(Detail):
    """Memory that a component's pods use; ``value`` is the share of their limit."""

    pods: int = 0
    used: float = 0.0
    """Bytes, of the application in all pods; in older records of all containers."""
    limit: float = 0.0
    """0: there is none."""
    requested: float = 0.0
    container: str = ""
    """The container that is the application; empty: all of the pod."""
    by_pod: dict[str, float] = field(default_factory=dict)
    """Name of a pod to the share of its limit that its application uses, the fullest 50; without a limit there is
    none."""
    sidecars: dict[str, float] = field(default_factory=dict)
    """A container beside it to the share of its own limit that it uses; those without a limit are left out."""


KIND = Memory
