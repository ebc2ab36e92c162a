"""The channels against their vendors' stand-ins, and both against what the vendors document."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from moto import mock_aws

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.handlers import approve, decide, notify
from responder.handlers.step import StepRun
from responder.model import service as model
from responder.model.service import Person, Service
from responder.people import Message, every, pagerduty, slack, statuspage
from responder.records.table import Records
from responder.records.tasks import Task, Tasks
from sandbox.server import serve
from sandbox.vendors.gate import Gates
from sandbox.vendors.people import (
    API_KEY,
    BOT_TOKEN,
    PAGE,
    PAGE_KEY,
    ROUTING_KEY,
    SIGNING_SECRET,
    ManagedPage,
    PagerDuty,
    Slack,
)
from tests.conftest import timeline

SECRETS = {"incident-response/pagerduty": ROUTING_KEY, "incident-response/pagerduty-api": API_KEY,
           "incident-response/slack": BOT_TOKEN, "incident-response/slack-signing": SIGNING_SECRET,
           "incident-response/statuspage": PAGE_KEY}


class Vendors:
    """All three on one port, as in the sandbox."""

    def __init__(self) -> None:
        self.gates = Gates()
        self.pagerduty, self.slack, self.page = PagerDuty(self.gates), Slack(self.gates), ManagedPage(self.gates)

    def route(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Any:
        vendor: Any = {"pagerduty": self.pagerduty, "slack": self.slack, "statuspage": self.page}[path.split("/")[1]]
        return vendor.answer(method, path, headers, body)


@pytest.fixture
def vendors() -> Vendors:
    return Vendors()


@pytest.fixture
def team(vendors: Vendors, service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    server = serve(0, vendors.route)
    root = f"http://127.0.0.1:{server.server_address[1]}"
    secrets = dict(SECRETS)
    monkeypatch.setattr(aws, "secret", lambda name: secrets[name])
    assert service.pagerduty and service.slack and service.statuspage
    yield replace(
        service, pagerduty=replace(service.pagerduty, events=f"{root}/pagerduty/v2/enqueue", api=f"{root}/pagerduty"),
        slack=replace(service.slack, api=f"{root}/slack"),
        statuspage=replace(service.statuspage, api=f"{root}/statuspage/v1"),
        team=(Person("Ada", "sre", slack="U1", pagerduty="PADA"), Person("Bo", "developer", slack="U2")))
    server.shutdown()
    server.server_close()


def message(kind: Any, key: str = "k", **more: Any) -> Message:
    return Message(kind, key, "payment-gateway-1", "payment-gateway: high error rate", more.pop("text", "What: <b>&"),
                   **more)


PAGE_TEAM = (Person("Ada", "sre", slack="U1", pagerduty="PADA"),)


def test_pagerduty_is_triggered_once_and_resolved_with_the_same_key(vendors: Vendors, team: Service) -> None:
    state = pagerduty.CHANNEL.deliver(team, message("page"), {})
    state = pagerduty.CHANNEL.deliver(team, message("page"), state)
    (key, alert), = vendors.pagerduty.alerts.items()
    assert [event["event_action"] for event in alert["events"]] == ["trigger", "trigger"]
    # Without a recovery that is verified nothing is resolved, and nothing is ever acknowledged.
    assert pagerduty.CHANNEL.deliver(team, message("closed", over=False), state) is None
    assert state
    state = pagerduty.CHANNEL.deliver(team, message("closed", over=True), state)
    assert alert["status"] == "resolved" and alert["events"][-1]["dedup_key"] == key
    # What comes back is another alert.
    pagerduty.CHANNEL.deliver(team, message("page"), state)
    assert len(vendors.pagerduty.alerts) == 2


@pytest.mark.parametrize(("kind", "key"), [("escalation", "escalated-1"), ("question", "ask-01"),
                                           ("question", "remind-01m-1")])
def test_a_need_for_a_person_notifies_again_although_the_page_was_acknowledged(
        vendors: Vendors, team: Service, kind: Any, key: str) -> None:
    """PagerDuty's page "Event Management": an event with the key of an open incident is added to its log."""
    state = pagerduty.CHANNEL.deliver(team, message("page"), {})
    vendors.pagerduty.acknowledge(str(state["key"]) if state else "")
    # The page again, by a retry: nobody is woken for what they know.
    state = pagerduty.CHANNEL.deliver(team, message("page"), state or {})
    assert len(vendors.pagerduty.notified) == 1
    state = pagerduty.CHANNEL.deliver(team, message(kind, key), state or {})
    assert len(vendors.pagerduty.notified) == 2
    # One need, one notification, however often it is delivered.
    state = pagerduty.CHANNEL.deliver(team, message(kind, key), state or {})
    assert len(vendors.pagerduty.notified) == 2


