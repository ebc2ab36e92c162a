"""What a backtest says of past incidents, and what observe mode recorded, in one form. Times are ISO 8601 in UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Answer = Literal["confirmed", "false_alarm", "inconclusive"]
Ruling = Literal["run", "ask", "refuse"]
"""What the policy would let a remedy do: run at once, run after a person's yes, or not run."""
Origin = Literal["backtest", "observed"]
"""Asked of the vendors as of then, or read of the record of an incident that was handled."""


@dataclass(frozen=True)
class Vote:
    """What one source said of the symptom."""

    source: str
    vote: str
    """``outage``, ``healthy`` or ``unknown``."""
    reason: str


@dataclass(frozen=True)
class Proposed:
    """A remedy that was proposed, and what the policy says of it."""

    action: str
    component: str
    confidence: float
    ruling: Ruling
    why: str
    """The guardrail's reason, in a sentence without a capital."""
    guardrail: str = ""
    """The guardrail that refused it or that asks; ``precondition``: its own check of the live state."""


@dataclass(frozen=True)
class Moment:
    """When an incident began for the responder: an alarm went off, or a person named the time."""

    service: str
    at: str
    alarm: str
    """The alarm's name; empty: a person named the time."""
    reason: str = ""


@dataclass(frozen=True)
class Case:
    """One incident, as the responder judges it."""

    moment: Moment
    origin: Origin
    answer: Answer
    votes: tuple[Vote, ...]
    """At the look that decided, or at the last one."""
    decided_after_seconds: float | None = None
    """Seconds after the alarm until it was confirmed or found to be false; None: neither."""
    symptom: str = ""
    """``high_error_rate``, ``degraded_latency``, …; empty: not confirmed."""
    onset: str = ""
    """When the symptom began; empty: not known."""
    faulty: tuple[str, ...] = ()
    failure_modes: tuple[str, ...] = ()
    """Where the failures arise, each in a sentence without a full stop."""
    cause: str = ""
    """One of the plan's causes, or ``unknown``; empty: the cause was not looked for."""
    mechanism: str = ""
    component: str = ""
    confidence: float | None = None
    """0 to 1, of the cause that is named, or of the likeliest where none is."""
    likeliest: str = ""
    """Where no cause was sure enough: the likeliest, as ``named`` says it."""
    cause_after_seconds: float | None = None
    """Seconds after the alarm until the cause was named; None: it was not."""
    summary: str = ""
    remedies: tuple[Proposed, ...] = ()
    """In the order in which they would be tried."""
    not_proposed: tuple[str, ...] = ()
    not_known: tuple[str, ...] = ()
    """What could not be asked, or not of then."""
    ending: str = ""
    """What would have followed, in a sentence."""

    @property
    def named(self) -> str:
        """The cause with its mechanism and component, as people read it; empty where none was named."""
        if self.cause in ("", "unknown"):
            return ""
        return said(self.cause, self.mechanism, self.component)


def said(cause: str, mechanism: str, component: str) -> str:
    """Return a cause with its mechanism and component, as people read it."""
    return f"{cause} ({mechanism.replace('_', ' ')}) in {component}"


@dataclass(frozen=True)
class Compared:
    """A case beside what really happened, or beside another report's case."""

    at: str
    verdict: Literal["right", "wrong", "missed", "no case", "same", "less sure", "differs", "only here",
                     "only there"]
    detail: str
    """In a sentence: what differs, or how much earlier the cause was named than the incident ended."""


@dataclass(frozen=True)
class Report:
    """All cases of a stretch of time."""

    since: str
    until: str
    origin: Origin
    cases: tuple[Case, ...]
    notes: tuple[str, ...] = ()
    """What holds for all of them: what is left out, what vendors no longer keep, which mode was assumed."""
    compared: tuple[Compared, ...] = ()
    calls: dict[str, int] = field(default_factory=dict)
    """Vendor or AWS service to the requests that were sent to it."""
