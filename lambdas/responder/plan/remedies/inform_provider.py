"""Inform a provider's support, or whoever runs a dependency: what the callers see of it."""

from __future__ import annotations

from dataclasses import field

from responder.model.evidence.calls import Calls
from responder.model.fault_location import Dependency, location_of
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
    contact: str = ""
    """Who runs it, where the configuration says it; empty: the provider's support."""


@dataclass(frozen=True)
class Parameters:
    """The message, and whose support gets it."""

    text: str
    name: str


def facts(considered: Considered) -> Facts:
    """Collect what the callers see of the provider, or of the dependency."""
    location = location_of(considered.where)
    dependency = considered.service.dependency(location.name) if isinstance(location, Dependency) else None
    name = considered.provider or (dependency.name if dependency else "")
    return Facts(name, _failing(considered, name) if name else Failing(), dependency.contact if dependency else "")


def _failing(considered: Considered, name: str) -> Failing:
    for finding in considered.evidence.of(Calls, considered.hypothesis.component):
        for host, seen in finding.detail.callees.items():
            if seen.errors and (name in host or considered.service.called(host) == considered.where):
                return Failing(seen.requests, seen.errors, dict(list(seen.kinds.items())[:_MOST_KINDS]),
                               finding.window.end if finding.window else None,
                               finding.window.start if finding.window else None)
    return Failing()


def text(name: str, onset: float | None, calls: Failing, contact: str = "") -> str:
    """Return a ready message to a provider's support: times, error codes and counts, and nothing about a customer."""
    whom, what = (contact, name) if contact else (f"the support of {name}", "your API")
    counted = f" from {exact_stamp(calls.since)} to {exact_stamp(calls.at)}" if calls.since and calls.at else ""
    failed = (f"{count(calls.errors)} of our {count(calls.requests)} requests to {what} failed{counted} "
              f"({share(calls.errors / calls.requests)})" if calls.requests else f"Our requests to {what} fail")
    rows = "\n".join(f"  {count(number):>8}  {kind}"
                     for kind, number in sorted(calls.kinds.items(), key=lambda item: -item[1])[:_MOST_KINDS])
    return (f"To {whom}\n\n{failed}.\n" + (f"It began at {exact_stamp(onset)}.\n" if onset else "")
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
