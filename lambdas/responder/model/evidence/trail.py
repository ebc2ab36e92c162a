"""Changes of the account that CloudTrail tells of."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from responder.model.codec import Json
from responder.model.evidence import Detail
from responder.model.frozen import dataclass

Topic = Literal["network", "rotation", "database", "cluster", "other"]


@dataclass(frozen=True)
class TrailEvent:
    """One call that changed something."""

    at: float
    """Seconds since 1970 (UTC)."""
    name: str
    source: str = ""
    """``ec2.amazonaws.com``, …"""
    topic: Topic = "other"
    by: str = ""
    resources: tuple[str, ...] = ()
    parameters: dict[str, Json] = field(default_factory=dict)
    """The request's, masked; empty where they are long."""


@dataclass(frozen=True)
class Trail(Detail):
    """Changes of the account that CloudTrail tells of. ``value`` is their number."""

    events: tuple[TrailEvent, ...] = ()
    """Oldest first."""
    complete_until: float | None = None
    """Seconds since 1970 (UTC): CloudTrail tells of what came later with a delay."""


KIND = Trail
