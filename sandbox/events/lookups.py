"""Somebody else in the cluster asks its DNS very often."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from sandbox.events.event import Event, Fields
from sandbox.platform.layers import Layer

if TYPE_CHECKING:
    from sandbox.parts import Sandbox


class Lookups(Fields):
    """How often."""

    per_second: float = Field(gt=0)
    """Lookups a second, beside those of the platform."""


def apply(sandbox: Sandbox, fields: Lookups) -> Layer[None, float]:
    """Begin to ask."""
    with sandbox.lock:
        return sandbox.world.foreign_lookups.lay(None, fields.per_second, 0.0)


def heal(sandbox: Sandbox, trace: Layer[None, float]) -> None:
    """Ask no more."""
    with sandbox.lock:
        sandbox.world.foreign_lookups.lift(trace)


EVENT = Event("lookups", Lookups, apply, heal)
