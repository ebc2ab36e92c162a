"""The source against a real Prometheus, and against answers of its HTTP API that a real one gives rarely.

Sources: Prometheus, "HTTP API", "Query functions"; OpenTelemetry, "Semantic conventions for HTTP metrics"; Spring Boot,
"Supported Metrics and Meters"; Istio, "Istio Standard Metrics"; Amazon Managed Service for Prometheus, "QueryMetrics"
and "Signature Version 4 for API requests".
"""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from responder.clients import targets
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.evidence import Evidence, Window
from responder.model.evidence.calls import Calls
from responder.model.evidence.error_rate import ErrorRate
from responder.model.evidence.error_rate_by_version import ErrorRateByVersion
from responder.model.evidence.latency_p95_ms import LatencyP95
from responder.model.service import Network, Prometheus, Service
from responder.plan.error_kind import ErrorKind
from responder.plan.failure_modes import failure_modes
from responder.plan.kinds import kind_of
from responder.plan.symptom import verdicts
from responder.sources import Query, Statement, prometheus
from responder.sources.prometheus import promql
from responder.sources.prometheus.failures import failure
from sandbox.places import SandboxError
from sandbox.platform.flow import Calls as Called
from sandbox.platform.telemetry import Edge, Telemetry, Transactions
from sandbox.platform.versions import Versions
from sandbox.vendors import prometheus as real
from stacks.consistency import inconsistent
from stacks.network import INTERNET, needs
from tests.findings import one

NOW = float(int(time.time()) - 5)
BROKEN = 80
"""Seconds for which the gateway's new version has been failing."""
AMAZON = "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
def _platform() -> Telemetry:
    """Two healthy hours, and a release of the gateway that fails half of its requests, its provider's calls first."""
    telemetry = Telemetry(Versions())
    telemetry.reset(NOW - BROKEN, 40.0, random.Random("prometheus"))
    telemetry.go_on(NOW - BROKEN)
    for second in range(BROKEN):
        at = NOW - BROKEN + second
        for version, errors, milliseconds in (("1.0.0", 0, 160.0), ("1.1.0", 10, 1900.0)):
            telemetry.transactions.append(Transactions(at, "payment-gateway", version, "", 20, errors, (milliseconds,)))
            telemetry.edges += [
                Edge(at, "payment-gateway", version, "", "api.primary.example", Called(20, errors, 20 * 90.0, {
                    "HTTP 503 Service Unavailable": errors} if errors else {})),
                Edge(at, "payment-gateway", version, "", "payments-db", Called(20, 0, 20 * 4.0, {}))]
        for component in ("backend", "frontend"):
            telemetry.transactions.append(Transactions(at, component, "1.0.0", "", 40, 10, (200.0,)))
        telemetry.edges.append(Edge(at, "backend", "1.0.0", "", "payment-gateway", Called(40, 10, 6000.0, {
            "payment-gateway answered 500": 10})))
    return telemetry


