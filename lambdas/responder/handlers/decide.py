"""Take a person's decision from any channel: check that they may decide, record it, resume the state machine."""

from __future__ import annotations

import json
from collections.abc import Sequence

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.handlers import environment
from responder.handlers.settings import of_incident
from responder.handlers.step import log
from responder.model.codec import decode, encode
from responder.model.facts import Answered
from responder.model.frozen import dataclass
from responder.model.incident import Incident, IncidentRecord, Remedy
from responder.model.masking import mask
from responder.model.moment import iso
from responder.model.plain_json import parsed
from responder.model.service import Service, UnknownService, load
from responder.plan import approvals, choices
from responder.plan.approvals import Decision, NotAllowed, Voter
from responder.plan.choices import NOTHING, Chosen, Other
from responder.plan.deeds import Choice
from responder.plan.question import became
from responder.records.table import Records
from responder.records.tasks import ALLOWED, Decided, Expired, NotPossible, Task, Tasks, id_of

_NOTE = 300
_PAST: dict[Decision, str] = {"approve": "approved", "reject": "rejected", "instead": "rejected",
                              "done": "marked as done"}


@dataclass(frozen=True)
class ButtonValue:
    """The value of a question's button."""

    incident: str
    task: str
    """See ``Task.id``."""
    decision: Decision
    other: str = ""
    """See ``Chosen.other``."""

    @property
    def text(self) -> str:
        """The value as a channel keeps it."""
        return json.dumps(encode(self))

    @classmethod
    def of(cls, text: str) -> ButtonValue:
        """Return the button of ``text``; raises ValueError, also for an unknown task or answer."""
        return decode(cls, parsed(text), "button")


@dataclass(frozen=True)
class DoneByExecution:
    """A person's statement, in the input of an execution, that a manual task is done."""

    incident: str
    task: str | int
    """``01m``, as in the message."""
    decision: str
    by: str | None = None
    """The person who did it, by their own statement."""


def by_execution(records: Records, given: DoneByExecution, execution: str) -> Task:
    """Mark a manual task as done; raises NotPossible, NotAllowed.

    An execution can decide nothing else, because a person who may start one may not be allowed to approve.
    """
    return decide(records, given.incident, id_of(given.task), given.decision, approvals.starter(execution),
                  f"started by {given.by}, as they say" if given.by else "")


def decide(records: Records, incident: str, task_id: str, decision: str, voter: Voter, note: str = "",
           chosen: Chosen = NOTHING) -> Task:
    """Take an answer, record it, and resume the state machine.

    Raises NotPossible if the answer decides nothing, NotAllowed if the person may not decide. If this crashes after
    recording but before resuming the execution, a retry resumes it, or the execution reads the decision when its wait
    times out.
    """
    tasks = Tasks(records)
    task = tasks.get(incident, task_id)
    if task is None:
        raise NotPossible(f"incident {incident[:100]} has no task {task_id}")
    answer = allowed(task, decision)
    remedy = records.remedy(incident, task.number)
    try:
        service = of_incident(records, load(task.service), incident)
        needed = approvals.check(service, task.kind, remedy, answer, voter)
    except UnknownService as error:
        raise NotPossible(str(error)) from error
    wanted, words = _chosen(records, service, task, remedy, answer, chosen, voter)
    try:
        task = tasks.answer(incident, task_id, answer, voter.shown, voter=voter, needed=needed, chosen=wanted)
    except Decided as decided:
        if (decided.task.decision, decided.task.chosen) == (answer, wanted):
            _finish(records, tasks, decided.task, remedy, answer, needed, "", words)
        if remedy is None or decided.task.kind == "manual" or decided.task.decision != "approve":
            raise
        raise NotPossible(f"{decided}. {became(incident_record(records, task), remedy, decided.task.chosen)}") from (
            decided)
    except Expired as expired:
        by_hand = f". To do it now, by hand: {remedy.by_hand}" if remedy and remedy.by_hand else ""
        raise NotPossible(f"{expired}{by_hand}") from expired
    _finish(records, tasks, task, remedy, answer, needed, note, words)
    return task


