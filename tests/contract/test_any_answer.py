"""Every source and every channel, given answers of any content: a new one comes in by being there.

The answers have the words that the adapter itself looks for, with values that do not belong there. How long an answer
may be, and how long it may take, is a matter of the clients (``test_hostile_answers.py``).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import httpx
import pytest
from botocore.awsrequest import AWSResponse
from hypothesis import given
from hypothesis import strategies as st

from responder import people, sources
from responder.clients import aws, wire
from responder.clients.failure import CallFailed
from responder.handlers import ask
from responder.model.evidence import USABLE
from responder.model.moment import iso
from responder.model.service import Person, Service, configuration
from responder.people import Message
from responder.plan.fitting import ANSWER_BYTES, fitted
from responder.records.form import formed
from tests.conftest import shipped_service
from tests.contract.test_change_feeds import FEEDS
from tests.odd import FUZZ, MADE, TEXTS, VALUES

ROOT = Path(people.__file__).parent.parent
WORD = re.compile(r'"([A-Za-z][A-Za-z_.]{1,30})"')
SECONDS = 2.0


@cache
def words(package: str, name: str) -> tuple[str, ...]:
    """Return the words that an adapter's own files have in quotes, the keys that it reads among them."""
    place = ROOT / package / name
    files = place.rglob("*.py") if place.is_dir() else [place.with_suffix(".py")]
    found = {word for file in files for word in WORD.findall(file.read_text())}
    return tuple(sorted(found | {"items", "metadata", "name", "data", "results", "id"}))


def answers(keys: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """Answers that have an adapter's words as keys and as values, and odd values."""
    leaf = (st.sampled_from(keys) | st.sampled_from(TEXTS) | st.sampled_from(VALUES) | st.floats(0, 2e9)
            | st.sampled_from(MADE).map(lambda make: make()))
    return st.recursive(leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(keys), inner, min_size=1, max_size=6), max_leaves=40)


class World:
    """Answers everything that is asked, over HTTP and by AWS, with one of several contents."""

    def __init__(self) -> None:
        self.contents: list[Any] = [{}]
        self.status = 200
        self._asked = 0

    def next(self) -> Any:
        self._asked += 1
        return self.contents[self._asked % len(self.contents)]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(self.status, content=json.dumps(self.next()).encode())

    def close(self) -> None:
        pass

    def of_aws(self, request: Any, protocol: str, wrapper: str) -> AWSResponse:
        content = self.next()
        text = f"<{wrapper}>{_xml(content)}</{wrapper}>" if protocol in ("query", "ec2", "rest-xml") else (
            json.dumps(content))
        return AWSResponse(request.url, self.status, {"content-type": "application/json"}, _Raw(text.encode(
            "utf-8", "replace")))


class _Raw:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._content

    def read(self, *_: Any, **__: Any) -> bytes:
        return self._content


def _xml(value: Any, depth: int = 20) -> str:
    if isinstance(value, dict) and depth:
        return "".join(f"<{name}>{_xml(item, depth - 1)}</{name}>" for name, item in value.items() if name.isalpha())
    if isinstance(value, list) and depth:
        return "".join(f"<member>{_xml(item, depth - 1)}</member>" for item in value[:20])
    return escape(str(value)[:200])


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made, real = World(), aws.made.__wrapped__

    @cache
    def client(service: str, *arguments: Any) -> Any:
        found = real(service, *arguments)
        protocol = found.meta.service_model.protocol
        found.meta.events.register_first("before-send.*", lambda request, event_name, **_: made.of_aws(
            request, protocol, f"{event_name.rpartition('.')[2]}Response"))
        return found

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("TABLE", "timeline")
    monkeypatch.setattr(aws, "made", client)
    monkeypatch.setattr(aws, "secret", lambda name: "a-secret")
    monkeypatch.setattr(wire, "Transport", lambda *_: made)
    monkeypatch.setattr(wire, "addresses", nowhere)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    return made


def nowhere(host: str, port: int, until: float) -> Any:
    raise OSError(0, "no network")


def configured() -> Service:
    """The shipped service with everything configured that an adapter needs."""
    return replace(
        shipped_service(), foreign_changes=FEEDS, prometheus=configuration.Prometheus("https://p.example"),
        cloudwatch_logs=configuration.CloudWatchLogs(("/payments",)),
        application_signals=configuration.ApplicationSignals("eks:payments"),
        github=configuration.GitHub("acme/payments", "github"),
        jira=configuration.Jira("https://jira.example", "PAY", "a@b.example", "jira"),
        team=(Person("Ada", "sre", slack="U1", pagerduty="P1", email="ada@acme.example"),))


@pytest.mark.parametrize("name", [source.name for source in sources.all()])
def test_a_source_answers_with_findings_whatever_it_is_told(world: World, name: str) -> None:
    source, service = sources.load(name), configured()
    assert source.configured(service), "configure it above"

    @FUZZ
    @given(st.lists(answers(words("sources", name)), min_size=1, max_size=4), st.sampled_from(sorted(source.phases)))
    def told(contents: list[Any], phase: Any) -> None:
        world.contents, now = contents, 1_795_000_000.0
        asked = ask.Ask(ask.Asked("i-1", service.service, iso(now - 60)), phase, iso(now))
        query = sources.Query(service, phase, *ask.spans(service, phase, now - 60, now, now - 60),
                              time.monotonic() + SECONDS)
        found = fitted(name, [ask.masked(finding, asked) for finding in ask.collected(source, query, asked)],
                       ANSWER_BYTES)
        for finding in found:
            text = json.dumps(finding.to_json(), allow_nan=False, ensure_ascii=False).encode()
            assert len(text) <= ANSWER_BYTES and (finding.status in USABLE or finding.note)
            formed(finding.to_json())

    told()


@pytest.mark.parametrize("name", [channel.name for channel in people.every()])
def test_a_channel_delivers_or_says_that_it_did_not(world: World, name: str) -> None:
    channel = next(one for one in people.every() if one.name == name)
    service = configured()
    assert channel.configured(service), "configure it above"

    @FUZZ
    @given(st.lists(answers(words("people", name)), min_size=1, max_size=4), st.sampled_from(sorted(channel.takes)),
           st.sampled_from(TEXTS), st.sampled_from([200, 200, 201, 302, 400, 404]))
    def told(contents: list[Any], kind: Any, text: str, status: int) -> None:
        world.contents, world.status = contents, status
        message = Message(kind, "k", "payment-gateway-1", text[:300] or "x", text, phase="investigating",
                          persons=service.team, code=text, topic=text, mark="m")
        with suppress(CallFailed):
            state = channel.deliver(service, message, {})
            json.dumps(state, allow_nan=False).encode()
            if state:
                channel.deliver(service, message, state)

    told()
