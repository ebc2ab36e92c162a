"""What New Relic says of one outage through agents, OpenTelemetry and the Python agent, sampled or whole.

Sources: New Relic's data dictionary ("Span", "Transaction"), "OpenTelemetry traces in New Relic", "NRQL reference",
"Distributed tracing: how it works" (sampling), the Python agent's ``external_node.py`` and ``datastore_node.py``;
OpenTelemetry's semantic conventions of HTTP and database spans; the GraphQL specification, "Handling field errors".
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import httpx
import pytest

from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.evidence import Detail, Evidence, Finding, Window
from responder.model.evidence.calls import Callee, Calls
from responder.model.evidence.error_rate import ErrorRate
from responder.model.evidence.error_rate_by_version import UNKNOWN, ErrorRateByVersion
from responder.model.evidence.latency_p95_ms import LatencyP95
from responder.model.service import Service
from responder.plan.error_kind import ErrorKind
from responder.plan.kinds import kind_of
from responder.sources import Query, newrelic
from responder.sources.newrelic.nrql import queries
from responder.sources.newrelic.payments import payment_queries
from sandbox.platform.flow import Calls as Called
from sandbox.platform.flow import Served
from sandbox.platform.spoken import Spoken
from sandbox.platform.telemetry import Delays, Telemetry
from sandbox.platform.versions import Versions
from sandbox.vendors.gate import Gates
from sandbox.vendors.newrelic import KEY, NewRelic
from sandbox.vendors.nrql import MAX_CHARACTERS, NrqlError, Row, condition, parse

GATEWAY, PROVIDER, DATABASE = "payment-gateway", "api.primary.example", "payments-db"
END = float(int(time.time()) // 10 * 10)
DIALECTS = ("agents", "opentelemetry", "python", "whole")
D = TypeVar("D", bound=Detail)


@pytest.fixture(scope="module")
def telemetry() -> Telemetry:
    """Two healthy hours, and then a minute in which the provider answers 503 to two calls of five."""
    telemetry, rng = Telemetry(Versions()), random.Random(7)
    telemetry.reset(END - 60, 40, rng)
    for second in range(60):
        at = END - 60 + second
        served = [Served(GATEWAY, f"gateway-{pod}", "1.0.0", 10, 4, (150.0,) * 5, {"call": 4}, {
            DATABASE: Called(10, 0, 40.0), PROVIDER: Called(10, 4, 900.0, {"HTTP 503 Service Unavailable": 4})})
            for pod in range(4)]
        served += [Served(name, f"{name}-0", "1.0.0", 40, 16, (180.0,) * 5, {"call": 16}, {
            called: Called(40, 16, 7000.0, {f"{called} answered 500": 16})})
            for name, called in (("frontend", "backend"), ("backend", GATEWAY))]
        telemetry.second(at, served, rng)
    return telemetry


def asked(service: Service, phase: Any = "confirm") -> Query:
    return Query(service, phase, Window(END - 120, END), Window(END - 3720, END - 120), time.monotonic() + 30)


def spoken_by(telemetry: Telemetry, dialect: str, seed: str = "a") -> NewRelic:
    # Kept with the requests: another dialect makes other events of them.
    for item in telemetry.transactions:
        item.made.clear()
    stand_in = NewRelic(telemetry, Gates(), Delays(0, 0, 0, 0, 0))
    stand_in.spoken = Spoken(dialect, seed)
    return stand_in


def collected(query: Query, stand_in: NewRelic, lost: Sequence[str] = ()) -> Evidence:
    """What the source says, where some aliases time out."""

    def serve(request: httpx.Request) -> httpx.Response:
        answer = json.loads(stand_in.answer(dict(request.headers), request.content).body)
        for alias in lost:
            answer["data"]["actor"]["account"][alias] = None
            answer.setdefault("errors", []).append({
                "message": "NRDB:1109 - Your query timed out.", "path": ["actor", "account", alias],
                "extensions": {"errorClass": "TIMEOUT"}})
        return httpx.Response(200, json=answer)

    # What is lost is this test's own choice, so the stand-in loses nothing by chance.
    stand_in._late = lambda aliases: ""  # type: ignore[method-assign]
    http = Http(query.deadline, headers={"API-Key": KEY}, transport=httpx.MockTransport(serve))
    return Evidence(newrelic.collect(query, http))


def one(evidence: Evidence, kind: type[D], component: str = GATEWAY) -> Finding[D]:
    found, = evidence.asked(kind, component)
    return found


def callee(calls: Calls, host: str) -> Callee:
    assert host in calls.callees, sorted(calls.callees)
    return calls.callees[host]


@pytest.mark.parametrize("seed", ["a", "b", "c"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_same_outage_is_read_from_every_instrumentation(
        service: Service, telemetry: Telemetry, dialect: str, seed: str) -> None:
    evidence = collected(asked(service), spoken_by(telemetry, dialect, seed))
    rate = one(evidence, ErrorRate)
    assert rate.status == "ok" and rate.detail.sampled == (dialect == "opentelemetry")
    newest = [bucket for bucket in rate.detail.series if bucket.start >= END - 60]
    share = sum(bucket.errors for bucket in newest) / sum(bucket.requests for bucket in newest)
    assert share == pytest.approx(0.4, abs=0.1) and rate.baseline is not None and rate.baseline < 0.02
    latency = one(evidence, LatencyP95)
    assert latency.value == pytest.approx(150.0) and latency.baseline and 100 < latency.baseline < 400
    calls = one(evidence, Calls).detail
    provider, database = callee(calls, PROVIDER), callee(calls, DATABASE)
    assert provider.errors / provider.requests == pytest.approx(0.4, abs=0.2) and database.errors == 0
    assert {kind_of(text) for text in provider.kinds} == {ErrorKind.HTTP_5XX}
    assert sum(provider.kinds.values()) == provider.errors
    assert provider.mean_ms == pytest.approx(90.0) and provider.baseline_ms and provider.baseline_requests
    # The requests among which the calls are: as many as called the database, and those that failed by the provider.
    assert calls.requests == database.requests and calls.errors == provider.errors
    assert (calls.requests or 0) < 2000 or dialect == "whole"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_version_is_told_where_it_is_there_and_unknown_where_it_is_not(
        service: Service, telemetry: Telemetry, dialect: str) -> None:
    versions = {seed: set(one(collected(asked(service), spoken_by(telemetry, dialect, seed)),
                              ErrorRateByVersion).detail.window) for seed in "abcdef"}
    assert set.union(*versions.values()) == ({"1.0.0", UNKNOWN} if dialect in ("agents", "python") else {"1.0.0"})


@pytest.mark.parametrize(("lost", "kind", "status"), [
    (("calls",), Calls, "timeout"), (("kinds",), Calls, "partial"), (("series",), ErrorRate, "partial"),
    (("window",), ErrorRate, "partial"), (("window",), ErrorRateByVersion, "timeout"),
    (("recent",), LatencyP95, "timeout"), (("calls", "kinds", "window", "day_hour"), ErrorRate, "partial")])
def test_what_times_out_alone_costs_what_it_would_have_told(
        service: Service, telemetry: Telemetry, lost: Sequence[str], kind: type[Detail], status: str) -> None:
    stand_in = spoken_by(telemetry, "agents")
    whole, evidence = collected(asked(service), stand_in), collected(asked(service), stand_in, lost)
    assert one(evidence, kind).status == status
    others = {finding.name for finding in evidence.every if finding.component == GATEWAY and finding.status == "ok"}
    assert others >= {"error_rate", "latency_p95_ms", "error_rate_by_version", "calls"} - {
        "calls" if "calls" in lost or "kinds" in lost else "", "latency_p95_ms" if "recent" in lost else "",
        *(("error_rate", "error_rate_by_version") if "window" in lost else ()), *(
            ("error_rate",) if "series" in lost else ())}
    rate = one(evidence, ErrorRate)
    assert rate.value == pytest.approx(one(whole, ErrorRate).value, rel=0.05)


def test_transactions_that_time_out_are_no_absence_of_requests(service: Service, telemetry: Telemetry) -> None:
    lost = ("series", "rest", "window", "baseline", "recent")
    query = asked(service)
    evidence = collected(query, spoken_by(telemetry, "agents"), [name for name in lost if queries_of(query)[name]])
    rate = one(evidence, ErrorRate)
    assert rate.detail.sampled and rate.value is not None and rate.value > 0.1
    both = [prefix + name for prefix in ("", "span_") for name in lost if queries_of(query)[name]]
    assert one(collected(query, spoken_by(telemetry, "agents"), both), ErrorRate).status == "timeout"


def queries_of(query: Query) -> Any:
    assert query.service.newrelic
    return queries(query.service.newrelic, query)


def test_where_all_time_out_nothing_is_known(service: Service, telemetry: Telemetry) -> None:
    query = asked(service)
    settings = query.service.newrelic
    assert settings
    with pytest.raises(CallFailed) as raised:
        collected(query, spoken_by(telemetry, "agents"), [*queries_of(query).asked, *payment_queries(settings, query)])
    assert raised.value.status == "timeout"


def test_a_query_has_no_more_characters_than_new_relic_reads(service: Service) -> None:
    component = service.components[0]
    many = replace(service, components=tuple(replace(component, name=f"a-rather-long-component-name-{number:02}")
                                             for number in range(12)))
    for phase in ("confirm", "diagnose"):
        for text in queries_of(asked(many, phase)).asked.values():
            assert len(text) <= MAX_CHARACTERS
            parse(text)


SERVER = {"service.name": GATEWAY, "span.kind": "server", "duration.ms": 212.4}
CLIENT = {"appName": GATEWAY, "span.kind": "client", "server.address": PROVIDER}


@pytest.mark.parametrize(("span", "event", "failed"), [
    (SERVER | {"otel.status_code": "ERROR", "http.response.status_code": 503}, "span_recent", True),
    (SERVER | {"http.status_code": 500}, "span_recent", True),
    (SERVER | {"otel.status_code": "OK", "http.response.status_code": 404}, "span_recent", False),
    ({"appName": GATEWAY, "nr.entryPoint": True, "error.class": "NullPointerException"}, "span_recent", True),
    ({"appName": GATEWAY, "nr.entryPoint": True, "http.statusCode": "500"}, "span_recent", True),
    (CLIENT | {"http.statusCode": 503, "error.class": None}, "calls", True),
    (CLIENT | {"http.statusCode": 401}, "calls", True), (CLIENT | {"http.statusCode": 404}, "calls", False),
    (CLIENT | {"error.class": "java.net.SocketTimeoutException"}, "calls", True),
    ({"service.name": GATEWAY, "span.kind": "client", "net.peer.name": PROVIDER, "otel.status_code": "ERROR"},
     "calls", True),
    ({"appName": GATEWAY, "category": "datastore", "peer.hostname": DATABASE}, "calls", False),
    ({"appName": GATEWAY, "category": "datastore", "db.system": "postgresql"}, "calls", False),
    ({"appName": GATEWAY, "category": "http", "http.url": f"https://user:x@{PROVIDER}:8443/v1/a?b=c",
      "http.statusCode": 502}, "url_calls", True),
    ({"appName": GATEWAY, "error": True}, "recent", True), ({"appName": GATEWAY, "error": False}, "recent", False)])
def test_each_way_to_say_that_something_failed_is_read(
        service: Service, span: Mapping[str, Any], event: str, failed: bool) -> None:
    query = parse(queries_of(asked(service))[event])
    row, = query.answer([Row(END - 1, span, 1)])
    assert (row["requests"], row["errors"]) == (1, int(failed))
    names = row["facet"] if isinstance(row["facet"], list) else [row["facet"]]
    assert names[0] == GATEWAY and (len(names) == 1 or names[1] in (PROVIDER, DATABASE, "postgresql"))


@pytest.mark.parametrize("settings", [
    {"event": "Span", "component_attribute": "service.name"}, {"component_attribute": "service.name"}, {}])
def test_a_configuration_of_spans_alone_counts_server_spans(
        service: Service, telemetry: Telemetry, settings: Mapping[str, str]) -> None:
    assert service.newrelic
    configured = replace(service, newrelic=replace(service.newrelic, **settings))
    rate = one(collected(asked(configured), spoken_by(telemetry, "opentelemetry")), ErrorRate)
    newest = [bucket for bucket in rate.detail.series if bucket.start >= END - 60]
    assert sum(bucket.errors for bucket in newest) / sum(bucket.requests for bucket in newest) > 0.3


@pytest.mark.parametrize(("text", "row", "true"), [
    ("error IS true", {"error": "true"}, False), ("a != 'x'", {}, False), ("NOT a = 'x'", {}, True),
    ("status >= 500", {"status": "503"}, False), ("numeric(status) >= 500", {"status": "503"}, True),
    ("a = 1 OR b = 2 AND c = 3", {"a": 1}, True), ("(a = 1 OR b = 2) AND c = 3", {"a": 1}, False),
    ("kind LIKE 'SERV%'", {"kind": "server"}, True), ("a IS NOT NULL", {"a": 0}, True)])
def test_conditions_are_as_strict_as_nrdb(text: str, row: Mapping[str, Any], true: bool) -> None:
    assert condition(text)(row) is true


@pytest.mark.parametrize("text", ["SELECT count(*) FROM Span WHERE a ~ 1", "SELECT nothing(a) FROM Span FACET b",
                                  "SELECT count(*) FROM Span FACET a, b, c, d, e, f"])
def test_what_nrql_does_not_know_is_refused(text: str) -> None:
    with pytest.raises(NrqlError):
        parse(text)


def test_rows_without_the_facet_drop_out() -> None:
    query = parse(f"SELECT count(*) AS n FROM Span FACET a SINCE {int(END - 10)}000 UNTIL {int(END)}000")
    assert query.answer([Row(END - 1, {"a": "x"}, 2), Row(END - 1, {}, 5)]) == [{"n": 2, "facet": "x"}]