def _chosen(records: Records, service: Service, task: Task, remedy: Remedy | None, answer: Decision,
            chosen: Chosen, voter: Voter) -> tuple[Chosen, str]:
    """Return what is chosen besides yes or no, and the same in words; the planned value is no choice.

    Raises NotPossible for what is not offered or not allowed, NotAllowed for another remedy that the voter's link could
    not decide.
    """
    if (chosen.other and answer != "instead") or (chosen.value is not None and answer != "approve"):
        raise NotPossible("a value goes with approve, and another remedy with instead")
    if answer == "instead" and not chosen.other:
        raise NotPossible("it is not said which remedy is to come first instead")
    if chosen == NOTHING:
        return NOTHING, ""
    record = incident_record(records, task)
    if against := choices.objection(service, remedy, record, task.others, chosen):
        raise NotPossible(against)
    proposed = record.proposal(chosen.other)
    if proposed and voter.way == "link" and (why := approvals.risk_refused(service, proposed.action)):
        raise NotAllowed(f"this link cannot choose that: {why}")
    choice = choices.choice_of(remedy) if remedy else None
    if choice and chosen.value == choice.planned:
        return NOTHING, ""
    return chosen, choices.said(remedy, record, chosen)


def incident_record(records: Records, task: Task) -> IncidentRecord:
    """Return the record of a question's incident; of one that is not there, the remedies alone."""
    if records.find(task.incident):
        return records.without_timeline(task.incident)
    return IncidentRecord(Incident(task.incident, task.service, iso(task.asked_at)),
                          remedies=records.remedies_of(task.incident))


def by_iam(service: Service, task: Task, choice: Choice | None = None, others: Sequence[Other] = ()) -> str:
    """Return the commands that answer a question by IAM, as a shell takes them; they are no secret.

    What may be chosen besides stands below them, in comments.
    """
    said = approvals.commands(environment.answer_url(), environment.region(), task.incident, task.id, task.kind,
                              service.prefix)
    return "\n".join([said, *choices.by_iam(choice, others)])


def allowed(task: Task, decision: str) -> Decision:
    """Return an answer that a question takes; raises NotPossible."""
    for answer in ALLOWED[task.kind]:
        if answer == decision:
            return answer
    raise NotPossible(f"{decision[:40]!r} is no answer to this: it takes {' or '.join(ALLOWED[task.kind])}")


def _finish(records: Records, tasks: Tasks, task: Task, remedy: Remedy | None, decision: Decision, needed: int,
            note: str, chosen: str) -> None:
    """Record an answer and resume the waiting execution; idempotent, because the entry has the answer's time."""
    what = f"{remedy.action} on {remedy.target}" if remedy else f"task on task {task.id}"
    vote = task.votes[-1] if task.votes and not task.decision else None
    person = vote.shown if vote else task.decided_by
    approved = task.approved_with(vote.value) if vote else 0
    try:
        records.note(task.incident, vote.at if vote else task.decided_at, "Decide",
                     f"{what} is {_PAST[decision]}" + (f" by {approved} of {needed}" if vote else "")
                     + (f": {person} {chosen}" if chosen else ""), kind="approval", by=person,
                     fact=Answered(task.id, decision, not vote, mask(note)[:_NOTE]))
    finally:
        # The execution resumes even if the timeline entry could not be written.
        _resume(tasks, task)


def told(task: Task) -> str:
    """Say what an answer did, to whoever gave it."""
    if not task.decision:
        split = len({vote.value for vote in task.votes}) > 1
        return (f"approved by {task.approved} of {task.needed} so far; another person must approve the same too"
                + (", and not all have chosen the same" if split else ""))
    chosen = f" with {task.value} as the value" if task.value is not None else ""
    return f"{task.decision}{chosen}: decided by {task.decided_by} at {task.decided_at}"


@dataclass(frozen=True)
class Resumed:
    """The result of the state that waits for an answer."""

    decision: Decision


def _resume(tasks: Tasks, task: Task) -> None:
    """Resume the execution that waits for a decision; if this fails, it reads the decision when its wait times out."""
    token = tasks.token(task.incident, task.id)
    if not task.decision or not token:
        return
    try:
        with aws.failures("Step Functions"):
            aws.client("stepfunctions").send_task_success(
                taskToken=token, output=json.dumps(encode(Resumed(task.decision))))
    except CallFailed as failed:
        log(step="decide", incident=task.incident, task=task.id, resuming=failed.note)
