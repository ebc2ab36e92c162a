"""The step that writes the postmortem: the record alone is enough, and what it cannot read costs only itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.handlers import review, step
from responder.model.incident import Cause, Signal
from responder.model.service import Reports
from responder.plan.review.contents import PastIncident
from responder.records import history
from responder.records.record import unpack
from responder.records.table import Records
from responder.sources import cloudwatch
from tests.conftest import shipped_service, timeline

AT = "2026-11-25T01:00:00.000Z"
OLDER = PastIncident("older", "payment-gateway", "2026-11-01T01:00:00.000Z", "resolved", "code_bug", "bad_release",
                     "payment-gateway", 90.0, 5)


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> Iterator[Records]:
    monkeypatch.setenv("BUCKET", "reports")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="reports", ObjectLockEnabledForBucket=True)
        found = timeline()
        monkeypatch.setattr(aws, "client", lambda name, *more: client)
        monkeypatch.setattr(step, "records", lambda: found)
        monkeypatch.setattr(step, "load", lambda name: shipped_service())
        monkeypatch.setattr(cloudwatch, "weeks", _silent)
        found.open("payment-gateway", "i-1", "e", AT, Signal(AT, "alarm", "a", "k"))
        yield found


def _silent(*given: Any) -> list[list[float]]:
    raise CallFailed("timeout", "CloudWatch did not answer in time")


def written(records: Records) -> dict[str, Any]:
    result = review.handler({"incident": {"id": "i-1", "service": "payment-gateway", "opened_at": AT},
                             "entered": "2026-11-25T01:10:00.000Z"}, None)
    assert set(result["report"]) == {"html", "md", "json", "gz"}
    body = boto3.client("s3").get_object(
        Bucket="reports", Key="postmortems/payment-gateway/i-1/postmortem.json")["Body"].read()
    found: dict[str, Any] = json.loads(body)
    return found


def test_the_report_the_record_and_the_list_of_all_are_written(records: Records) -> None:
    records.update("i-1", onset="2026-11-25T00:50:00.000Z", cause=Cause(
        "code_bug", "bad_release", "payment-gateway", 0.9, "s"))
    history.keep(records, OLDER)
    assert [past["id"] for past in written(records)["similar"]] == ["older"]
    client = boto3.client("s3")
    page = client.get_object(Bucket="reports", Key="postmortems/payment-gateway/index.html")["Body"].read().decode()
    assert "i-1/postmortem.html" in page and "older/postmortem.html" in page
    packed = client.get_object(Bucket="reports", Key="postmortems/payment-gateway/i-1/record.json.gz")["Body"].read()
    assert "INCIDENT" in [item["sk"] for item in unpack(packed)["items"]]
    assert {past.id: past.cause for past in history.past_incidents(records, "payment-gateway")} == {
        "older": "code_bug", "i-1": "code_bug"}


def test_a_report_that_is_written_again_does_not_compare_the_incident_with_itself(records: Records) -> None:
    for _ in range(2):
        assert written(records)["before"]["incidents"] == 0
    assert [past.id for past in history.past_incidents(records, "payment-gateway")] == ["i-1"]


def test_a_line_of_the_history_that_cannot_be_read_costs_only_itself(records: Records) -> None:
    history.keep(records, OLDER)
    records.put({"pk": "HISTORY#payment-gateway", "sk": "odd", "colour": "red"})
    assert written(records)["before"]["incidents"] == 1


def test_people_s_review_is_merged_in(records: Records) -> None:
    boto3.client("s3").put_object(Bucket="reports", Key="postmortems/payment-gateway/i-1/review.md",
                                  Body=b"Author: Ada\n\nWe should test this.\n")
    assert written(records)["notes"]["text"] == "We should test this."


def test_while_the_incident_is_open_the_page_says_how_it_stands_and_nothing_is_locked(
        records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    locking = replace(shipped_service(), reports=Reports(lock_days=30))
    monkeypatch.setattr(step, "load", lambda name: locking)
    client, key = boto3.client("s3"), "postmortems/payment-gateway/i-1/postmortem.html"
    written(records)
    page = client.get_object(Bucket="reports", Key=key)
    assert "Open for" in page["Body"].read().decode() and "ObjectLockMode" not in page
    assert page["TagCount"] == 1 and page["Metadata"]["version"].startswith("0000.0.")
    records.update("i-1", status="closed", outcome="resolved", closed_at="2026-11-25T01:05:00.000Z")
    written(records)
    page = client.get_object(Bucket="reports", Key=key)
    assert "Open for" not in page["Body"].read().decode() and page["ObjectLockMode"] == "GOVERNANCE"
    assert "TagCount" not in page and page["Metadata"]["version"].startswith("0000.1.")
