"""The page of an open incident says what the record of its moment says, and an older page never replaces a newer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from responder.clients import aws, objects
from responder.clients.failure import CallFailed
from responder.clients.objects import Lock
from responder.handlers import live as page
from responder.model.facts import ApprovalAsked
from responder.model.incident import IncidentRecord, Signal
from responder.model.moment import iso, seconds
from responder.model.service import Service
from responder.plan.replay import service_of
from responder.plan.review import review
from responder.plan.review.live import Live, Phase, live, version
from responder.plan.wording import clock
from responder.records.record import unpack
from responder.records.report import render_page, store
from responder.records.table import Records
from tests.conftest import ROOT, shipped_service, timeline
from tests.moments import cut, moments

NAMES = sorted(path.name.removesuffix(".json.gz") for path in (ROOT / "tests" / "records").glob("*.json.gz"))


@cache
def kept(name: str) -> tuple[Service, IncidentRecord]:
    """The configuration and the whole record of a drill's incident."""
    found = unpack((ROOT / "tests" / "records" / f"{name}.json.gz").read_bytes())
    return service_of(found), IncidentRecord.of(found["items"])


def top(service: Service, record: IncidentRecord, at: str) -> Live:
    return live(service, record, seconds(at), execution=record.incident.execution, answer_url="https://answers.example/",
                region="us-east-1")


def said(shown: Live) -> str:
    return "\n".join((shown.title, shown.status, *shown.known, shown.next, shown.who, *shown.asked, *shown.told))


@pytest.mark.parametrize(("name", "phases"), [
    ("bad-release", [
        ("Open the incident", Phase.VERIFYING, "verifying the symptoms"),
        ("Confirm the incident", Phase.ISOLATING, "finding the components at fault"),
        ("Isolate the issue", Phase.DIAGNOSING, "looking for the cause"),
        ("Diagnose the root cause", Phase.CHOOSING, "choosing a remedy"),
        ("Plan the remedy", Phase.CHECKING, "checking the guardrails for the roll back"),
        ("Check the guardrails", Phase.APPLYING, "applying the roll back"),
        ("Apply the remedy", Phase.WATCHING, "verifying whether the roll back helps"),
        ("Monitor the recovery", Phase.ENDING, "about to be closed"),
        ("Stand down", Phase.OVER, "s: resolved")]),
    ("approval-unanswered", [
        ("Ask for approval", Phase.ASKING, "waiting for people to approve the roll back"),
        ("Escalate", Phase.PEOPLE, "people are needed")]),
    ("false-alarm", [
        ("Confirm the incident", Phase.ENDING, "about to be closed"),
        ("Stand down", Phase.OVER, "false alarm")])])
def test_after_each_step_the_page_says_what_is_being_done(name: str, phases: list[tuple[str, Phase, str]]) -> None:
    service, record = kept(name)
    seen = {entry.step: top(service, then, entry.at) for entry, then in moments(record)}
    for step, phase, text in phases:
        assert seen[step].phase is phase, step
        assert text in render_page(review(record, entry=service.entry), seen[step]), step


def test_an_incident_that_is_opened_again_is_not_said_to_be_well() -> None:
    service, record = kept("release-relapses")
    again = record.incident.last_reopened_at
    seen = [(entry, top(service, then, entry.at)) for entry, then in moments(record) if entry.at >= again]
    assert [shown.phase for _, shown in seen][:2] == [Phase.VERIFYING, Phase.ISOLATING]
    for _, shown in seen:
        assert "symptom is gone" not in said(shown) and "It helped" not in said(shown)
        assert "opened again" in shown.title and f"opened again at {again[11:19]} UTC" in said(shown)


def test_an_open_question_names_who_is_asked_and_until_when_and_both_commands() -> None:
    service, record = kept("approval-unanswered")
    entry, then = next((entry, then) for entry, then in moments(record) if entry.step == "Ask for approval")
    shown = top(service, then, entry.at)
    question, = shown.asked
    fact = next(fact for _, fact in record.facts(ApprovalAsked))
    assert "Site reliability engineer on call" in question and f"until {clock(fact.expires)} UTC" in question
    answers = next(command.text for command in shown.commands if "Answer" in command.label)
    assert '"decision": "approve"' in answers and '"decision": "reject"' in answers and "answers.example" in answers
    assert seconds(shown.expected_by) > seconds(fact.expires)
    assert top(service, record, record.timeline[-1].at).asked == ()


def test_each_command_is_complete_and_of_this_execution() -> None:
    service, record = kept("approval-unanswered")
    held = "arn:aws:states:eu-west-1:123456789012:execution:incident-response:abc"
    shown = live(service, cut(record, record.timeline[4].at), seconds(record.timeline[4].at), execution=held,
                 region="eu-west-1")
    text = "\n".join(command.text for command in shown.commands)
    assert f"--name {service.kill_switch} --type String --value engaged --overwrite --region eu-west-1" in text
    assert f"stop-execution --execution-arn {held} " in text
    assert "--state-machine-arn arn:aws:states:eu-west-1:123456789012:stateMachine:incident-response " in text
    assert '"take_over": true' in text
    # Where nobody knows which execution has it, no command names one.
    assert "states" not in "".join(command.text for command in live(service, record, seconds(iso(0))).commands)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(NAMES), st.data())
