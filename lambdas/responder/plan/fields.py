"""What a remedy writes of the objects that the change ledger watches."""

from __future__ import annotations

from responder.model.codec import Json
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Field:
    """A field of an object that the change ledger watches, and that a remedy has written."""

    kind: str
    name: str
    path: tuple[str, ...] = ()
    """The field, and all below it; empty: the whole object."""
    values: tuple[Json, ...] = ()
    """What it was set to, or one of these; empty: the record does not say."""
