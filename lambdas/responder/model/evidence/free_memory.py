"""The database's freeable memory in bytes."""

from __future__ import annotations

from dataclasses import dataclass

from responder.model.evidence import Detail


@dataclass(frozen=True)
class FreeMemory(Detail):
    """The database's freeable memory in bytes."""


KIND = FreeMemory
