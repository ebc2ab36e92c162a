"""Ask people: for approval of a remedy, or to do what a machine cannot. They answer by IAM, in Slack, or by a link."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from typing import Any

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.handlers.inform import call
from responder.handlers.notify import notify
from responder.handlers.step import Step, step
from responder.model.service import Person
from responder.people import Message, own_channel
from responder.plan.approvals import called, commands, link_refused, needed
from responder.records.links import Link
from responder.records.table import iso
from responder.records.tasks import Task, Tasks


class NobodyAsked(Exception):
    """Nobody could be asked; the state machine goes on without an answer."""


@step("Ask for approval")
def handler(visit: Step) -> dict[str, Any]:
    """Keep the question with its task token, and send it to all who may answer; ``token`` is in the event."""
    number, approval = int(visit.event["number"]), visit.service.approval
    record = visit.records.action(visit.incident, number) or {}
    people = [called(person) for person in visit.service.team if person.role in approval.roles]
    task = Task(visit.incident, number, visit.service.service, "approval", time.time(),
                time.time() + approval.wait_seconds, tuple(people or ["whoever may answer by IAM"]),
                needed(visit.service, record))
    Tasks(visit.records).ask(task, visit.event["token"])
    item = visit.records.incident(visit.incident) or {}
    text = "\n".join([
        f"{record.get('action')} needs a decision: {record.get('summary')}.",
        f"Why: {(item.get('cause') or {}).get('summary', 'not known')}", "", str(record.get("diff", "")), "",
        f"Risk: {record.get('risk')}. Taken back where it does not help: "
        f"{'yes' if record.get('reversible') else 'no, it cannot be undone'}.",
        f"Asked: {', '.join(task.asked)}. Expires at {iso(task.expires_at)}."
        + (f" {task.needed} people must approve, each as themselves." if task.needed > 1 else "")])
    visit.note(f"approval is asked for: {record.get('summary')}", kind="approval",
               detail={"task": task.id, "asked": list(task.asked), "expires": iso(task.expires_at)})
    subject = f"{visit.service.service}: approve {record.get('action')}?"
    # What many read has no link in it: a link is its holder's.
    sent = set(notify(visit, Message("question", f"ask-{task.id}", task.incident, subject,
                                     f"{text}\n\n{by_iam_text(task)}\n", answers=buttons(task), topic=subject),
                      10).channels)
    sent |= to_each(visit, task, asked_persons(visit, task), subject, text, f"ask-{task.id}", 20)
    if not sent:
        visit.note("nobody could be asked", number=1, kind="notification", detail={"failed": "all channels"})
        raise NobodyAsked(f"no channel took the question of task {task.id}")
    call(visit, visit.records.everything(visit.incident))
    return {"task": task.id}


def asked_persons(visit: Step, task: Task) -> list[Person]:
    """Return those of the team who were asked."""
    return [person for person in visit.service.team if called(person) in task.asked]


def to_each(visit: Step, task: Task, persons: Sequence[Person], subject: str, text: str, key: str,
            number: int) -> set[str]:
    """Send a question to each person by the ways that reach them alone, with a link of their own where one may be.

    Who has no such way gets nothing here, and no link is made for them. Returns the channels that took any;
    ``number`` orders the notes of one visit.
    """
    sent: set[str] = set()
    for place, person in enumerate(persons):
        if own_channel(visit.service, person):
            sent |= set(notify(visit, Message(
                "copy", f"{key}-{called(person)}", task.incident, subject,
                f"{text}\n\n{own_way(visit, task, person)}\n", persons=(person,)), number + 10 * place).channels)
    return sent


def own_way(visit: Step, task: Task, person: Person) -> str:
    """Say to one person alone how they answer: by a link of their own where there may be one, and by IAM."""
    said, url = by_iam_text(task), os.environ.get("APPROVAL_URL")
    if not url or link_refused(visit.service, task.kind, visit.records.action(visit.incident, task.number)):
        return said
    try:
        key = aws.secret(os.environ["APPROVAL_KEY"])
    except CallFailed as error:
        return f"No link could be made ({error.note}).\n{said}"
    query = Link(task.incident, task.id, called(person), int(task.expires_at)).query(key)
    return (f"For {called(person)} alone. Whoever holds this link can answer, once; do not pass it on:\n"
            f"{url}?{query}\n\n{said}")


def buttons(task: Task) -> tuple[tuple[str, str], ...]:
    """The buttons of a question, where a channel has any."""
    words = {"approval": (("Approve", "approve"), ("Reject", "reject")), "manual": (("Done", "done"),)}[task.kind]
    return tuple((word, json.dumps({"incident": task.incident, "task": task.id, "decision": decision}))
                 for word, decision in words)


def by_iam_text(task: Task) -> str:
    """Say how to answer by IAM, which is no secret."""
    return commands(os.environ.get("ANSWER_URL", ""), os.environ.get("AWS_REGION", ""), task.incident, task.id,
                    task.kind)
