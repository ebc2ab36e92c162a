"""How far the database's replica is behind, in seconds."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class ReplicaLag(Detail):
    """How far the database's replica is behind, in seconds."""


KIND = ReplicaLag
