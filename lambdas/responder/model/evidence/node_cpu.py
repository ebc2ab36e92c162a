"""CPU that the nodes use."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class NodeCpu(Detail):
    """CPU that the nodes use. ``value`` is the share of what the fullest node has to give."""

    fullest: str = ""
    """Its name."""
    nodes: int = 0


KIND = NodeCpu
