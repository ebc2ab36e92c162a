"""Every client against a server that means no good: what it costs in time and memory is bounded, and it is told."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from responder.clients import aws, aws_limits, bounded_json
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.clients.kubernetes import Kubernetes
from responder.model.evidence import Window
from responder.model.plain_json import MOST_DEPTH
from responder.model.service import Probe, Provider, Service
from responder.people import Message, pagerduty, slack, statuspage
from responder.sources import Query, network, newrelic, provider, splunk
from tests.conftest import shipped_service
from tests.contract import hostile as ways
from tests.contract.hostile import Way, encoded, hostile, say

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("changes_pass")]

SECONDS = 0.6
LATE_SECONDS = 5.0
"""How late a busy machine may be, botocore's pause before it tries again included. A client without a deadline takes
20 s."""
MEMORY_BYTES = 100 * 2 ** 20
"""Far below what is said by any of them, and what a function of 512 MiB has left."""


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws, "secret", lambda name: "secret")
    for module in (slack, pagerduty, statuspage):
        monkeypatch.setattr(module, "_SECONDS", SECONDS)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")


def query(service: Service, seconds: float | None = None) -> Query:
    now = time.time()
    return Query(service, "diagnose", Window(now - 120, now), Window(now - 3720, now - 120),
                    time.monotonic() + (SECONDS if seconds is None else seconds))


def message(kind: Any) -> Message:
    return Message(kind, "k", "payment-gateway-1", "high error rate", "text", phase="investigating")


def client() -> Http:
    return Http(time.monotonic() + SECONDS)


def _lines(url: str) -> None:
    with closing(client().lines("GET", url)) as lines:
        for _ in lines:
            pass


def _aws(service: str, operation: str, **arguments: Any) -> Callable[[Service, str], Any]:
    def call(_: Service, url: str) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", url)
            made = aws.made.__wrapped__(service, 5, "us-east-1")
        with aws_limits.until(time.monotonic() + SECONDS), aws.failures("AWS"):
            answer = getattr(made, operation)(**arguments)
            return answer["Body"].read() if "Body" in answer else answer

    return call


def _provider(service: Service, url: str) -> None:
    asked = replace(service, providers=(Provider("primary", status_page=url, health_url=""),))
    for finding in provider.collect(query(asked)):
        if not finding.usable:
            raise CallFailed(finding.status, finding.note)


def _sourced(module: Any, field: str, **settings: Callable[[str], str]) -> Callable[[Service, str], Any]:
    def call(service: Service, url: str) -> Any:
        own = replace(getattr(service, field), **{key: value(url) for key, value in settings.items()})
        return module.collect(query(replace(service, **{field: own})))

    return call


def _channel(module: Any, field: str, kind: str, **settings: Callable[[str], str]) -> Callable[[Service, str], Any]:
    def call(service: Service, url: str) -> Any:
        own = replace(getattr(service, field), **{key: value(url) for key, value in settings.items()})
        return module.CHANNEL.deliver(replace(service, **{field: own}), message(kind), {})

    return call


def _api(url: str) -> Kubernetes:
    return Kubernetes(client(), url)


CLIENTS: dict[str, Callable[[Service, str], Any]] = {
    "json": lambda service, url: client().json("GET", url),
    "lines": lambda service, url: _lines(url),
    "answer": lambda service, url: client().answer("PATCH", url, content="{}"),
    "kubernetes items": lambda service, url: list(_api(url).items("api/v1", "pods", "payments")),
    "kubernetes get": lambda service, url: _api(url).get("api/v1", "pods", "payments", "a"),
    "kubernetes patch": lambda service, url: _api(url).patch("api/v1", "pods", "payments", "a", [], manager="m"),
    "newrelic": _sourced(newrelic, "newrelic", endpoint=str),
    "splunk": _sourced(splunk, "splunk", url=str),
    "provider": _provider,
    "slack": _channel(slack, "slack", "page", api=str),
    "pagerduty": _channel(pagerduty, "pagerduty", "page", events=str),
    "statuspage": _channel(statuspage, "statuspage", "customers", api=str),
    "aws json": _aws("dynamodb", "get_item", TableName="t", Key={"pk": {"S": "a"}}),
    "aws xml": _aws("rds", "describe_events"),
    "aws stream": _aws("s3", "get_object", Bucket="b", Key="k"),
}
VENDORS = sorted(name for name in CLIENTS if not name.startswith("aws"))


@contextmanager
def bounds(seconds: float = SECONDS + LATE_SECONDS) -> Iterator[None]:
    """Hold what the block takes of time and memory."""
    tracemalloc.start()
    began = time.monotonic()
    try:
        yield
        took, peak = time.monotonic() - began, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert took < seconds and peak < MEMORY_BYTES, f"{took:.2f} s, {peak / 2 ** 20:.0f} MiB"


def refused(call: Callable[[], Any], seconds: float = SECONDS + LATE_SECONDS) -> str:
    """Return the status with which a call fails, in time and without taking much."""
    with bounds(seconds), pytest.raises(CallFailed) as raised:
        call()
    return raised.value.status


TIMED: list[tuple[str, Way, set[str]]] = [
    ("slow body", ways.slow_body, {"timeout"}),
    ("slow lines", ways.slow_lines, {"timeout"}),
    ("dripping header", ways.dripping_header, {"timeout"}),
    ("endless header", ways.endless_header, {"unavailable", "timeout"}),
    ("endless interim answers", ways.endless_interim, {"unavailable", "timeout", "malformed"}),
    ("silence", ways.silent, {"timeout"}),
]


@pytest.mark.parametrize(("way", "statuses"), [case[1:] for case in TIMED], ids=[case[0] for case in TIMED])
@pytest.mark.parametrize("name", sorted(CLIENTS))
def test_no_client_waits_beyond_its_deadline(service: Service, name: str, way: Way, statuses: set[str]) -> None:
    with hostile(way) as server:
        assert refused(lambda: CLIENTS[name](service, server.url)) in statuses


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("name", VENDORS)
def test_compressed_answers_are_bounded(service: Service, name: str, coding: str) -> None:
    ways.bomb(coding)
    with hostile(encoded(coding)) as server:
        assert refused(lambda: CLIENTS[name](service, server.url)) in ("malformed", "timeout")


@pytest.mark.parametrize("name", [name for name in sorted(CLIENTS) if name.startswith("aws")])
def test_aws_is_asked_for_nothing_compressed_and_nothing_is_decompressed(service: Service, name: str) -> None:
    ways.bomb("gzip")
    with hostile(encoded("gzip")) as server:
        if name == "aws stream":
            with bounds(10):
                assert CLIENTS[name](service, server.url) == ways.bomb("gzip")
        else:
            assert refused(lambda: CLIENTS[name](service, server.url)) == "malformed"


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize(("way", "status"), [
    (encoded("gzip, gzip"), "malformed"), (say(200, b"x" * 40, "Content-Encoding: gzip;x"), "malformed"),
    (say(200, b"x" * 40, "Content-Encoding: br"), "malformed"),
    (say(200, b"x" * 40, "Content-Encoding: gzip"), "malformed"),
    (say(200, ways.bomb("gzip", 2 ** 20)[:-20], "Content-Encoding: gzip"), "malformed"),
    (ways.truncated, "unavailable"), (ways.reset_half_way, "unavailable"),
], ids=["gzip twice", "odd coding", "brotli", "no gzip", "half of a gzip", "truncated", "reset"])
def test_a_broken_body_is_said_to_be_so(service: Service, name: str, way: Way, status: str) -> None:
    with hostile(way) as server:
        assert refused(lambda: CLIENTS[name](service, server.url)) == status


# What is within the lines and the answers to writes is judged by who asked for them.
@pytest.mark.parametrize("name", sorted(set(VENDORS) - {"lines", "answer"}))
@pytest.mark.parametrize("body", [
    b"[" * 200_000, b'{"a":' * 5000, b"[" * 500 + b"]" * 500, b'{"a":' * 500 + b"1" + b"}" * 500, b"1" * 10_000,
    b"\xff\xfe\xfd"], ids=["open lists", "open objects", "deep list", "deep object", "long number", "no UTF-8"])
def test_json_that_makes_no_sense_is_malformed(service: Service, name: str, body: bytes,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    # What is asked is which word it is refused by; on a busy machine, a dozen searches need more than their time.
    monkeypatch.setitem(globals(), "SECONDS", 20 * SECONDS)
    with hostile(say(200, body)) as server:
        assert refused(lambda: CLIENTS[name](service, server.url)) == "malformed"
    with hostile(say(200, b'{"items": [1, 2', "Content-Length: 3")) as server:
        assert refused(lambda: CLIENTS[name](service, server.url)) == "malformed"


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "x", "1e999", "none", "major"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([
        "ok", "channel", "channels", "id", "ts", "status", "items", "metadata", "continue", "data", "actor",
        "account", "errors", "results", "result", "messages", "indicator", "page", "updated_at", "incidents",
        "components",
        "series", "facet", "count", "aiIssues", "issues", "window", "baseline", "error", "incident_responder"]), inner,
        max_size=5), max_leaves=25)


@pytest.mark.parametrize("name", VENDORS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=ODD)
@example(answer={"errors": 7})
@example(answer={"data": {"actor": {"account": [1]}}})
@example(answer={"ok": True})
@example(answer={"ok": True, "channel": 1, "ts": []})
@example(answer=[None])
@example(answer={"result": {"count": "1e999"}})
def test_an_answer_of_another_form_is_a_failed_call_and_nothing_else(name: str, answer: Any) -> None:
    with hostile(say(200, json.dumps(answer).encode())) as server, suppress(CallFailed):
        CLIENTS[name](shipped_service(), server.url)


@pytest.mark.parametrize("name", ["json", "lines", "answer", "kubernetes items", "newrelic", "splunk"])
def test_a_body_without_end_is_read_no_further_than_its_limit(service: Service, name: str) -> None:
    with hostile(ways.endless_body) as server:
        assert refused(lambda: CLIENTS[name](service, server.url)) in ("malformed", "timeout")


@pytest.mark.parametrize("after", [
    "86400", "9" * 400, "\xb2", "-5", "soon", pytest.param(formatdate(time.time() + 86400, usegmt=True), id="tomorrow"),
    "Fri, 99 Foo 2026 00:00:00 GMT", ""])
@pytest.mark.parametrize("name", ["json", "newrelic", "splunk", "kubernetes items", "provider", "slack"])
def test_a_retry_after_beyond_the_deadline_fails_at_once(service: Service, name: str, after: str) -> None:
    with hostile(say(429, b"", f"Retry-After: {after}")) as server:
        assert refused(lambda: CLIENTS[name](service, server.url)) == "throttled"


@pytest.mark.parametrize("name", ["json", "kubernetes patch", "slack", "splunk"])
def test_a_server_that_does_not_read_the_request_times_out(service: Service, name: str) -> None:
    long = "x" * 30_000_000
    with hostile(ways.silent, reads=False) as server:
        status = refused(lambda: client().answer("PATCH", server.url, content=long))
        assert status == "timeout"
        assert refused(lambda: CLIENTS[name](service, server.url)) == "timeout"


@pytest.mark.parametrize("way", [
    lambda connection: ways._drip(connection, b"\x16"), ways.silent,
    # The head of a handshake record of 16 kB, whose content drips.
    lambda connection: (connection.sendall(b"\x16\x03\x03\x40\x00\x02"), ways._drip(connection, b"\x00"))])
def test_a_tls_handshake_ends_at_the_deadline(service: Service, way: Way) -> None:
    with hostile(way, reads=False) as server:
        url = server.url.replace("http:", "https:")
        assert refused(lambda: client().json("GET", url)) in ("timeout", "unavailable")
        probed = replace(service, probes=(Probe("payments-db", "127.0.0.1", server.port, True),))
        with bounds():
            finding, = network.collect(query(probed))
        assert finding.value == 0.0 and finding.detail.stage == "tls"


def test_a_character_set_is_not_a_way_around_the_limits(service: Service) -> None:
    """Python knows ``zlib`` as a character set."""
    with hostile(say(200, ways.bomb("deflate"), "Content-Type: application/json; charset=zlib")) as server:
        assert refused(lambda: CLIENTS["splunk"](service, server.url)) == "malformed"
        with bounds(10):
            assert len(client().answer("GET", server.url).text) < 2 ** 20


def test_json_that_would_take_too_much_memory_is_not_parsed() -> None:
    """Thirty megabytes of empty objects would be 700 in Python."""
    for unit in (b"{},", b"[],", b'{"a":1},', b"0.5,"):
        text = b"[" + unit * (30_000_000 // len(unit)) + b"0]"
        tracemalloc.start()
        try:
            with pytest.raises(CallFailed) as raised:
                bounded_json.parsed(text, "x")
            assert tracemalloc.get_traced_memory()[1] < 10 * 2 ** 20
        finally:
            tracemalloc.stop()
        assert raised.value.status == "malformed"


@pytest.mark.parametrize("unit", [b"{},", b"[],", b'{"a":1},', b"[[]],", b'"a%06d",', b'{"k%06d":1%06d},', b"1%06d.5,"])
def test_parsing_takes_no_more_memory_than_estimated(unit: bytes) -> None:
    count = 100_000
    parts = [unit % ((place,) * unit.count(b"%")) if b"%" in unit else unit for place in range(count)]
    text = b"[" + b"".join(parts) + b"0]"
    tracemalloc.start()
    try:
        kept = bounded_json.parsed(text, "x")
        assert tracemalloc.get_traced_memory()[1] < 1.3 * bounded_json._memory_bytes(text)
    finally:
        tracemalloc.stop()
    assert len(kept) == count + 1


@given(st.recursive(st.none() | st.booleans() | st.integers(-10**9, 10**9) | st.text(), lambda inner: st.lists(
    inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=30))
def test_a_sane_answer_is_parsed_unchanged(value: Any) -> None:
    assert bounded_json.parsed(json.dumps(value, ensure_ascii=False).encode(), "x") == value


def test_depth_is_allowed_where_kubernetes_has_it() -> None:
    text = "[" * MOST_DEPTH + "]" * MOST_DEPTH
    assert bounded_json.parsed(text.encode(), "x")
    with pytest.raises(CallFailed, match="too deep"):
        bounded_json.parsed(f"[{text}]".encode(), "x")


@pytest.mark.parametrize(("body", "headers"), [
    (ways.zlib.compress(b'{"a": "\xc3\xa9"}'), ("Content-Encoding: deflate",)),
    (ways.zlib.compress(b'{"a": "\xc3\xa9"}', wbits=-15), ("Content-Encoding: deflate",)),
    (ways.zlib.compress(b'{"a": "\xc3\xa9"}', wbits=31), ("Content-Encoding: gzip",)),
    (ways.zlib.compress(b'{"a": ', wbits=31) + ways.zlib.compress(b'"\xc3\xa9"}', wbits=31),
     ("Content-Encoding: GZIP",)),
    (b'{"a": "\xc3\xa9"}', ("Content-Encoding: identity",)),
    (b'{"a": "\xc3\xa9"}', ("Content-Type: application/json; charset=latin-1",)),
])
def test_requested_encodings_are_decoded(body: bytes, headers: tuple[str, ...]) -> None:
    with hostile(say(200, body, *headers)) as server:
        assert client().json("GET", server.url) == {"a": "\xe9"}


def test_large_honest_answers_come_through() -> None:
    rows = [{"metadata": {"name": f"pod-{n}", "labels": {"app": "payment-gateway"}}, "note": "x" * 15_000}
            for n in range(500)]
    for packed in (False, True):
        body = json.dumps({"items": rows, "metadata": {}}).encode()
        way = say(200, ways.zlib.compress(body, wbits=31), "Content-Encoding: gzip") if packed else say(200, body)
        with hostile(way) as server:
            api = Kubernetes(Http(time.monotonic() + 10), server.url)
            assert list(api.items("api/v1", "pods", "payments")) == rows


def test_lines_end_at_newlines_alone() -> None:
    text = '{"a": "one\u2028two\u0085three\x0bfour"}\r\n\n{"b": 1}'
    with hostile(say(200, text.encode())) as server, closing(client().lines("GET", server.url)) as lines:
        assert b"\n".join(lines) == text.encode()
    with hostile(say(200, b"x" * 3_000_000)) as server:
        assert refused(lambda: _lines(server.url)) == "malformed"


def test_no_cookie_is_kept_and_no_redirect_followed() -> None:
    with hostile(say(200, b"{}", "Set-Cookie: a=b; Path=/")) as server:
        http = client()
        assert http.json("GET", server.url) == {} and not http._client.cookies
    with hostile(say(200, b"{}")) as elsewhere, hostile(say(302, b"", f"Location: {elsewhere.url}/")) as server:
        assert refused(lambda: client().json("GET", server.url)) == "unavailable"
        assert client().answer("POST", server.url).status_code == 302
        assert elsewhere.asked == []


# --- Each provider for itself ----------------------------------------------------------------------------------------


SUMMARY = json.dumps({"page": {"updated_at": "2026-01-05T10:00:00Z"}, "status": {"indicator": "major"}}).encode()


@pytest.mark.parametrize("way", [ways.slow_body, ways.dripping_header, ways.endless_header, ways.silent,
                                 encoded("gzip"), ways.endless_body])
def test_one_providers_page_takes_nothing_from_another(service: Service, way: Way) -> None:
    with hostile(way) as bad, hostile(say(200, SUMMARY)) as good:
        asked = replace(service, providers=tuple(
            Provider(name, status_page=server.url, health_url=server.url)
            for name, server in (("a", bad), ("b", good), ("c", bad), ("d", good))))
        began = time.monotonic()
        findings = {(f.component, f.name): f for f in provider.collect(query(asked, 2.0))}
        assert time.monotonic() - began < 2.0 + LATE_SECONDS
    assert len(findings) == 8
    for name in ("b", "d"):
        assert findings[f"provider:{name}", "status_page"].value == 2.0
        assert findings[f"provider:{name}", "health"].value == 1.0
    for name in ("a", "c"):
        assert findings[f"provider:{name}", "status_page"].status in ("timeout", "malformed", "unavailable")


def test_a_health_url_is_judged_by_its_status_without_reading_its_body(service: Service) -> None:
    with hostile(ways.slow_body) as server, bounds():
        asked = replace(service, providers=(Provider("a", status_page="", health_url=server.url),))
        finding, = provider.collect(query(asked))
    assert finding.value == 1.0


# --- AWS -------------------------------------------------------------------------------------------------------------


def test_a_call_of_aws_has_a_deadline_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each read is in time, and yet the whole ends."""
    with hostile(ways.slow_body) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        made = aws.made.__wrapped__("dynamodb", 1, "us-east-1", 1)

        def call() -> None:
            with aws.failures("DynamoDB"):
                made.list_tables()

        assert refused(call, 3 + LATE_SECONDS) == "timeout"
        assert len(server.asked) == 1