def test_a_need_is_resolved_when_it_is_met_and_the_page_stays_until_the_recovery(
        vendors: Vendors, team: Service) -> None:
    state: dict[str, Any] = {}
    for kind, key in (("page", "page-0"), ("question", "ask-01"), ("question", "ask-02"),
                      ("escalation", "escalated-1")):
        state = pagerduty.CHANNEL.deliver(team, message(kind, key), state) or {}
    page, first, second, escalation = vendors.pagerduty.alerts.values()

    def stands() -> list[bool]:
        return [alert["status"] == "resolved" for alert in (page, first, second, escalation)]

    state = pagerduty.CHANNEL.deliver(team, message("status", "", needs=("ask-02", "escalated")), state) or {}
    assert stands() == [False, True, False, False]
    # Closed without a recovery: somebody must still take over.
    state = pagerduty.CHANNEL.deliver(team, message("closed", over=False, needs=("escalated",)), state) or {}
    assert stands() == [False, True, True, False]
    state = pagerduty.CHANNEL.deliver(team, message("closed", over=True), state) or {}
    assert stands() == [True, True, True, True]
    assert all(event["event_action"] != "acknowledge" for alert in vendors.pagerduty.alerts.values()
               for event in alert["events"])
    # What comes back is another alert, and what it needs as well.
    for kind, key in (("page", "page-1"), ("escalation", "escalated-2")):
        state = pagerduty.CHANNEL.deliver(team, message(kind, key), state) or {}
    assert len(vendors.pagerduty.notified) == 6


def test_further_people_are_asked_to_join_the_incident(vendors: Vendors, team: Service) -> None:
    state = pagerduty.CHANNEL.deliver(team, message("page"), {})
    pagerduty.CHANNEL.deliver(team, message("call", persons=PAGE_TEAM), state)
    asked, = vendors.pagerduty.asked
    assert asked["responder_request_targets"] == [
        {"responder_request_target": {"id": "PADA", "type": "user_reference"}}]


@pytest.mark.parametrize(("fault", "status"), [("down", "unavailable"), ("throttled", "throttled"),
                                               ("unauthorized", "unauthorized"), ("malformed", "malformed")])
def test_each_failure_has_its_name(vendors: Vendors, team: Service, fault: str, status: str) -> None:
    for name, channel, kind in (("pagerduty", pagerduty, "page"), ("slack", slack, "page"),
                                ("statuspage", statuspage, "customers")):
        vendors.gates.set(name, fault)
        with pytest.raises(CallFailed) as failed:
            channel.CHANNEL.deliver(team, message(kind, phase="identified"), {})
        assert failed.value.status == status, name


def test_a_slack_channel_of_its_own_shows_how_it_stands(vendors: Vendors, team: Service) -> None:
    state = slack.CHANNEL.deliver(team, message("page", persons=PAGE_TEAM, topic="high error rate"), {})
    channel = vendors.slack.channels[state["channel"]]
    assert (channel["name"], channel["members"], channel["topic"]) == (
        "inc-payment-gateway-1", ["U1"], "high error rate")
    state = slack.CHANNEL.deliver(team, message("status", "", text="What: another", topic="remedied"), state)
    shown, = vendors.slack.messages.values()
    assert shown["blocks"][1]["text"]["text"] == "What: another" and channel["topic"] == "remedied"
    slack.CHANNEL.deliver(team, message("question", answers=(("Approve", "a"), ("Reject", "b"))), state)
    posted = list(vendors.slack.messages.values())[-1]
    assert [element["value"] for element in posted["blocks"][-1]["elements"]] == ["a", "b"]
    assert posted["blocks"][1]["text"]["text"] == "What: <b>&"


