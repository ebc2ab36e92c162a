"""Ask people for approval of a remedy or for a manual task. They answer by IAM, in Slack, or by a link."""

from __future__ import annotations

import time
from collections.abc import Sequence

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.handlers import environment
from responder.handlers.decide import ButtonValue, by_iam
from responder.handlers.inform import call
from responder.handlers.notify import notify
from responder.handlers.step import StepEvent, StepRun, step
from responder.model.facts import ApprovalAsked, Undelivered
from responder.model.frozen import dataclass
from responder.model.moment import iso
from responder.model.reference import Reference
from responder.model.service import Person
from responder.people import Message, own_channel
from responder.plan.approvals import Decision, TaskKind, called, link_refused, needed
from responder.plan.choices import Other, choice_of, others
from responder.plan.links import reference, references
from responder.plan.question import question
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
    otherwise: str = ""
    """What follows where nobody answers, in a sentence without a capital."""
    others: tuple[str, ...] = ()
    """The ids of the proposals that may come first instead."""


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
                needed(run.service, remedy.action), event.otherwise, event.others)
    Tasks(run.records).ask(task, event.token)
    record = run.records.load(run.incident)
    instead = others(run.service, record, task.others)
    asked = question(run.service, record, remedy, task.in_plan, time.time(), instead)
    run.note(f"approval is asked for: {remedy.summary}", kind="approval",
               fact=ApprovalAsked(task.id, task.asked, iso(task.expires_at), remedy.summary))
    subject = f"{run.service.service}: {asked.title}"
    # A message for many people contains no link, because a link works for whoever holds it.
    iam = by_iam(run.service, task, choice_of(remedy), instead)
    pages = references(run.service, record, environment.reports())
    sent = set(notify(run, Message(
        "question", f"ask-{task.id}", task.incident, subject, asked.text, answers=buttons(task, instead),
        topic=subject, references=pages, code=f"{asked.code}\n\n{iam}"), 10).channels)
    sent |= to_each(run, task, asked_persons(run, task), subject, asked.text, f"{asked.code}\n\n{iam}",
                    f"ask-{task.id}", 20)
    if not sent:
        run.note("nobody could be asked", number=1, kind="notification", fact=Undelivered("all channels"))
        raise NobodyAsked(f"no channel took the question of task {task.id}")
    call(run, run.records.load(run.incident))
    return ApprovalResult(task.id)


def asked_persons(run: StepRun, task: Task) -> list[Person]:
    """Return the team's members who were asked."""
    return [person for person in run.service.team if called(person) in task.asked]


def to_each(run: StepRun, task: Task, persons: Sequence[Person], subject: str, text: str, code: str, key: str,
            number: int) -> set[str]:
    """Send a question to each person by the channels that reach them alone, with a link of their own where allowed.

    A person without such a channel gets no message and no link. Returns the channels that took any; ``number`` orders
    the notes of one step.
    """
    sent: set[str] = set()
    for place, person in enumerate(persons):
        if own_channel(run.service, person):
            said, link = own_link(run, task, person)
            message = Message("copy", f"{key}-{called(person)}", task.incident, subject,
                              "\n\n".join(part for part in (text, said) if part), persons=(person,),
                              references=(link,) if link else (),
                              code=code)
            sent |= set(notify(run, message, number + 10 * place).channels)
    return sent


def own_link(run: StepRun, task: Task, person: Person) -> tuple[str, Reference | None]:
    """Return the page on which one person answers, with what they must know of it; None where no link is allowed."""
    url = environment.approval_url()
    if not url or link_refused(run.service, task.kind, run.records.remedy(run.incident, task.number)):
        return "", None
    try:
        key = aws.secret(environment.approval_key())
    except CallFailed as error:
        return f"No link could be made ({error.note}).", None
    query = Link(task.incident, task.id, called(person), int(task.expires_at)).query(key)
    return (f"The link is for {called(person)} alone. Whoever holds it can answer, once; do not pass it on.",
            reference("Read it all and decide", f"{url}?{query}"))


_BUTTONS: dict[TaskKind, tuple[tuple[str, Decision], ...]] = {
    "approval": (("Approve", "approve"), ("Reject", "reject")), "manual": (("Done", "done"),)}


def buttons(task: Task, instead: Sequence[Other] = ()) -> tuple[tuple[str, str], ...]:
    """A question's buttons, for channels that have buttons: the answers, then other remedies that may come first."""
    return (*((word, ButtonValue(task.incident, task.id, decision).text) for word, decision in _BUTTONS[task.kind]),
            *((f"First: {other.words}", ButtonValue(task.incident, task.id, "instead", other.id).text)
              for other in instead))
