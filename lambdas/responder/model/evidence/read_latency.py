"""How long the database's disk takes to read, in seconds."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class ReadLatency(Detail):
    """How long the database's disk takes to read, in seconds."""


KIND = ReadLatency
