"""An incident of four hours with ten components and 5,000 pods runs within AWS's quotas.

The vendors' answers of that size go through the real adapters, the function that asks, the record and the steps that
decide; each border has its size checked.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import boto3
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from responder.clients import aws
from responder.clients.http import Http
from responder.clients.kubernetes import Kubernetes
from responder.handlers import ask, confirm, diagnose, isolate, step
from responder.model.codec import decode
from responder.model.evidence import Finding
from responder.model.evidence.error_rate import ErrorRate
from responder.model.incident import SourceAnswer
from responder.model.moment import iso
from responder.model.service import Component, Deployment, Service
from responder.model.watched import Watched
from responder.plan.changes import difference, newest, shortened
from responder.plan.course import State
from responder.plan.fitting import ANSWER_BYTES, STATE_BYTES, share_bytes, size_bytes
from responder.plan.periods import LENGTHS_SECONDS, MOST_PERIODS, period_seconds
from responder.plan.recovery import next_check
from responder.records.ledger import Ledger
from responder.records.table import Records
from responder.sources import Phase, Query, cloudwatch, kubernetes, newrelic, splunk
from responder.sources import all as every_source
from responder.sources import load as source_of
from sandbox.quotas.states import size_bytes as state_bytes
from stacks.state_machine.plan import definition, plan
from tests.conftest import shipped_service

HOURS, COMPONENTS, PODS = 4, 10, 5_000
ITEM_BYTES = 400_000
"""DynamoDB: "Service, account, and table quotas"."""
NOW = 1_800_000_000.0
OPENED = NOW - HOURS * 3600
BEGAN = OPENED - 120
PER_SECOND = 1.2345
VERSIONS = ("1.0.0", "1.1.0", "1.2.0")
SOURCES: dict[Phase, tuple[str, ...]] = {
    "confirm": ("cloudwatch", "newrelic", "splunk"), "isolate": ("kubernetes",),
    "diagnose": ("cloudwatch", "newrelic", "splunk")}


@pytest.fixture
def large(service: Service) -> Service:
    more = [Component(f"component-{number}", calls=("database",)) for number in range(
        COMPONENTS - len(service.components))]
    return replace(service, components=(*service.components, *more))


class CloudWatch:
    """Every metric at every moment."""

    def get_metric_data(self, *, MetricDataQueries: list[dict[str, Any]], StartTime: datetime,  # noqa: N803
                        EndTime: datetime, **_: Any) -> dict[str, Any]:  # noqa: N803
        results = []
        for query in MetricDataQueries:
            period = query["MetricStat"]["Period"]
            assert period >= 60 or (EndTime - StartTime).total_seconds() <= 3 * 3600, "kept for three hours only"
            stamps = range(int(StartTime.timestamp()), int(EndTime.timestamp()), period)
            results.append({"Id": query["Id"], "Timestamps": [datetime.fromtimestamp(at).astimezone() for at in stamps],
                            "Values": [0.0 if query["Id"].startswith("errors") and at < BEGAN else
                                       PER_SECOND * period for at in stamps], "StatusCode": "Complete"})
        assert sum(len(result["Values"]) for result in results) <= 100_800, "GetMetricData: most data points of a call"
        return {"MetricDataResults": results}

    def describe_alarms(self, **_: Any) -> dict[str, Any]:
        return {"MetricAlarms": []}


def new_relic(service: Service) -> Callable[[httpx.Request], httpx.Response]:
    def rows(nrql: str) -> Iterator[dict[str, Any]]:
        since, until = (int(part) / 1000 for part in re.findall(r"SINCE (\d+) UNTIL (\d+)", nrql)[0])
        facets = re.split(r"LIMIT|SINCE|TIMESERIES", nrql.partition("FACET ")[2])[0].split(",")
        series = re.search(r"TIMESERIES (\d+) seconds", nrql)
        starts = range(int(since), int(until), int(series[1])) if series else [int(since)]
        assert len(starts) <= 366, "NRQL reference: most buckets"
        second = VERSIONS if "ersion" in nrql.partition("FACET ")[2] else [f"host-{n}.example" for n in range(150)]
        named = [component.name for component in service.components]
        keys = [[name] for name in named] if len(facets) == 1 else [
            [name, other, *(["connection refused by upstream"] if len(facets) > 2 else [])]
            for name in named for other in second][:2000 if len(facets) < 3 else 200]
        for key in keys:
            for start in starts:
                yield {"facet": key if len(key) > 1 else key[0], "beginTimeSeconds": start, "requests": 123_456,
                       "errors": 65_432 if until > BEGAN else 0, "p95": {"95": 0.123456}, "mean": 0.123456}

    def answer(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)["variables"]
        return httpx.Response(200, json={"data": {"actor": {"account": {
            name: {"results": [] if name == "deployments" else list(rows(text))}
            for name, text in asked.items() if name != "account"}}}})

    return answer


def search(service: Service) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        form = dict(httpx.QueryParams(request.content.decode()))
        spl, since, until = form["search"], float(form["earliest_time"]), float(form["latest_time"])
        named = [component.name for component in service.components]
        settings_of = service.splunk
        assert settings_of is not None
        found: list[dict[str, Any]] = []
        if span := re.search(r"span=(\d+)s", spl):
            found = [{"_time": at, settings_of.component_field: name, settings_of.level_field: "ERROR", "count": 99}
                     for name in named for at in range(int(since), int(until), int(span[1]))]
        elif "_raw" in spl:
            found = [{"_time": since, settings_of.component_field: named[place % COMPONENTS], "_raw": (
                f"ERROR kind {'abcdefghij'[place % 10] * (place % 97)} " + "of a long line " * 30)}
                     for place in range(900)]
        elif "stats count by" in spl:
            found = [{settings_of.component_field: name, settings_of.level_field: level, "count": 5000}
                     for name in named for level in ("ERROR", "INFO")]
        return httpx.Response(200, content="\n".join(json.dumps({"result": row}) for row in found).encode())

    return answer


def cluster(service: Service) -> Callable[[httpx.Request], httpx.Response]:
    names = [component.deployment for component in service.components]
    pods = [{"metadata": {"name": f"{names[n % COMPONENTS]}-{n}-abcde", "ownerReferences": [
        {"kind": "ReplicaSet", "name": f"{names[n % COMPONENTS]}-rs", "controller": True}]},
        "spec": {"nodeName": f"ip-10-0-{n // 10 // 256}-{n // 10 % 256}.eu-central-1.compute.internal"},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}], "containerStatuses": [
            {"restartCount": 2, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}} for n in range(PODS)]
    lists: dict[str, list[dict[str, Any]]] = {
        "pods": pods,
        "deployments": [{"metadata": {"name": name, "namespace": "payments"}, "spec": {"replicas": PODS // COMPONENTS}}
                        for name in names],
        "replicasets": [{"metadata": {"name": f"{name}-rs", "ownerReferences": [
            {"kind": "Deployment", "name": name, "controller": True}]}} for name in names],
        "nodes": [{"metadata": {"name": f"ip-10-0-{n // 256}-{n % 256}.eu-central-1.compute.internal"},
                   "status": {"conditions": [{"type": "Ready", "status": str(n % 2 == 0)}]}} for n in range(500)],
        "events": [{"metadata": {}, "reason": f"Reason{n % 40}", "count": 3, "involvedObject": {
            "kind": "Pod", "name": pods[n]["metadata"]["name"]}} for n in range(1000)]}

    def answer(request: httpx.Request) -> httpx.Response:
        items = lists.get(request.url.path.rpartition("/")[2], [])
        first, size = int(request.url.params.get("continue", 0)), int(request.url.params.get("limit", 500))
        following = str(first + size) if first + size < len(items) else ""
        return httpx.Response(200, json={"items": items[first:first + size], "metadata": {"continue": following}})

    return answer


class Memory(Records):
    """The table in memory, for items of this size take moto minutes; as strict on their size."""

    def __init__(self) -> None:
        super().__init__("timeline", object())
        self.kept: dict[tuple[str, str], dict[str, Any]] = {}

    def put_exact(self, item: dict[str, Any]) -> bool:
        assert len(json.dumps(item).encode()) < ITEM_BYTES, item["sk"]
        return self.kept.setdefault((item["pk"], item["sk"]), item) is item

    def put_all_once(self, items: Sequence[dict[str, Any]]) -> None:
        for item in items:
            self.put_once(item)

    def put(self, item: dict[str, Any], kept_days: int | None = None) -> None:
        self.put_exact(item)

    def item(self, pk: str, sk: str) -> dict[str, Any] | None:
        return self.kept.get((pk, sk))

    def partition(self, pk: str, first: str = " ", last: str = "~") -> list[dict[str, Any]]:
        return [item for (one, sk), item in sorted(self.kept.items()) if one == pk and first <= sk <= last]

    def change(self, key: Any, expression: str, condition: str, values: Any) -> bool:
        return True

    def _set(self, pk: str, sk: str, values: Any, exact: Any = None, condition: str = "") -> None:
        self.kept[pk, sk] |= values | (exact or {})


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch, large: Service) -> Iterator[Memory]:
    """The account: the bucket is moto's, table and CloudWatch are as above."""
    client = aws.client
    aws.made.cache_clear()
    for name, value in (("BUCKET", "reports"), ("TABLE", "timeline"), ("ANSWER_BYTES", str(share_bytes(13)))):
        monkeypatch.setenv(name, value)
    for module in (ask, step):
        monkeypatch.setattr(module, "load", lambda name: large)
    monkeypatch.setattr(aws, "client", lambda service, *given, **more: (
        CloudWatch() if service == "cloudwatch" else client(service)))
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="reports")
        records = Memory()
        monkeypatch.setattr(step, "records", lambda: records)
        records.put({"pk": "INCIDENT#i-1", "sk": "INCIDENT", "id": "i-1", "service": large.service, "status": "open",
                     "execution": "e", "opened_at": iso(OPENED)})
        yield records
    aws.made.cache_clear()


