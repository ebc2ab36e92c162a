"""The database's freeable memory in bytes."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class FreeMemory(Detail):
    """The database's freeable memory in bytes."""


KIND = FreeMemory
