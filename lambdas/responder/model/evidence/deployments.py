"""Deployments that somebody marked in New Relic."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Marker:
    """One deployment."""

    at: float
    """Seconds since 1970 (UTC)."""
    component: str = ""
    version: str = ""
    user: str = ""


@dataclass(frozen=True)
class Deployments(Detail):
    """Deployments that somebody marked in New Relic. ``value`` is their number."""

    markers: tuple[Marker, ...] = ()


KIND = Deployments
