"""A commit is merged and deployed: of a component's code, of a library, or of infrastructure as code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from sandbox.events.event import ComponentName, Event, Fields
from sandbox.platform.foreign import Effect
from sandbox.platform.state import Setting

if TYPE_CHECKING:
    from sandbox.parts import Sandbox


class Commit(Fields):
    """What it says of itself, what it changed, and what that does where."""

    repository: Literal["shop/payment-gateway", "shop/backend", "shop/infrastructure"] = "shop/payment-gateway"
    message: str = Field(min_length=1)
    files: list[str] = Field(min_length=1)
    patch: str = ""
    """The changed lines of the first file."""
    by: str = "grace@shop.example"
    component: ComponentName = "payment-gateway"
    versions: dict[ComponentName, str] = Field(default_factory=dict)
    error_rate: float = Field(0, ge=0, le=1)
    latency_ms: float = Field(0, ge=0)
    log: str = ""


def apply(sandbox: Sandbox, fields: Commit) -> Effect:
    """Merge and deploy it; an innocent one does nothing."""
    effect = Effect(fields.component, Setting(fields.error_rate, fields.latency_ms, fields.log),
                    versions={str(name): version for name, version in fields.versions.items()})
    with sandbox.lock:
        sandbox.world.foreign.commit(fields.repository, fields.message, fields.by, tuple(fields.files), fields.patch)
        sandbox.world.foreign.effects.append(effect)
    return effect


def heal(sandbox: Sandbox, trace: Effect) -> None:
    """Take back what it does, as a commit that reverts it; the history keeps it."""
    with sandbox.lock:
        sandbox.world.foreign.effects.remove(trace)


EVENT = Event("commit", Commit, apply, heal)
