"""The cluster's nodes."""

from __future__ import annotations

from dataclasses import field

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Nodes(Detail):
    """The cluster's nodes. ``value`` is the share that is ready.

    Nodes that an autoscaler brings or takes are told apart, and count nowhere else.
    """

    names: tuple[str, ...] = ()
    not_ready: tuple[str, ...] = ()
    unschedulable: tuple[str, ...] = ()
    """Nodes that take no new pods (cordoned)."""
    pressure: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """A condition such as ``MemoryPressure`` to the nodes that have it."""
    coming: tuple[str, ...] = ()
    """Nodes that have just joined, and have not been ready yet."""
    going: tuple[str, ...] = ()
    """Nodes that an autoscaler has emptied, or is about to."""
    zones_down: tuple[str, ...] = ()
    """Availability zones of which no node is ready, while nodes of others are."""


KIND = Nodes
