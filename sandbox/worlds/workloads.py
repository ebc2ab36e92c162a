"""What the payment gateway and the backend are (``sandbox/platform/workloads.py``)."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from sandbox.platform.shape import Workloads
from sandbox.platform.state import World
from sandbox.worlds import Key


def apply(world: World, value: str, seed: str) -> None:
    """Let the workloads be of this kind."""
    world.shape = replace(world.shape, workloads=cast(Workloads, value))


KEY = Key("workloads", ("deployment", "statefulset", "rollout"), apply)
