"""Values of the gateway's ConfigMap change, and pods that read them behave so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from sandbox.events.event import Event, Fields, Scalar
from sandbox.platform.state import Setting

if TYPE_CHECKING:
    from sandbox.parts import Sandbox
    from sandbox.platform.changes import ObjectChange


class Configuration(Fields):
    """Keys and their values, and what reading them does."""

    set: dict[str, Scalar] = Field(min_length=1)
    error_rate: float = Field(0, ge=0, le=1)
    latency_ms: float = Field(0, ge=0)
    log: str = ""


@dataclass(frozen=True)
class Trace:
    """What was changed, and which value carries the effect."""

    change: ObjectChange
    value: tuple[str, str]
    effect: Setting


def apply(sandbox: Sandbox, fields: Configuration) -> Trace:
    """Set the values."""
    effect = Setting(fields.error_rate, fields.latency_ms, fields.log)
    # One value carries the effect, so that several keys set at once do not add it up.
    value = next(iter(fields.set.items()))
    with sandbox.lock:
        sandbox.world.settings.setdefault(value, []).append(effect)
    return Trace(sandbox.changes.patch("ConfigMap", "payment-gateway-config", {"data": dict(fields.set)}),
                 value, effect)


def heal(sandbox: Sandbox, trace: Trace) -> None:
    """Set the former values. Whoever sets the bad value again meets the same effect."""
    with sandbox.lock:
        effects = sandbox.world.settings[trace.value]
        if len(effects) > 1:
            effects.remove(trace.effect)
    sandbox.changes.take_back(trace.change)


EVENT = Event("configuration", Configuration, apply, heal)
