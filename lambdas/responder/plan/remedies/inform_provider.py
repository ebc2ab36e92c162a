"""Inform a provider's support: what the callers see of the provider."""

from __future__ import annotations

from dataclasses import field

from responder.model.evidence.calls import Calls
from responder.model.frozen import dataclass
from responder.plan import remedies
from responder.plan.remedies import Considered, Nothing, Remedy
from responder.plan.wording import count, exact_stamp, share

_MOST_KINDS = 8


@dataclass(frozen=True)
class Failing:
    """Calls of the provider that fail."""

    requests: float = 0.0
    errors: float = 0.0
    kinds: dict[str, float] = field(default_factory=dict)
    """Text of an error to how often it came; some of them."""
    at: float | None = None
    """Until when they were counted, seconds since 1970 (UTC)."""
    since: float | None = None
    """From when on."""


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
                               finding.window.end if finding.window else None,
                               finding.window.start if finding.window else None)
    return Failing()


def text(name: str, onset: float | None, calls: Failing) -> str:
    """Return a ready message to a provider's support: times, error codes and counts, and nothing about a customer."""
    counted = f" from {exact_stamp(calls.since)} to {exact_stamp(calls.at)}" if calls.since and calls.at else ""
    failed = (f"{count(calls.errors)} of our {count(calls.requests)} requests to your API failed{counted} "
              f"({share(calls.errors / calls.requests)})" if calls.requests else "Our requests to your API fail")
    rows = "\n".join(f"  {count(number):>8}  {kind}"
                     for kind, number in sorted(calls.kinds.items(), key=lambda item: -item[1])[:_MOST_KINDS])
    return (f"To the support of {name}\n\n{failed}.\n" + (f"It began at {exact_stamp(onset)}.\n" if onset else "")
            + (f"What we get, by count:\n{rows}\n" if rows else "")
            + "\nPlease tell us: whether you see it, since when, and when you expect it to be over.\n")


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
