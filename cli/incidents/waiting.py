"""What an incident waits for people to say: approvals that are open, and tasks to be done by hand.

It is read from the timeline and the remedies. The questions themselves are not read, because they hold the task tokens
of the executions that wait, which no person needs (``docs/security.md``).
"""

from __future__ import annotations

from typing import Literal

from responder.model.facts import Answered
from responder.model.frozen import dataclass
from responder.model.incident import IncidentRecord
from responder.model.moment import epoch, iso, seconds
from responder.model.remedy import Remedy, RemedyStatus
from responder.model.service import Service
from responder.plan.approvals import needed, person_asked
from responder.plan.choices import Other, choice_of, in_words
from responder.plan.deeds import Choice
from responder.plan.needs import asked_for, current, open_tasks
from responder.plan.question import Asked, Question, deed, question


@dataclass(frozen=True)
class Waiting:
    """A question to people, or a task for them, that is open."""

    task: str
    """Its id within the incident: ``01``, or ``01m`` for a task."""
    kind: Literal["approval", "manual"]
    remedy: int
    """The number of the remedy that it is about."""
    deed: str
    """What is to be done, as an order."""
    asked: tuple[str, ...]
    """The people who were asked, as sentences have them."""
    until: str
    """When it expires, ISO 8601 in UTC."""
    needed: int = 1
    """How many people must say yes."""
    said_yes: tuple[str, ...] = ()
    """Who has."""


def waiting(service: Service, record: IncidentRecord) -> tuple[Waiting, ...]:
    """Return what is open, in the order of the remedies; ``service`` has the settings of the incident."""
    found = []
    for remedy in current(record):
        asked = asked_for(record, remedy) if remedy.status is RemedyStatus.WAITING else None
        if asked is None:
            continue
        entry, fact = asked
        answers = [(at, vote) for at, vote in record.facts(Answered)
                   if vote.task == fact.task and at.entered >= entry.entered]
        if any(vote.decided for _, vote in answers):
            continue
        found.append(Waiting(fact.task, "approval", remedy.number, deed(remedy), tuple(
            person_asked(name) for name in fact.asked), fact.expires, needed(service, remedy.action), tuple(
            dict.fromkeys(at.by for at, vote in answers if vote.decision == "approve"))))
    for remedy in open_tasks(record):
        since = epoch(remedy.applied_at) or epoch(remedy.planned_at) or seconds(record.incident.opened_at)
        found.append(Waiting(f"{remedy.number:02d}m", "manual", remedy.number, deed(remedy), (),
                             iso(since + service.approval.task_seconds)))
    return tuple(found)


def asked_about(service: Service, record: IncidentRecord, one: Waiting, now: float) -> Question:
    """Return the question with all that somebody needs to know who answers it."""
    remedy = remedy_of(record, one)
    return question(service, record, remedy, Asked(one.asked, seconds(one.until), one.needed, len(one.said_yes)), now,
                    others(service, record, one))


def others(service: Service, record: IncidentRecord, one: Waiting) -> tuple[Other, ...]:
    """Return the remedies that may come first instead: those of the same diagnosis that have not been planned.

    The function that takes the answer has the last word.
    """
    mine = remedy_of(record, one)
    diagnosis, _, place = mine.proposal.rpartition("#")
    tried = {remedy.proposal for remedy in record.remedies}
    return tuple(Other(proposed.id, in_words(proposed)) for proposed in record.proposed
                 if one.kind == "approval" and proposed.id.rpartition("#")[0] == diagnosis
                 and proposed.id.rpartition("#")[2] > place and proposed.id not in tried
                 and service.policy.get(proposed.action, "off") != "off")


def values(record: IncidentRecord, one: Waiting) -> Choice | None:
    """Return what of the remedy may be chosen; None: nothing."""
    return choice_of(remedy_of(record, one)) if one.kind == "approval" else None


def remedy_of(record: IncidentRecord, one: Waiting) -> Remedy:
    """Return the remedy that a question is about; it is on record, because the question was read from it."""
    return next(remedy for remedy in record.remedies if remedy.number == one.remedy)
