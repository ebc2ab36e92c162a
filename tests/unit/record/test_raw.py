"""Every finding leads to the answer word for word: masked, bounded, and never at the incident's expense."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from moto import mock_aws

from responder import sources
from responder.clients import aws, raw
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.handlers import ask
from responder.model.codec import decode
from responder.model.evidence import Finding, finding_of
from responder.model.evidence.error_rate import ErrorRate
from responder.model.evidence.pods import Pods
from responder.model.service import Service
from tests.machine import filled

CARD = "4242 4242 4242 4242"


def http(body: bytes, status: int = 200) -> Http:
    return Http(time.monotonic() + 5, transport=httpx.MockTransport(
        lambda request: httpx.Response(status, content=iter([body]))))


def kept(content: bytes) -> str:
    return gzip.decompress(content).decode()


def test_whole_and_streamed_answers_are_kept_masked() -> None:
    with raw.keeping() as found:
        assert http(b'{"card": "4242424242424242", "password": "hunter22"}').json("GET", "https://a.example/x?token=abcdefgh")
        with http(b"one\ncard 4242 4242 4242 4242\n").stream("POST", "https://b.example/") as response:
            assert list(response.iter_lines()) == ["one", f"card {CARD}"]
    text = kept(found.packed())
    assert "GET https://a.example" in text
    assert "POST https://b.example" in text
    assert "one\ncard [card …4242]" in text
    for secret in ("4242424242424242", CARD, "hunter22", "abcdefgh"):
        assert secret not in text


def test_nothing_is_kept_where_nobody_asked_for_it() -> None:
    assert http(b"{}").json("GET", "https://a.example/") == {}
    with raw.keeping() as found:
        pass
    assert found.packed() == b""


@pytest.mark.parametrize("number", ["4242424242424242", "4242 4242 4242 4242", "4242-4242-4242-4242"])
@pytest.mark.parametrize("before", range(raw.EACH_BYTES - 22, raw.EACH_BYTES, 3))
def test_a_cut_leaves_no_part_of_a_card_number(before: int, number: str) -> None:
    body = b"x" * (before - 1000) + b" " * 1000 + number.encode() + b" and more " * 100
    with raw.keeping() as found, http(body).stream("GET", "https://a.example/") as response:
        assert response.read() == body
    text = kept(found.packed())
    assert text.rstrip().endswith("[cut here]")
    assert "4242" not in text.replace("[card …4242]", "")


def test_all_answers_together_are_bounded() -> None:
    with raw.keeping() as found:
        for _ in range(40):
            raw.answered("x", b"word " * 20_000)
    assert len(kept(found.packed())) < raw.ALL_BYTES + 40 * 100


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("BUCKET", "reports")
    monkeypatch.setenv("SOURCE", "newrelic")
    aws.made.cache_clear()
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="reports")
        yield client
    aws.made.cache_clear()


EVENT = {"incident": {"id": "i-1", "service": "payment-gateway", "opened_at": "2026-11-24T00:00:00.000Z"},
         "phase": "confirm", "now": "2026-11-24T00:00:01.000Z"}


def asked(monkeypatch: pytest.MonkeyPatch, service: Service, answer: Any, phase: str = "confirm") -> dict[str, Any]:
    source = sources.Source("newrelic", frozenset({"confirm"}), answer)
    monkeypatch.setattr(ask.sources, "load", lambda name: source)
    monkeypatch.setattr(ask, "load", lambda name: service)
    return ask.handler({**EVENT, "phase": phase}, None)


def test_a_finding_says_where_its_answer_is(bucket: Any, monkeypatch: pytest.MonkeyPatch, service: Service) -> None:
    def answer(query: sources.Query) -> list[Finding[ErrorRate]]:
        answer = http(b'{"rate": 0.5}').json("GET", "https://a.example/")
        return [Finding(source="newrelic", detail=ErrorRate(), value=answer["rate"])]

    finding = asked(monkeypatch, service, answer)["findings"][0]
    key = finding["raw"].removeprefix("s3://reports/")
    assert key == "raw/payment-gateway/i-1/20261124T000001.000Z-confirm-newrelic.txt.gz"
    assert '{"rate": 0.5}' in kept(bucket.get_object(Bucket="reports", Key=key)["Body"].read())
    assert "raw" not in asked(monkeypatch, service, answer, "watch")["findings"][0]


def test_a_source_that_broke_off_has_what_it_said_so_far(bucket: Any, monkeypatch: pytest.MonkeyPatch,
                                                         service: Service) -> None:
    def answer(query: sources.Query) -> list[Finding[ErrorRate]]:
        http(b'{"said": 1}').json("GET", "https://a.example/")
        raise CallFailed("malformed", "then it broke off")

    finding = asked(monkeypatch, service, answer)["findings"][0]
    assert finding["status"] == "malformed"
    key = finding["raw"].removeprefix("s3://reports/")
    assert '{"said": 1}' in kept(bucket.get_object(Bucket="reports", Key=key)["Body"].read())


def test_no_place_for_it_costs_the_incident_nothing(bucket: Any, monkeypatch: pytest.MonkeyPatch,
                                                    service: Service) -> None:
    bucket.delete_bucket(Bucket="reports")

    def answer(query: sources.Query) -> list[Finding[ErrorRate]]:
        http(b"{}").json("GET", "https://a.example/")
        return [Finding(source="newrelic", detail=ErrorRate(), value=0.5)]

    finding = asked(monkeypatch, service, answer)["findings"][0]
    assert finding["value"] == 0.5
    assert "raw" not in finding


def test_a_finding_that_is_not_of_its_type_is_malformed_and_leaves_the_others(
        bucket: Any, monkeypatch: pytest.MonkeyPatch, service: Service) -> None:
    def answer(query: sources.Query) -> list[Finding[Any]]:
        # A vendor may send anything where a number is documented.
        wrong: Any = "many, card 4242424242424242"
        return [Finding(source="newrelic", detail=Pods(ready=wrong), component="backend", value=1.0),
                Finding(source="newrelic", detail=ErrorRate(requests=3.0), component="backend", value=0.5)]

    bad, good = (finding_of(value) for value in asked(monkeypatch, service, answer)["findings"])
    assert (bad.component, bad.status, bad.value, bad.detail) == ("backend", "malformed", None, Pods())
    assert "ready: expected a whole number" in bad.note and "4242424242424242" not in bad.note
    assert (good.status, good.value, good.detail) == ("ok", 0.5, ErrorRate(requests=3.0))


def test_the_state_machine_asks_in_the_words_that_are_understood() -> None:
    def payloads(states: dict[str, Any]) -> Iterator[Any]:
        for name, state in states.items():
            if name.startswith("Ask (") and state["Type"] == "Task":
                yield state["Arguments"]["Payload"]
            yield from payloads(state.get("ItemProcessor", {}).get("States", {}))

    machine = Path("statemachines/incident_response.asl.json").read_text(encoding="utf-8")
    found = list(payloads(json.loads(machine)["States"]))
    assert len(found) == 5
    for payload in found:
        decode(ask.Ask, filled(payload, {
            "states": {"input": {}, "context": {"State": {"EnteredTime": EVENT["now"]}}},
            "incident": EVENT["incident"], "course": {"changed_since": EVENT["now"]}}))


def test_the_responders_own_tools_are_no_evidence(bucket: Any) -> None:
    boto3.client("secretsmanager").create_secret(Name="s", SecretString="top-secret-value")
    with raw.keeping() as found:
        assert aws.client("secretsmanager").get_secret_value(SecretId="s")["SecretString"] == "top-secret-value"
        aws.client("cloudwatch").describe_alarms()
    assert "cloudwatch DescribeAlarms" in kept(found.packed())
    assert "top-secret-value" not in kept(found.packed())
