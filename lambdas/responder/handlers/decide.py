"""Take in what a person decided, whichever way it came: judge whether they may, record it, wake the state machine."""

from __future__ import annotations

import json
from typing import Any

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.handlers.step import log
from responder.model.masking import mask
from responder.model.service import UnknownService, load
from responder.plan import approvals
from responder.plan.approvals import NotAllowed, Voter
from responder.records.table import Records
from responder.records.tasks import ALLOWED, Decided, NotPossible, Task, Tasks, id_of

_NOTE = 300
_PAST = {"approve": "approved", "reject": "rejected", "done": "marked as done"}


def by_execution(records: Records, given: dict[str, Any], execution: str) -> dict[str, Any]:
    """Return {"result": "decided", …} or {"result": "declined", "reason"} for {"incident", "task", "decision", "by"}.

    An execution marks a manual task as done, and decides nothing else: who may start one is not who may approve.
    ``by`` is what the person says.
    """
    try:
        said = str(given.get("by") or "")
        task = decide(records, str(given["incident"]), id_of(given["task"]), str(given["decision"]),
                      approvals.starter(execution), f"started by {said}, as they say" if said else "")
    except (NotPossible, NotAllowed) as error:
        return {"result": "declined", "reason": mask(str(error))}
    return {"result": "decided", "incident": {"id": task.incident, "service": task.service},
            "decision": task.decision}


def decide(records: Records, incident: str, task_id: str, decision: str, voter: Voter, note: str = "") -> Task:
    """Take an answer in, put it on record, and wake the state machine.

    Raises NotPossible for what decides nothing, NotAllowed for who may not. A step that ends between the record and
    the waking leaves a decision that a repeat puts on record and wakes with, or that the state machine finds when its
    wait is over.
    """
    tasks = Tasks(records)
    task = tasks.get(incident, task_id)
    if task is None:
        raise NotPossible(f"incident {incident[:100]} has no task {task_id}")
    if decision not in ALLOWED[task.kind]:
        raise NotPossible(f"{decision[:40]!r} is no answer to this: it takes {' or '.join(ALLOWED[task.kind])}")
    record = records.action(incident, task.number)
    try:
        needed = approvals.check(load(task.service), task.kind, record, decision, voter)
    except UnknownService as error:
        raise NotPossible(str(error)) from error
    try:
        task = tasks.answer(incident, task_id, decision, voter.shown, voter=voter, needed=needed)
    except Decided as decided:
        if decided.task.decision == decision:
            _finish(records, tasks, decided.task, record or {}, decision, needed, "")
        raise
    _finish(records, tasks, task, record or {}, decision, needed, note)
    return task


def _finish(records: Records, tasks: Tasks, task: Task, record: dict[str, Any], decision: str, needed: int,
            note: str) -> None:
    """Put an answer on record and wake who waits for it; twice is once, for its time is that of the answer itself."""
    what = f"{record.get('action', 'task')} on {record.get('target', f'task {task.id}')}"
    vote = task.votes[-1] if task.votes and not task.decision else None
    try:
        records.note(task.incident, vote.at if vote else task.decided_at, "Decide",
                     f"{what} is {_PAST[decision]}" + (f" by {task.approved} of {needed}" if vote else ""),
                     kind="approval", by=vote.shown if vote else task.decided_by,
                     detail={"note": mask(note)[:_NOTE]} if note else None)
    finally:
        # What is on record in part is no reason to let people wait.
        _wake(tasks, task)


def _wake(tasks: Tasks, task: Task) -> None:
    """Wake the state machine that waits for a decision; where it no longer does, or cannot be told, it finds it."""
    token = tasks.token(task.incident, task.id)
    if not task.decision or not token:
        return
    try:
        with aws.failures("Step Functions"):
            aws.client("stepfunctions").send_task_success(
                taskToken=token, output=json.dumps({"decision": task.decision}))
    except CallFailed as failed:
        log(step="decide", incident=task.incident, task=task.id, waking=failed.note)
