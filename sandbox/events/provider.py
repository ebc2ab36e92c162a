"""A payment provider fails, and its status page says something or other."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from sandbox.events.event import Event, Fields
from sandbox.platform.layers import Layer
from sandbox.platform.state import Provider

if TYPE_CHECKING:
    from sandbox.parts import Sandbox

_PAGE = {"down": "outage", "errors": "degraded", "slow": "degraded"}
"""What the status page says where the drill does not."""
_RATES = {"errors": 0.6, "unauthorized": 1.0, "throttled": 0.7, "tls": 1.0}
"""Error rate of a fault if the drill does not say."""


class ProviderFault(Fields):
    """Which provider, how it fails, and what its status page says."""

    name: Literal["primary", "fallback"] = "primary"
    fault: Literal["down", "errors", "slow", "unauthorized", "throttled", "tls"] | None = None
    """The last three meet the service alone: its key, the number of its requests, its side of TLS."""
    error_rate: float | None = Field(None, ge=0, le=1)
    status_page: Literal["operational", "degraded", "outage", "maintenance"] | None = None


def apply(sandbox: Sandbox, fields: ProviderFault) -> Layer[str, Provider]:
    """Let the provider be so."""
    with sandbox.lock:
        world = sandbox.world
        before = world.providers[fields.name]
        rate = fields.error_rate
        if rate is None:
            rate = _RATES.get(fields.fault or "", before.error_rate)
        fault = fields.fault or ""
        world.providers[fields.name] = Provider(
            fault, rate, before.latency_ms, fields.status_page or _PAGE.get(fault, "operational"), time.time())
        return world.provider_faults.lay(fields.name, world.providers[fields.name], Provider())


def heal(sandbox: Sandbox, trace: Layer[str, Provider]) -> None:
    """Let the provider be as the other events say, or well."""
    with sandbox.lock:
        sandbox.world.providers[trace.place] = sandbox.world.provider_faults.lift(trace)


EVENT = Event("provider", ProviderFault, apply, heal)
