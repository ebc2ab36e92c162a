"""How long the database's disk takes to read, in seconds."""

from __future__ import annotations

from dataclasses import dataclass

from responder.model.evidence import Detail


@dataclass(frozen=True)
class ReadLatency(Detail):
    """How long the database's disk takes to read, in seconds."""


KIND = ReadLatency
