"""What instruments the components for New Relic, and how much of it New Relic keeps (``sandbox/vendors``)."""

from __future__ import annotations

from sandbox.platform.spoken import Spoken
from sandbox.platform.state import World
from sandbox.worlds import Key


def apply(world: World, value: str, seed: str) -> None:
    """Let New Relic speak so."""
    world.newrelic = Spoken(value, seed)


KEY = Key("newrelic", ("agents", "opentelemetry", "python", "whole"), apply)
