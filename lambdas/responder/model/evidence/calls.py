"""What one component called, by host, as its client spans tell it."""

from __future__ import annotations

from dataclasses import field

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Callee:
    """The calls of one host."""

    requests: float = 0.0
    errors: float = 0.0
    kinds: dict[str, float] = field(default_factory=dict)
    """Text of an error to how often it came; ``plan/kinds.py`` sorts them."""
    mean_ms: float | None = None
    """Mean over all calls, failed ones included; None: not known."""
    baseline_requests: float = 0.0
    baseline_errors: float = 0.0
    baseline_ms: float | None = None


@dataclass(frozen=True)
class Calls(Detail):
    """What one component called, by host, as its client spans tell it."""

    callees: dict[str, Callee] = field(default_factory=dict)
    """By the host that was called, as the spans name it."""
    requests: float | None = None
    """The component's requests among whose spans these calls are: all of them, or those that were sampled; None: not
    known, as in older records."""
    errors: float | None = None
    """How many of them failed."""


KIND = Calls