def test_aws_is_tried_again_while_the_deadline_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [say(500, b"{}"), ways.truncated, say(200, b'{"TableNames": ["a"]}')]
    with hostile(lambda connection: answers.pop(0)(connection)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        made = aws.made.__wrapped__("dynamodb", 5, "us-east-1")
        with aws_limits.until(time.monotonic() + 8):
            assert made.list_tables()["TableNames"] == ["a"]


@pytest.mark.parametrize("name", ["aws json", "aws xml"])
def test_an_answer_of_aws_is_bounded(service: Service, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws_limits, "MOST_BYTES", 2 ** 20)
    with hostile(ways.endless_body) as server:
        assert refused(lambda: CLIENTS[name](service, server.url)) == "malformed"
        assert len(server.asked) == 1


def test_deep_json_of_aws_is_malformed(service: Service) -> None:
    with hostile(say(200, b"[" * 200_000)) as server:
        assert refused(lambda: CLIENTS["aws json"](service, server.url)) == "malformed"


def test_no_deadline_outlives_its_call(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    for way in (ways.slow_body, say(200, b"{}"), say(400, b"{}")):
        with hostile(way) as server:
            try:
                CLIENTS["aws json"](service, server.url)
            except CallFailed:
                pass
        assert aws_limits._call.until == float("inf")

