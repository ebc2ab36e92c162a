"""Ask people: for approval of a remedy, or to do what a machine cannot. The answer comes by a link or by IAM."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.handlers.inform import call
from responder.handlers.notify import notify
from responder.handlers.step import Step, step
from responder.people import Message
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
    people = [f"{person.role}: {person.name}" for person in visit.service.team if person.role in approval.roles]
    needed = 2 if record.get("action") in approval.two_person else 1
    task = Task(visit.incident, number, visit.service.service, "approval", time.time(),
                time.time() + approval.wait_seconds, tuple(people or ["whoever reads the incident topic"]), needed)
    Tasks(visit.records).ask(task, visit.event["token"])
    item = visit.records.incident(visit.incident) or {}
    text = "\n".join([
        f"{record.get('action')} needs a decision: {record.get('summary')}.",
        f"Why: {(item.get('cause') or {}).get('summary', 'not known')}", "", str(record.get("diff", "")), "",
        f"Risk: {record.get('risk')}. Taken back where it does not help: "
        f"{'yes' if record.get('reversible') else 'no, it cannot be undone'}.",
        f"Asked: {', '.join(task.asked)}. Expires at {iso(task.expires_at)}."
        + (f" {needed} people must approve, by the way with IAM." if needed > 1 else "")])
    visit.note(f"approval is asked for: {record.get('summary')}", kind="approval",
               detail={"task": task.id, "asked": list(task.asked), "expires": iso(task.expires_at)})
    _send(visit, task, text, f"{visit.service.service}: approve {record.get('action')}?")
    call(visit, visit.records.everything(visit.incident))
    return {"task": task.id}


def _send(visit: Step, task: Task, text: str, subject: str) -> None:
    """Send a question to each who is asked; raises NobodyAsked where not one message could be sent."""
    # A link is its holder's: where many read it there are buttons, or the way with IAM.
    sent = set(notify(visit, Message("question", f"ask-{task.id}", task.incident, subject,
                                     f"{text}\n{by_iam_text(task)}\n", answers=buttons(task), topic=subject),
                      10).channels)
    for place, person in enumerate(task.asked):
        sent |= set(notify(visit, Message(
            "copy", f"ask-{task.id}-{place}", task.incident, subject, f"{text}\n{how(visit, task, person)}\n"),
            20 + 10 * place).channels)
    if not sent:
        visit.note("nobody could be asked", number=1, kind="notification", detail={"failed": "all channels"})
        raise NobodyAsked(f"no channel took the question of task {task.id}")


def buttons(task: Task) -> tuple[tuple[str, str], ...]:
    """The buttons of a question, where a channel has any: what two people must decide has none."""
    words = {"approval": (("Approve", "approve"), ("Reject", "reject")), "manual": (("Done", "done"),)}[task.kind]
    return () if task.needed > 1 else tuple(
        (word, json.dumps({"incident": task.incident, "task": task.id, "decision": decision}))
        for word, decision in words)


def how(visit: Step, task: Task, person: str) -> str:
    """Say how a person answers: by a link of their own where links are on, and by the way with IAM."""
    said = by_iam_text(task)
    if task.needed > 1 or not visit.service.approval.links or not os.environ.get("APPROVAL_URL"):
        return said
    try:
        key = aws.secret(os.environ["APPROVAL_KEY"])
    except CallFailed as error:
        return f"No link could be made ({error.note}).\n{said}"
    query = Link(task.incident, task.id, person, int(task.expires_at)).query(key)
    return f"\n{person} (whoever holds this link can answer, once):\n{os.environ['APPROVAL_URL']}?{query}\n\n{said}"


def by_iam_text(task: Task) -> str:
    """Say how to answer by IAM, which is no secret."""
    words = "approve | reject" if task.kind == "approval" else "done"
    return (f"By IAM: start an execution of the state machine with "
            f'{{"incident": "{task.incident}", "task": "{task.id}", "decision": "{words}", "by": "your name"}}')
