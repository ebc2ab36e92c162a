"""A certificate, a key or a trusted root of the service comes to its end; who is called by it is well."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

from sandbox.events.event import Duration, Event, Fields

if TYPE_CHECKING:
    from sandbox.parts import Sandbox


class Expired(Fields):
    """Which, and how long ago."""

    name: Literal["primary-client-certificate", "primary-api-key", "primary-trusted-root"]
    ago: Duration = 0.0


def apply(sandbox: Sandbox, fields: Expired) -> tuple[str, float]:
    """Let it be over."""
    ended = (fields.name, time.time() - fields.ago)
    with sandbox.lock:
        sandbox.world.expired.append(ended)
    return ended


def heal(sandbox: Sandbox, trace: tuple[str, float]) -> None:
    """Let somebody have renewed it."""
    with sandbox.lock:
        sandbox.world.expired.remove(trace)


EVENT = Event("credential", Expired, apply, heal)
