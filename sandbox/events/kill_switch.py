"""Somebody stops all remedies, or lets them go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.events.event import Event, Fields
from sandbox.platform.layers import Layer

if TYPE_CHECKING:
    from sandbox.parts import Sandbox

RELEASED = "released"


class KillSwitch(Fields):
    """The value of the switch; ``engaged`` stops all remedies."""

    value: str = "engaged"


def apply(sandbox: Sandbox, fields: KillSwitch) -> Layer[None, str]:
    """Set the switch."""
    with sandbox.lock:
        layer = sandbox.world.kill_switch.lay(None, fields.value, RELEASED)
    sandbox.set_kill_switch(fields.value)
    return layer


def heal(sandbox: Sandbox, trace: Layer[None, str]) -> None:
    """Set the switch to what the other events say, or release it."""
    with sandbox.lock:
        value = sandbox.world.kill_switch.lift(trace)
    sandbox.set_kill_switch(value)


EVENT = Event("kill_switch", KillSwitch, apply, heal)
