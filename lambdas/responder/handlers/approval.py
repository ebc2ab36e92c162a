"""Ask people for approval of a remedy or for a manual task. They answer by IAM, in Slack, or by a link."""

from __future__ import annotations

import time
from collections.abc import Sequence

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.handlers import environment
from responder.handlers.decide import ButtonValue
from responder.handlers.inform import call
from responder.handlers.notify import notify
from responder.handlers.step import StepEvent, StepRun, step
from responder.model.facts import ApprovalAsked, Undelivered
from responder.model.frozen import dataclass
from responder.model.incident import Remedy
from responder.model.moment import iso
from responder.model.service import Person
from responder.people import Message, own_channel
from responder.plan.approvals import Decision, TaskKind, called, commands, link_refused, needed
from responder.records.links import Link
from responder.records.tasks import Task, Tasks


class NobodyAsked(Exception):
    """Nobody could be asked; the state machine continues without an answer."""


@dataclass(frozen=True, kw_only=True)
class ApprovalEvent(StepEvent):
    """What this step is given."""

    number: int
    """The remedy's 1-based position among the incident's remedies."""
    token: str
    """The task token of the state that waits for the answer."""


@dataclass(frozen=True)
class ApprovalResult:
    """What this step returns."""

    task: str
    """The question's id."""


@step("Ask for approval", ApprovalEvent)
def handler(run: StepRun, event: ApprovalEvent) -> ApprovalResult:
    """Keep the question with its task token, and send it to all people who may answer."""
    remedy, approval = run.records.remedy(run.incident, event.number), run.service.approval
    if remedy is None:
        raise NobodyAsked(f"remedy {event.number} of {run.incident} has no plan on record")
    people = [called(person) for person in run.service.team if person.role in approval.roles]
    task = Task(run.incident, event.number, run.service.service, "approval", time.time(),
                time.time() + approval.wait_seconds, tuple(people or ["whoever may answer by IAM"]),
                needed(run.service, remedy.action))
    Tasks(run.records).ask(task, event.token)
    text = _question(run, task, remedy)
    run.note(f"approval is asked for: {remedy.summary}", kind="approval",
               fact=ApprovalAsked(task.id, task.asked, iso(task.expires_at), remedy.summary))
    subject = f"{run.service.service}: approve {remedy.action}?"
    # A message for many people contains no link, because a link works for whoever holds it.
    sent = set(notify(run, Message("question", f"ask-{task.id}", task.incident, subject,
                                     f"{text}\n\n{by_iam_text(task)}\n", answers=buttons(task), topic=subject),
                      10).channels)
    sent |= to_each(run, task, asked_persons(run, task), subject, text, f"ask-{task.id}", 20)
    if not sent:
        run.note("nobody could be asked", number=1, kind="notification", fact=Undelivered("all channels"))
        raise NobodyAsked(f"no channel took the question of task {task.id}")
    call(run, run.records.load(run.incident))
    return ApprovalResult(task.id)


def _question(run: StepRun, task: Task, remedy: Remedy) -> str:
    incident = run.records.find(run.incident)
    cause = incident.cause if incident else None
    return "\n".join([
        f"{remedy.action} needs a decision: {remedy.summary}.",
        f"Why: {cause.summary if cause else 'not known'}", "", remedy.diff, "",
        f"Risk: {remedy.risk}. Taken back where it does not help: "
        f"{'yes' if remedy.reversible else 'no, it cannot be undone'}.",
        f"Asked: {', '.join(task.asked)}. Expires at {iso(task.expires_at)}."
        + (f" {task.needed} people must approve, each as themselves." if task.needed > 1 else "")])


def asked_persons(run: StepRun, task: Task) -> list[Person]:
    """Return the team's members who were asked."""
    return [person for person in run.service.team if called(person) in task.asked]


def to_each(run: StepRun, task: Task, persons: Sequence[Person], subject: str, text: str, key: str,
            number: int) -> set[str]:
    """Send a question to each person by the channels that reach them alone, with a link of their own where allowed.

    A person without such a channel gets no message and no link. Returns the channels that took any; ``number`` orders
    the notes of one step.
    """
    sent: set[str] = set()
    for place, person in enumerate(persons):
        if own_channel(run.service, person):
            message = Message("copy", f"{key}-{called(person)}", task.incident, subject,
                              f"{text}\n\n{answer_instructions(run, task, person)}\n", persons=(person,))
            sent |= set(notify(run, message, number + 10 * place).channels)
    return sent


def answer_instructions(run: StepRun, task: Task, person: Person) -> str:
    """Return one person's instructions for answering: by a personal link where allowed, and by IAM."""
    said, url = by_iam_text(task), environment.approval_url()
    if not url or link_refused(run.service, task.kind, run.records.remedy(run.incident, task.number)):
        return said
    try:
        key = aws.secret(environment.approval_key())
    except CallFailed as error:
        return f"No link could be made ({error.note}).\n{said}"
    query = Link(task.incident, task.id, called(person), int(task.expires_at)).query(key)
    return (f"For {called(person)} alone. Whoever holds this link can answer, once; do not pass it on:\n"
            f"{url}?{query}\n\n{said}")


_BUTTONS: dict[TaskKind, tuple[tuple[str, Decision], ...]] = {
    "approval": (("Approve", "approve"), ("Reject", "reject")), "manual": (("Done", "done"),)}


def buttons(task: Task) -> tuple[tuple[str, str], ...]:
    """A question's buttons, for channels that have buttons."""
    return tuple((word, ButtonValue(task.incident, task.id, decision).text) for word, decision in _BUTTONS[task.kind])


def by_iam_text(task: Task) -> str:
    """Return the instructions for answering by IAM; they are no secret."""
    return commands(environment.answer_url(), environment.region(), task.incident, task.id, task.kind)
