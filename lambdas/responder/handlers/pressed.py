"""A button in Slack was pressed: by somebody of the team, in a request that Slack has signed and sent just now.

Formats: Slack's pages "Handling user interaction in your Slack apps", "block_actions payload" and "Verifying requests
from Slack". Who presses it is told in Slack what became of it.
"""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.handlers.decide import decide
from responder.handlers.step import log
from responder.model.service import Service, UnknownService, load, names
from responder.people.slack import signed
from responder.plan import approvals
from responder.plan.approvals import NotAllowed
from responder.records.table import Records
from responder.records.tasks import NotPossible, Task, Tasks, id_of

_BYTES = 65_536


class NotFromSlack(Exception):
    """A request that Slack has not sent, or not for a question of ours."""


@dataclass(frozen=True)
class Pressed:
    """What a payload asks for."""

    incident: str
    task: str
    """See ``Task.id``."""
    decision: str
    payload: dict[str, Any]


def answer(event: dict[str, Any], headers: dict[str, str], table: Records) -> dict[str, Any]:
    """Answer Slack; ``headers`` have lower-case names."""
    try:
        body = _body(event)
        if not any(_is_from_slack(name, headers, body) for name in names()):
            raise NotFromSlack("the request is not signed by Slack, or not of now")
        pressed = _read(body)
        task = Tasks(table).get(pressed.incident, pressed.task)
        # The app that signed it must be that of the service that asks.
        if task is None or not _is_from_slack(task.service, headers, body):
            raise NotFromSlack("there is no such question")
        service = load(task.service)
    except (NotFromSlack, NotPossible, UnknownService) as error:
        log(step="approve", refused=str(error)[:200])
        return {"statusCode": 403, "headers": {"content-type": "text/plain"}, "body": "refused"}
    said = _decided(table, service, pressed)
    _tell(str(pressed.payload.get("response_url") or ""), said, service)
    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": ""}


def _decided(table: Records, service: Service, pressed: Pressed) -> str:
    """Decide as whoever pressed the button, and say what became of it."""
    try:
        voter = approvals.in_slack(service, pressed.payload)
        task: Task = decide(table, pressed.incident, pressed.task, pressed.decision, voter)
    except (NotPossible, NotAllowed) as error:
        log(step="approve", declined=str(error)[:200])
        return f"Nothing was decided: {error}"
    if task.decision:
        return f"{task.decision}: decided by {task.decided_by} at {task.decided_at}"
    return f"approved by {voter.shown}: {task.approved} so far, another person must approve it too"


def _body(event: dict[str, Any]) -> bytes:
    """Return the body as it was signed; raises NotFromSlack."""
    body = str(event.get("body") or "")
    try:
        content = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    except ValueError as error:
        raise NotFromSlack("the request cannot be read") from error
    if len(content) > _BYTES:
        raise NotFromSlack("the request is too long")
    return content


def _read(body: bytes) -> Pressed:
    """Return what a signed body asks for; raises NotFromSlack, NotPossible."""
    try:
        payload = json.loads(parse_qs(body.decode(), max_num_fields=4)["payload"][0])
        action, = payload["actions"]
        value = json.loads(action["value"])
        return Pressed(str(value["incident"]), id_of(value["task"]), str(value["decision"]), payload)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise NotFromSlack("the payload is not that of one of our buttons") from error


def _is_from_slack(name: str, headers: dict[str, str], body: bytes) -> bool:
    slack = load(name).slack
    if not slack or not slack.signing_secret:
        return False
    try:
        return signed(headers, body, aws.secret(slack.signing_secret), time.time())
    except CallFailed as failed:
        log(step="approve", service=name, slack=failed.note)
        return False


def _tell(url: str, text: str, service: Service) -> None:
    """Say in Slack what became of it; at Slack's own address alone, whatever the payload says."""
    from responder.clients.http import Http
    from responder.people.slack import escaped

    own = urlsplit(service.slack.api if service.slack else "")
    given = urlsplit(url)
    if (given.scheme, given.netloc) != ("https", "hooks.slack.com") and given.netloc != own.netloc:
        return
    try:
        # Slack waits for three seconds, cold start included; what was decided shows in its thread anyway.
        Http(time.monotonic() + 0.7).answer("POST", url, json={
            "text": escaped(text), "replace_original": False, "response_type": "in_channel"})
    except CallFailed as failed:
        log(step="approve", slack=failed.note)
