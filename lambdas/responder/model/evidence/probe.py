"""One way out that was tried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from responder.model.evidence import Detail

Stage = Literal["dns", "tcp", "tls", "ok", ""]
"""How far it got; ``ok``: to an answer."""


@dataclass(frozen=True)
class ProbeOutcome(Detail):
    """One way out that was tried. ``value`` is 1 where it gets through."""

    stage: Stage = ""
    """How far it came."""
    kind: str = ""
    """``refused``, ``timeout``, …; empty: none."""
    reason: str = ""
    milliseconds: int = 0
    addresses: int = 0
    """How many the name was resolved to."""
    inside: bool = False
    """Whether it started in the service's own network."""


KIND = ProbeOutcome
