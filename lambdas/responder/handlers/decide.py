"""Take a person's decision from any channel: check that they may decide, record it, resume the state machine."""

from __future__ import annotations

import json

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.handlers import environment
from responder.handlers.step import log
from responder.model.codec import decode, encode
from responder.model.facts import Answered
from responder.model.frozen import dataclass
from responder.model.incident import Remedy
from responder.model.masking import mask
from responder.model.service import UnknownService, load
from responder.plan import approvals
from responder.plan.approvals import Decision, Voter
from responder.records.table import Records
from responder.records.tasks import ALLOWED, Decided, NotPossible, Task, Tasks, id_of

_NOTE = 300
_PAST: dict[Decision, str] = {"approve": "approved", "reject": "rejected", "done": "marked as done"}


@dataclass(frozen=True)
class ButtonValue:
    """The value of a question's button."""

    incident: str
    task: str
    """See ``Task.id``."""
    decision: Decision

    @property
    def text(self) -> str:
        """The value as a channel keeps it."""
        return json.dumps(encode(self))

    @classmethod
    def of(cls, text: str) -> ButtonValue:
        """Return the button of ``text``; raises ValueError, also for an unknown task or answer."""
        return decode(cls, json.loads(text), "button")


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


def decide(records: Records, incident: str, task_id: str, decision: str, voter: Voter, note: str = "") -> Task:
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
        needed = approvals.check(load(task.service), task.kind, remedy, answer, voter)
    except UnknownService as error:
        raise NotPossible(str(error)) from error
    try:
        task = tasks.answer(incident, task_id, answer, voter.shown, voter=voter, needed=needed)
    except Decided as decided:
        if decided.task.decision == answer:
            _finish(records, tasks, decided.task, remedy, answer, needed, "")
        raise
    _finish(records, tasks, task, remedy, answer, needed, note)
    return task


def by_iam(task: Task) -> str:
    """Return the commands that answer a question by IAM, as a shell takes them; they are no secret."""
    return approvals.commands(environment.answer_url(), environment.region(), task.incident, task.id, task.kind)


def allowed(task: Task, decision: str) -> Decision:
    """Return an answer that a question takes; raises NotPossible."""
    for answer in ALLOWED[task.kind]:
        if answer == decision:
            return answer
    raise NotPossible(f"{decision[:40]!r} is no answer to this: it takes {' or '.join(ALLOWED[task.kind])}")


def _finish(records: Records, tasks: Tasks, task: Task, remedy: Remedy | None, decision: Decision, needed: int,
            note: str) -> None:
    """Record an answer and resume the waiting execution; idempotent, because the entry has the answer's time."""
    what = f"{remedy.action} on {remedy.target}" if remedy else f"task on task {task.id}"
    vote = task.votes[-1] if task.votes and not task.decision else None
    try:
        records.note(task.incident, vote.at if vote else task.decided_at, "Decide",
                     f"{what} is {_PAST[decision]}" + (f" by {task.approved} of {needed}" if vote else ""),
                     kind="approval", by=vote.shown if vote else task.decided_by,
                     fact=Answered(task.id, decision, not vote, mask(note)[:_NOTE]))
    finally:
        # The execution resumes even if the timeline entry could not be written.
        _resume(tasks, task)


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
