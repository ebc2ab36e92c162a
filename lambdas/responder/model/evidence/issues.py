"""New Relic's open issues."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Issue:
    """One issue."""

    id: str
    priority: str = ""
    title: str = ""
    entities: tuple[str, ...] = ()


@dataclass(frozen=True)
class Issues(Detail):
    """New Relic's open issues. ``value`` is their number."""

    issues: tuple[Issue, ...] = ()


KIND = Issues
