"""A change that neither the cluster nor the database shows: a commit, a flag, infrastructure as code, a DNS record."""

from __future__ import annotations

from typing import Literal

from responder.model.frozen import dataclass

ForeignKind = Literal["commit", "flag", "infrastructure"]


@dataclass(frozen=True)
class Deployed:
    """When a change came into effect at one component."""

    component: str
    at: float
    """Seconds since 1970 (UTC)."""


@dataclass(frozen=True)
class ForeignChange:
    """One change that somebody made outside the cluster's objects."""

    id: str
    """A commit's hash, a flag's key, an event's id."""
    kind: ForeignKind
    at: float
    """When it was made (a commit: merged), seconds since 1970 (UTC)."""
    by: str = ""
    """Who made it."""
    title: str = ""
    """What they say that it is, one line."""
    files: tuple[str, ...] = ()
    diff: str = ""
    """The changed lines, with ``-`` and ``+`` before them; empty where they are not known."""
    component: str = ""
    """What it is about, where its system says so."""
    deployed: tuple[Deployed, ...] = ()
    """Where it is known to be in effect; empty: not known, or nowhere."""
    before: str = ""
    """A flag's former value; empty: not known."""
    after: str = ""