def test_a_retry_after_a_crash_finds_the_created_channel(vendors: Vendors, team: Service) -> None:
    for name in ("a", "b", "c", "d"):
        vendors.slack._create({"name": name})
    first = slack.CHANNEL.deliver(team, message("page"), {})
    assert slack.CHANNEL.deliver(team, message("page"), {})["channel"] == first["channel"]


def test_in_a_standing_channel_an_incident_is_a_thread(vendors: Vendors, team: Service) -> None:
    assert team.slack
    team = replace(team, slack=replace(team.slack, channel="C0STANDING", signing_secret=""))
    state = slack.CHANNEL.deliver(team, message("page", persons=PAGE_TEAM), {})
    slack.CHANNEL.deliver(team, message("question", answers=(("Approve", "a"),)), state)
    root, posted = vendors.slack.messages.values()
    assert posted["thread_ts"] == root["ts"]
    # Without a signing secret there are no buttons; a standing channel's members are not the responder's affair.
    assert [block["type"] for block in posted["blocks"]] == ["header", "section"]
    assert vendors.slack.channels["C0STANDING"]["members"] == []


def test_status_updates_are_one_edited_message(vendors: Vendors, team: Service) -> None:
    state = slack.CHANNEL.deliver(team, message("page"), {})
    for number in range(20):
        state = slack.CHANNEL.deliver(team, message("status", "", text=f"What: {number}"), state or {})
    assert len(vendors.slack.messages) == 1


def test_one_person_who_cannot_be_invited_does_not_stop_the_other_invitations(vendors: Vendors, team: Service,
                                                                              monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vendors.slack, "_invite", lambda given: {"ok": False, "error": "missing_scope"})
    monkeypatch.setattr(vendors.slack, "_topic", lambda given: {"ok": False, "error": "too_long"})
    state = slack.CHANNEL.deliver(team, message("page", persons=PAGE_TEAM, topic="t"), {})
    assert state and state["ts"]


def test_customers_read_one_incident_from_first_to_last(vendors: Vendors, team: Service) -> None:
    state: dict[str, Any] = {}
    seen = []
    for phase, extent, subject in (
            ("identified", "all", "Card payments are not possible"), ("identified", "slow", "Card payments are slow"),
            ("monitoring", "some", "Card payments: some are failing"),
            ("resolved", "some", "Card payments work again")):
        told = replace(message("customers", phase=phase, text=phase, extent=extent, affected=("payment-gateway",)),
                       subject=subject)
        state = statuspage.CHANNEL.deliver(team, told, state)
        incident, = vendors.page.incidents.values()
        seen.append((incident["status"], incident["name"], incident["components"][0]["status"]))
    assert [item["body"] for item in incident["incident_updates"]] == [
        "resolved", "monitoring", "identified", "identified"]
    # Operational only when it is over; what has ended keeps the name under which people have read of it.
    assert seen == [("identified", "Card payments are not possible", "major_outage"),
                    ("identified", "Card payments are slow", "degraded_performance"),
                    ("monitoring", "Card payments: some are failing", "partial_outage"),
                    ("resolved", "Card payments: some are failing", "operational")]


def test_a_retry_after_a_crash_finds_the_customers_incident(vendors: Vendors, team: Service) -> None:
    for _ in range(2):
        statuspage.CHANNEL.deliver(team, message("customers", phase="identified"), {})
    assert len(vendors.page.incidents) == 1
    # Who was never told that anything was wrong is not told that it is over.
    statuspage.CHANNEL.deliver(team, replace(message("customers", phase="resolved"), incident="other"), {})
    assert len(vendors.page.incidents) == 1
    assert next(iter(vendors.page.incidents.values()))["page_id"] == PAGE


