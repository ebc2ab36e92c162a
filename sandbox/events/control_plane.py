"""The Kubernetes API does not answer the responder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from sandbox.events.event import Event, Fields
from sandbox.platform.layers import Layer

if TYPE_CHECKING:
    from sandbox.parts import Sandbox


class ControlPlane(Fields):
    """How it fails."""

    fault: Literal["down"]


def apply(sandbox: Sandbox, fields: ControlPlane) -> Layer[None, str]:
    """Let it answer nobody."""
    with sandbox.lock:
        sandbox.world.control_plane_down = True
        return sandbox.world.control_plane_faults.lay(None, fields.fault, "")


def heal(sandbox: Sandbox, trace: Layer[None, str]) -> None:
    """Let it answer, unless another event keeps it down."""
    with sandbox.lock:
        sandbox.world.control_plane_down = bool(sandbox.world.control_plane_faults.lift(trace))


EVENT = Event("control_plane", ControlPlane, apply, heal)
