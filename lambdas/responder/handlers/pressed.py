"""A button in Slack: a member of the team pressed it, and Slack signed and sent the request just now.

Formats: Slack's pages "Handling user interaction in your Slack apps", "block_actions payload" and "Verifying requests
from Slack". The person who pressed it gets the result in Slack.
"""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.handlers.decide import ButtonValue, decide, told
from responder.handlers.request import Request, Response, Unreadable
from responder.handlers.settings import of_incident
from responder.handlers.step import log
from responder.model.service import Service, UnknownService, load, names
from responder.people.slack import NotPressed, Press, pressed, signed
from responder.plan import approvals
from responder.plan.approvals import NotAllowed, SlackPress
from responder.plan.choices import Chosen
from responder.records.table import Records
from responder.records.tasks import NotPossible, Task, Tasks, id_of

_BYTES = 65_536


class NotFromSlack(Exception):
    """The request is not from Slack, or not for one of our questions."""


def answer(request: Request, table: Records) -> Response:
    """Answer Slack."""
    text = {"content-type": "text/plain"}
    try:
        body = request.content(_BYTES)
        if not any(_is_from_slack(name, request.headers, body) for name in names()):
            raise NotFromSlack("the request is not signed by Slack, or not of now")
        press = pressed(body)
        value = ButtonValue.of(press.value)
        task = Tasks(table).get(value.incident, id_of(value.task))
        # The app that signed it must belong to the service that asks.
        if task is None or not _is_from_slack(task.service, request.headers, body):
            raise NotFromSlack("there is no such question")
        service = of_incident(table, load(task.service), task.incident)
    except (NotFromSlack, NotPressed, NotPossible, UnknownService, Unreadable, ValueError) as error:
        log(step="approve", refused=str(error)[:200])
        return Response(403, text, "refused")
    said = _decided(table, service, task, press, value)
    _tell(press.response_url, said, service)
    return Response(200, text, "")


def in_plan(press: Press) -> SlackPress:
    """Return a button that was pressed as the plan judges it."""
    return SlackPress(press.user, press.type, press.is_bot, press.app, press.team, press.user_team)


def _decided(table: Records, service: Service, task: Task, press: Press, value: ButtonValue) -> str:
    """Decide as the person who pressed the button, and return the result as a sentence."""
    try:
        voter = approvals.in_slack(service, in_plan(press))
        task = decide(table, task.incident, task.id, value.decision, voter, chosen=Chosen(other=value.other))
    except (NotPossible, NotAllowed) as error:
        log(step="approve", declined=str(error)[:200])
        return f"Nothing was decided: {error}"
    return told(task)


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
    """Post the result in Slack; only to Slack's own address, whatever the payload says."""
    from responder.clients.http import Http
    from responder.people.slack import escaped

    own = urlsplit(service.slack.api if service.slack else "")
    try:
        given = urlsplit(url)
    except ValueError:
        return
    if (given.scheme, given.netloc) not in (("https", "hooks.slack.com"), (own.scheme, own.netloc)) or not given.netloc:
        return
    try:
        # Slack waits for three seconds, cold start included; the decision appears in its thread anyway.
        Http(time.monotonic() + 0.7).answer("POST", url, json={
            "text": escaped(text), "replace_original": False, "response_type": "in_channel"})
    except CallFailed as failed:
        log(step="approve", slack=failed.note)
