"""CloudWatch Logs Insights: the source, and the stand-in that answers as AWS documents.

Sources: Amazon CloudWatch Logs API reference, "StartQuery", "GetQueryResults", "StopQuery" (botocore's model of them
checks requests and answers); user guide, "Logs Insights QL", "Supported logs and discovered fields", "CloudWatch Logs
quotas"; Service Authorization Reference, "Amazon CloudWatch Logs".
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.stub import Stubber

from responder.clients.failure import CallFailed
from responder.model.evidence import Evidence, Window
from responder.model.evidence.auth_failures import AuthFailures
from responder.model.evidence.clients import Clients
from responder.model.evidence.error_lines import ErrorLines
from responder.model.evidence.error_signatures import ErrorSignatures
from responder.model.evidence.failing_clients import FailingClients
from responder.model.evidence.latency_p95_ms import LatencyP95
from responder.model.evidence.rejected_signatures import RejectedSignatures
from responder.model.service import CloudWatchLogs, Service
from responder.plan.error_kind import ErrorKind
from responder.plan.kinds import kind_of
from responder.plan.symptom import verdicts
from responder.sources import Query, cloudwatch_logs
from responder.sources.cloudwatch_logs import queries
from sandbox.iam import calls
from sandbox.iam.reference import privilege
from sandbox.platform.flow import Served
from sandbox.platform.telemetry import Delays, Telemetry
from sandbox.platform.versions import Versions
from sandbox.vendors import logs, wire
from sandbox.vendors.gate import Gates
from sandbox.vendors.logs_insights import QueryError, run
from stacks.consistency import inconsistent
from tests.findings import one

FAILED_CALL = "call to payments-db failed: connection refused"


class _Raw:
    """The body of an answer, as botocore reads it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._body