def test_the_page_of_any_record_at_any_entry_says_only_what_was_known_then(name: str, data: st.DataObject) -> None:
    service, record = kept(name)
    entry = data.draw(st.sampled_from(record.timeline))
    then = cut(record, entry.at)
    shown = top(service, then, entry.at)
    html = render_page(review(then, entry=service.entry), shown)
    text = re.sub(r"<style>.*?</style>|<[^>]*>", " ", html, flags=re.DOTALL)
    assert not re.search(r"\bNone\b|\bnan\b|\{[\{%]|\bPhase\.", text)
    assert "went well" not in text and "Improvement" not in text and "execution stopped" not in text
    # No time of day lies after this moment, except those until which something is waited for.
    until = {shown.expected_by[11:19], *(re.findall(r"until (\d\d:\d\d:\d\d) UTC", "\n".join(shown.asked)))}
    day = entry.at[:10]
    for moment in set(re.findall(r"\d\d:\d\d:\d\d", said(shown))) - until:
        assert seconds(f"{day}T{moment}Z") <= seconds(entry.at) or record.incident.opened_at[:10] != day, moment
    for remedy in record.remedies:
        if remedy not in then.remedies and (remedy.planned_at or "~") > entry.at and remedy.summary:
            assert remedy.summary not in said(shown) or any(
                remedy.summary == known.summary for known in then.remedies)
    if then.incident.cause is None:
        assert "Cause:" not in said(shown)
    assert ('http-equiv="refresh"' in html) and "<script" not in html and "http://" not in html


def test_it_reloads_more_rarely_the_older_it_gets() -> None:
    service, record = kept("bad-release")
    began = seconds(record.incident.opened_at)
    young = cut(record, record.timeline[2].at)
    often = [live(service, young, began + age).reload_seconds for age in (1.0, 1000.0, 4000.0, 90_000.0)]
    assert often == [15, 30, 60, 300]


def test_a_postmortem_does_not_reload_itself_and_has_no_commands() -> None:
    service, record = kept("bad-release")
    assert "http-equiv=\"refresh\"" not in render_page(review(record, entry=service.entry))
    assert top(service, record, record.timeline[-1].at).commands == ()


# --- which page is the newer one --------------------------------------------------------------------------------------


def test_the_postmortem_is_newer_than_any_page_before_it_and_a_later_opening_is_newer_than_it() -> None:
    _, record = kept("release-relapses")
    first, again = record.incident.reopened_at[0], replace(record.incident, reopened_at=())
    closed = replace(cut(record, first), incident=replace(cut(record, first).incident, reopened_at=()))
    grown = replace(record, incident=again)
    assert version(grown, "2099-01-01T00:00:00.000Z") < version(closed, first, final=True) < version(record, first)
    assert version(closed, "2026-01-01T00:00:00.000Z") < version(closed, "2026-01-01T00:00:00.001Z")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("BUCKET", "reports")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="reports", ObjectLockEnabledForBucket=True)
        monkeypatch.setattr(aws, "client", lambda name, *more: client)
        yield client


def body(client: Any, key: str = "k") -> str:
    return str(client.get_object(Bucket="reports", Key=key)["Body"].read().decode())


@pytest.mark.parametrize("order", ["123", "321", "2313", "1122", "33"])
def test_whatever_the_order_and_how_often_the_newest_stays(bucket: Any, order: str) -> None:
    for number in order:
        objects.write_newer("reports", "k", f"page {number}", "text/html", number)
    assert body(bucket) == f"page {max(order)}"
    versions = bucket.list_object_versions(Bucket="reports", Prefix="k")["Versions"]
    assert len(versions) == sum(number > max(order[:place], default="") for place, number in enumerate(order))


@pytest.mark.parametrize("mine", ["1", "3"])
def test_two_writers_at_once_leave_the_newer_page(bucket: Any, monkeypatch: pytest.MonkeyPatch, mine: str) -> None:
    """The other one writes between the comparison and the write."""
    head, others = objects._head, ["2"]

    def between(*given: Any) -> Any:
        there = head(*given)
        for other in others[:]:
            others.clear()
            objects.write_newer("reports", "k", f"page {other}", "text/html", other)
        return there

    monkeypatch.setattr(objects, "_head", between)
    assert objects.write_newer("reports", "k", f"page {mine}", "text/html", mine) is (mine == "3")
    assert body(bucket) == f"page {max(mine, '2')}"


