"""Other systems' alerts, in the words of their documentation: what starts an incident, and what never does.

PagerDuty: "Webhooks: Overview" and "Verifying Signatures". New Relic: "Notification message templates" (the template
that a webhook is offered with). Splunk: "Use a webhook alert action".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.handlers import open as opening
from responder.handlers import own_alarms, signals
from responder.model.codec import decode
from responder.model.moment import iso
from responder.model.outside_signal import OutsideStart
from responder.model.service import OwnAlarm, Service, Starter, Starters, Tag, UnknownService
from tests.conftest import shipped_service

SECRETS = {"pd": "a-signing-secret-of-pagerduty", "nr": "a-token-for-new-relic-0123", "sp": "a-token-for-splunk-012345"}


class StepFunctions:
    """Executions by name; a name is taken once."""

    def __init__(self) -> None:
        self.started: dict[str, OutsideStart] = {}
        self.fails = ""

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> None:  # noqa: N803 - boto3's names
        code = self.fails or ("ExecutionAlreadyExists" if name in self.started else "")
        if code:
            raise ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": 400}}, "StartExecution")
        assert stateMachineArn == "arn:machine" and len(name) <= 80
        self.started[name] = decode(OutsideStart, json.loads(input))

    def list_tags_for_resource(self, *, ResourceARN: str) -> dict[str, Any]:  # noqa: N803
        return {"Tags": [{"Key": "team", "Value": "payments"}] if ResourceARN.endswith("mine") else []}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> StepFunctions:
    made = StepFunctions()
    service = replace(
        shipped_service(), starters=Starters(Starter("pd"), Starter("nr"), Starter("sp")), alarms=replace(
            shipped_service().alarms, own=(OwnAlarm(tag=Tag("team", "payments")),)))

    def load(name: str) -> Service:
        if name == "without":
            return replace(service, starters=Starters())
        if name != "payment-gateway":
            raise UnknownService(name)
        return service

    monkeypatch.setenv("STATE_MACHINE", "arn:machine")
    monkeypatch.setattr(signals, "load", load)
    monkeypatch.setattr(own_alarms, "load", load)
    monkeypatch.setattr(own_alarms, "names", lambda: ("payment-gateway",))
    monkeypatch.setattr(aws, "client", lambda *_, **__: made)
    monkeypatch.setattr(aws, "secret", SECRETS.__getitem__)
    return made


def request(path: str, body: bytes | str, headers: dict[str, str] | None = None, method: str = "POST",
            **changed: Any) -> dict[str, Any]:
    content = body.encode() if isinstance(body, str) else body
    return {"version": "2.0", "rawPath": path, "headers": headers or {}, "body": base64.b64encode(content).decode(),
            "isBase64Encoded": True, "requestContext": {"http": {"method": method, "path": path}}, **changed}


def sent(event: dict[str, Any]) -> tuple[int, str]:
    answer = signals.handler(event, None)
    return answer["statusCode"], answer["body"]


def pagerduty(changed: dict[str, Any] | None = None, data: dict[str, Any] | None = None) -> str:
    return json.dumps({"event": {
        "id": "5ac64822-4adc-4fda-ade0-410becf0de4f", "event_type": "incident.triggered", "resource_type": "incident",
        "occurred_at": iso(time.time() - 3), "agent": {"id": "PLH1HKV", "type": "user_reference"},
        "client": {"name": "PagerDuty"}, "data": {
            "id": "PGR0VU2", "type": "incident", "self": "https://api.pagerduty.com/incidents/PGR0VU2",
            "html_url": "https://acme.pagerduty.com/incidents/PGR0VU2", "number": 2, "status": "triggered",
            "incident_key": "d3640fbd41094207a1c11e58e46b1662", "created_at": "2020-04-09T15:16:27Z",
            "title": "A little bump in the road", "service": {"id": "PF9KMXH", "type": "service_reference"},
            "priority": None, "urgency": "high", "resolve_reason": None, **(data or {})}, **(changed or {})}})


def signed(body: str, secret: str = SECRETS["pd"]) -> dict[str, str]:
    return {"X-PagerDuty-Signature": f"v1={hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()}"}


NEWRELIC = {"id": "0ea2df1c-adab-45d2-aae0-042b609d2322", "issueUrl": "https://radar-api.service.newrelic.com/1",
            "title": "Payments fail", "priority": "CRITICAL", "impactedEntities": ["gateway"], "totalIncidents": 1,
            "state": "ACTIVATED", "trigger": "STATE_CHANGE", "isCorrelated": False, "createdAt": 0, "updatedAt": 0,
            "sources": ["newrelic"], "alertPolicyNames": ["Payments"], "alertConditionNames": ["errors"],
            "workflowName": "responder"}
SPLUNK = {"result": {"sourcetype": "mongod", "count": "8"}, "sid": "scheduler_admin_search_W2_at_{at}_132",
          "results_link": "http://web.example.local:8000/app/search/@go?sid=scheduler_admin_search_W2_at_14232356_132",
          "search_name": "Payment errors", "owner": "admin", "app": "search"}


def newrelic(**changed: Any) -> str:
    now = int(time.time() * 1000)
    return json.dumps(NEWRELIC | {"createdAt": now, "updatedAt": now} | changed)


def splunk(**changed: Any) -> str:
    return json.dumps(SPLUNK | {"sid": f"scheduler_admin_search_W2_at_{int(time.time())}_132"} | changed)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_each_vendor_s_documented_alert_starts_one_incident(machine: StepFunctions) -> None:
    body = pagerduty()
    basic = base64.b64encode(f"responder:{SECRETS['nr']}".encode()).decode()
    for event in (request("/pagerduty/payment-gateway", body, signed(body)),
                  request("/newrelic/payment-gateway", newrelic(), bearer(SECRETS["nr"])),
                  request("/newrelic/payment-gateway", newrelic(id="2"), {"Authorization": f"Basic {basic}"}),
                  request(f"/splunk/payment-gateway/{SECRETS['sp']}", splunk()),
                  request("/splunk/payment-gateway", splunk(sid="other"), bearer(SECRETS["sp"]))):
        assert sent(event) == (200, "started")
        # A repeat, or a replay by somebody who has seen it.
        assert sent(event) == (200, "taken before")
    assert [(one.signal.kind, one.signal.name) for one in machine.started.values()] == [
        ("pagerduty", "PagerDuty: A little bump in the road"), ("newrelic", "New Relic: Payments fail"),
        ("newrelic", "New Relic: Payments fail"), ("splunk", "Splunk: Payment errors"),
        ("splunk", "Splunk: Payment errors")]
    assert {one.signal.service for one in machine.started.values()} == {"payment-gateway"}


def test_the_first_step_reads_what_was_started(machine: StepFunctions) -> None:
    body = pagerduty(data={"title": "token=sk_live_0123456789abcdef0123456789"})
    sent(request("/pagerduty/payment-gateway", body, signed(body)))
    start, = machine.started.values()
    event = opening.OpenEvent("arn:e", "2026-11-26T00:00:00Z", "2026-11-26T00:00:00Z")
    signal = opening._outside(start.signal, event)
    assert (signal.kind, signal.service, signal.key) == ("pagerduty", "payment-gateway", event.key)
    assert "sk_live" not in signal.name


def test_pagerduty_signs_with_each_secret_while_it_is_exchanged(machine: StepFunctions,
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    body, new = pagerduty(), "another-signing-secret-of-pagerduty"
    both = f"{signed(body, new)['X-PagerDuty-Signature']},{signed(body)['X-PagerDuty-Signature']}"
    assert sent(request("/pagerduty/payment-gateway", body, {"X-PagerDuty-Signature": both})) == (200, "started")
    monkeypatch.setattr(aws, "secret", lambda name: f"{new}\n{SECRETS['pd']}\n")
    assert sent(request("/pagerduty/payment-gateway", body, signed(body))) == (200, "taken before")


FORGED = [
    ("/pagerduty/payment-gateway", pagerduty(), {}), ("/pagerduty/payment-gateway", pagerduty(), signed("other")),
    ("/pagerduty/payment-gateway", pagerduty(), signed(pagerduty(), "a-secret-that-was-guessed")),
    ("/pagerduty/payment-gateway", pagerduty(), {"x-pagerduty-signature": "v0=1, v1=, =,,v1"}),
    ("/pagerduty/payment-gateway/more", pagerduty(), signed(pagerduty())),
    ("/pagerduty/payment-gateway", pagerduty(), bearer(SECRETS["pd"])),
    ("/newrelic/payment-gateway", newrelic(), {}), ("/newrelic/payment-gateway", newrelic(), bearer("")),
    ("/newrelic/payment-gateway", newrelic(), bearer(SECRETS["sp"])),
    ("/newrelic/payment-gateway", newrelic(), {"authorization": "Basic !!!"}),
    (f"/newrelic/payment-gateway/{SECRETS['nr']}", newrelic(), {}),
    ("/splunk/payment-gateway", splunk(), {}), ("/splunk/payment-gateway/", splunk(), {}),
    (f"/splunk/payment-gateway/{SECRETS['sp']}x", splunk(), {}), ("/splunk/payment-gateway/\u00e9\ud800", splunk(), {}),
    (f"/splunk/payment-gateway/{SECRETS['sp']}/more", splunk(), {})]


@pytest.mark.parametrize(("path", "body", "headers"), FORGED)
def test_what_proves_nothing_starts_nothing(machine: StepFunctions, path: str, body: str,
                                            headers: dict[str, str]) -> None:
    assert sent(request(path, body, headers))[0] == 403
    assert machine.started == {}


@pytest.mark.parametrize("secret", ["", "short", "\n\n", " " * 40])
def test_a_secret_that_can_be_guessed_proves_nothing(machine: StepFunctions, monkeypatch: pytest.MonkeyPatch,
                                                     secret: str) -> None:
    monkeypatch.setattr(aws, "secret", lambda name: secret)
    body = pagerduty()
    for event in (request("/pagerduty/payment-gateway", body, signed(body, secret)),
                  request("/newrelic/payment-gateway", newrelic(), bearer(secret)),
                  request(f"/splunk/payment-gateway/{secret}", splunk())):
        assert sent(event)[0] == 403
    assert machine.started == {}


@pytest.mark.parametrize(("path", "word"), [
    ("/", "VENDOR"), ("/datadog/payment-gateway", "VENDOR"), ("/splunk", "no service called ''"),
    ("/splunk/somebody-else/x", "no service called 'somebody-else' takes alerts of splunk"),
    ("/splunk/without/x", "no service called 'without' takes alerts of splunk"), ("//splunk//x", "no service")])
def test_an_unknown_service_is_refused_with_a_clear_word(machine: StepFunctions, path: str, word: str) -> None:
    status, said = sent(request(path, splunk()))
    assert status == 404 and word in said


HOSTILE = [b"", b"{", b"[1, 2", b"null", b"[]", b'"text"', b"\xff\xfe", b"[" * 200_000, b'{"event": 7}',
           b'{"event": {"id": {}, "event_type": "incident.triggered", "occurred_at": "x"}}',
           b'{"id": 7, "state": "ACTIVATED"}', b'{"id": "", "state": "ACTIVATED"}', b'{"sid": ""}', b'{"sid": [1]}',
           b"{" + b" " * 300_000 + b"}"]


@pytest.mark.parametrize("body", HOSTILE)
@pytest.mark.parametrize("vendor", ["pagerduty", "newrelic", "splunk"])
def test_hostile_bodies_are_refused_even_if_they_are_signed(machine: StepFunctions, vendor: str, body: bytes) -> None:
    digest = hmac.new(SECRETS["pd"].encode(), body, hashlib.sha256).hexdigest()
    headers = {"pagerduty": {"x-pagerduty-signature": f"v1={digest}"}, "newrelic": bearer(SECRETS["nr"]),
               "splunk": bearer(SECRETS["sp"])}[vendor]
    assert sent(request(f"/{vendor}/payment-gateway", body, headers))[0] == 400
    assert machine.started == {}


@pytest.mark.parametrize("changed", [{"body": "%%%"}, {"body": None}, {"headers": None}, {"rawPath": 7}, {"body": 7},
                                     {"isBase64Encoded": "yes"}, {"requestContext": None}])
def test_requests_that_cannot_be_read_start_nothing(machine: StepFunctions, changed: dict[str, Any]) -> None:
    event = request("/newrelic/payment-gateway", newrelic(), bearer(SECRETS["nr"])) | changed
    assert sent(event)[0] in (400, 403, 405)
    assert machine.started == {}


@pytest.mark.parametrize("seconds", [-7200.0, 900.0])
def test_an_alert_that_is_not_of_now_is_refused(machine: StepFunctions, seconds: float) -> None:
    at = time.time() + seconds
    body = pagerduty({"occurred_at": iso(at)})
    for event in (request("/pagerduty/payment-gateway", body, signed(body)),
                  request("/newrelic/payment-gateway", newrelic(updatedAt=at * 1000), bearer(SECRETS["nr"])),
                  request("/splunk/payment-gateway", splunk(sid=f"x_at_{int(at)}_1"), bearer(SECRETS["sp"]))):
        assert sent(event) == (400, "the alert is not of now")
    assert machine.started == {}


def test_an_alert_without_a_readable_time_of_pagerduty_is_refused(machine: StepFunctions) -> None:
    body = pagerduty({"occurred_at": "yesterday"})
    assert sent(request("/pagerduty/payment-gateway", body, signed(body)))[0] == 400


@pytest.mark.parametrize("kind", ["incident.acknowledged", "incident.resolved", "service.updated", "pagey.ping"])
def test_other_events_of_pagerduty_start_nothing(machine: StepFunctions, kind: str) -> None:
    body = pagerduty({"event_type": kind})
    assert sent(request("/pagerduty/payment-gateway", body, signed(body))) == (200, f"nothing to do: {kind}")
    assert machine.started == {}


def test_the_responder_s_own_alert_does_not_start_it(machine: StepFunctions) -> None:
    body = pagerduty(data={"incident_key": "payment-gateway-20261126T070000Z-0a1b/0"})
    assert sent(request("/pagerduty/payment-gateway", body, signed(body)))[1].startswith("nothing to do")
    closed = newrelic(state="CLOSED")
    assert sent(request("/newrelic/payment-gateway", closed, bearer(SECRETS["nr"]))) == (200, "nothing to do: CLOSED")
    assert machine.started == {}


def test_the_vendor_tries_again_while_the_responder_cannot_start(machine: StepFunctions,
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    event = request("/newrelic/payment-gateway", newrelic(), bearer(SECRETS["nr"]))
    machine.fails = "ThrottlingException"
    assert sent(event)[0] == 503

    def failing(name: str) -> str:
        raise CallFailed("unavailable", "Secrets Manager could not be reached")

    machine.fails = ""
    monkeypatch.setattr(aws, "secret", failing)
    assert sent(event)[0] == 503 and machine.started == {}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200), signature=st.text(max_size=100), path=st.text(max_size=40))
def test_nothing_that_is_made_up_starts_anything(machine: StepFunctions, body: bytes, signature: str,
                                                 path: str) -> None:
    headers = {"x-pagerduty-signature": signature, "authorization": signature}
    for place in (f"/{path}", f"/pagerduty/payment-gateway{path}", f"/splunk/payment-gateway/{path}"):
        assert sent(request(place, body, headers))[0] in (400, 403, 404)
    assert machine.started == {}


def alarm_event(arn: str) -> dict[str, Any]:
    """AWS's page "Alarm events and EventBridge", shortened."""
    return {"version": "0", "id": "c4c1c1c9-6542-e61b-6ef0-8c4d36933a92", "source": "aws.cloudwatch",
            "detail-type": "CloudWatch Alarm State Change", "time": "2019-10-02T17:04:40Z", "resources": [arn],
            "detail": {"alarmName": "ServerCpuTooHigh", "configuration": {"metrics": []}, "state": {
                "value": "ALARM", "reason": "Threshold Crossed", "reasonData": "{}",
                "timestamp": "2019-10-02T17:04:40.989+0000"}}}


def test_an_alarm_starts_the_service_that_its_tag_names(machine: StepFunctions) -> None:
    arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:"
    assert own_alarms.handler(alarm_event(f"{arn}somebody-s"), None) == {}
    assert own_alarms.handler(alarm_event(f"{arn}mine"), None) == {"payment-gateway": True}
    assert own_alarms.handler(alarm_event(f"{arn}mine"), None) == {"payment-gateway": False}
    start, = machine.started.values()
    assert start.signal.at == "2019-10-02T17:04:40.989Z"
    assert (start.signal.kind, start.signal.name) == ("alarm", "ServerCpuTooHigh")
