"""Whatever comes in by a door of the system is taken or refused, and in neither case does anything else happen.

Each door is given what its documentation says, with values replaced, left out and nested (``tests/odd.py``).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from responder.handlers import alarm_event, answer, approve, health, own_alarms, signals
from responder.handlers import open as opening
from responder.model.codec import Malformed
from responder.model.moment import iso
from responder.model.service import loading
from responder.records.links import Link
from responder.records.table import Records
from tests.conftest import timeline_in_aws
from tests.contract import test_outside_signals as vendors
from tests.contract.test_outside_signals import StepFunctions, machine
from tests.odd import FUZZ, TEXTS, mutated, nested
from tests.unit.people.test_approval import ADA, KEY, asked, configure
from tests.unit.people.test_approval import machine as woken
from tests.unit.people.test_approval import records as questions
from tests.unit.record.test_alarm_event import composite

__all__ = ["configure", "machine", "questions", "woken"]


def sendable(value: Any) -> None:
    """Hold that Lambda can send an answer: it is JSON, and text that UTF-8 has."""
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def kept(client: Any) -> None:
    """Hold every request to DynamoDB to its documented limits, which moto is not strict about.

    Source: the DynamoDB Developer Guide's pages "Quotas in Amazon DynamoDB" and "Supported data types".
    """
    def value(given: dict[str, Any]) -> None:
        (kind, part), = given.items()
        if kind == "S":
            part.encode()
        elif kind == "N":
            digits = part.lower().partition("e")[0].lstrip("-").replace(".", "").strip("0")
            assert (len(digits) <= 38 and abs(float(part)) < 1e126 and digits.isdecimal()) or not digits, part[:60]
        elif kind in ("L", "M"):
            for inner in part.values() if kind == "M" else part:
                value(inner)

    def check(params: dict[str, Any], **_: Any) -> None:
        for name in ("Item", "Key", "ExpressionAttributeValues"):
            for inner in params.get(name, {}).values():
                value(inner)
        for key, most in (("pk", 2048), ("sk", 1024)):
            for part in (params.get("Key", {}), params.get("Item", {})):
                if key in part:
                    assert 0 < len(part[key]["S"].encode()) <= most

    client.meta.events.register("provide-client-params.dynamodb.*", check)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch, tmp_path: Any, configure: Any) -> Iterator[Records]:
    """The timeline table, empty, and a service whose alarm is that of the events."""
    (tmp_path / "deployed").mkdir()
    (tmp_path / "deployed" / "payment-gateway.json").write_text(json.dumps({
        "alarms": ["incident-response-payment-gateway-outage"], "sources": {}, "remedies": []}))
    loading.deployed.cache_clear()
    with mock_aws():
        found = timeline_in_aws()
        kept(found._client)
        for module in (opening, health, answer):
            monkeypatch.setattr(module, "records", lambda: found)
        yield found
    loading.deployed.cache_clear()


def items(records: Records) -> list[Any]:
    return list(records._client.scan(TableName="timeline", ConsistentRead=True)["Items"])


# --- the state machine's input --------------------------------------------------------------------------------------

STARTS = {
    "alarm": composite(),
    "another system": {"signal": {"kind": "pagerduty", "service": "payment-gateway", "id": "x",
                                  "at": "2026-11-26T10:00:00.000Z", "name": "Payments fail", "reason": "because"}},
    "person": {"service": "payment-gateway", "reason": "payments fail", "started_by": "Ada", "until": "",
               "take_over": False},
    "task": {"incident": "i-1", "task": "01m", "decision": "done", "by": "Ada"},
    "report": {"incident": "i-1", "report": True},
}


@pytest.mark.parametrize("name", STARTS)
def test_a_start_opens_an_incident_or_is_refused(table: Records, name: str) -> None:
    count = 0

    @FUZZ
    @given(mutated(STARTS[name]))
    def opened(start: Any) -> None:
        nonlocal count
        count += 1
        result = opening.handler({"execution": f"arn:aws:states:us-east-1:123456789012:execution:m:{count}",
                                  "started": iso(1_795_000_000.0 + count),
                                  "entered": "2026-11-26T10:00:00.500Z", "input": start}, None)
        sendable(result)
        assert result["result"] in ("opened", "attached", "refused", "declined")
        if result["result"] in ("refused", "declined"):
            assert result["reason"] and len(result["reason"]) < 4000

    opened()


@FUZZ
@given(st.sampled_from([composite(), {}]).flatmap(mutated))
def test_an_alarm_of_another_tool_is_taken_or_told_to_be_malformed(machine: StepFunctions, event: Any) -> None:
    event = event | {"resources": ["arn:aws:cloudwatch:us-east-1:1:alarm:mine"]} if isinstance(event, dict) else event
    with suppress(Malformed):
        sendable(own_alarms.handler(event, None))


HEALTH = {
    "version": "0", "id": "7bf73129-1428-4cd3-a780-95db273d1602", "detail-type": "AWS Health Event",
    "source": "aws.health", "account": "123456789012", "time": "2026-11-26T13:59:00Z", "region": "us-east-1",
    "resources": ["payments-db"], "detail": {
        "eventArn": "arn:aws:health:us-east-1::event/RDS/AWS_RDS_OPERATIONAL_ISSUE/x", "service": "RDS",
        "eventTypeCode": "AWS_RDS_OPERATIONAL_ISSUE", "eventTypeCategory": "issue", "eventScopeCode": "PUBLIC",
        "communicationId": "1", "startTime": "Thu, 26 Nov 2026 13:50:00 GMT", "endTime": "", "statusCode": "open",
        "lastUpdatedTime": "Thu, 26 Nov 2026 13:58:00 GMT", "page": "1", "totalPages": "1",
        "affectedAccount": "123456789012", "eventRegion": "us-east-1",
        "eventDescription": [{"language": "en_US", "latestDescription": "We are investigating."}],
        "affectedEntities": [{"entityValue": "payments-db", "lastUpdatedTime": "Thu, 26 Nov 2026 13:58:00 GMT"}]}}


def test_an_event_of_aws_health_is_kept_or_left_out(table: Records) -> None:
    assert health.handler(HEALTH, None) == {"kept": True}

    @FUZZ
    @given(mutated(HEALTH))
    def come(event: Any) -> None:
        sendable(health.handler(event, None))

    come()


# --- the address at which other systems report ----------------------------------------------------------------------

BODIES = {"pagerduty": vendors.pagerduty, "newrelic": vendors.newrelic, "splunk": vendors.splunk}
TOKENS = {"newrelic": {"Authorization": f"Bearer {vendors.SECRETS['nr']}"},
          "splunk": {"Authorization": f"Bearer {vendors.SECRETS['sp']}"}}


@pytest.mark.parametrize("vendor", BODIES)
def test_a_genuine_alert_of_any_content_starts_at_most_one_execution(machine: StepFunctions, vendor: str) -> None:
    valid = json.loads(BODIES[vendor]())

    @FUZZ
    @given(mutated(valid))
    def alert(body: Any) -> None:
        machine.started.clear()
        said = json.dumps(body)
        headers = vendors.signed(said) if vendor == "pagerduty" else TOKENS[vendor]
        answered = signals.handler(vendors.request(f"/{vendor}/payment-gateway", said, headers), None)
        sendable(answered)
        assert answered["statusCode"] in (200, 400) and len(answered["body"]) < 600
        assert len(machine.started) <= (answered["statusCode"] == 200)

    alert()


@pytest.mark.parametrize("body", [
    b"", b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe", b"\xef\xbb\xbf{}", b"{}\x00", b"1" * 10_000, b"NaN",
    '{"event": 1}'.encode("utf-16"), b'{"state": "CREATED", "state": {}, "id": "a", "id": ["b"]}'])
@pytest.mark.parametrize("vendor", BODIES)
def test_a_body_that_is_no_alert_is_refused(machine: StepFunctions, vendor: str, body: bytes) -> None:
    digest = hmac.new(vendors.SECRETS["pd"].encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-PagerDuty-Signature": f"v1={digest}"} if vendor == "pagerduty" else TOKENS[vendor]
    status, said = vendors.sent(vendors.request(f"/{vendor}/payment-gateway", body, headers))
    assert status == 400 and "Traceback" not in said and machine.started == {}


# --- a request by anybody -------------------------------------------------------------------------------------------

LETTERS = st.text(st.characters(codec="utf-8"), max_size=30)
"""What HTTP can carry once it is decoded: AWS hands requests on as JSON in UTF-8."""
HEADERS = st.dictionaries(st.sampled_from([
    "host", "origin", "sec-fetch-site", "content-type", "authorization", "x-pagerduty-signature", "x-slack-signature",
    "x-slack-request-timestamp"]), LETTERS | st.sampled_from([
        "http://[", "http://[::1", "null", "v0=" + "0" * 64, "v1=" + "0" * 64, "v0=" + "0" * 63, "Basic =",
        "Basic w6k6", "Bearer ", "\u0661" * 10, "\uff11" * 10, "1" * 400, "-1", "1e9", "text/html",
        "application/x-www-form-urlencoded"]), max_size=5)
NAMES = ["incident", "task", "to", "expires", "seal", "decision", "value", "other", ""]
FIELDS = st.dictionaries(st.sampled_from(NAMES),
                         LETTERS | st.sampled_from([text for text in TEXTS if text.isprintable()]), max_size=8)
PATHS = ["/", "//", "/pagerduty/payment-gateway", "/splunk/payment-gateway/a/b", "/..%2f", "/splunk/%00"]
BAD_BODIES = ["=", "====", "w6k", "payload=" + "[" * 60_000, "a=" + "&a=" * 5000, "payload=%7B%7D", "x" * 300_000]
EVENTS = st.builds(
    lambda method, path, headers, query, body, coded: {
        "version": "2.0", "rawPath": path, "headers": headers, "queryStringParameters": query, "body": body,
        "isBase64Encoded": coded, "requestContext": {"http": {"method": method}, "domainName": "x.lambda-url.on.aws"}},
    st.sampled_from(["GET", "POST", "HEAD", "PUT", "", "post", "\u017f"]), LETTERS | st.sampled_from(PATHS), HEADERS,
    FIELDS, st.none() | LETTERS | FIELDS.map(urlencode) | FIELDS.map(json.dumps) | st.sampled_from(BAD_BODIES),
    st.booleans())


def test_an_unsigned_request_starts_nothing(machine: StepFunctions) -> None:
    @FUZZ
    @given(EVENTS)
    def asked_for(event: Any) -> None:
        answered = signals.handler(event, None)
        sendable(answered)
        assert 400 <= answered["statusCode"] < 500 and machine.started == {}

    asked_for()


@pytest.mark.parametrize("handler", [approve.handler, answer.handler], ids=["link or Slack", "IAM"])
def test_an_unsigned_request_decides_nothing(questions: Records, woken: Any, handler: Callable[..., Any]) -> None:
    asked(questions)
    kept(questions._client)
    before = items(questions)

    @FUZZ
    @given(EVENTS)
    def asked_for(event: Any) -> None:
        answered = handler(event, None)
        sendable(answered)
        assert 400 <= answered["statusCode"] < 500 and "Traceback" not in answered["body"]

    asked_for()
    assert items(questions) == before and woken.woken == []


def iam(body: str) -> dict[str, Any]:
    return {"body": body, "requestContext": {"http": {"method": "POST"}, "authorizer": {"iam": {
        "accountId": "123456789012", "callerId": "AROA0123456789ABCDEF0:ada@example.com", "userArn": ADA}}}}


def test_a_signed_answer_of_any_content_decides_or_is_refused(questions: Records, woken: Any) -> None:
    kept(questions._client)

    @FUZZ
    @given(mutated({"incident": "i-1", "task": "02", "decision": "approve", "note": "", "value": 1, "other": ""}))
    def answered_by(body: Any) -> None:
        answered = answer.handler(iam(json.dumps(body)), None)
        sendable(answered)
        assert 400 <= answered["statusCode"] < 500 and json.loads(answered["body"])["said"]

    answered_by()
    assert woken.woken == []


def test_a_changed_link_shows_and_decides_nothing(questions: Records, woken: Any) -> None:
    asked(questions)
    kept(questions._client)
    valid, before = Link("i-1", "01", "sre: Ada", int(time.time() + 60)).fields(KEY), items(questions)

    @FUZZ
    @given(mutated(valid), st.sampled_from(["GET", "POST"]))
    def followed(fields: Any, method: str) -> None:
        fields = {str(key): str(value) for key, value in fields.items()} if isinstance(fields, dict) else {}
        if {**fields} == valid or all(fields.get(key) == valid[key] for key in valid):
            return
        event = {"requestContext": {"http": {"method": method}}, "queryStringParameters": fields}
        if method == "POST":
            event["body"] = "&".join(f"{quote(key, errors='replace')}={quote(value, errors='replace')}"
                                     for key, value in fields.items())
        answered = approve.handler(event, None)
        sendable(answered)
        assert answered["statusCode"] == 403 and "Traceback" not in answered["body"]

    followed()
    assert items(questions) == before and woken.woken == []


# --- nesting --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("depth", [90, 150, 300, 450, 600, 800, 900])
def test_no_depth_of_nesting_ends_a_function(table: Records, machine: StepFunctions, depth: int) -> None:
    """Python's stack has a thousand levels, and Hypothesis gives it more."""
    for inner in (nested(depth), nested(depth, objects=True)):
        started = {"execution": "e", "started": iso(1.0), "entered": iso(1.0)}
        for start in (inner, {"service": inner}, {"service": "payment-gateway", "x": inner}, {"signal": inner},
                      {"task": inner}, {"report": True, "incident": inner},
                      {"detail-type": alarm_event.DETAIL_TYPE, "detail": inner}):
            assert opening.handler(started | {"input": start}, None)["result"] in ("refused", "declined")
        assert health.handler({"detail": inner}, None) == {"kept": False}
        with pytest.raises(Malformed):
            own_alarms.handler({"detail": inner}, None)
        for body in (inner, {"state": inner, "id": "x"}):
            answered = signals.handler(vendors.request("/newrelic/payment-gateway", json.dumps(body),
                                                       TOKENS["newrelic"]), None)
            assert answered["statusCode"] == 400
            assert answer.handler(iam(json.dumps(body)), None)["statusCode"] == 400
