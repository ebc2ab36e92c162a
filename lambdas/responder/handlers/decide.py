"""Take in what a person decided, by the way with IAM: an execution started with incident, task and decision."""

from __future__ import annotations

import json
from typing import Any

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.handlers.step import log
from responder.model.masking import mask
from responder.records.table import Records
from responder.records.tasks import Decided, NotPossible, Task, Tasks, id_of


def by_iam(records: Records, given: dict[str, Any], execution: str, entered: str) -> dict[str, Any]:
    """Return {"result": "decided", …} or {"result": "declined", "reason"} for {"incident", "task", "decision", "by"}.

    ``by`` is what the person says; who it was, CloudTrail knows.
    """
    name = mask(str(given.get("by") or "somebody"))[:100]
    by = f"{name} (execution {execution.rpartition(':')[2]}; CloudTrail knows who started it)"
    try:
        task = decide(records, str(given["incident"]), id_of(given["task"]), str(given["decision"]), by, entered, name)
    except NotPossible as error:
        return {"result": "declined", "reason": mask(str(error))}
    return {"result": "decided", "incident": {"id": task.incident, "service": task.service},
            "decision": task.decision or f"{len(task.votes)} of {task.needed} approvals"}


def decide(records: Records, incident: str, task_id: str, decision: str, by: str, entered: str,
           voter: str = "") -> Task:
    """Take an answer in, put it on record, and wake the state machine; raises NotPossible.

    Who dies between the record and the waking leaves a decision that a repeat wakes with, or that the state machine
    finds when its wait is over.
    """
    tasks = Tasks(records)
    try:
        task = tasks.answer(incident, task_id, decision, by, voter)
    except Decided as decided:
        if decided.task.decision == decision:
            _wake(tasks, decided.task)
        raise
    record = records.action(incident, task.number) or {}
    what = f"{record.get('action', 'task')} on {record.get('target', f'task {task_id}')}"
    said = {"approve": "approved", "reject": "rejected", "done": "marked as done"}[decision]
    records.note(incident, entered, "Decide", f"{what} is {said}" + (
        "" if task.decision else f" by {len(task.votes)} of {task.needed}"), kind="approval", by=by)
    _wake(tasks, task)
    return task


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
