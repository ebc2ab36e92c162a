"""The database's free storage in bytes."""

from __future__ import annotations

from dataclasses import dataclass

from responder.model.evidence import Detail


@dataclass(frozen=True)
class FreeStorage(Detail):
    """The database's free storage in bytes."""


KIND = FreeStorage
