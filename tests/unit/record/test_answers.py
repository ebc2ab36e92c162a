"""Answers that are too large to travel between states: kept and read, within every limit; nothing is lost unnamed"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from moto import mock_aws

from responder import sources
from responder.clients import aws
from responder.handlers import ask
from responder.model.codec import Json, decode, encode
from responder.model.evidence import Bucket, Finding
from responder.model.evidence.answer import Answer
from responder.model.evidence.error_rate import ErrorRate
from responder.model.incident import KeptAnswer, SourceAnswer
from responder.model.service import Service
from responder.plan.fitting import ANSWER_BYTES, STATE_BYTES, fitted, share_bytes, size_bytes
from responder.records.answers import fetched

ROOM = 8192
EVENT = {"incident": {"id": "i-1", "service": "payment-gateway", "opened_at": "2026-11-24T00:00:00.000Z"},
         "phase": "watch", "now": "2026-11-24T00:00:01.000Z"}


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("BUCKET", "reports")
    monkeypatch.setenv("SOURCE", "newrelic")
    monkeypatch.setenv("ANSWER_BYTES", str(ROOM))
    aws.made.cache_clear()
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="reports")
        yield client
    aws.made.cache_clear()


def rate(component: str, periods: int) -> Finding[Any]:
    return Finding(source="newrelic", component=component, value=0.5, detail=ErrorRate(
        requests=float(periods), series=tuple(Bucket(1_790_000_000.0 + 10 * at, 1.0, 0.5) for at in range(periods))))


def asked(monkeypatch: pytest.MonkeyPatch, service: Service, *findings: Finding[Any]) -> Json:
    source = sources.Source("newrelic", frozenset({"watch"}), lambda query: list(findings))
    monkeypatch.setattr(ask.sources, "load", lambda name: source)
    monkeypatch.setattr(ask, "load", lambda name: service)
    return ask.handler(EVENT, None)


def answer_of(value: Json) -> SourceAnswer:
    return decode(SourceAnswer, value)


def test_a_small_answer_travels_with_the_state(bucket: Any, monkeypatch: pytest.MonkeyPatch, service: Service) -> None:
    answer = answer_of(asked(monkeypatch, service, rate("backend", 10)))
    assert answer.kept is None and answer.findings == (rate("backend", 10),)
    assert "Contents" not in bucket.list_objects_v2(Bucket="reports")


def test_a_large_answer_is_kept_and_the_next_step_reads_all_of_it(
        bucket: Any, monkeypatch: pytest.MonkeyPatch, service: Service) -> None:
    findings = [rate(f"component-{number}", 200) for number in range(10)]
    value = asked(monkeypatch, service, *findings)
    answer = answer_of(value)
    assert size_bytes(value) < 500 and not answer.findings
    assert answer.kept and answer.kept.findings == 10
    assert answer.kept.key.startswith("evidence/newrelic/payment-gateway/i-1/20261124T000001.000Z-watch-")
    assert fetched("reports", [answer])[0].findings == tuple(findings)


def test_a_function_that_runs_twice_replaces_nothing(bucket: Any, monkeypatch: pytest.MonkeyPatch,
                                                     service: Service) -> None:
    first, other, again = (answer_of(asked(monkeypatch, service, rate(name, 900))) for name in ("a", "b", "a"))
    assert first.kept and other.kept and first.kept == again.kept and first.kept.key != other.kept.key
    assert fetched("reports", [first])[0].findings[0].component == "a"


def test_where_it_cannot_be_kept_what_has_room_is_passed_on_and_the_rest_is_named(
        bucket: Any, monkeypatch: pytest.MonkeyPatch, service: Service) -> None:
    bucket.delete_bucket(Bucket="reports")
    value = asked(monkeypatch, service, rate("backend", 1000), rate("frontend", 3))
    answer = answer_of(value)
    assert answer.kept is None and size_bytes(value) <= ROOM
    lost, whole = answer.findings
    assert (lost.name, lost.component, lost.usable) == ("error_rate", "backend", False) and "left out" in lost.note
    assert whole == rate("frontend", 3)


@pytest.mark.parametrize(("change", "said"), [
    (lambda s3, kept: s3.delete_object(Bucket="reports", Key=kept.key), "S3 answered with NoSuchKey"),
    (lambda s3, kept: s3.put_object(Bucket="reports", Key=kept.key, Body=b"other"), "not those that the source passed"),
])
def test_what_cannot_be_read_is_a_silent_source_and_no_crash(
        bucket: Any, monkeypatch: pytest.MonkeyPatch, service: Service, change: Any, said: str) -> None:
    answer = answer_of(asked(monkeypatch, service, rate("backend", 1000)))
    change(bucket, answer.kept)
    found, = fetched("reports", [answer])[0].findings
    assert not found.usable and "1 findings could not be read" in found.note and said in found.note


def test_a_source_cannot_pass_on_another_ones_findings(
        bucket: Any, monkeypatch: pytest.MonkeyPatch, service: Service) -> None:
    answer = answer_of(asked(monkeypatch, service, rate("backend", 1000)))
    found, = fetched("reports", [SourceAnswer("splunk", kept=answer.kept)])[0].findings
    assert found.source == "splunk" and not found.usable


def test_all_sources_of_a_state_have_room_together_however_many_they_are() -> None:
    for count in range(1, 60):
        kept = KeptAnswer("evidence/" + "x" * 300, "f" * 64, 10_000)
        assert size_bytes(encode(SourceAnswer("x" * 40, milliseconds=99999.0, kept=kept))) <= share_bytes(count)
        assert count * (share_bytes(count) + 2) <= STATE_BYTES - 60_000


@hypothesis(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 400), st.text(max_size=20), st.booleans()), max_size=60),
       st.integers(1_000, 40_000))
def test_whatever_is_found_has_room_and_what_does_not_is_named(
        given: list[tuple[int, str, bool]], most: int) -> None:
    findings = [rate(f"c{number}", periods) if usable else Finding[Any](
        source="newrelic", component=f"c{number}", status="timeout", detail=ErrorRate(), note=note * 30)
        for number, (periods, note, usable) in enumerate(given)]
    kept = fitted("newrelic", findings, most)
    assert size_bytes([finding.to_json() for finding in kept]) <= most
    if size_bytes([finding.to_json() for finding in findings]) <= most - 200:
        assert list(kept) == findings
    counted = sum(int(found.note.split()[0]) if isinstance(found.detail, Answer) else 1 for found in kept)
    assert counted == len(findings)
    for found in kept:
        assert found in findings or "left out" in found.note or not found.usable


def test_a_large_answer_still_has_room_as_an_item() -> None:
    kept = fitted("newrelic", [rate(f"c{number}", 2000) for number in range(10)], ANSWER_BYTES)
    text = json.dumps([finding.to_json() for finding in kept])
    assert len(text.encode()) <= ANSWER_BYTES < 400_000 - 50_000
    assert {finding.usable for finding in kept} == {True, False} and len(kept) == 10
