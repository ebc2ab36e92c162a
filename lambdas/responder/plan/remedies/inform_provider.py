"""Inform a provider's support: what the callers see of the provider."""

from __future__ import annotations

from dataclasses import field

from responder.model.evidence.calls import Calls
from responder.model.frozen import dataclass
from responder.plan import remedies
from responder.plan.remedies import Considered, Nothing, Remedy

_MOST_KINDS = 8


@dataclass(frozen=True)
class Failing:
    """Calls of the provider that fail."""

    requests: float = 0.0
    errors: float = 0.0
    kinds: dict[str, float] = field(default_factory=dict)
    """Text of an error to how often it came; some of them."""
    at: float | None = None
    """When they were counted, seconds since 1970 (UTC)."""


@dataclass(frozen=True)
class Facts(remedies.Facts):
    """Which provider it is, and what its callers see."""

    provider: str = ""
    calls: Failing = Failing()


@dataclass(frozen=True)
class Parameters:
    """The message, and whose support gets it."""

    text: str
    name: str


def facts(considered: Considered) -> Facts:
    """Collect what the callers see of the provider."""
    return Facts(considered.provider, _failing(considered) if considered.provider else Failing())


def _failing(considered: Considered) -> Failing:
    for finding in considered.evidence.of(Calls, considered.hypothesis.component):
        for host, seen in finding.detail.callees.items():
            if considered.provider in host and seen.errors:
                return Failing(seen.requests, seen.errors, dict(list(seen.kinds.items())[:_MOST_KINDS]),
                               finding.window.end if finding.window else None)
    return Failing()


REMEDY = Remedy(
    name="inform_provider",
    phrase="message to the provider",
    facts=facts,
    kinds=(Facts, Nothing, Parameters),
    risk="low",
    default_policy="auto",
    reversible=False,
    keep_when_not_helped=True,
    audience="provider",
)
