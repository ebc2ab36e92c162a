"""Changes that neither the cluster nor the account shows."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.foreign_change import ForeignChange
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class ForeignChanges(Detail):
    """Commits that were deployed, and flags that were set. ``value`` is their number."""

    changes: tuple[ForeignChange, ...] = ()
    """Oldest first."""


KIND = ForeignChanges
