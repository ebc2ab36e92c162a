"""How far an incident has come: what the state machine passes on from step to step, and between which states.

``plan/next_step.py`` says how it goes on; everything that is not here is read from the record.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import Literal

from responder.model.frozen import dataclass
from responder.model.remedy import Remedy

Watching = Literal["", "remedy", "people", "look"]
Until = Literal["", "confirm", "isolate", "diagnose"]


class State(StrEnum):
    """A state of the state machine, by its title."""

    VERIFY = "Verify the symptoms"
    WAIT_TO_VERIFY = "Wait to verify again"
    IDENTIFY = "Identify failing pods"
    GATHER = "Gather additional information"
    PLAN = "Plan the remedy"
    GUARD = "Check the guardrails"
    APPROVAL = "Ask for approval"
    APPLY = "Apply the remedy"
    INFORM = "Keep people informed"
    UPDATE = "Update customers"
    WATCH = "Wait for the recovery"
    ROLL_BACK = "Roll the remedies back"
    ESCALATE = "Escalate"
    INTERIM = "Write the interim report"
    STAND_DOWN = "Stand down"
    REPORT = "Write the postmortem"
    WAIT_TO_RESTORE = "Wait until it may be over"
    RESTORE = "Restore what was there before"
    LEAVE = "Leave it to people"
    CLOSED = "Incident closed"
    ANSWER = "Answer the caller"
    REFUSE = "Refuse the input"


@dataclass(frozen=True)
class Settings:
    """The service's settings that decide which states follow."""

    attempts: int = 1
    """How often evidence is gathered before people are asked."""
    look_wait_seconds: int = 0
    rounds: int = 1
    """How often the symptoms are verified while the answer is inconclusive."""
    round_wait_seconds: int = 0
    check_every_seconds: int = 0
    update_seconds: int = 0
    """After how many seconds customers hear more; 0: nothing is promised. See ``plan/promise.py``."""
    approval_seconds: int = 0
    """How long the state machine waits at most for people's answer to one question."""


@dataclass(frozen=True)
class RemedyRef:
    """A remedy that a diagnosis proposes, in the state machine's data; the record describes it under its id."""

    action: str
    id: str
    """See ``Proposed.id``."""
    function: str
    """The name of the function that executes it."""
    cause: str = ""
    contested: bool = False
    """Whether another mechanism of the same cause is nearly as likely."""


@dataclass(frozen=True)
class Done:
    """A remedy that changed something."""

    number: int
    """1-based position among the incident's remedies."""
    remedy: RemedyRef

    @classmethod
    def of(cls, remedy: Remedy, function: str) -> Done:
        """Return what the record has of a remedy, with the name of the function that executes it."""
        return cls(remedy.number, RemedyRef(remedy.action, remedy.proposal, function, remedy.cause))


@dataclass(frozen=True)
class Undo:
    """A remedy that is to be undone."""

    number: int
    remedy: RemedyRef
    why: str
    over: bool
    """Whether it helped and is no longer needed; False: it did not help."""


@dataclass(frozen=True)
class Course:
    """How far an incident has come: all that the state machine passes on."""

    settings: Settings = field(default_factory=Settings)
    until: Until = ""
    """The last phase that was asked for; empty: the whole plan."""
    round: int = 1
    """1-based: how often the symptoms have been verified, this time included."""
    attempt: int = 1
    """1-based: how often evidence has been gathered, this time included."""
    number: int = 1
    """1-based position, among the incident's remedies, of the one that is planned or comes next."""
    place: int = 0
    """0-based place of that remedy among those that the diagnosis names."""
    remedies: tuple[RemedyRef, ...] = ()
    """The remedies that the last diagnosis names, in the order in which they are tried."""
    changed: tuple[Done, ...] = ()
    """Remedies applied since whose effect is not yet known, oldest first."""
    undo: tuple[Undo, ...] = ()
    """The remedies that the next step undoes, in this order."""
    then: State | None = None
    """The state to go to after steps that decide nothing: a report, or undoing."""
    watching: Watching = ""
    """Why the recovery is watched: something was done, people have it, or no cause stands out yet."""
    since: str = ""
    """When watching began (ISO 8601); empty: it begins with the next look."""
    changed_since: str = ""
    """The same where a remedy is watched, else empty: sources look at what was before and after it."""
    wait: int = 0
    """Seconds until the next look."""
    call_team: bool = False
    """Whether the team is called, now that the symptoms have been verified."""
    tell: Literal["inform", "remind"] = "inform"
    """What people are told next: how it stands, or that a task is still open."""
    asked: bool = False
    """Whether people were asked to approve the remedy."""
    question: int = 0
    """The number of the remedy that people were asked about, where they chose another value for it; 0: they chose none.
    The remedy that is planned with that value has the next number."""
    value: int | None = None
    """The value that they chose."""
    refused_for_now: bool = False
    """Whether the remedy's own check refused it for a reason that passes."""
    passing: bool = False
    """Whether any remedy of this diagnosis was refused for a reason that passes."""
    neighbour: bool = False
    """Whether any remedy of this diagnosis was refused because another incident sees to the same object."""
    waited: bool = False
    """Whether the course waited for something that recovers by itself, such as a failover."""
    observed: bool = False
    """Whether a remedy was only not applied because the mode is ``observe``."""
    told: bool = False
    """Whether people have been given a task."""
    applied: bool | None = None
    """Whether the last remedy that was to be applied was; None: there was none."""
    done: str = ""
    """What it did, or why it was not applied: a sentence."""
    reason: str | None = None
    """Why the last ruling was as it was."""
    summary: str | None = None
    """The last diagnosis in a sentence."""
    progress: str = ""
    """What the last look at the recovery said."""
    left_for: str = ""
    """Why what is still in place is left to people."""
    failed: str = ""
    """The error of a step of the responder's own that failed."""
    more_by: str = ""
    """When customers were told that they hear more (ISO 8601); empty: nothing is promised."""
    told_over: bool = False
    """Whether customers were told that it is over, before the incident was opened again."""
    after: State | None = None
    """Where the way goes on after customers were told more."""
    again: int = 0
    """How often the incident was about to end and a newer alarm was looked at."""


    @property
    def is_as_chosen(self) -> bool:
        """Whether the remedy that is planned is the one with the value that people chose."""
        return self.question > 0 and self.number == self.question + 1


@dataclass(frozen=True)
class Following:
    """The next state, and its course."""

    state: State
    course: Course
