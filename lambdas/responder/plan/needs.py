"""What needs a person just now: an approval, a task, or somebody who takes over."""

from __future__ import annotations

from responder.model.facts import Answered, ApprovalAsked
from responder.model.incident import Entry, IncidentRecord
from responder.model.remedy import Remedy, RemedyStatus

ESCALATED = "escalated"
TASK = "engage_network_team"
"""The remedy that is a task for people."""


def needs(record: IncidentRecord) -> tuple[str, ...]:
    """Return what still needs a person, by the beginning of the keys of the messages that said so.

    An incident that was closed without a verified recovery still needs somebody who takes over.
    """
    incident = record.incident
    if incident.recovery_verified_at or incident.outcome == "false_alarm":
        return ()
    questions = [f"ask-{remedy.number:02d}" for remedy in record.remedies if remedy.status is RemedyStatus.WAITING]
    tasks = [f"{word}-{remedy.number:02d}m" for remedy in open_tasks(record) for word in ("task", "remind")]
    return (*questions, *tasks, *([ESCALATED] if incident.outcome in ("escalated", "observed") else []))


def asked_for(record: IncidentRecord, remedy: Remedy) -> tuple[Entry, ApprovalAsked] | None:
    """Return the newest question for the approval of a remedy, with its entry; None where nobody was asked."""
    return next((found for found in reversed(list(record.facts(ApprovalAsked)))
                 if found[1].task == f"{remedy.number:02d}"), None)


def open_tasks(record: IncidentRecord) -> list[Remedy]:
    """Return the tasks that people were given in this opening and that nobody has marked as done, oldest first."""
    done = {answer.task for _, answer in record.facts(Answered) if answer.decision == "done" and answer.decided}
    return [remedy for remedy in current(record) if remedy.action == TASK and remedy.status is RemedyStatus.DONE
            and f"{remedy.number:02d}m" not in done]


def current(record: IncidentRecord) -> list[Remedy]:
    """Return the remedies that were planned since the incident was opened, or opened again."""
    since = record.incident.last_reopened_at
    return [remedy for remedy in record.remedies if not since or (remedy.planned_at or "~") >= since]


def earlier(record: IncidentRecord) -> list[Remedy]:
    """Return the remedies that had been carried out before the incident was opened again."""
    mine = current(record)
    return [remedy for remedy in record.remedies if remedy not in mine and remedy.status.may_have_run
            and not remedy.audience and remedy.action != TASK]
