"""The sandbox keeps what the vendors had of each drill, and a question about a past time has the answer of then."""

from __future__ import annotations

import json
import random
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ministack.services import cloudwatch, dynamodb

from sandbox import memory
from sandbox.platform.past import Past
from sandbox.platform.state import World
from sandbox.platform.telemetry import Delays, Telemetry
from sandbox.platform.versions import Versions
from sandbox.vendors.gate import Gates
from sandbox.vendors.history import History
from sandbox.vendors.newrelic import NewRelic
from sandbox.vendors.trail import Trail

NOW = 1_790_000_000.0


@settings(max_examples=40)
@given(st.lists(st.floats(1.0, 100.0), min_size=1, max_size=6), st.floats(-50.0, 800.0))
def test_a_question_belongs_to_the_beginning_in_which_its_time_ends(lengths: list[float], moment: float) -> None:
    past, at = Past[int](), 0.0
    spans = []
    for number, length in enumerate(lengths):
        past.lay_away(at, at + length, number)
        spans.append((at, at + length))
        at += length
    found = past.at(moment, -1)
    assert found == next((number for number, (began, ended) in enumerate(spans) if began <= moment < ended), -1)


def requests(newrelic: NewRelic, start: float, end: float) -> float:
    rows = newrelic.run(f"SELECT count(*) AS 'n' FROM Transaction WHERE appName = 'frontend' SINCE {int(start * 1000)} "
                        f"UNTIL {int(end * 1000)}")
    return float(rows[0]["n"])


def test_new_relic_answers_about_a_drill_that_is_over_as_it_did_then() -> None:
    telemetry = Telemetry(Versions())
    newrelic = NewRelic(telemetry, Gates(), Delays.read())
    telemetry.reset(NOW, 40.0, random.Random("first"))
    first = requests(newrelic, NOW - 3600, NOW - 600)
    # Each beginning has two healthy hours before it: the second's are other requests of the same time.
    telemetry.lay_away(NOW - 300, NOW)
    telemetry.reset(NOW + 60, 10.0, random.Random("second"))
    assert requests(newrelic, NOW - 3600, NOW - 60) > 3 * requests(newrelic, NOW - 3600, NOW + 30)
    assert requests(newrelic, NOW - 3600, NOW - 600) < first / 3, "a time before all that is kept is of now"


def test_cloudtrail_and_rds_look_into_the_world_of_then() -> None:
    first, second, past = World(), World(), Past[World]()
    first.database.set_fault("storage_full", NOW - 250)
    past.lay_away(NOW - 300, NOW, first)

    def world_at(moment: float) -> World:
        return past.at(moment, second)

    worlds = [first]
    history = History(lambda: worlds[0], world_at)
    history.note(NOW - 200)
    worlds[0] = second
    history.note(NOW + 10)
    assert history.at(NOW - 100, NOW - 50).fault == "storage_full"
    assert history.at(NOW + 20).fault == history.at(NOW + 20, NOW + 30).fault == ""
    assert history.at(NOW - 100, NOW + 30).fault == "", "the time before a drill is healthy in its own history"
    trail = Trail(lambda: second, Gates(), 0.0, world_at)
    assert trail._world_at(NOW - 1) is first and trail._world_at(NOW + 1) is second


def test_the_engine_keeps_metrics_and_the_ledgers_changes_of_then() -> None:
    data: dict[str, Any] = {"MetricDataQueries": [{"Id": "a", "MetricStat": {
        "Metric": {"Namespace": "N", "MetricName": "m", "Dimensions": []}, "Period": 60, "Stat": "Sum"}}],
        "StartTime": NOW - 600}

    def points(end: float) -> list[float]:
        answer = cloudwatch._get_metric_data({}, data | {"EndTime": end}, False, is_json=True)
        return list(json.loads(answer[2])["MetricDataResults"][0]["Values"])

    def changes(until: str) -> tuple[int, Any]:
        status, _, body = dynamodb._query({"TableName": "t", "KeyConditionExpression": "pk = :pk", (
            "ExpressionAttributeValues"): {":pk": {"S": "LEDGER#shop"}, ":first": {"S": "CHANGE#2026"},
                                           ":last": {"S": f"CHANGE#{until}~"}}})
        return status, json.loads(body).get("Items")

    get, query, kept = cloudwatch._get_metric_data, dynamodb._query, cloudwatch._metrics
    try:
        memory.bridge()
        cloudwatch._put_metric_data({}, {"Namespace": "N", "MetricData": [
            {"MetricName": "m", "Value": 5.0, "Timestamp": NOW - 120}]}, False, is_json=True)
        memory.lay_away_metrics(NOW - 300, NOW)
        assert points(NOW - 30) == [5.0]
        assert points(NOW + 30) == []
        item = {"pk": {"S": "LEDGER#shop"}, "sk": {"S": "CHANGE#2026-09-21T14:13:00.000Z#Deployment/x"}}
        memory.lay_away_items([item], NOW - 300, NOW)
        assert changes("2026-09-21T14:13:10.000Z") == (200, [item])
        assert changes("2026-09-21T14:12:59.000Z") == (200, [])
        assert changes("2026-09-21T14:20:00.000Z")[0] != 200, "of a later time the table itself is asked: there is none"
    finally:
        cloudwatch._get_metric_data, dynamodb._query, cloudwatch._metrics = get, query, kept


def test_the_engine_looks_for_old_metrics_once_a_minute_and_not_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    looked, now = [], SimpleNamespace(seconds=5.0)
    for module, name in (
            (cloudwatch, "_get_metric_data"), (dynamodb, "_query"), (dynamodb, "_STREAM_RETENTION_SECONDS")):
        monkeypatch.setattr(module, name, getattr(module, name))
    monkeypatch.setattr(cloudwatch, "_evict_old_metrics", lambda: looked.append(now.seconds))
    monkeypatch.setattr(memory, "time", SimpleNamespace(monotonic=lambda: now.seconds))
    memory.bridge()
    for now.seconds in (5.0, 5.1, 60.0, 65.1, 70.0):
        cloudwatch._evict_old_metrics()
    assert looked == [5.0, 65.1]
