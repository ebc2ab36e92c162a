"""Whether references of images carry a digest: ``repo:tag`` or ``repo:tag@sha256:…``."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from sandbox.platform.shape import Images
from sandbox.platform.state import World
from sandbox.worlds import Key


def apply(world: World, value: str, seed: str) -> None:
    """Let references of images be so."""
    world.shape = replace(world.shape, images=cast(Images, value))


KEY = Key("images", ("tag", "digest"), apply)
