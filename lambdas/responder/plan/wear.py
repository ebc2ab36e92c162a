"""Which resources run out: how they tend, when they reach their limit, and which of them are used up already."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from responder.model.evidence import Evidence, Finding
from responder.model.evidence.memory import Memory
from responder.model.evidence.wear import Resource, Wear
from responder.plan.trend import Left, since_reset, time_left, trend

MEMORY = "memory"
_SOON_SECONDS = 6 * 3600.0
"""What lasts longer than a shift by its surest figure is no matter of this outage."""
_USED_UP = 0.02
"""Of a resource that is kept as a balance less than a fiftieth of its height is nothing."""
FULL = 0.85
"""A process that holds so much of its limit has no room for a burst; a leak passes the rest in a few minutes."""


class RunsOut(NamedTuple):
    """A resource that tends to its limit."""

    finding: Finding[Wear]
    resource: str
    now: float
    """The value by its trend, in the resource's unit."""
    limit: float
    per_hour: float
    left: Left


class UsedUp(NamedTuple):
    """A resource of which nothing is left."""

    finding: Finding[Wear]
    resource: str
    now: float
    height: float
    """The most that there was in the last hours."""


def running_out(evidence: Evidence, component: str) -> Iterator[RunsOut]:
    """Yield the resources of a component that surely tend to their limit and reach it within a shift."""
    for finding in evidence.of(Wear, component):
        for name, resource in sorted(finding.detail.resources.items()):
            found = trend(since_reset([(one.at, one.value) for one in resource.samples]))
            left = time_left(found, resource.limit) if found else None
            if found and left and left.least < _SOON_SECONDS and not _is_gone(resource):
                yield RunsOut(finding, name, found.now, resource.limit, found.slope * 3600, left)


def used_up(evidence: Evidence, component: str) -> Iterator[UsedUp]:
    """Yield the balances of a component of which nothing is left, and of which there was more within the last hours."""
    for finding in evidence.of(Wear, component):
        for name, resource in sorted(finding.detail.resources.items()):
            if _is_gone(resource):
                yield UsedUp(finding, name, resource.samples[-1].value, max(one.value for one in resource.samples))


def full_pods(evidence: Evidence, component: str) -> tuple[str, ...]:
    """Return the pods that hold nearly all of the memory that they may, fullest first."""
    shares = {pod: share for finding in evidence.of(Memory, component) for pod, share in finding.detail.by_pod.items()}
    return tuple(sorted((pod for pod, share in shares.items() if share >= FULL),
                        key=lambda pod: (-shares[pod], pod)))


def _is_gone(resource: Resource) -> bool:
    """Whether a balance, whose limit lies below, is used up: there was some, and there is none."""
    values = [one.value for one in resource.samples]
    if not values or min(values) < resource.limit or resource.limit > 0:
        return False
    return max(values) > 0 and values[-1] <= _USED_UP * max(values)
