"""Whether the platform's pods are in a service mesh (``sandbox/platform/mesh.py``)."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import cast

from sandbox.platform.shape import Injection, Mesh
from sandbox.platform.state import World
from sandbox.worlds import Key

_INJECTIONS: tuple[Injection, ...] = ("native", "native", "last", "first")
"""Since Kubernetes 1.29 and Istio 1.27 the proxy is a native sidecar by default; older settings are kept by many."""


def apply(world: World, value: str, seed: str) -> None:
    """Let the pods be in the mesh; the seed says how the proxy gets into them."""
    injection = random.Random(f"injection {seed}").choice(_INJECTIONS)
    world.shape = replace(world.shape, mesh=cast(Mesh, value), injection=injection)


KEY = Key("mesh", ("none", "istio"), apply)
