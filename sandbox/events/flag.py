"""A feature flag is switched; what requests meet may need a version or a peer's version besides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from sandbox.events.event import ComponentName, Event, Fields
from sandbox.platform.foreign import Effect
from sandbox.platform.state import Setting

if TYPE_CHECKING:
    from sandbox.parts import Sandbox


class Flag(Fields):
    """Which flag, and what it does where."""

    key: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    on: bool = True
    by: str = "ada@shop.example"
    component: ComponentName = "payment-gateway"
    versions: dict[ComponentName, str] = Field(default_factory=dict)
    """Versions that must run besides: the effect needs all of them."""
    error_rate: float = Field(0, ge=0, le=1)
    latency_ms: float = Field(0, ge=0)
    log: str = ""


@dataclass(frozen=True)
class Trace:
    """What was switched, and what it does."""

    key: str
    before: bool
    effect: Effect


def apply(sandbox: Sandbox, fields: Flag) -> Trace:
    """Switch it."""
    effect = Effect(fields.component, Setting(fields.error_rate, fields.latency_ms, fields.log), fields.key, fields.on,
                    {str(name): version for name, version in fields.versions.items()})
    with sandbox.lock:
        foreign = sandbox.world.foreign
        before = foreign.flags.setdefault(fields.key, not fields.on)
        foreign.effects.append(effect)
        foreign.switch(fields.key, fields.on, fields.by)
    return Trace(fields.key, before, effect)


def heal(sandbox: Sandbox, trace: Trace) -> None:
    """Switch it back, where nobody has; whoever switches it again meets the same."""
    with sandbox.lock:
        sandbox.world.foreign.switch(trace.key, trace.before, "ada@shop.example")


EVENT = Event("flag", Flag, apply, heal)
