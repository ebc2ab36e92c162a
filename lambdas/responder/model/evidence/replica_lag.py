"""How far the database's replica is behind, in seconds."""

from __future__ import annotations

from dataclasses import dataclass

from responder.model.evidence import Detail


@dataclass(frozen=True)
class ReplicaLag(Detail):
    """How far the database's replica is behind, in seconds."""


KIND = ReplicaLag
