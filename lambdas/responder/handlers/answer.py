"""Answer a question as who one is in AWS: a Function URL of auth type AWS_IAM, which says who calls it.

Format: AWS's page "Invoking Lambda function URLs" (payload version 2.0). The request is
POST {"incident", "task", "decision": "approve" | "reject" | "done", "note"}, the answer {"result", …} in JSON.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from responder.handlers.decide import decide
from responder.handlers.step import log, records
from responder.model.masking import mask
from responder.model.service import UnknownService, load
from responder.plan.approvals import NotAllowed, caller
from responder.records.tasks import NotPossible, Task, Tasks, id_of

_BODY_BYTES = 4096
_FIELDS = frozenset({"incident", "task", "decision", "note"})
_SHAPE = '{"incident": "…", "task": "01", "decision": "approve", "reject" or "done", "note": "…"}'


class BadRequest(Exception):
    """A request that cannot be read; the message says what was expected."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request: 200 decided or approved in part, 400 unreadable, 403 may not, 405, 409 decides nothing."""
    about = event.get("requestContext") or {}
    method = str((about.get("http") or {}).get("method", "")).upper()
    if method != "POST":
        return _said(405, "refused", "answer by POST")
    iam = (about.get("authorizer") or {}).get("iam")
    query = {str(key).lower() for key in event.get("queryStringParameters") or {}}
    if not isinstance(iam, dict) or "x-amz-signature" in query:
        # An address that is signed in advance can be handed on, and then says nothing of who uses it.
        return _said(403, "refused", "sign the request itself (SigV4, in its headers)")
    table = records()
    try:
        given = _given(event)
        task_id = id_of(given["task"])
        task = Tasks(table).get(given["incident"], task_id)
        if task is None:
            raise NotPossible(f"incident {given['incident'][:100]} has no task {task_id}")
        voter = caller(load(task.service), iam)
        task = decide(table, given["incident"], task_id, given["decision"], voter, given.get("note", ""))
    except BadRequest as error:
        return _said(400, "refused", str(error))
    except NotAllowed as error:
        return _said(403, "refused", str(error))
    except (NotPossible, UnknownService) as error:
        return _said(409, "declined", str(error))
    log(step="answer", incident=task.incident, task=task.id, by=voter.shown, decision=task.decision)
    return _said(200, "decided" if task.decision else "approved", _outcome(task))


def _outcome(task: Task) -> str:
    if task.decision:
        return f"{task.decision}: decided by {task.decided_by} at {task.decided_at}"
    return f"approved by {task.approved} so far; another person must approve it too"


def _given(event: dict[str, Any]) -> dict[str, str]:
    """Return the request's fields, all texts; raises BadRequest."""
    body = event.get("body") or ""
    try:
        content = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else str(body).encode()
        if len(content) > _BODY_BYTES:
            raise BadRequest(f"the request is longer than {_BODY_BYTES} bytes")
        given = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"expected JSON: {_SHAPE}") from error
    if not isinstance(given, dict) or not {"incident", "task", "decision"} <= set(given) <= _FIELDS or not all(
            isinstance(value, str) for value in given.values()):
        raise BadRequest(f"expected these fields, all texts: {_SHAPE}")
    return given


def _said(status: int, result: str, text: str) -> dict[str, Any]:
    if status != 200:
        log(step="answer", status=status, refused=text)
    return {"statusCode": status, "headers": {"content-type": "application/json", "cache-control": "no-store"},
            "body": json.dumps({"result": result, "said": mask(text)}, ensure_ascii=False) + "\n"}
