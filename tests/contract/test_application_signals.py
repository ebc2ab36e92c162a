"""CloudWatch Application Signals by botocore's own model of it, and what is made of its answers.

Sources: AWS's pages "ListServices", "ListServiceDependencies", "Metrics collected by Application Signals".
"""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSResponse

from responder.clients import aws
from responder.model.evidence import Evidence, Window
from responder.model.evidence.calls import Calls
from responder.model.evidence.error_rate import ErrorRate
from responder.model.evidence.latency_p95_ms import LatencyP95
from responder.model.service import ApplicationSignals, Service
from responder.plan.failure_modes import failure_modes
from responder.sources import Query, application_signals
from sandbox.platform.flow import Calls as Called
from sandbox.platform.telemetry import Edge, Telemetry, Transactions
from sandbox.platform.versions import Versions
from sandbox.vendors import application_signals as stand_in
from sandbox.vendors.gate import Answer
from tests.findings import one

NOW = time.time() // 60 * 60


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: Any) -> list[bytes]:
        return [self._content]


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> stand_in.ApplicationSignals:
    """Two healthy hours, and two minutes in which a third of the provider's answers are 503."""
    telemetry = Telemetry(Versions())
    telemetry.reset(NOW - 120, 40.0, random.Random("signals"))
    telemetry.go_on(NOW - 120)
    for second in range(120):
        at = NOW - 120 + second
        telemetry.transactions.append(Transactions(at, "payment-gateway", "1.0.0", "", 40, 12, (160.0,)))
        telemetry.edges += [
            Edge(at, "payment-gateway", "1.0.0", "", "api.primary.example", Called(40, 13, 40 * 90.0, {
                "HTTP 503 Service Unavailable": 12, "HTTP 402 card declined": 1})),
            Edge(at, "payment-gateway", "1.0.0", "", "payments-db", Called(40, 0, 40 * 4.0, {}))]
    made = stand_in.ApplicationSignals(telemetry)
    client = botocore.session.get_session().create_client(
        "application-signals", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")

    def sent(request: Any, **_: Any) -> AWSResponse:
        said: Answer = made.answer(request.url, request.body or b"", NOW)
        return AWSResponse(request.url, said.status, {"Content-Type": "application/json"}, _Body(said.body))

    client.meta.events.register("before-send.*", sent)
    monkeypatch.setattr(aws, "client", lambda name, *_, **__: client if name == "application-signals" else made)
    return made


def _query(service: Service, environment: str = stand_in.ENVIRONMENT) -> Query:
    return Query(replace(service, application_signals=ApplicationSignals(environment)), "diagnose",
                 Window(NOW - 120, NOW), Window(NOW - 3720, NOW - 120), time.monotonic() + 10)


def test_requests_and_calls_are_read_by_the_metrics_that_it_names(
        service: Service, vendor: stand_in.ApplicationSignals) -> None:
    found = application_signals.collect(_query(service))
    rate = one(found, ErrorRate, "payment-gateway")
    assert (rate.status, rate.value) == ("ok", 0.3) and rate.baseline == pytest.approx(0.004, abs=0.002)
    assert (rate.detail.requests, rate.detail.errors, len(rate.detail.series)) == (4800.0, 1440.0, 2)
    assert rate.detail.baseline_requests == pytest.approx(40 * 3600, rel=0.02)
    assert one(found, LatencyP95, "payment-gateway").value == pytest.approx(240, abs=1)
    calls = one(found, Calls, "payment-gateway").detail
    assert (calls.requests, calls.errors) == (2400.0, 720.0)
    callees = calls.callees
    assert set(callees) == {"api.primary.example:443", "payments-db"}
    provider = callees["api.primary.example:443"]
    assert (provider.requests, provider.errors, provider.mean_ms) == (2400.0, 720.0, 90.0)
    assert callees["payments-db"].errors == 0 and callees["payments-db"].baseline_ms == 4.0
    assert set(one(found, Calls, "backend").detail.callees) == {"payment-gateway"}
    mode = failure_modes(service, "payment-gateway", Evidence(found))[0]
    assert (mode.where, mode.sources) == ("provider:primary", ("application_signals",))


def test_services_of_another_environment_are_not_the_service_s(
        service: Service, vendor: stand_in.ApplicationSignals) -> None:
    found = application_signals.collect(_query(service, "eks:nowhere/none"))
    assert {finding.status for finding in found} == {"empty"}
    assert "no data of it at all" in one(found, ErrorRate, "frontend").note


@pytest.mark.parametrize(("key", "host"), [
    ({"Type": "Service", "Name": "backend", "Environment": "eks:a/b"}, "backend"),
    ({"Type": "RemoteService", "Name": "api.primary.example:443"}, "api.primary.example:443"),
    ({"Type": "AWS::Resource", "ResourceType": "DB::Connection",
      "Identifier": "pay|pay.cluster-abc.eu-west-1.rds.amazonaws.com|5432"},
     "pay.cluster-abc.eu-west-1.rds.amazonaws.com"),
    ({"Type": "AWS::Resource", "ResourceType": "AWS::SQS::Queue", "Identifier": "orders"}, "orders")])
def test_a_dependency_is_a_host(key: dict[str, str], host: str) -> None:
    assert application_signals._host(key) == host
