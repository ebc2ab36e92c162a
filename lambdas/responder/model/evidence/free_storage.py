"""The database's free storage in bytes."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class FreeStorage(Detail):
    """The database's free storage in bytes."""


KIND = FreeStorage