def test_the_signature_is_slack_s() -> None:
    """The vector that Slack publishes ("Verifying requests from Slack")."""
    body = (b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&"
            b"channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&"
            b"response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
            b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c")
    headers = {"x-slack-request-timestamp": "1531420618",
               "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"}
    secret = "8f742231b10e8888abcd99yyyzzz85a5"
    assert slack.signed(headers, body, secret, 1531420618 + 299)
    assert not slack.signed(headers, body, secret, 1531420618 + 301)
    assert not slack.signed(headers, body + b" ", secret, 1531420618)
    assert not slack.signed({}, body, secret, 1531420618)


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> Iterator[Records]:
    monkeypatch.setenv("TOPIC", "t")
    with mock_aws():
        yield timeline()


def run(records: Records, service: Service) -> StepRun:
    return StepRun("Assemble the team", "payment-gateway-1", service, 0.0, "2026-11-25T00:00:00.000Z", records)


def test_each_thing_is_delivered_once_and_a_broken_channel_is_on_record(
        vendors: Vendors, team: Service, records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("responder.people.sns.publish", lambda *given, **more: "m")
    vendors.gates.set("slack", "down")
    first = notify.notify(run(records, team), message("page"))
    assert (first.channels, first.fresh, first.failed) == (("pagerduty", "sns"), True, ("slack",))
    vendors.gates.reset()
    assert notify.notify(run(records, team), message("page")).channels == ("pagerduty", "slack", "sns")
    assert not notify.notify(run(records, team), message("page")).fresh
    alert, = vendors.pagerduty.alerts.values()
    assert len(alert["events"]) == 1
    noted = [item for item in records.everything("payment-gateway-1") if item["sk"].startswith("TIMELINE#")]
    assert [(item["what"], item["detail"]["failed"]) for item in noted] == [("slack could not be used", "slack")]
    assert [channel.name for channel in every()] == ["github", "jira", "pagerduty", "slack", "statuspage", "sns"]


def test_steps_that_tell_people_at_the_same_time_take_turns(vendors: Vendors, team: Service, records: Records,
                                                            monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("responder.people.sns.publish", lambda *given, **more: "m")
    assert records.take_channel("payment-gateway-1", "slack")
    assert not records.take_channel("payment-gateway-1", "slack")
    monkeypatch.setattr(notify, "_WAIT_SECONDS", 0.5)
    # Who holds it may have died: then the message is sent all the same.
    assert "slack" in notify.notify(run(records, team), message("page")).channels
    assert records.take_channel("payment-gateway-1", "slack")


def pressed(value: dict[str, Any], user: str, secret: str = SIGNING_SECRET, age: float = 0.0,
            **more: Any) -> dict[str, Any]:
    """A Function URL's event for a button that was pressed."""
    body = urlencode({"payload": json.dumps({
        "type": "block_actions", "user": {"id": user, "username": "ada"}, "response_url": "https://evil.example/x",
        "actions": [{"type": "button", "action_id": "answer-0", "value": json.dumps(value)}]} | more)}).encode()
    stamp = str(int(time.time() - age))
    signature = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"requestContext": {"http": {"method": "POST"}}, "isBase64Encoded": True,
            "body": base64.b64encode(body).decode(), "headers": {
                "X-Slack-Signature": f"v0={signature}", "X-Slack-Request-Timestamp": stamp}}


@pytest.fixture
def deployed(team: Service, records: Records, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Tasks]:
    """A question to the team, of a remedy of high risk: who presses a button is known."""
    monkeypatch.setenv("RESPONDER_CONFIG", str(tmp_path))
    (tmp_path / "payment-gateway.json").write_text(json.dumps(asdict(team)))
    model.load.cache_clear()
    monkeypatch.setattr(approve, "records", lambda: records)
    monkeypatch.setattr(decide, "_resume", lambda tasks, task: None)
    records.plan_action("i-1", 1, {"action": "rollback", "target": "deployment/x", "summary": "s", "risk": "high"})
    tasks = Tasks(records)
    tasks.ask(Task("i-1", 1, "payment-gateway", "approval", time.time(), time.time() + 60, ("sre: Ada",)), "token")
    yield tasks
    model.load.cache_clear()


QUESTION = {"incident": "i-1", "task": "01", "decision": "approve"}


@pytest.mark.parametrize(("event", "status", "decided"), [
    ({"user": "U1"}, 200, "approve"), ({"user": "U2"}, 200, ""), ({"user": "U9"}, 200, ""),
    ({"user": "U1", "type": "message_action"}, 200, ""), ({"user": "U1", "secret": "another"}, 403, ""),
    ({"user": "U1", "secret": ""}, 403, ""), ({"user": "U1", "age": 400.0}, 403, ""),
    ({"user": "U1", "age": -400.0}, 403, ""), ({"user": "U1", "actions": []}, 403, "")])
def test_only_an_asked_person_decides_by_a_button_that_slack_has_signed(deployed: Tasks, event: dict[str, Any],
                                                                        status: int, decided: str) -> None:
    for _ in range(2):
        assert approve.handler(pressed(QUESTION, **event), None)["statusCode"] == status
    task = deployed.get("i-1", "01")
    assert task is not None and task.decision == decided
    assert not decided or (task.decided_by, task.how) == ("Ada (U1 in Slack)", "slack")


def test_a_signed_payload_that_was_changed_on_its_way_decides_nothing(deployed: Tasks) -> None:
    event = pressed(QUESTION, "U2")
    body = base64.b64decode(event["body"]).replace(b"U2", b"U1")
    for changed in (body, body + b"&payload=x", body.swapcase()):
        event["body"] = base64.b64encode(changed).decode()
        assert approve.handler(event, None)["statusCode"] == 403
    task = deployed.get("i-1", "01")
    assert task is not None and task.decision == ""


def test_two_people_approve_by_their_buttons_and_one_twice_does_not(
        deployed: Tasks, team: Service, tmp_path: Path) -> None:
    changed = replace(team, team=(*team.team, Person("Eve", "sre", slack="U3")), approval=replace(
        team.approval, two_person=("rollback",)))
    (tmp_path / "payment-gateway.json").write_text(json.dumps(asdict(changed)))
    model.load.cache_clear()
    for user, decided in (("U1", ""), ("U1", ""), ("U2", ""), ("U3", "approve")):
        assert approve.handler(pressed(QUESTION, user), None)["statusCode"] == 200
        task = deployed.get("i-1", "01")
        assert task is not None and task.decision == decided
    assert task.decided_by == "Ada (U1 in Slack) and Eve (U3 in Slack)"


@pytest.mark.parametrize("value", [{}, {"incident": "i-1", "task": "x", "decision": "approve"}, {"incident": "none",
                                   "task": "01", "decision": "approve"}, [], None, "x"])
def test_a_button_that_asks_for_nonsense_is_refused(deployed: Tasks, value: Any) -> None:
    assert approve.handler(pressed(value, "U1"), None)["statusCode"] == 403


def test_a_personal_message_goes_to_a_direct_message(vendors: Vendors, team: Service) -> None:
    one = message("copy", persons=PAGE_TEAM, text="a link of their own")
    assert slack.CHANNEL.deliver(team, one, {"channel": "C0STANDING", "ts": "1"}) == {
        "channel": "C0STANDING", "ts": "1"}
    (place, _), = vendors.slack.messages.items()
    assert place.startswith("D1/") and vendors.slack.channels["D1"]["members"] == ["U1"]
    # Who has no id there, or several at once, or a channel's id, gets nothing by it.
    for persons in ((), (Person("Bo", "sre"),), (*PAGE_TEAM, Person("Bo", "sre", slack="U2"))):
        assert slack.CHANNEL.deliver(team, replace(one, persons=persons), {}) is None
    with pytest.raises(CallFailed):
        slack.CHANNEL.deliver(team, replace(one, persons=(Person("Bo", "sre", slack="C0STANDING"),)), {})
    assert len(vendors.slack.messages) == 1


@pytest.mark.parametrize(("opened", "place"), [
    ({"ok": False, "error": "missing_scope"}, "D1"), ({"ok": True, "channel": {"id": "C0STANDING"}}, ""),
    ({"ok": True}, ""), ({"ok": False, "error": "user_disabled"}, "")])
def test_a_link_is_not_posted_where_no_direct_message_is_opened(
        vendors: Vendors, team: Service, monkeypatch: pytest.MonkeyPatch, opened: dict[str, Any], place: str) -> None:
    real = vendors.slack._open
    looks = iter([opened])
    monkeypatch.setattr(vendors.slack, "_open", lambda given: next(looks, None) or real(given))
    if place:
        slack.CHANNEL.deliver(team, message("copy", persons=PAGE_TEAM), {})
    else:
        with pytest.raises(CallFailed):
            slack.CHANNEL.deliver(team, message("copy", persons=PAGE_TEAM), {})
    assert [name.split("/")[0] for name in vendors.slack.messages] == ([place] if place else [])
