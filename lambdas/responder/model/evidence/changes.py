"""What the change ledger knows to have changed."""

from __future__ import annotations

from responder.model.change import Change
from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Changes(Detail):
    """What the change ledger knows to have changed. ``value`` is the number of changes."""

    changes: tuple[Change, ...] = ()
    """Oldest first."""
    last_look: float | None = None
    """When the last snapshot was made, seconds since 1970 (UTC)."""
    lacks: tuple[str, ...] = ()
    """Kinds whose changes are not known; ``times`` where it is not known when changes happened."""
    by_controllers: tuple[Change, ...] = ()
    """The newest that controllers made (``model/writers.py``), oldest first: nobody decided on them, so none of them is
    among ``changes``."""


KIND = Changes
