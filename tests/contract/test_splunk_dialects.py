"""Splunk in each of the ways in which it shows logs, and what it refuses with.

Sources: Splunk's REST API reference, "search/v2/jobs/export" and "Using the REST API reference" (statuses,
``messages``); "Search Reference": "search", "eval", "stats", "Multivalue eval functions"; props.conf (``KV_MODE``,
``INDEXED_EXTRACTIONS``, ``TRUNCATE``), authorize.conf (``srchJobsQuota``).
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import httpx
import pytest

from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.evidence import Detail, Evidence, Finding, Window
from responder.model.evidence.error_lines import ErrorLines
from responder.model.evidence.error_signatures import ErrorSignatures
from responder.model.evidence.failing_clients import FailingClients
from responder.model.evidence.latency_p95_ms import LatencyP95
from responder.model.service import Service
from responder.plan.error_kind import ErrorKind
from responder.plan.kinds import kind_of
from responder.plan.log_lines import signature
from responder.plan.symptom import verdicts
from responder.sources import Query, splunk
from responder.sources.splunk import rows
from sandbox.platform.flow import Served
from sandbox.platform.telemetry import Delays, Telemetry
from sandbox.platform.versions import Versions
from sandbox.vendors import splunk as stand_in
from sandbox.vendors.gate import Gates
from sandbox.vendors.splunk_eval import SearchError, compiled
from tests.findings import one

FAILED_CALL = "call to payments-db failed: connection refused"


class Platform:
    """The stand-in over a platform whose gateway does not reach its database."""

    def __init__(self, dialect: str) -> None:
        self.gates, telemetry, rng = Gates(), Telemetry(Versions()), random.Random(1)
        telemetry.reset(time.time() - 30, 40, rng)
        for second in range(25):
            at = float(int(time.time()) - 30 + second)
            telemetry.second(at, [
                Served("payment-gateway", "p", "1.0.0", 40, 20, (100.0,), {FAILED_CALL: 20}),
                Served("frontend", "f", "1.0.0", 40, 0, (100.0,), {})], rng)
        self.telemetry, self.asked = telemetry, [""]
        self.splunk = stand_in.Splunk(telemetry, self.gates, Delays(0, 0, 0, 0, 0), lambda: dialect)

    def http(self, token: str = stand_in.TOKEN) -> Http:
        def serve(request: httpx.Request) -> httpx.Response:
            self.asked.append(request.url.path)
            path = request.url.path.removeprefix("/splunk")
            answer = self.splunk.answer(dict(request.headers), request.content, path)
            return httpx.Response(answer.status, content=answer.body)

        return over(serve, Authorization=f"Bearer {token}")


@cache
def platform(dialect: str) -> Platform:
    """One that tests share and leave as it is."""
    return Platform(dialect)


def over(serve: Callable[[httpx.Request], httpx.Response], **headers: str) -> Http:
    return Http(time.monotonic() + 60, headers=headers, transport=httpx.MockTransport(serve))


@pytest.fixture
def query(service: Service) -> Query:
    now = time.time()
    return Query(service, "diagnose", Window(now - 120, now), Window(now - 3720, now - 120), time.monotonic() + 60)


@pytest.mark.parametrize("dialect", ["plain", "json", "doubled"])
def test_the_same_outage_is_read_alike_in_each_dialect(query: Query, dialect: str) -> None:
    platform = Platform(dialect)
    for _ in range(30):
        platform.telemetry.log(time.time() - 10, "frontend", "WARN Callbacks refused client_ip=203.0.113.9 status=401")
    findings = splunk.collect(query, platform.http())
    lines = one(findings, ErrorLines, "payment-gateway")
    true = sum(line.count for line in platform.telemetry.lines_between(query.window.start, query.window.end)
               if (line.component, line.level) == ("payment-gateway", "ERROR"))
    assert lines.status == "ok" and 490 < lines.detail.lines <= true + 10
    assert lines.detail.newest is not None and lines.detail.newest > query.window.end - 30
    assert all(query.window.start - 10 <= period.start <= query.window.end for period in lines.detail.series)
    assert "payment-gateway" in [verdict.component for verdict in verdicts(query.service, Evidence(findings))
                                 if verdict.state == "failing"]
    most = one(findings, ErrorSignatures).detail.signatures[0]
    assert most.component == "payment-gateway" and most.count == 500 and dict(most.versions) == {"1.0.0": 500}
    assert kind_of(most.whole) is ErrorKind.REFUSED and "payments-db" in most.whole and len(most.text) <= 200
    failing = one(findings, FailingClients)
    assert (failing.component, failing.detail.clients[0].failed) == ("frontend", 30)
    assert 100 < (one(findings, LatencyP95, "frontend").value or 0) < 500


def test_a_level_in_lower_case_is_counted() -> None:
    found = platform("plain").splunk.run("search level=ERROR | stats count by level", time.time() - 90, time.time())
    assert found[0]["level"] == "error"
    test = compiled('level="ERROR"')
    assert test({"level": "error"}) is False and test({"level": ["ERROR", "ERROR"]}) is False and test({}) is None
    assert compiled('lower(mvindex(level,0))="error"')({"level": ["ERROR", "ERROR"]}) is True
    with pytest.raises(SearchError, match="unsupported"):
        compiled("to_lower(level)")


def exported(*found: dict[str, Any]) -> str:
    return "\n".join(json.dumps({"preview": False, "offset": at, "result": row}) for at, row in enumerate(found)) + "\n"


def answering(query: Query, *found: dict[str, Any]) -> list[Finding[Detail]]:
    """What is made of rows that come for each search."""
    confirming = replace(query, phase="confirm", service=replace(
        query.service, splunk=replace(query.service.splunk, duration_field="")))
    return splunk.collect(confirming, over(lambda request: httpx.Response(200, text=exported(*found))))


@pytest.mark.parametrize(("level", "count"), [
    ("ERROR", "200"), ("error", "200"), (["ERROR", "ERROR"], ["200", "200"]), ("Fatal", 200)])
@pytest.mark.parametrize("form", ["epoch", "iso", "gmt", "est"])
def test_counts_and_times_are_read_in_each_form(query: Query, level: Any, count: Any, form: str) -> None:
    at = datetime.fromtimestamp(query.window.end - 15, UTC)
    told = {"epoch": f"{at.timestamp():.3f}", "iso": at.isoformat(timespec="milliseconds"),
            "gmt": f"{at:%Y-%m-%d %H:%M:%S}.000 GMT",
            "est": f"{datetime.fromtimestamp(at.timestamp() - 5 * 3600, UTC):%Y-%m-%d %H:%M:%S}.000 EST"}[form]
    lines = one(answering(query, {"_time": told, "component": "payment-gateway", "level": level, "count": count}),
                ErrorLines, "payment-gateway")
    assert lines.detail.lines == 200 and int(lines.detail.series[0].start) == int(at.timestamp())


@pytest.mark.parametrize("told", [
    "yesterday", "2026-10-08 13:48:34.000 IST", "2026-10-08 13:48:34.000", "08/10/2026 13:48"])
def test_a_time_that_cannot_be_read_is_malformed(query: Query, told: str) -> None:
    with pytest.raises(CallFailed) as raised:
        answering(query, {"_time": told, "component": "payment-gateway", "level": "ERROR", "count": "200"})
    assert raised.value.status == "malformed" and rows.seconds(told) is None


def test_what_cannot_be_told_is_said_and_is_not_called_well(query: Query) -> None:
    now = f"{query.window.end - 15:.0f}"
    usual = {rows.TIME: now, "component": "payment-gateway", "level": "error", "count": "900"}
    for other, status, said in [
            ({"level": ""}, "empty", "no line of it has the field level"),
            ({"level": "critical"}, "partial", "level critical"),
            ({"component": "gateway"}, "empty", "no line of it at all"), ({rows.TIME: "1"}, "partial", "outside")]:
        lines = one(answering(query, usual | other), ErrorLines, "payment-gateway")
        assert lines.status == status and said in lines.note
    with pytest.raises(CallFailed, match="count is no number"):
        answering(query, {rows.TIME: now, "component": "frontend", "level": "error", "count": "many"})


def test_a_splunk_without_the_second_version_is_asked_by_the_first(query: Query) -> None:
    old = platform("doubled")
    assert one(splunk.collect(replace(query, phase="confirm"), old.http()), ErrorLines, "frontend").usable
    assert {path.rpartition("/services/")[2] for path in old.asked if path} == {
        "search/v2/jobs/export", "search/jobs/export"}


def test_searches_over_the_quota_go_on_singly(query: Query) -> None:
    crowded = Platform("plain")
    crowded.splunk.quota = 1
    findings = splunk.collect(replace(query, phase="confirm"), crowded.http())
    assert one(findings, ErrorLines, "payment-gateway").detail.lines >= 490
    crowded.splunk.quota = 0
    with pytest.raises(CallFailed, match="maximum number of concurrent historical searches") as raised:
        splunk.collect(replace(query, phase="confirm", deadline=time.monotonic() + 1), crowded.http())
    assert raised.value.status == "throttled"


@pytest.mark.parametrize(("status", "body", "expected", "said"), [
    (400, '{"messages":[{"type":"FATAL","text":"Error in \'search\' command: Unable to parse."}]}', "unavailable",
     "Unable to parse"),
    (400, '<?xml version="1.0"?><response><messages><msg type="FATAL">Unknown search command &apos;stat&apos;.</msg>'
          "</messages></response>", "unavailable", "Unknown search command 'stat'"),
    (401, '{"messages":[{"type":"WARN","text":"call not properly authenticated"}]}', "unauthorized",
     "call not properly authenticated"),
    (403, '{"messages":[{"type":"ERROR","text":"Action forbidden."}]}', "unauthorized", "Action forbidden"),
    (404, '{"messages":[{"type":"ERROR","text":"Not Found"}]}', "unavailable", "Not Found"),
    (500, "<html>token=abcdef0123456789abcdef</html>", "unavailable", "status 500")])
def test_the_reason_of_a_refusal_is_said(query: Query, status: int, body: str, expected: str, said: str) -> None:
    with pytest.raises(CallFailed) as raised:
        splunk.collect(query, over(lambda request: httpx.Response(status, text=body)))
    assert raised.value.status == expected and said in raised.value.note and "abcdef" not in raised.value.note


def test_the_stand_in_refuses_who_may_not_search_and_what_is_no_search(query: Query) -> None:
    with pytest.raises(CallFailed, match="Action forbidden"):
        splunk.collect(query, platform("plain").http(stand_in.TOKEN_WITHOUT_SEARCH))
    settings = replace(query.service.splunk, search="index=payments | wibble")
    with pytest.raises(CallFailed, match="Unknown search command 'wibble'"):
        splunk.collect(replace(query, service=replace(query.service, splunk=settings)), platform("plain").http())


def test_rows_of_some_search_peers_alone_are_partial(query: Query) -> None:
    warned = json.dumps({"messages": [{"type": "WARN", "text": "Unable to distribute to peer named idx2."}]})
    row = {rows.TIME: f"{query.window.end - 15:.0f}", "component": "frontend", "level": "info", "count": "900"}
    findings = splunk.collect(replace(query, phase="confirm"), over(
        lambda request: httpx.Response(200, text=f"{warned}\n{exported(row)}")))
    assert (one(findings, ErrorLines, "frontend").status, one(findings, ErrorLines, "frontend").note) == (
        "partial", "Splunk: Unable to distribute to peer named idx2.")


def test_the_counts_stay_where_the_lines_themselves_cannot_be_had(query: Query) -> None:
    row = {rows.TIME: f"{query.window.end - 15:.0f}", "component": "frontend", "level": "info", "count": "900"}
    found = splunk.collect(replace(query, phase="confirm"), over(lambda request: (
        httpx.Response(200, text=exported(row)) if b"stats" in request.content else httpx.Response(400))))
    assert one(found, ErrorLines, "frontend").usable and one(found, ErrorSignatures).status == "unavailable"


def test_a_search_is_bounded(query: Query) -> None:
    asked: list[dict[str, str]] = []

    def serve(request: httpx.Request) -> httpx.Response:
        asked.append(dict(httpx.QueryParams(request.content.decode())))
        return httpx.Response(200, text='{"preview":false,"lastrow":true}\n')

    splunk.collect(query, over(serve))
    assert len(asked) == 14
    for form in asked:
        assert float(form["latest_time"]) - float(form["earliest_time"]) <= 3720
        assert 1 <= int(form["max_time"]) <= 62 and int(form["auto_cancel"]) <= 60
        assert "| stats " in form["search"] or "| head 20000 |" in form["search"]


CONTEXT = {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "tags": ["a" * 30] * 40}
TRACE = "\n\tat com.example.Pay.step(Pay.java:17)" * 40


@pytest.mark.parametrize(("line", "kind", "host"), [
    (json.dumps({"context": CONTEXT, "message": "call to api.primary.example failed: 503 Service Unavailable"}),
     ErrorKind.HTTP_5XX, "api.primary.example"),
    (json.dumps({"msg": "charge failed", "error": {"stack":
        f"Error: x{TRACE}\nCaused by: java.lang.RuntimeException: y{TRACE}"
        f"\nCaused by: java.net.ConnectException: Connection refused: payments-db:5432{TRACE}"}}),
     ErrorKind.REFUSED, "payments-db"),
    (json.dumps({"context": CONTEXT, "message": "charge failed", "server.address": "payments-db", "exception": (
        f"org.postgresql.util.PSQLException: FATAL: sorry, too many clients already{TRACE}")}),
     ErrorKind.CONNECTIONS, "payments-db"),
    (f"ERROR charge failed{TRACE}\nCaused by: java.net.UnknownHostException: api.primary.example{TRACE}",
     ErrorKind.DNS, "api.primary.example"),
    ("level=error " + " ".join(f"tag{n}=value-{n}" for n in range(80))
     + ' msg="dial tcp: lookup payments-db: no such host"', ErrorKind.DNS, "payments-db"),
    ("ERROR " + "x y z " * 200 + "connection to server at payments-db failed: Connection refused", ErrorKind.REFUSED,
     "payments-db"),
    (f"System.Exception: charge\n ---> System.Net.Sockets.SocketException (111): Connection refused (payments-db:5432)"
     f"{TRACE}\n   --- End of inner exception stack trace ---", ErrorKind.REFUSED, "payments-db"),
    (json.dumps({"log": json.dumps({"message": "charge failed: getaddrinfo ENOTFOUND api.primary.example"}),
                 "stream": "stderr"}), ErrorKind.DNS, "api.primary.example"),
    (json.dumps({"context": CONTEXT, "message": "call to payments-db failed: connection refused",
                 "stack": TRACE * 9})[:9_000], ErrorKind.REFUSED, "payments-db"),
    (json.dumps({"context": CONTEXT | {"peer": "payments-db"}, "message": "NullPointerException: merchantId"}),
     ErrorKind.OTHER, "")])
def test_kind_and_host_are_read_of_the_whole_line(service: Service, line: str, kind: ErrorKind, host: str) -> None:
    said = signature(line, lambda word: service.called(word) != "")
    whole = f"{said.text} Caused by: {said.cause}" if said.cause else said.text
    assert kind_of(whole) is kind and (host in whole if host else "payments-db" not in whole)
    assert len(said.text) <= 200 and len(said.cause) <= 400


def test_nothing_secret_is_in_a_cause() -> None:
    line = json.dumps({"message": "charge failed", "stack": (
        f"Error{TRACE}\nCaused by: refused for card 4242424242424242, password=hunter2, Connection refused")})
    said = signature(line)
    assert "Connection refused" in said.cause and not {"4242424242424242", "hunter2"} & set(said.cause.split())
