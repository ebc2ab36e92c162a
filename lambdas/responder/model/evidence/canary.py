"""How the synthetic canaries fare."""

from __future__ import annotations

from dataclasses import field

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class CanaryRuns:
    """One canary."""

    success: float = 0.0
    """Per cent."""
    runs: float = 0.0
    usual: float | None = None
    """Per cent; None: not known."""


@dataclass(frozen=True)
class Canary(Detail):
    """How the synthetic canaries fare.

    ``value`` is the success of the worst in per cent, ``baseline`` its usual one.
    """

    canaries: dict[str, CanaryRuns] = field(default_factory=dict)
    """By name."""


KIND = Canary