def collected(name: str, query: Query) -> Sequence[Finding[Any]]:
    def http(answer: Callable[[httpx.Request], httpx.Response]) -> Http:
        return Http(time.monotonic() + 120, transport=httpx.MockTransport(answer))

    query = replace(query, deadline=time.monotonic() + 120)
    if name == "newrelic":
        return newrelic.collect(query, http(new_relic(query.service)))
    if name == "splunk":
        return splunk.collect(query, http(search(query.service)))
    if name == "kubernetes":
        return kubernetes.collect(query, Kubernetes(http(cluster(query.service)), "https://k8s"))
    return cloudwatch.collect(query)


def answered(monkeypatch: pytest.MonkeyPatch, large: Service, phase: Phase) -> list[dict[str, Any]]:
    """What the state machine has after a phase: the Map's output."""
    found = []
    for name in SOURCES[phase]:
        monkeypatch.setenv("SOURCE", name)
        source = replace(source_of(name), collect=lambda query, name=name: collected(name, query))
        monkeypatch.setattr(ask.sources, "load", lambda _, source=source: source)
        found.append(ask.handler({"incident": {"id": "i-1", "service": large.service, "opened_at": iso(OPENED)},
                                  "phase": phase, "now": iso(NOW)}, None))
    return found


def test_it_runs_within_the_quotas(records: Memory, large: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (cloudwatch, diagnose):
        monkeypatch.setattr(module, "deployed", lambda name: Deployment((), {}, ()))
    incident = {"id": "i-1", "service": large.service, "opened_at": iso(OPENED), "execution": "e"}
    confirmation: dict[str, Any] = {}
    sizes: dict[str, int] = {}
    for number, (phase, handler) in enumerate((("confirm", confirm.handler), ("isolate", isolate.handler),
                                               ("diagnose", diagnose.handler))):
        answers = answered(monkeypatch, large, phase)
        sizes[phase] = state_bytes(answers)
        assert all(size_bytes(answer) <= share_bytes(13) for answer in answers)
        assert any(decode(SourceAnswer, answer).kept for answer in answers), "some are too large to travel"
        given = {"incident": incident, "entered": iso(NOW + number), "answers": answers, "confirmation": confirmation}
        assert state_bytes(given) <= STATE_BYTES // 2
        result = handler(given, None)
        assert state_bytes(result) <= STATE_BYTES // 4
        confirmation = confirmation or result
    record = records.load("i-1")
    assert confirmation["answer"] == "confirmed"
    rates = [finding for look in record.looked for finding in look.findings if isinstance(finding.detail, ErrorRate)]
    assert {finding.component for finding in rates if finding.usable} == {c.name for c in large.components}
    for finding in rates:
        assert 10 < len(finding.detail.series) <= MOST_PERIODS + 1
    for finding in (finding for finding in rates if finding.source == "cloudwatch" and finding.window):
        # What was counted is conserved, however long the periods are.
        expected = PER_SECOND * finding.window.seconds
        assert sum(row.requests for row in finding.detail.series) == pytest.approx(expected, rel=0.02)
    for item in records.items("i-1"):
        assert len(json.dumps(item).encode()) < ITEM_BYTES, item["sk"]
        assert not item.get("cut"), "each answer has room as a whole"
    assert "300 more of nodes were left out: there are too many" in {said.sentence for said in record.incident.evidence}
    assert max(sizes.values()) < STATE_BYTES // 4, sizes


STATES: Any = definition(plan())["States"]
CONFIGMAP = 134_000


def test_a_changed_configmap_of_134_kilobytes_has_room_everywhere(records: Memory, large: Service) -> None:
    def configmap(name: str, text: str) -> Watched:
        return Watched("ConfigMap", name, {"data": {"application.yaml": text, "MODE": text[:3]}}, written=NOW)

    before, after = ({f"ConfigMap/c{n}": configmap(f"c{n}", sign * CONFIGMAP) for n in range(6)} for sign in "ab")
    changes = difference(before, after, NOW - 60, NOW)
    assert size_bytes([field.to_wire() for field in changes[0].fields]) > STATE_BYTES, "268 kB before"
    Ledger(records, large.service).keep(NOW, before, after, changes)
    kept = Ledger(records, large.service).changes(NOW - 3600)
    assert len(kept) == 6 and all(len(change.fields) == 2 for change in kept)
    # The key that is small stays exact, and can be put back.
    assert [field.before for field in kept[0].fields if field.path[-1] == "MODE"] == ["aaa"]
    shown = newest(changes, b"k" * 16, 100, 240_000)
    assert len(shown) == 6 and sum(size_bytes([f.to_wire() for f in change.fields]) for change in shown) < ANSWER_BYTES


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 300_000), min_size=1, max_size=12), st.integers(5_000, 100_000))
def test_of_any_change_the_names_of_the_fields_stay(lengths: list[int], most: int) -> None:
    before = Watched("ConfigMap", "c", {"data": {f"k{n}": "a" * size for n, size in enumerate(lengths)}})
    after = replace(before, body={"data": {f"k{n}": "b" * (size + 1) for n, size in enumerate(lengths)}})
    change, = difference({before.key: before}, {after.key: after}, NOW - 60, NOW)
    small = shortened(change, b"k" * 16, most)
    assert [field.path for field in small.fields] == [field.path for field in change.fields]
    assert size_bytes([field.to_wire() for field in small.fields]) <= most + 100
    assert small.sentence().count("changed") >= 1


