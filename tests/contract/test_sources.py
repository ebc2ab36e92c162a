"""The adapters against documented answers, and against the stand-ins, which answer in the same formats."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.stub import ANY, Stubber

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.clients.kubernetes import Kubernetes
from responder.model.evidence import Detail, Evidence, Finding, Window
from responder.model.evidence.alarms import Alarms, AlarmState
from responder.model.evidence.auth_failures import AuthFailures
from responder.model.evidence.canary import Canary, CanaryRuns
from responder.model.evidence.clients import Clients
from responder.model.evidence.error_lines import ErrorLines
from responder.model.evidence.error_rate import ErrorRate
from responder.model.evidence.error_rate_by_version import ErrorRateByVersion
from responder.model.evidence.error_signatures import ErrorSignatures
from responder.model.evidence.failing_clients import FailingClient, FailingClients
from responder.model.evidence.healthy_hosts import HealthyHosts
from responder.model.evidence.latency_p95_ms import LatencyP95
from responder.model.evidence.pods import Pods
from responder.model.evidence.rejected_signatures import RejectedSignatures
from responder.model.evidence.target_connection_errors import TargetConnectionErrors
from responder.model.service import Service, deployed
from responder.plan import attack
from responder.plan.symptom import verdicts
from responder.sources import Query, cloudwatch, kubernetes, newrelic, splunk
from responder.sources.newrelic import nrql
from responder.sources.splunk import callers
from sandbox.platform.flow import Served
from sandbox.platform.telemetry import Delays, Telemetry
from sandbox.platform.versions import Behaviour, Versions
from sandbox.vendors import newrelic as newrelic_stand_in
from sandbox.vendors import splunk as splunk_stand_in
from sandbox.vendors.gate import Answer, Gates
from tests.findings import D, one

Handler = Callable[[httpx.Request], httpx.Response]


def http(handler: Handler, seconds: float = 5.0, **headers: str) -> Http:
    return Http(time.monotonic() + seconds, headers=headers, transport=httpx.MockTransport(handler))


@pytest.fixture
def query(service: Service) -> Query:
    now = time.time()
    return Query(service, "confirm", Window(now - 120, now), Window(now - 3720, now - 120), time.monotonic() + 5)


class Vendors:
    """Both stand-ins over one platform that fails in its newest version."""

    def __init__(self) -> None:
        self.gates, versions = Gates(), Versions()
        versions.add("payment-gateway", "1.1.0", Behaviour(error_rate=0.5, log="ERROR X card 4242424242424242 id 77"))
        telemetry = Telemetry(versions)
        rng = random.Random(1)
        begun = time.time()
        telemetry.reset(begun - 30, 40, rng)
        for second in range(25):
            at = float(int(begun) - 30 + second)
            telemetry.second(at, [Served("payment-gateway", "p", "1.1.0", 40, 20, (100.0,), {"own": 20})], rng)
        self.telemetry, self.sent = telemetry, ""
        delays = Delays(0, 0, 0, 0, 0)
        self._newrelic = newrelic_stand_in.NewRelic(telemetry, self.gates, delays)
        self._splunk = splunk_stand_in.Splunk(telemetry, self.gates, delays)

    def newrelic(self, key: str = newrelic_stand_in.KEY) -> Http:
        return http(lambda r: self._answer(self._newrelic.answer(dict(r.headers), r.content)), **{"API-Key": key})

    def splunk(self, token: str = splunk_stand_in.TOKEN) -> Http:
        def serve(request: httpx.Request) -> httpx.Response:
            answer = self._splunk.answer(dict(request.headers), request.content)
            self.sent += answer.body.decode()
            return self._answer(answer)

        return http(serve, Authorization=f"Bearer {token}")

    @staticmethod
    def _answer(answer: Answer) -> httpx.Response:
        if not answer.status:
            raise httpx.RemoteProtocolError("broken off")
        return httpx.Response(answer.status, content=answer.body,
                              headers={"Content-Type": answer.kind, **dict(answer.headers)})


@pytest.fixture
def vendors() -> Vendors:
    return Vendors()


def test_newrelic_gives_rates_per_component_and_version(vendors: Vendors, query: Query) -> None:
    findings = newrelic.collect(query, vendors.newrelic())
    rate = one(findings, ErrorRate, "payment-gateway")
    assert rate.status == "ok" and rate.value is not None and rate.value > 0.1
    assert rate.baseline is not None and rate.baseline < 0.01
    assert sum(bucket.requests for bucket in rate.detail.series) == rate.detail.requests
    versions = one(findings, ErrorRateByVersion, "payment-gateway").detail
    assert versions.window["1.1.0"] == (1000.0, 500.0)
    assert set(versions.baseline) == {"1.0.0"}


def looks_at(vendors: Vendors, service: Service, monkeypatch: pytest.MonkeyPatch, collect: Callable[[Query], Any],
             kind: type[D], *ends: float) -> Iterator[Finding[D]]:
    """What a source says of the gateway at one moment after the other."""
    for end in ends:
        monkeypatch.setattr(time, "time", lambda end=end: end)
        window = Window(end - 60, end)
        yield one(collect(Query(service, "confirm", window, Window(end - 3660, end - 60), time.monotonic() + 5)),
                  kind, "payment-gateway")


def test_the_periods_of_every_look_are_the_same_and_none_is_cut(
        service: Service, vendors: Vendors, monkeypatch: pytest.MonkeyPatch) -> None:
    end = time.time() // 10 * 10
    true: dict[float, float] = {}
    for row in vendors.telemetry.between(end - 120, end):
        if row.component == "payment-gateway":
            true[row.at // 10 * 10] = true.get(row.at // 10 * 10, 0) + row.requests
    errors: dict[float, float] = {}
    for line in vendors.telemetry.lines_between(end - 120, end):
        if (line.component, line.level) == ("payment-gateway", "ERROR"):
            errors[line.at // 10 * 10] = errors.get(line.at // 10 * 10, 0) + line.count
    ends = (end, end + 0.2, end + 3.7, end + 9.9)
    for finding in looks_at(vendors, service, monkeypatch, lambda query: newrelic.collect(query, vendors.newrelic()),
                            ErrorRate, *ends):
        assert [bucket.start % 10 for bucket in finding.detail.series] == [0] * len(finding.detail.series)
        seen = {bucket.start: bucket.requests for bucket in finding.detail.series if bucket.start < end}
        assert len(seen) >= 5 and seen == {start: true.get(start, 0) for start in seen}
        assert sum(bucket.requests for bucket in finding.detail.series) == finding.detail.requests
    for lines in looks_at(vendors, service, monkeypatch, lambda query: splunk.collect(query, vendors.splunk()),
                          ErrorLines, *ends):
        seen = {bucket.start: bucket.errors for bucket in lines.detail.series if bucket.start < end}
        assert seen == {start: count for start, count in errors.items() if start in seen} and seen


def test_newrelic_has_what_came_in_the_period_that_is_not_over(
        service: Service, vendors: Vendors, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row for row in vendors.telemetry.transactions if row.component == "payment-gateway"]
    end = rows[-1].at // 10 * 10 + 5.0
    came = sum(row.requests for row in rows if end - 5 <= row.at < end)
    finding, = looks_at(vendors, service, monkeypatch, lambda query: newrelic.collect(query, vendors.newrelic()),
                        ErrorRate, end)
    assert came and finding.detail.series[-1][:2] == (end - 5, came)


def test_newrelic_lays_periods_from_the_end_and_leaves_out_one_that_is_cut(vendors: Vendors) -> None:
    # "Set a query's time range": SINCE 00:04:59 UNTIL 00:03:12 the next day begins at 00:08:12.
    since, until = datetime(2023, 12, 20, 0, 4, 59, tzinfo=UTC), datetime(2023, 12, 21, 0, 3, 12, tzinfo=UTC)
    rows = newrelic_stand_in.NewRelic(vendors.telemetry, vendors.gates, Delays(0, 0, 0, 0, 0)).run(
        f"SELECT count(*) FROM Transaction SINCE {int(since.timestamp() * 1000)} "
        f"UNTIL {int(until.timestamp() * 1000)} TIMESERIES 5 minutes")
    assert rows[0]["beginTimeSeconds"] == datetime(2023, 12, 20, 0, 8, 12, tzinfo=UTC).timestamp()
    assert rows[-1]["endTimeSeconds"] == until.timestamp()


@pytest.mark.parametrize("seconds", [60.0, 600.0, 3599.0, 3660.0, 7205.5, 86_400.0])
def test_newrelic_is_never_asked_for_more_periods_than_it_gives(seconds: float) -> None:
    for start in (1_800_000_000.0, 1_800_000_009.9):
        length, whole = nrql.periods(Window(start, start + seconds))
        assert whole.seconds / length <= 366 and length % 10 == 0 and whole.start <= start < whole.start + length


def test_splunk_counts_and_masks_signatures(vendors: Vendors, query: Query) -> None:
    findings = splunk.collect(query, vendors.splunk())
    assert one(findings, ErrorLines, "payment-gateway").detail.lines >= 500
    assert one(findings, ErrorSignatures).detail.signatures[0].versions["1.1.0"] == 500
    assert "4242424242424242" not in json.dumps([f.to_json() for f in findings])


@pytest.mark.parametrize(("fault", "statuses"), [
    ("down", {"unavailable"}), ("malformed", {"malformed"}), ("throttled", {"throttled"}),
    ("unauthorized", {"unauthorized"})])
@pytest.mark.parametrize("source", ["newrelic", "splunk"])
def test_each_fault_has_its_status(vendors: Vendors, query: Query, source: str, fault: str,
                                   statuses: set[str]) -> None:
    vendors.gates.set(source, fault)
    with pytest.raises(CallFailed) as raised:
        (newrelic.collect(query, vendors.newrelic()) if source == "newrelic"
         else splunk.collect(query, vendors.splunk()))
    assert raised.value.status in statuses


@pytest.mark.parametrize("source", ["newrelic", "splunk"])
def test_an_empty_source_says_so(vendors: Vendors, query: Query, source: str) -> None:
    vendors.gates.set(source, "empty")
    findings = (newrelic.collect(query, vendors.newrelic()) if source == "newrelic"
                else splunk.collect(query, vendors.splunk()))
    assert {f.status for f in findings if f.component} == {"empty"}


def test_wrong_keys_are_refused(vendors: Vendors, query: Query) -> None:
    for call in (lambda: newrelic.collect(query, vendors.newrelic("wrong")),
                 lambda: splunk.collect(query, vendors.splunk("wrong"))):
        with pytest.raises(CallFailed) as raised:
            call()
        assert raised.value.status == "unauthorized"
        # By HTTP, or with status 200 and in GraphQL's own words.
        assert raised.value.http_status in (0, 401, 403)


@pytest.mark.parametrize(("errors", "status"), [
    ([{"message": "x", "extensions": {"errorClass": "TIMEOUT"}}], "timeout"),
    ([{"message": "x", "extensions": {"errorClass": "ACCESS_DENIED"}}], "unauthorized"),
    ([{"message": "NRQL Syntax Error"}], "unavailable")])
def test_nerdgraph_errors_come_with_status_200(query: Query, errors: list[Any], status: str) -> None:
    answer = {"data": {"actor": {"account": None}}, "errors": errors}
    with pytest.raises(CallFailed) as raised:
        newrelic.collect(query, http(lambda r: httpx.Response(200, json=answer)))
    assert raised.value.status == status


def test_retry_after_is_obeyed_within_the_deadline() -> None:
    answers = [httpx.Response(429, headers={"Retry-After": "1"}), httpx.Response(200, json={"ok": 1})]
    started = time.monotonic()
    assert http(lambda r: answers.pop(0)).json("GET", "https://x/") == {"ok": 1}
    assert time.monotonic() - started >= 1.0
    with pytest.raises(CallFailed, match="429"):
        http(lambda r: httpx.Response(429, headers={"Retry-After": "60"}), 2).json("GET", "https://x/")


def pod(name: str, ready: bool, waiting: str = "") -> dict[str, Any]:
    state = {"waiting": {"reason": waiting}} if waiting else {"running": {}}
    return {"metadata": {"name": name, "ownerReferences": [
        {"kind": "ReplicaSet", "name": "rs", "controller": True}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": str(ready)}],
                   "containerStatuses": [{"restartCount": 2, "state": state}]}}


def test_kubernetes_pages_through_pods_and_counts_reasons(query: Query) -> None:
    pods = [pod(f"p{n}", n % 4 != 0, "CrashLoopBackOff" if n % 4 == 0 else "") for n in range(1200)]

    def serve(request: httpx.Request) -> httpx.Response:
        path, query = request.url.path, dict(request.url.params)
        if path.endswith("/deployments"):
            return httpx.Response(200, json={"items": [{"metadata": {
                "name": "payment-gateway", "namespace": "payments"}, "spec": {"replicas": 1200}}], "metadata": {}})
        if path.endswith("/replicasets"):
            return httpx.Response(200, json={"metadata": {}, "items": [{"metadata": {
                "name": "rs", "ownerReferences": [
                    {"kind": "Deployment", "name": "payment-gateway", "controller": True}]}}]})
        if path.endswith("/pods"):
            first, size = int(query.get("continue", 0)), int(query["limit"])
            following = str(first + size) if first + size < len(pods) else ""
            return httpx.Response(200, json={"items": pods[first:first + size], "metadata": {"continue": following}})
        return httpx.Response(200, json={"items": [], "metadata": {}})

    api = Kubernetes(http(serve), "https://k8s")
    findings = kubernetes.collect(query, api)
    found = one(findings, Pods, "payment-gateway")
    assert found.detail.ready == 900 and found.detail.waiting == {"CrashLoopBackOff": 300}
    assert one(findings, Pods, "backend").status == "empty"


# --- Splunk: failed authentications and clients ----------------------------------------------------------------------


def test_splunk_reports_a_flooding_client_only_by_its_network(vendors: Vendors, query: Query) -> None:
    now = int(time.time())
    for second in range(20):
        vendors.telemetry.second(now - 22 + second, [Served("frontend", "f", "1.0.0", 160, 0, (9.0,), {})],
                                 random.Random(2), {"203.0.113.77": 0.75})
    findings = splunk.collect(replace(query, phase="diagnose"), vendors.splunk())
    clients = one(findings, Clients)
    most, second_most = clients.detail.clients[:2]
    assert clients.status == "ok" and clients.component == "frontend"
    assert most.client == "203.0.113.x" and most.usual == 0 and most.count > 2200
    assert clients.value == pytest.approx(most.count / clients.detail.total, abs=0.001)
    assert clients.baseline is not None and clients.baseline < 0.04
    assert second_most.client == "198.51.100.x" and second_most.usual > 50
    assert 3500 * 40 < clients.detail.baseline_total <= 3620 * 40
    assert "203.0.113.77" not in json.dumps([f.to_json() for f in findings])
    assert "203.0.113.77" not in vendors.sent and "client_ip" in "".join(f.query for f in findings)


def test_splunk_reports_the_entry_s_response_times(vendors: Vendors, query: Query) -> None:
    now = int(time.time())
    for second in range(20):
        vendors.telemetry.second(now - 22 + second, [Served("frontend", "f", "1.0.0", 40, 0, (3900.0, 4100.0), {})],
                                 random.Random(2))
    findings = splunk.collect(query, vendors.splunk())
    found = one(findings, LatencyP95)
    assert (found.component, found.unit, found.value) == ("frontend", "ms", 4100)
    assert found.baseline is not None and 200 < found.baseline < 500 and found.detail.requests > 800
    assert found.window is not None and found.window.seconds == 60
    slow = [verdict for verdict in verdicts(query.service, Evidence(findings)) if verdict.state == "slow"]
    assert [verdict.component for verdict in slow] == ["frontend"]
    # Whose lines tell of no duration, and who does not want it asked for, has no finding of it, and no failure.
    other = replace(query, service=replace(query.service, splunk=replace(
        query.service.splunk, duration_field="took")))
    assert not [f for f in splunk.collect(other, vendors.splunk()) if f.name == "latency_p95_ms"]
    without = replace(query, service=replace(query.service, splunk=replace(
        query.service.splunk, duration_field="")))
    asked = splunk.collect(without, vendors.splunk())
    assert not [f for f in asked if f.name == "latency_p95_ms"] and "perc95" not in "".join(f.query for f in asked)


def test_splunk_counts_failed_authentications_of_callers(vendors: Vendors, query: Query) -> None:
    for n in range(40):
        vendors.telemetry.log(time.time() - 10, "frontend", f"WARN Gate authentication failed for key {n}")
        vendors.telemetry.log(time.time() - 10, "payment-gateway",
                              'ERROR CardAuthorizer FATAL: password authentication failed for user "payments"')
    findings = splunk.collect(replace(query, phase="diagnose"), vendors.splunk())
    found = one(findings, AuthFailures, "frontend")
    assert found.detail == AuthFailures(lines=40, baseline_lines=0)
    assert found.value == 20.0 and found.unit == "lines/min"
    assert one(findings, AuthFailures, "payment-gateway").value == 0.0


def test_splunk_counts_callers_that_are_refused_and_whose_requests_fail(vendors: Vendors, query: Query) -> None:
    now = time.time()
    for n in range(60):
        vendors.telemetry.log(now - 10 - n / 10, "frontend", "WARN CallbackVerifier rejected callback: missing "
                              f"signature, id {n} client_ip=203.0.113.9 status=401")
        vendors.telemetry.log(now - 10 - n / 10, "frontend", f"INFO Web POST /x client_ip=198.51.100.{n} status=200")
    for n in range(20):
        vendors.telemetry.log(now - 10, "frontend", f"ERROR Web unhandled error client_ip=198.51.100.{n}")
    # Between the baseline and the window is a gap, which belongs to neither.
    gap = query.window.start - 30
    asked = replace(query, phase="diagnose", baseline=replace(query.baseline, end=gap - 60))
    vendors.telemetry.log(gap, "frontend", "WARN CallbackVerifier rejected callback: missing signature")
    vendors.telemetry.lines.sort(key=lambda line: line.at)
    findings = splunk.collect(asked, vendors.splunk())
    assert one(findings, RejectedSignatures, "frontend").detail == RejectedSignatures(lines=60, baseline_lines=0)
    assert one(findings, RejectedSignatures, "backend").value == 0
    failing = one(findings, FailingClients)
    assert (failing.component, failing.status, failing.detail.clients[0]) == (
        "frontend", "ok", FailingClient("203.0.113.x", failed=60, before=0))
    assert (failing.detail.all_failed, failing.value) == (80, 0.75) and failing.detail.all_before > 100_000
    told = " ".join(attack.signs(query.service, Evidence(findings), now - 30))
    assert "missing or wrong signature: 60" in told and "75% of frontend's failing requests" in told
    # An address is personal data: it stays in Splunk.
    assert "203.0.113.9" not in json.dumps([
        f.to_json() for f in findings if isinstance(f.detail, FailingClients | RejectedSignatures)])


def test_an_empty_splunk_says_so_of_clients_too(vendors: Vendors, query: Query) -> None:
    vendors.gates.set("splunk", "empty")
    findings = splunk.collect(replace(query, phase="diagnose"), vendors.splunk())
    assert {f.name for f in findings if f.component} == {
        "error_lines", "auth_failures", "rejected_signatures", "clients", "failing_clients", "approvals"}
    assert {f.status for f in findings if f.component} == {"empty"}


def test_splunk_is_searched_side_by_side_and_what_is_beside_fails_alone(query: Query) -> None:
    """The documented form of an export: one object a line, numbers as text, lastrow at the end."""
    running, most, lock = 0, 0, threading.Lock()

    def serve(request: httpx.Request) -> httpx.Response:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.1)
        with lock:
            running -= 1
        asked = request.content.decode()
        if "eventstats" in asked:
            return httpx.Response(200, text='{"messages":[{"type":"FATAL","text":"Unknown search command"}]}\n')
        return httpx.Response(200, text='{"preview":false,"offset":0,"lastrow":true,"result":{"component":"frontend",'
                              '"level":"INFO","count":"12","_time":"2026-01-05T10:00:00.000+00:00"}}\n')

    findings = splunk.collect(replace(query, phase="diagnose"), http(serve))
    assert most == 3
    assert {f.name: f.status for f in findings if f.component in ("", "frontend")} == {
        "error_lines": "ok", "error_signatures": "ok", "auth_failures": "ok", "rejected_signatures": "ok",
        "clients": "unavailable", "failing_clients": "unavailable"}


def test_a_splunk_that_does_not_answer_is_not_waited_for_eight_times(query: Query) -> None:
    asked = []

    def serve(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        time.sleep(0.05)
        return httpx.Response(401)

    with pytest.raises(CallFailed) as raised:
        splunk.collect(replace(query, phase="diagnose"), http(serve))
    assert raised.value.status == "unauthorized" and len(asked) < 7


@pytest.mark.parametrize(("network", "said"), [
    ("203.0.113.", "203.0.113.x"), ("2001:db8:1:", "2001:db8:1:x"), ("", "client 4"),
    ("restart everything", "client 4")])
def test_only_networks_are_shown_of_clients(network: str, said: str) -> None:
    assert callers.named(network, 4) == said


# --- CloudWatch: how it looks from outside ----------------------------------------------------------------------------

MINUTE = 60.0


@pytest.fixture
def stubbed(query: Query, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stubber]:
    """The real client, which checks every request and answer against AWS's own model."""
    (tmp_path / "deployed").mkdir()
    (tmp_path / "deployed" / f"{query.service.service}.json").write_text(json.dumps(
        {"alarms": ["a-error-rate", "a-latency"], "sources": {}, "remedies": []}))
    monkeypatch.setenv("RESPONDER_CONFIG", str(tmp_path))
    deployed.cache_clear()
    client = boto3.client("cloudwatch", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    monkeypatch.setattr(aws, "client", lambda *_, **__: client)
    stubber = Stubber(client)
    for _ in range(2):
        stubber.add_response("get_metric_data", {"MetricDataResults": []})
    yield stubber
    deployed.cache_clear()


def alarm(name: str, state: str) -> dict[str, Any]:
    return {"AlarmName": name, "StateValue": state, "StateReason": "Threshold Crossed", "StateTransitionedTimestamp":
            datetime.fromtimestamp(1_800_000_000, UTC)}


def result(key: str, values: dict[float, float]) -> dict[str, Any]:
    return {"Id": key, "StatusCode": "Complete", "Values": list(values.values()),
            "Timestamps": [datetime.fromtimestamp(at, UTC) for at in values]}


def from_outside(query: Query, stubbed: Stubber, results: list[dict[str, Any]]) -> list[Finding[Detail]]:
    stubbed.add_response("describe_alarms", {"MetricAlarms": [alarm("a-error-rate", "ALARM")], "NextToken": "more"}, {
        "AlarmNames": ["a-error-rate", "a-latency"], "AlarmTypes": ["MetricAlarm"], "MaxRecords": 100})
    stubbed.add_response("describe_alarms", {"MetricAlarms": [alarm("a-latency", "OK")]}, {
        "AlarmNames": ["a-error-rate", "a-latency"], "AlarmTypes": ["MetricAlarm"], "MaxRecords": 100,
        "NextToken": "more"})
    stubbed.add_response("get_metric_data", {"MetricDataResults": results}, {
        "MetricDataQueries": ANY, "ScanBy": "TimestampAscending", "StartTime": ANY, "EndTime": ANY})
    with stubbed:
        findings = cloudwatch.collect(replace(query, phase="diagnose"))
    stubbed.assert_no_pending_responses()
    return [f for f in findings if not isinstance(f.detail, ErrorRate | LatencyP95)]


def test_cloudwatch_reports_the_view_from_outside(query: Query, stubbed: Stubber) -> None:
    last = query.window.end // MINUTE * MINUTE
    past = [last - MINUTE * n for n in range(10, 40)]
    found = from_outside(query, stubbed, [
        result("requests", {last: 400.0} | dict.fromkeys(past, 2400.0)), result("errors", {last: 300.0}),
        result("elb_5xx", {last: 300.0}), result("healthy", {last: 0.0} | dict.fromkeys(past, 2.0)),
        result("unhealthy", {last: 2.0}), result("canary0", {last: 0.0} | dict.fromkeys(past, 100.0))])
    alarms = one(found, Alarms)
    assert (alarms.status, alarms.value) == ("ok", 1.0)
    assert alarms.detail.alarms[0] == AlarmState("a-error-rate", "ALARM", 1_800_000_000.0, "Threshold Crossed")
    connections = one(found, TargetConnectionErrors)
    assert connections.detail.errors == 300.0 and connections.detail.baseline_errors == 0.0
    assert connections.detail.series == ((last, 400.0, 300.0, 300.0),)
    assert connections.value is not None and connections.value > 50 and connections.baseline == 0.0
    hosts = one(found, HealthyHosts)
    assert (hosts.status, hosts.value, hosts.baseline, hosts.detail) == ("ok", 0.0, 2.0, HealthyHosts(unhealthy=2.0))
    canary = one(found, Canary)
    assert (canary.value, canary.baseline) == (0.0, 100.0)
    assert canary.detail.canaries == {"payments-checkout": CanaryRuns(success=0.0, usual=100.0, runs=1.0)}


def test_missing_cloudwatch_data_is_empty_and_an_unreported_count_is_none( query: Query, stubbed: Stubber) -> None:
    minute = query.window.end // MINUTE * MINUTE
    found = from_outside(query, stubbed, [result("requests", {minute: 2400.0}),
                                          result("healthy", {minute - 30 * MINUTE: 2.0})])
    connections, hosts, canary = one(found, TargetConnectionErrors), one(found, HealthyHosts), one(found, Canary)
    assert (connections.status, connections.value) == ("ok", 0.0)
    assert hosts.status == "empty" and "no target is registered" in hosts.note
    assert canary.status == "empty" and canary.note


def test_no_data_at_all_is_empty(query: Query, stubbed: Stubber) -> None:
    found = from_outside(query, stubbed, [])
    outside = [f for f in found if not isinstance(f.detail, Alarms)]
    assert {f.status for f in outside} == {"empty"} and all(f.note for f in outside)


def test_alarms_that_may_not_be_read_leave_the_rest(query: Query, stubbed: Stubber) -> None:
    stubbed.add_client_error("describe_alarms", "AccessDenied")
    stubbed.add_response("get_metric_data", {"MetricDataResults": []})
    with stubbed:
        found = cloudwatch.collect(replace(query, phase="diagnose"))
    assert one(found, Alarms).status == "unauthorized" and one(found, HealthyHosts).status == "empty"
