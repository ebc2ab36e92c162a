"""What single requests show of where an outage began: calls counted by operation, traces, and patterns of log lines.

This is nearer to the fault than a component's metrics: a mean over all requests hides one operation of ten. Each module
reads one kind of it and returns ``Signs``. Nothing here knows where the requests were recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Edge:
    """The calls of one operation by one caller, in a minute or any other stretch of time."""

    caller: str
    """Empty: from outside."""
    callee: str
    operation: str
    """Empty: all of them."""
    calls: float
    seconds: float | None
    """The mean by the callee's clock, with its own calls; None: not known."""
    caller_seconds: float | None = None
    """The mean by the caller's clock, so with the way there and back; None: not known."""


@dataclass(frozen=True)
class Span:
    """One piece of work in one request."""

    name: str
    """Unlike any other in its trace."""
    parent: str
    """Empty, or not in the trace: the request began here."""
    component: str
    operation: str
    start: float
    """Seconds since any moment that is the same in its trace."""


Trace = Sequence[Span]
"""One request."""


@dataclass(frozen=True)
class Lines:
    """Log lines of one component that are alike but for what varies."""

    component: str
    pattern: str
    count: float
    error: bool
    """Whether it says that something went wrong."""


@dataclass(frozen=True)
class Stretch:
    """What was seen of requests in one minute, or in any other stretch of time; what is empty was not recorded."""

    edges: Sequence[Edge] = ()
    traces: Sequence[Trace] = ()
    lines: Sequence[Lines] = ()


@dataclass(frozen=True)
class Sign:
    """That something is wrong in a component."""

    component: str
    nats: float
    """The logarithm of how seldom chance shows as much."""
    kind: str
    """``slow``: it takes longer itself; ``way``: the way to it and back takes longer; ``ends early``; ``says so``."""
    reason: str
    """A sentence that goes on after the component's name."""


@dataclass(frozen=True)
class Signs:
    """All signs of one kind of evidence."""

    found: tuple[Sign, ...] = ()
    places: int = 0
    """In how many places it was looked for: chance has so many occasions."""


@dataclass(frozen=True)
class Requests:
    """What was seen of requests during an outage, and in stretches of normal operation."""

    now: Sequence[Stretch] = field(default_factory=tuple)
    before: Sequence[Stretch] = field(default_factory=tuple)


def totals(signs: Sequence[Sign]) -> Mapping[str, float]:
    """Return all nats of each component."""
    found: dict[str, float] = {}
    for sign in signs:
        found[sign.component] = found.get(sign.component, 0.0) + sign.nats
    return found
