"""Payments of some kind are declined, or become more; each answer has status 200."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from sandbox.events.event import Event, Fields, known
from sandbox.platform.payments import ATTRIBUTES, Disturbed

if TYPE_CHECKING:
    from sandbox.parts import Sandbox


class PaymentKind(Fields):
    """Which payments, and what becomes of them."""

    match: dict[str, str] = Field(default_factory=dict)
    """Attribute to value; none: all payments."""
    declined: float | None = Field(None, ge=0, le=1)
    factor: float = Field(1.0, ge=0)
    reason: str = "05 do not honor"

    @model_validator(mode="after")
    def _attributes(self) -> PaymentKind:
        for name in self.match:
            known(name, ATTRIBUTES, f"an attribute of payments ({', '.join(ATTRIBUTES)})")
        if self.declined is None and self.factor == 1.0:
            raise ValueError("declined, or a factor")
        return self


def apply(sandbox: Sandbox, fields: PaymentKind) -> Disturbed:
    """Let those payments be so."""
    disturbed = Disturbed(fields.match, fields.declined, fields.factor, fields.reason)
    with sandbox.lock:
        sandbox.world.payments.append(disturbed)
    return disturbed


def heal(sandbox: Sandbox, trace: Disturbed) -> None:
    """Let them be as the other events say, or as usual."""
    with sandbox.lock:
        sandbox.world.payments.remove(trace)


EVENT = Event("payments", PaymentKind, apply, heal)
"""``declined`` counts from the newest of several that fit a payment; factors are multiplied."""
