"""How long the database's disk takes to write, in seconds."""

from __future__ import annotations

from dataclasses import dataclass

from responder.model.evidence import Detail


@dataclass(frozen=True)
class WriteLatency(Detail):
    """How long the database's disk takes to write, in seconds."""


KIND = WriteLatency
