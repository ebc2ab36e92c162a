"""How a component calls others, as drill files say it: of the first version (``start.behaviour``) and of a release."""

from __future__ import annotations

from pydantic import Field

from sandbox.events.event import Fields
from sandbox.platform.calling import Calling


class CallingFields(Fields):
    """Attempts, time-outs and pools; what is left open is as in the first version, and there without effect."""

    attempts: int | None = Field(None, ge=1, le=10)
    """The most attempts for each call, the first among them."""
    timeout_ms: float | None = Field(None, gt=0)
    """How long it waits for the answer of a component or a dependency."""
    backoff_ms: float | None = Field(None, ge=0)
    """How long it waits before the next attempt."""
    threads: int | None = Field(None, ge=1)
    """Requests that a pod works on at once."""
    connections: int | None = Field(None, ge=1)
    """Calls of one callee that a pod has open at once."""

    @property
    def made(self) -> Calling:
        """The same as the platform has it."""
        return Calling(**self.model_dump())