def _conventions() -> str:
    """The gateway as Spring Boot, Istio and plain metrics tell it: 40 requests a second, a quarter of which fails."""
    def of(metric: str, label: str, code: str, ok: str = "200", **more: str) -> dict[str, dict[real.Labels, float]]:
        return {metric: {tuple(({label: "payment-gateway", code: status} | more).items()): rate
                         for status, rate in ((ok, 30.0), ("500", 10.0))}}

    edge = {"reporter": "source", "source_workload": "payment-gateway",
            "destination_service": "api.primary.example", "response_code": "503", "response_flags": "UF"}
    spring = {"application": "payment-gateway", "client_name": "api.primary.example", "status": "IO_ERROR",
              "exception": "ConnectException"}
    return "".join(real.samples(metrics, NOW - 4000, NOW, 10) for metrics in (
        of("http_server_requests_seconds_count", "application", "status"),
        of("istio_requests_total", "destination_workload", "response_code", reporter="destination"),
        of("http_requests_total", "job", "code"),
        {"istio_requests_total": {tuple(edge.items()): 5.0}},
        {"http_client_requests_seconds_count": {tuple(spring.items()): 5.0}},
        {"istio_request_duration_milliseconds_bucket": {
            (("destination_workload", "payment-gateway"), ("reporter", "destination"), ("le", bound)): rate
            for bound, rate in (("100", 20.0), ("250", 39.0), ("+Inf", 40.0))}}))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Prometheus with the platform's history; without Debian's package the tests of this module are skipped."""
    try:
        real.binaries()
    except SandboxError as error:
        pytest.skip(str(error))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder: Path = tmp_path_factory.mktemp("prometheus")
    made = real.Server(folder / "run", port)
    made.begin(real.Exporter(_platform()).history(NOW - 7000, NOW) + _conventions())
    yield made.url
    made.stop()


def _query(service: Service, url: str, phase: Any = "diagnose", **settings: Any) -> Query:
    return Query(replace(service, prometheus=Prometheus(url, scrape_seconds=5, **settings)), phase,
                 Window(NOW - 120, NOW), Window(NOW - 3720, NOW - 120), time.monotonic() + 20)


def test_a_real_prometheus_tells_what_new_relic_tells(service: Service, server: str) -> None:
    found = prometheus.collect(_query(service, server))
    rate = one(found, ErrorRate, "payment-gateway")
    assert rate.value == pytest.approx(800 / (40 * 120), rel=0.15) and rate.baseline == pytest.approx(0.004, abs=0.002)
    assert sum(bucket.requests for bucket in rate.detail.series) == pytest.approx(40 * 120, rel=0.1)
    assert rate.detail.baseline_requests == pytest.approx(40 * 3600, rel=0.02)
    assert rate.detail.series[-1].error_rate == pytest.approx(0.25, abs=0.03)
    assert rate.detail.series[-1].start + rate.detail.period_seconds == NOW
    slow = one(found, LatencyP95, "payment-gateway")
    assert slow.value and slow.baseline and slow.value > 1500 > 2 * slow.baseline
    versions = one(found, ErrorRateByVersion, "payment-gateway").detail
    assert versions.window["1.1.0"].errors == pytest.approx(800, rel=0.1)
    assert versions.window["1.0.0"].errors / versions.window["1.0.0"].requests < 0.02
    assert versions.series and set(versions.series) == {"1.0.0", "1.1.0"}
    callees = one(found, Calls, "payment-gateway").detail.callees
    assert callees["api.primary.example"].errors == pytest.approx(600, rel=0.1)
    assert callees["api.primary.example"].kinds == {"HTTP 503": callees["api.primary.example"].errors}
    assert callees["payments-db"].mean_ms == pytest.approx(4.0, abs=0.3) and callees["payments-db"].errors == 0
    assert callees["api.primary.example"].baseline_requests == pytest.approx(40 * 3600, rel=0.02)
    assert all(finding.status == "ok" for finding in found)


@pytest.mark.parametrize(("scrape", "length"), [(15, 30), (30, 30), (60, 60)])
def test_rare_scrapes_make_longer_periods_of_the_same_rate(service: Service, server: str, scrape: int, length: int
                                                           ) -> None:
    query = _query(service, server)
    asked = replace(query, service=replace(query.service, prometheus=Prometheus(server, scrape_seconds=scrape)))
    found = prometheus.collect(asked)
    rate, calls = one(found, ErrorRate, "payment-gateway").detail, one(found, Calls, "payment-gateway").detail
    assert rate.period_seconds == length
    assert rate.series[-1].requests == pytest.approx(40 * length, rel=0.1)
    assert calls.requests == pytest.approx(40 * 60, rel=0.1)
    assert calls.callees["api.primary.example"].requests == pytest.approx(40 * 60, rel=0.1)
    assert failure_modes(service, "payment-gateway", Evidence(found))[0].where == "provider:primary"


def test_the_plan_reads_it_as_it_reads_any_source(service: Service, server: str) -> None:
    evidence = Evidence(prometheus.collect(_query(service, server)))
    modes = failure_modes(service, "payment-gateway", evidence)
    assert modes[0].where == "provider:primary" and modes[0].sources == ("prometheus",)
    told = {(verdict.component, verdict.state) for verdict in verdicts(service, evidence)}
    assert {("payment-gateway", "failing"), ("payment-gateway", "slow")} <= told


def test_the_same_hour_a_day_before_is_asked_to_confirm(service: Service, server: str) -> None:
    found = prometheus.collect(_query(service, server, "confirm"))
    assert one(found, ErrorRate, "payment-gateway").detail.day_before is None  # It was not there yet.


@pytest.mark.parametrize(("convention", "label", "peers"), [
    ("spring", "application", {"api.primary.example": ErrorKind.REFUSED}),
    ("istio", "destination_workload", {"api.primary.example": ErrorKind.REFUSED}), ("http", "job", {})])
def test_each_convention_tells_requests_and_failures(service: Service, server: str, convention: Any, label: str,
                                                     peers: dict[str, ErrorKind]) -> None:
    found = prometheus.collect(_query(service, server, convention=convention))
    rate = one(found, ErrorRate, "payment-gateway")
    assert rate.value == pytest.approx(0.25, abs=0.01) and label in rate.query
    calls = next((finding.detail for finding in found if isinstance(finding.detail, Calls)
                  and finding.component == "payment-gateway"), Calls())
    assert {host: kind_of(next(iter(callee.kinds))) for host, callee in calls.callees.items()} == peers
    p95 = one(found, LatencyP95, "payment-gateway")
    assert p95.value is None if convention != "istio" else p95.value == pytest.approx(236, abs=10)
    assert one(found, ErrorRate, "frontend").status == "empty"


def test_queries_of_one_s_own_are_asked_as_they_stand(service: Service, server: str) -> None:
    requests = 'sum by ($by) (increase(http_requests_total{$match}[$range]))'
    errors = requests.replace("$match", '$match,code="500"')
    found = prometheus.collect(_query(service, server, component_label="job", requests=requests, errors=errors))
    assert one(found, ErrorRate, "payment-gateway").value == pytest.approx(0.25, abs=0.01)


def test_a_query_that_prometheus_refuses_says_why(service: Service, server: str) -> None:
    with pytest.raises(CallFailed) as raised:
        prometheus.collect(_query(service, server, requests="sum by (", component_label="job"))
    assert raised.value.status == "malformed" and "parse error" in raised.value.note


# --- what a real one gives rarely -------------------------------------------------------------------------------------


def _answering(answer: Callable[[httpx.Request], httpx.Response]) -> Http:
    return Http(time.monotonic() + 10, transport=httpx.MockTransport(answer))


@pytest.mark.parametrize(("answer", "status", "said"), [
    (httpx.Response(401, text="no"), "unauthorized", ""),
    (httpx.Response(403, json={"message": "x"}), "unauthorized", ""),
    (httpx.Response(422, json={"status": "error", "errorType": "execution", "error": "query processing would load too "
                               "many samples into memory"}), "malformed", "too many samples"),
    (httpx.Response(503, json={"status": "error", "errorType": "timeout", "error": "query timed out"}), "unavailable",
     "timed out"),
    (httpx.Response(200, text="<html>"), "malformed", ""),
    (httpx.Response(200, json={"status": "success"}), "malformed", ""),
    (httpx.Response(200, json={"status": "success", "data": {"resultType": "vector", "result": []}}), "empty",
     "no metric of the usual names")])
def test_a_prometheus_that_does_not_answer_well_says_so(service: Service, answer: httpx.Response, status: str,
                                                        said: str) -> None:
    with pytest.raises(CallFailed) as raised:
        prometheus.collect(replace(_query(service, "https://p.example"), deadline=time.monotonic() + 1.5), Http(
            time.monotonic() + 1.5, transport=httpx.MockTransport(lambda _: answer)))
    assert raised.value.status == status and said in raised.value.note


def test_a_warning_makes_the_answer_partial(service: Service) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        ranged = request.url.path.endswith("query_range")
        row = {"metric": {"job": "shop/payment-gateway"}, **(
            {"values": [[NOW - 30, "40"], [NOW, "40"]]} if ranged else {"value": [NOW, "NaN" if b"histogram" in
                                                                                 request.content else "80"]})}
        return httpx.Response(200, json={"status": "success", "warnings": ["store s1 did not answer"], "data": {
            "resultType": "matrix" if ranged else "vector", "result": [row]}})

    found = prometheus.collect(_query(service, "https://p.example", convention="http", component_label="job"),
                               _answering(answer))
    rate = one(found, ErrorRate, "payment-gateway")
    assert (rate.status, rate.note) == ("partial", "store s1 did not answer")
    assert one(found, LatencyP95, "payment-gateway").value is None


def test_amazon_s_workspace_is_asked_with_a_signature(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    class Session:
        @staticmethod
        def get_credentials() -> Any:
            from botocore.credentials import Credentials

            return Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token")

    monkeypatch.setattr(targets, "session", lambda _: Session)
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"status": "success", "data": {"resultType": "vector", "result": []}})

    asked = _query(service, AMAZON)
    with pytest.raises(CallFailed, match="usual names"):
        prometheus.collect(asked, _answering(answer))
    request = seen[0]
    assert str(request.url) == f"{AMAZON}/api/v1/query" and parse_qs(request.content.decode())["query"]
    signature = request.headers["authorization"]
    assert signature.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/eu-west-1/aps/aws4_request" in signature and request.headers["x-amz-security-token"] == "token"
    assert prometheus.SOURCE.statements(asked.service) == (Statement(("aps:QueryMetrics",), (
        "arn:{partition}:aps:eu-west-1:{account}:workspace/ws-0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",)),)
    assert prometheus.SOURCE.statements(_query(service, "https://p.example").service) == ()


@pytest.mark.parametrize(("code", "details", "kind"), [
    ("200", [], None), ("402", ["402"], None), ("404", ["404"], None), ("401", ["401"], ErrorKind.CREDENTIALS),
    ("429", [""], ErrorKind.RATE_LIMIT), ("503", [""], ErrorKind.HTTP_5XX), ("0", ["UF"], ErrorKind.REFUSED),
    ("503", ["UO"], ErrorKind.QUEUE), ("504", ["UT"], ErrorKind.READ_TIMEOUT), ("0", ["DC"], ErrorKind.OTHER),
    ("200", ["-"], None), ("", ["java.net.UnknownHostException"], ErrorKind.DNS),
    ("IO_ERROR", ["none"], ErrorKind.OTHER),
    ("", ["java.net.http.HttpConnectTimeoutException"], ErrorKind.CONNECT_TIMEOUT),
    ("53300", ["org.postgresql.util.PSQLException"], ErrorKind.CONNECTIONS), ("1205", [""], ErrorKind.LOCK),
    ("28P01", [""], ErrorKind.CREDENTIALS), ("", ["500"], ErrorKind.HTTP_5XX), ("", [""], None)])
def test_labels_say_why_a_call_failed(code: str, details: list[str], kind: ErrorKind | None) -> None:
    why = failure(code, details)
    assert (kind_of(why) if why else None) == kind


def test_names_are_found_by_the_label_in_which_most_components_are(service: Service) -> None:
    series = [{"__name__": "http_requests_total", "job": "payments/frontend", "app": "frontend"},
              {"__name__": "http_requests_total", "job": "payments/backend", "app": "x"},
              {"__name__": "istio_requests_total", "app": "other"}]
    names = promql.found(Prometheus("https://p.example"), service, series)
    assert names and (names.known, names.component) == (promql.CONVENTIONS["http"], "job")
    assert promql.found(Prometheus("https://p.example"), service, [{"__name__": "http_requests_total"}]) is None


@pytest.mark.parametrize(("settings", "said"), [
    ({"component_label": "service.name"}, "a label's name"), ({"selector": '{namespace="x"}'}, "without braces"),
    ({"requests": "sum by ($by) (x{$match}[$range])"}, "both or neither"), ({"scrape_seconds": 0}, "1 or more"),
    ({"requests": "sum(x)", "errors": "sum(y)"}, "no $by"), ({"url": "http://prometheus:9090"}, "an https:// address")])
def test_a_configuration_that_asks_nothing_useful_is_refused(service: Service, settings: dict[str, Any], said: str
                                                             ) -> None:
    asked = Prometheus(**({"url": "https://p.example"} | settings))
    found = [f"{found}; {expected}" for _, found, expected in inconsistent(replace(service, prometheus=asked))]
    assert any(said in one for one in found), found


def test_a_workspace_is_reached_by_an_endpoint_and_another_prometheus_by_the_internet(service: Service) -> None:
    inside = replace(service, network=replace(service.network or Network(("subnet-0a1b2c3d",), ("sg-0a1b2c3d",)),
                                              functions=("prometheus",), nat=False))
    for url, what in ((AMAZON, "aps-workspaces"), ("https://p.example", INTERNET)):
        asked = [need.what for need in needs([replace(inside, prometheus=Prometheus(url))])
                 if need.function == "source-prometheus"]
        assert what in asked and (INTERNET in asked) == (what == INTERNET), asked
