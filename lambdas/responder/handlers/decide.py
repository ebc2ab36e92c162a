"""Take in what a person decided, by the way with IAM: an execution started with incident, task and decision."""

from __future__ import annotations

import json
from typing import Any

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.masking import mask
from responder.records.table import Records
from responder.records.tasks import NotPossible, Task, Tasks, number_of


def by_iam(records: Records, given: dict[str, Any], execution: str, entered: str) -> dict[str, Any]:
    """Return {"result": "decided", …} or {"result": "refused", "reason"} for {"incident", "task", "decision", "by"}."""
    name = execution.rpartition(":")[2]
    by = f"{mask(str(given.get('by') or 'somebody'))[:100]} (execution {name}; CloudTrail knows who started it)"
    try:
        task = decide(records, str(given["incident"]), number_of(given["task"]), str(given["decision"]), by, entered)
    except NotPossible as error:
        return {"result": "refused", "reason": mask(str(error))}
    return {"result": "decided", "incident": {"id": task.incident, "service": task.service},
            "decision": task.decision or f"{len(task.votes)} of {task.needed} approvals"}


def decide(records: Records, incident: str, number: int, decision: str, by: str, entered: str) -> Task:
    """Take an answer in, put it on record, and wake the state machine; raises NotPossible.

    Who dies between the record and the waking leaves a decision that the state machine finds when its wait is over.
    """
    tasks = Tasks(records)
    task = tasks.answer(incident, number, decision, by)
    record = records.action(incident, number) or {}
    what = f"{record.get('action', 'task')} on {record.get('target', f'task {number:02d}')}"
    said = {"approve": "approved", "reject": "rejected", "done": "marked as done"}[decision]
    records.note(incident, entered, "Decide", f"{what} is {said}" + (
        "" if task.decision else f" by {len(task.votes)} of {task.needed}"), kind="approval", by=by)
    token = tasks.token(incident, number)
    if task.decision and token:
        try:
            with aws.failures("Step Functions"):
                aws.client("stepfunctions").send_task_success(
                    taskToken=token, output=json.dumps({"decision": task.decision}))
        except CallFailed as failed:
            raise NotPossible("it is on record, but the incident no longer waits for it: "
                              f"{failed.note}") from failed
    return task