@given(st.floats(1, 60 * 86_400), st.integers(1, 500), st.sampled_from((10, 30, 60)))
def test_a_series_never_has_more_than_its_periods_and_all_lengths_are_made_of_each_other(
        window: float, series: int, shortest: int) -> None:
    length = period_seconds(window, series, shortest)
    assert window / length <= max(1, min(MOST_PERIODS, 5_000 // series))
    assert length % shortest == 0 and (length in LENGTHS_SECONDS or length % LENGTHS_SECONDS[-1] == 0)
    assert window <= 3 * 3600 or length % 60 == 0


def events_of(state: dict[str, Any], items: int = 0) -> int:
    """How many events a state has in an execution's history, where nothing fails (Step Functions: "HistoryEvent")."""
    if state["Type"] == "Task":
        return 5  # entered, scheduled, started, succeeded, exited
    if state["Type"] == "Map":
        inner = state["ItemProcessor"]["States"]
        return 4 + items * (2 + events_of(inner[state["ItemProcessor"]["StartAt"]]))
    return 2


@pytest.mark.parametrize("every", [1, 10, 30])
@pytest.mark.parametrize("at_most", [1, 60, 900])
@pytest.mark.parametrize("left", [0.0, 1.0, 290.0])
def test_two_days_have_fewer_events_than_an_execution_may(every: int, at_most: int, left: float) -> None:
    """However often the configuration asks for checks, and however often it is well for a while."""
    shipped, states = shipped_recovery(every, at_most), STATES
    def asked(phase: str) -> int:
        return sum(phase in source.phases for source in every_source())

    watched = ("Check error rates and health", "Monitor the recovery", "Has it recovered?", State.WATCH, State.INFORM,
               State.UPDATE, "What comes after the update?")
    check = sum(events_of(states[name], asked("watch")) for name in watched)
    checks, elapsed = 0, 0.0
    while elapsed < 48 * 3600:
        elapsed += next_check(shipped, elapsed, left or None)
        checks += 1
    # All other states, six times each: three remedies, each with a question and another diagnosis.
    before = sum(events_of(state, asked("diagnose")) for state in states.values()) * 6
    assert before + checks * check < 25_000, (checks, check)


def shipped_recovery(every: int, at_most: int) -> Service:
    service = shipped_service()
    return replace(service, recovery=replace(service.recovery, check_every_seconds=every,
                                             check_at_most_every_seconds=at_most))
