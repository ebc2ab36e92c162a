"""The revisions of one component's workload."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Revision:
    """One revision."""

    revision: int
    replica_set: str
    """What keeps it: a ReplicaSet, or a ControllerRevision."""
    current: bool
    created: float
    """Seconds since 1970 (UTC)."""
    images: tuple[str, ...] = ()
    """The application's first; in older records as the template has them."""


@dataclass(frozen=True)
class Rollouts(Detail):
    """The revisions of one component's workload. ``value`` is the age of the current one in seconds."""

    revisions: tuple[Revision, ...] = ()
    """Newest first."""
    owner: str = ""
    """The GitOps tool that owns it, or Flagger; empty: none."""


KIND = Rollouts
