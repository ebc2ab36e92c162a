"""More or fewer requests; with a client, the surplus comes from that one address."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from sandbox.events.event import Event, Fields
from sandbox.platform.state import Surge

if TYPE_CHECKING:
    from sandbox.parts import Sandbox


class Traffic(Fields):
    """How many times the requests of before."""

    factor: float = Field(ge=0)
    client: str | None = None

    @model_validator(mode="after")
    def _address(self) -> Traffic:
        if self.client is not None:
            try:
                ipaddress.ip_address(self.client)
            except ValueError:
                raise ValueError("as client an IP address") from None
            if self.factor <= 1:
                raise ValueError("with a client, a factor above 1")
        return self


def apply(sandbox: Sandbox, fields: Traffic) -> Surge:
    """Let the requests grow or shrink."""
    surge = Surge(fields.factor, fields.client or "")
    with sandbox.lock:
        sandbox.world.surges.append(surge)
    return surge


def heal(sandbox: Sandbox, trace: Surge) -> None:
    """Take this factor away; others stay."""
    with sandbox.lock:
        sandbox.world.surges.remove(trace)


EVENT = Event("traffic", Traffic, apply, heal)
