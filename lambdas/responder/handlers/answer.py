"""Answers by IAM: a Function URL of auth type AWS_IAM, which identifies its caller.

Format: AWS's page "Invoking Lambda function URLs" (payload version 2.0). The request is
POST {"incident", "task", "decision": "approve" | "reject" | "instead" | "done", "value", "other", "note"}, the answer
{"result", …} in JSON.
"""

from __future__ import annotations

import json
from typing import Literal

from responder.handlers.decide import decide, told
from responder.handlers.observed import observed
from responder.handlers.request import Request, Response, Unreadable
from responder.handlers.settings import of_incident
from responder.handlers.step import log, records
from responder.model.codec import Json, Malformed, decode
from responder.model.frozen import dataclass
from responder.model.masking import mask
from responder.model.plain_json import NotJson, parsed
from responder.model.service import UnknownService, load
from responder.plan.approvals import IamCaller, NotAllowed, caller
from responder.plan.choices import Chosen
from responder.records.tasks import NotPossible, Tasks, id_of

_BODY_BYTES = 4096
_SHAPE = ('{"incident": "…", "task": "01", "decision": "approve", "reject", "instead" or "done", "note": "…"}; with '
          'approve also "value": 6, with instead "other": "…", as the question says')


class BadRequest(Exception):
    """The request is unreadable; the message says what was expected."""


@dataclass(frozen=True)
class Answer:
    """A person's answer."""

    incident: str
    task: str
    """``1`` or ``01``; ``01m`` for a manual task."""
    decision: str
    note: str = ""
    value: int | None = None
    """With ``approve``: another value than the planned one, where the question offers some."""
    other: str = ""
    """With ``instead``: the id of the remedy that is to come first, as the question says."""


@observed()
def handler(event: Json, context: object) -> Json:
    """Answer one request: 200 decided or partly approved, 400 unreadable, 403 not allowed, 405, 409 decides nothing."""
    request = Request.of(event)
    if request.method != "POST":
        return _said(405, "refused", "answer by POST").wire
    if request.iam is None or "x-amz-signature" in {name.lower() for name in request.query}:
        # A presigned URL can be passed on, so it does not identify the person who uses it.
        return _said(403, "refused", "sign the request itself (SigV4, in its headers)").wire
    return _answered(request, request.iam).wire


def _answered(request: Request, iam: IamCaller) -> Response:
    table = records()
    try:
        given = _given(request)
        task_id = id_of(given.task)
        task = Tasks(table).get(given.incident, task_id)
        if task is None:
            raise NotPossible(f"incident {given.incident[:100]} has no task {task_id}")
        voter = caller(of_incident(table, load(task.service), given.incident), iam)
        task = decide(table, given.incident, task_id, given.decision, voter, given.note,
                      Chosen(given.value, given.other))
    except BadRequest as error:
        return _said(400, "refused", str(error))
    except NotAllowed as error:
        return _said(403, "refused", str(error))
    except (NotPossible, UnknownService) as error:
        return _said(409, "declined", str(error))
    log(step="answer", incident=task.incident, task=task.id, by=voter.shown, decision=task.decision)
    return _said(200, "decided" if task.decision else "approved", told(task))


def _given(request: Request) -> Answer:
    """Return a person's answer; raises BadRequest."""
    try:
        return decode(Answer, parsed(request.content(_BODY_BYTES)))
    except Unreadable as error:
        raise BadRequest(f"{error}; expected JSON: {_SHAPE}") from error
    except Malformed as error:
        raise BadRequest(f"expected these fields: {_SHAPE} ({error})") from error
    except NotJson as error:
        raise BadRequest(f"expected JSON: {_SHAPE}") from error


def _said(status: int, result: Literal["decided", "approved", "declined", "refused"], text: str) -> Response:
    if status != 200:
        log(step="answer", status=status, refused=text)
    return Response(status, {"content-type": "application/json", "cache-control": "no-store"},
                    json.dumps({"result": result, "said": mask(text)}, ensure_ascii=False) + "\n")
