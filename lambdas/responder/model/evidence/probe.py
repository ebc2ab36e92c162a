"""One way out that was tried."""

from __future__ import annotations

from typing import Literal

from responder.model.evidence import Detail
from responder.model.frozen import dataclass

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