class Platform:
    """The stand-in, and boto3's client of it, over a platform whose gateway does not reach its database."""

    def __init__(self, *, history: bool = True) -> None:
        self.gates, self.telemetry, rng = Gates(), Telemetry(Versions()), random.Random(1)
        now = time.time()
        if history:
            self.telemetry.reset(now - 30, 40, rng)
        for second in range(25):
            self.telemetry.second(float(int(now) - 30 + second), [
                Served("payment-gateway", "p", "1.0.0", 40, 20, (100.0,), {FAILED_CALL: 20}),
                Served("frontend", "f", "1.0.0", 40, 0, (100.0,), {})], rng, {"203.0.113.77": 0.5})
        self.logs, self.sent = logs.Logs(self.telemetry, self.gates, Delays(0, 0, 0, 0, 0)), ""
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.client = boto3.client("logs", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        self.client.meta.events.register("before-send.logs.*", self._answer)

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        operation = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        self.asked.append((operation, json.loads(request.body)))
        try:
            answer = self.logs.answer(operation, request.body)
        except wire.Refused as refused:
            answer = wire.failed("json", refused)
        self.sent += answer.body.decode()
        return AWSResponse(request.url, answer.status, {"Content-Type": answer.kind}, _Raw(answer.body))


@pytest.fixture(scope="module")
def platform() -> Platform:
    """One that tests share and leave as it is."""
    return Platform()


@pytest.fixture
def query(service: Service) -> Query:
    now = time.time()
    configured = replace(service, cloudwatch_logs=CloudWatchLogs((logs.LOG_GROUP,)))
    return Query(configured, "diagnose", Window(now - 120, now), Window(now - 3720, now - 120), time.monotonic() + 60)


def test_it_tells_what_splunk_tells(query: Query) -> None:
    platform, now = Platform(), time.time()
    for n in range(30):
        platform.telemetry.log(now - 10, "frontend", "WARN Callbacks refused client_ip=203.0.113.9 status=401")
        platform.telemetry.log(now - 10, "frontend", f"WARN Gate authentication failed for key {n}")
        platform.telemetry.log(now - 10, "frontend", f"WARN Verifier rejected callback: missing signature, id {n}")
        platform.telemetry.log(now - 10, "payment-gateway", 'ERROR X FATAL: password authentication failed for "pay"')
    findings = cloudwatch_logs.collect(query, platform.client)
    assert {(f.name, f.status) for f in findings if f.component in ("", "frontend")} == {(name, "ok") for name in (
        "error_lines", "error_signatures", "latency_p95_ms", "auth_failures", "rejected_signatures", "clients",
        "failing_clients")}
    lines = one(findings, ErrorLines, "payment-gateway").detail
    true = sum(line.count for line in platform.telemetry.lines_between(query.window.start, query.window.end)
               if (line.component, line.level) == ("payment-gateway", "ERROR"))
    assert true - 5 <= lines.lines <= true + 5 and lines.newest is not None and lines.newest > query.window.end - 30
    assert "payment-gateway" in [verdict.component for verdict in verdicts(query.service, Evidence(findings))
                                 if verdict.state == "failing"]
    most = one(findings, ErrorSignatures).detail.signatures[0]
    assert (most.component, most.count, most.pods) == ("payment-gateway", 500, 1)
    assert kind_of(most.whole) is ErrorKind.REFUSED and "payments-db" in most.whole
    assert one(findings, AuthFailures, "frontend").detail == AuthFailures(lines=30, baseline_lines=0)
    assert one(findings, AuthFailures, "payment-gateway").detail.lines == 0
    assert one(findings, RejectedSignatures, "frontend").detail.lines == 30
    assert 100 < (one(findings, LatencyP95).value or 0) < 500
    failing = one(findings, FailingClients).detail
    assert (failing.clients[0].client, failing.clients[0].failed, failing.clients[0].before) == ("203.0.113.x", 30, 0)
    sent = one(findings, Clients).detail
    assert sent.clients[0].client == "203.0.113.x" and sent.clients[0].usual == 0 and sent.clients[0].count > 400
    assert sent.baseline_total > 100_000
    # An address is personal data: it stays in CloudWatch Logs.
    assert "203.0.113.77" not in platform.sent and "203.0.113.77" not in json.dumps([f.to_json() for f in findings])


def test_what_is_asked_is_bounded_and_names_the_log_groups(query: Query) -> None:
    platform = Platform(history=False)
    cloudwatch_logs.collect(query, platform.client)
    started = [request for operation, request in platform.asked if operation == "StartQuery"]
    assert len(started) == 10
    for request in started:
        assert request["logGroupNames"] == [logs.LOG_GROUP] and request["limit"] == 10_000
        assert request["endTime"] - request["startTime"] <= 3722
    platform.asked.clear()
    cloudwatch_logs.collect(replace(query, phase="confirm"), platform.client)
    assert len([1 for operation, _ in platform.asked if operation == "StartQuery"]) == 6


def test_a_query_that_is_not_done_in_time_is_stopped(query: Query) -> None:
    slow = Platform(history=False)
    slow.logs.takes_seconds = 60.0
    with pytest.raises(CallFailed) as raised:
        cloudwatch_logs.collect(replace(query, phase="confirm", deadline=time.monotonic() + 0.1), slow.client)
    assert raised.value.status == "timeout"
    asked = [operation for operation, _ in slow.asked]
    assert asked.count("StartQuery") == asked.count("StopQuery") == 6


def test_it_waits_for_a_place_among_the_account_s_queries(query: Query) -> None:
    crowded = Platform(history=False)
    crowded.logs.most_at_once = 3
    assert one(cloudwatch_logs.collect(query, crowded.client), ErrorLines, "payment-gateway").detail.lines > 490
    crowded.logs.most_at_once = 0
    with pytest.raises(CallFailed) as raised:
        cloudwatch_logs.collect(replace(query, deadline=time.monotonic() + 1.5), crowded.client)
    assert (raised.value.status, raised.value.code) == ("throttled", "LimitExceededException")


def test_the_reason_of_a_refusal_is_said(query: Query, platform: Platform) -> None:
    for changed, said in (
            (CloudWatchLogs(("/nowhere",)), "Log group '/nowhere' does not exist"),
            (CloudWatchLogs((logs.LOG_GROUP,), filter="frobnicate(level)"), "unknown function frobnicate")):
        with pytest.raises(CallFailed, match=said) as raised:
            cloudwatch_logs.collect(replace(query, service=replace(query.service, cloudwatch_logs=changed)),
                                    platform.client)
        assert raised.value.status == "unavailable"


@pytest.mark.parametrize(("changed", "said"), [
    ({"component_field": "app"}, "no line of it at all"), ({"level_field": "severity"}, "no line of it has the field")])
def test_fields_of_another_name_are_no_healthy_service(
        query: Query, platform: Platform, changed: dict[str, str], said: str) -> None:
    settings = replace(query.service.cloudwatch_logs, **changed)
    asked = replace(query, phase="confirm", service=replace(query.service, cloudwatch_logs=settings))
    lines = one(cloudwatch_logs.collect(asked, platform.client), ErrorLines, "payment-gateway")
    assert lines.status == "empty" and said in lines.note


def test_lines_of_plain_text_are_parsed(query: Query) -> None:
    rows = [{"@timestamp": 100.0, "@message": "2026-10-08T10:00:00Z error payment-gateway a|b"},
            {"@timestamp": 101.0, "@message": "2026-10-08T10:00:00Z info payment-gateway c"}]
    parsed = CloudWatchLogs((logs.LOG_GROUP,), parse=r"@message /^\S+ (?<level>\w+) (?<component>\S+)/",
                            filter='@message not like /(?i)c$/')
    found = run(f"{queries.events(parsed)} | filter toupper(level) in [{queries.levels(parsed)}] "
                "| stats count(*) as lines by bin(10s), component, level", rows)
    assert found == [{"bin(10s)": "1970-01-01 00:01:40.000", "component": "payment-gateway", "level": "error",
                      "lines": 1}]
    with pytest.raises(QueryError):
        run("fields @message | explode", rows)


@pytest.mark.parametrize(("status", "expected"), [
    ("Failed", "unavailable"), ("Cancelled", "unavailable"), ("Timeout", "timeout"), ("Complete", "malformed")])
def test_what_does_not_end_well_is_no_answer(query: Query, status: str, expected: str) -> None:
    client = boto3.client("logs", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        for _ in range(6):
            stub.add_response("start_query", {"queryId": "0"})
        for _ in range(2):
            stub.add_response("get_query_results", {"status": status, "results": [[
                {"field": "bin(10s)", "value": "today"}, {"field": "component", "value": "frontend"},
                {"field": "level", "value": "info"}, {"field": "lines", "value": "12"}]]})
        with pytest.raises(CallFailed) as raised:
            cloudwatch_logs.collect(replace(query, phase="confirm"), client)
    assert raised.value.status == expected


def test_its_rights_are_on_its_log_groups_alone(service: Service) -> None:
    assert cloudwatch_logs.SOURCE.statements(service) == () or not service.cloudwatch_logs
    configured = replace(service, cloudwatch_logs=CloudWatchLogs(("/pay/app",)))
    of_groups, stop = cloudwatch_logs.SOURCE.statements(configured)
    assert of_groups.resources == tuple(
        f"arn:{{partition}}:logs:{{region}}:{{account}}:log-group:/pay/app{end}" for end in ("", ":*"))
    for action in of_groups.actions:
        assert [kind.name for kind in privilege(action).types] == ["log-group"]
    assert privilege(stop.actions[0]).types == () and stop.resources == ("*",)
    asked, = calls.of("logs", "StartQuery", {"logGroupNames": ["/pay/app"]})
    assert asked.resources == ("arn:aws:logs:us-east-1:000000000000:log-group:/pay/app",)
    results, = calls.of("logs", "GetQueryResults", {"queryId": "6f0a#/pay/app"})
    assert results.resources == asked.resources


@pytest.mark.parametrize(("changed", "path"), [
    ({"log_groups": ()}, "log_groups"), ({"log_groups": ("arn:aws:logs:us-east-1:1:log-group:x:*",)}, "log_groups"),
    ({"error_levels": ()}, "error_levels"), ({"auth_failures": "(login"}, "auth_failures")])
def test_a_configuration_that_finds_nothing_is_refused(service: Service, changed: dict[str, Any], path: str) -> None:
    settings = replace(CloudWatchLogs((logs.LOG_GROUP,)), **changed)
    (found, _, _), = inconsistent(replace(service, cloudwatch_logs=settings))
    assert found[:2] == ("cloudwatch_logs", path)
    assert not list(inconsistent(replace(service, cloudwatch_logs=CloudWatchLogs((logs.LOG_GROUP,)))))