def test_a_page_that_never_comes_to_be_written_is_an_error_and_no_endless_loop(
        bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.put_object(Bucket="reports", Key="k", Body=b"other")
    monkeypatch.setattr(objects, "_head", lambda *given: objects._There())
    with pytest.raises(CallFailed, match="changed each time"):
        objects.write_newer("reports", "k", "page", "text/html", "1")


# --- the function -----------------------------------------------------------------------------------------------------

AT, KEY = "2026-11-25T01:00:00.000Z", "postmortems/payment-gateway/i-1/postmortem.html"


def added(*incidents: str) -> dict[str, Any]:
    """The stream's event of one entry each."""
    return {"Records": [{"eventID": "1", "eventName": "INSERT", "dynamodb": {
        "Keys": {"pk": {"S": f"TIMELINE#{name}"}, "sk": {"S": f"TIMELINE#{AT}#00#x"}},
        "SequenceNumber": "1", "StreamViewType": "KEYS_ONLY"}} for name in incidents]}


@pytest.fixture
def records(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> Records:
    found = timeline()
    monkeypatch.setattr(page, "records", lambda: found)
    monkeypatch.setattr(page, "load", lambda name: shipped_service())
    found.open("payment-gateway", "i-1", "arn:aws:states:us-east-1:000000000000:execution:incident-response:e", AT,
               Signal(AT, "alarm", "a", "k"))
    return found


Note = Callable[[str], None]


@pytest.fixture
def note(records: Records) -> Note:
    """Adds an entry to the timeline."""
    numbers = iter(range(1000))
    return lambda what: assert_written(records.note("i-1", AT, "Step", what, number=next(numbers)))


def assert_written(written: bool) -> None:
    assert written


def test_the_page_is_there_with_the_first_entry_and_follows_the_others(
        records: Records, bucket: Any, note: Note) -> None:
    note("opened")
    page.handler(added("i-1", "i-1"), None)
    first = body(bucket, KEY)
    assert "verifying the symptoms" in first and 'http-equiv="refresh"' in first
    assert "stop-execution --execution-arn arn:aws:states:us-east-1:000000000000:execution:incident-response:e" in first
    stored = bucket.head_object(Bucket="reports", Key=KEY)
    assert "ObjectLockMode" not in stored
    assert bucket.get_object_tagging(Bucket="reports", Key=KEY)["TagSet"] == [{"Key": "page", "Value": "live"}]
    records.update("i-1", status="waiting for people", outcome="escalated", escalated_at=AT)
    note("escalated")
    page.handler(added("i-1"), None)
    assert "people are needed" in body(bucket, KEY)


def test_the_postmortem_stays_whatever_comes_late_until_the_incident_is_opened_again(
        records: Records, bucket: Any, note: Note, monkeypatch: pytest.MonkeyPatch) -> None:
    note("opened")
    open_record = records.load("i-1")
    records.update("i-1", status="closed", outcome="resolved", closed_at=iso(seconds(AT) + 60))
    note("stood down")
    page.handler(added("i-1"), None)
    assert "The postmortem follows at this address" in body(bucket, KEY)
    closed = records.load("i-1")
    store("reports", "payment-gateway", "i-1", "final", version(closed, AT, final=True), {}, lock=Lock(30))
    assert bucket.head_object(Bucket="reports", Key=KEY)["ObjectLockMode"] == "GOVERNANCE"
    # Before the report is on record; after it; and by a writer that has read the record while it was open.
    page.handler(added("i-1"), None)
    records.update("i-1", reported_at=iso(seconds(AT) + 70))
    note("the postmortem is written")
    page.handler(added("i-1"), None)
    assert not store_late(open_record)
    assert body(bucket, KEY) == "final"
    records.close("payment-gateway", "i-1")
    later = iso(seconds(AT) + 90)
    opened = records.open("payment-gateway", "i-2", "e2", later, Signal(later, "alarm", "a", "k2"), 1e12)
    assert (opened.incident, opened.reopened) == ("i-1", True)
    note("opened again")
    page.handler(added("i-1"), None)
    assert "opened again" in body(bucket, KEY)


def store_late(record: IncidentRecord) -> bool:
    return page.store_live("reports", "payment-gateway", "i-1", "old", version(record, "2099-01-01T00:00:00.000Z"))


def test_one_incident_s_failure_costs_no_other_its_page_and_is_tried_again(
        records: Records, bucket: Any, note: Note, monkeypatch: pytest.MonkeyPatch) -> None:
    note("opened")
    records.put({"pk": "INCIDENT#broken", "sk": "INCIDENT", "id": "broken"})
    with pytest.raises(page.PageNotWritten, match="broken"):
        page.handler(added("broken", "i-1"), None)
    assert "verifying" in body(bucket, KEY)


def test_an_incident_that_is_gone_needs_no_page(records: Records, bucket: Any) -> None:
    assert page.handler(added("gone"), None) == {}
    assert "Contents" not in bucket.list_objects_v2(Bucket="reports")


def test_a_storm_of_signals_is_no_entry_and_a_batch_is_one_page(
        records: Records, bucket: Any, note: Note) -> None:
    for number in range(20):
        records.attach("i-1", Signal(AT, "alarm", "a", f"k{number}"))
        note(f"entry {number}")
    page.handler(added(*["i-1"] * 20), None)
    assert len(bucket.list_object_versions(Bucket="reports", Prefix=KEY)["Versions"]) == 1
