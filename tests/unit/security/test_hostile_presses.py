"""A button that Slack signed, of any content: it decides the question that it belongs to, once, or nothing.

Whoever can make Slack sign something can press buttons of an own message: with other values, as another app, from
another workspace, again and again. Formats: Slack's pages "block_actions payload" and "Verifying requests from Slack".
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given

from responder.handlers import approve, pressed
from responder.model.service import loading
from responder.records.table import Records
from responder.records.tasks import Task, Tasks
from tests.odd import FUZZ, mutated, nested
from tests.unit.people.test_approval import KEY, TOKEN, asked, configure, link, machine, records
from tests.unit.security.test_hostile_doors import items, kept, sendable

__all__ = ["configure", "machine", "records"]

VALUE = {"incident": "i-1", "task": "01", "decision": "approve", "other": ""}
ACTIONS = [{"type": "button", "action_id": "answer-0", "value": json.dumps(VALUE)}]
PAYLOAD = {
    "type": "block_actions", "user": {"id": "U1", "username": "ada", "team_id": "T1"}, "api_app_id": "A1",
    "team": {"id": "T1", "domain": "shop"}, "response_url": "https://hooks.slack.com/actions/T1/1/x",
    "actions": ACTIONS}


GENUINE = urlencode({"payload": json.dumps(PAYLOAD)})


@pytest.fixture(autouse=True)
def shop(configure: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    service = configure()
    (tmp_path / "payment-gateway.json").write_text(json.dumps(asdict(replace(service, slack=replace(
        service.slack, signing_secret="signing", app="A1", team="T1")))))
    loading.load.cache_clear()
    monkeypatch.setattr(pressed.aws, "secret", lambda name: KEY)
    monkeypatch.setattr(pressed, "_tell", lambda *_: None)


def sent(body: str, at: float = 0.0, secret: str = KEY) -> int:
    """Send a signed body as Slack does; returns the status."""
    stamp = str(int(at or time.time()))
    seal = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    answered = approve.handler({
        "requestContext": {"http": {"method": "POST"}, "domainName": "x.lambda-url.on.aws"}, "body": body, "headers": {
            "x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={seal}",
            "content-type": "application/x-www-form-urlencoded"}}, None)
    sendable(answered)
    assert "Traceback" not in answered["body"]
    return int(answered["statusCode"])


def press(payload: Any, **more: Any) -> int:
    return sent(urlencode({"payload": json.dumps(payload)}), **more)


def changed(**value: Any) -> dict[str, Any]:
    """The payload with another value of its button."""
    return PAYLOAD | {"actions": [ACTIONS[0] | {"value": json.dumps(VALUE | value)}]}


def test_a_press_decides_once_however_often_it_is_sent(records: Records, machine: Any) -> None:
    asked(records)
    assert press(PAYLOAD) == 200 and machine.woken == [(TOKEN, "approve")]
    before = [item for item in items(records) if item["pk"]["S"].startswith("TASK#")]
    assert press(PAYLOAD) == 200 and press(changed(decision="reject")) == 200
    assert [item for item in items(records) if item["pk"]["S"].startswith("TASK#")] == before
    assert {decision for _, decision in machine.woken} == {"approve"}


def test_a_press_of_any_content_decides_nothing_else(records: Records, machine: Any) -> None:
    asked(records)
    kept(records._client)
    before = items(records)

    @FUZZ
    @given(mutated(deepcopy(PAYLOAD), most=3))
    def sent_by_slack(payload: Any) -> None:
        essential = ("type", "user", "team", "api_app_id", "actions")
        if isinstance(payload, dict) and all(payload.get(name) == PAYLOAD[name] for name in essential):
            return
        # What is not said of the user's own workspace is not known, and what else an action says is of no account.
        slim = json.loads(json.dumps(payload)) if isinstance(payload, dict) else {}
        try:
            same = (slim["user"]["id"], slim["actions"][0]["value"], slim["team"]["id"], slim["api_app_id"],
                    slim["type"], len(slim["actions"])) == ("U1", json.dumps(VALUE), "T1", "A1", "block_actions", 1)
        except (KeyError, TypeError, IndexError):
            same = False
        if same:
            return
        assert press(payload) in (200, 403)
        assert items(records) == before and machine.woken == []

    sent_by_slack()


@pytest.mark.parametrize("payload", [
    PAYLOAD | {"api_app_id": "A2"}, PAYLOAD | {"team": {"id": "T2"}}, PAYLOAD | {"team": None},
    PAYLOAD | {"user": {"id": "U1", "team_id": "T2"}}, PAYLOAD | {"user": {"id": "U1", "is_bot": True}},
    PAYLOAD | {"user": {"id": "USLACKBOT"}}, PAYLOAD | {"user": {"id": "U2"}}, PAYLOAD | {"user": {"id": "u1"}},
    PAYLOAD | {"user": {"id": "\uff35\uff11"}}, PAYLOAD | {"user": {"id": "U1 "}}, PAYLOAD | {"user": {"id": ["U1"]}},
    PAYLOAD | {"type": "view_submission"}, PAYLOAD | {"actions": []}, PAYLOAD | {"actions": ACTIONS * 2},
    changed(incident="i-2"), changed(incident="i-1\u200b"), changed(incident="i-1 "), changed(incident="I-1"),
    changed(task="02"), changed(task="\uff10\uff11"), changed(task="../01"),
    changed(decision="APPROVE"), changed(decision="approve\u200b"), changed(decision="done"),
    changed(decision=["approve"]), changed(decision="instead", other="p-1"), changed(other="\u202e"),
    changed(note=nested(300)), changed(x="y" * 50_000),
    PAYLOAD | {"x": nested(150)}, PAYLOAD | {"x": nested(900, objects=True)}, PAYLOAD | {"x": "y" * 70_000}])
def test_a_press_of_another_kind_decides_nothing(records: Records, machine: Any, payload: Any) -> None:
    asked(records)
    before = items(records)
    assert press(payload) in (200, 403)
    assert items(records) == before and machine.woken == []


@pytest.mark.parametrize(("body", "at", "secret"), [
    ("", 0.0, KEY), ("payload=", 0.0, KEY), ("payload=%00", 0.0, KEY), ("payload=" + "[" * 60_000, 0.0, KEY),
    ("payload=%ff%fe", 0.0, KEY), ("&" * 60_000, 0.0, KEY), ("payload=1&payload=2", 0.0, KEY),
    (GENUINE, -400.0, KEY), (GENUINE, 400.0, KEY), (GENUINE, 0.0, "another secret"), (GENUINE, -10.0 ** 9, KEY)])
def test_a_body_that_is_old_or_of_somebody_else_is_refused(records: Records, machine: Any, body: str, at: float,
                                                           secret: str) -> None:
    asked(records)
    before = items(records)
    assert sent(body, at and max(1.0, time.time() + at), secret) == 403
    assert items(records) == before and machine.woken == []


def test_a_press_of_one_incident_s_question_does_not_decide_another_s(records: Records, machine: Any) -> None:
    asked(records)
    now = time.time()
    Tasks(records).ask(Task("i-2", 1, "payment-gateway", "approval", now, now + 60, ("sre: Ada",)), "two")
    assert press(changed(incident="i-2")) in (200, 403)
    # Of the second there is no remedy on record, so that nobody may approve it; the first still waits.
    assert machine.woken == []
    assert press(PAYLOAD) == 200 and machine.woken == [(TOKEN, "approve")]


def test_a_link_of_one_question_opens_no_other(records: Records, machine: Any) -> None:
    """The seal is of the whole link: each part of it, taken from another valid one, spoils it."""
    asked(records)
    one, other = link(), link("sre: Bob", expires=time.time() + 999, task="02")
    for name in ("incident", "task", "to", "expires", "seal"):
        if one[name] == other[name]:
            continue
        answered = approve.handler({"requestContext": {"http": {"method": "GET"}},
                                    "queryStringParameters": one | {name: other[name]}}, None)
        assert answered["statusCode"] == 403
    assert machine.woken == []
