"""What New Relic keeps of the platform's requests: Transactions and spans, as each instrumentation sends them.

Sources: New Relic's data dictionary ("Span", "Transaction"), its pages "OpenTelemetry traces in New Relic" (the fields
that OTLP spans become) and "Distributed tracing: how it works" (agents sample ten transactions a minute, whole ones),
the agents' own code (the Python agent's external spans have ``http.url``, its datastore spans ``peer.hostname``; entry
spans have ``nr.entryPoint`` and are generic), and OpenTelemetry's semantic conventions of HTTP and database spans.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any, NamedTuple

from sandbox.platform.flow import Calls
from sandbox.platform.objects import KINDS
from sandbox.platform.payments import GATEWAY, Kind, Paid
from sandbox.platform.spoken import Spoken
from sandbox.platform.telemetry import Edge, Telemetry, Transactions
from sandbox.vendors.nrql import Row

WHOLE = Spoken("whole")
_A_MINUTE = 10.0
"""Transactions that an agent samples in a minute, in each process ("Distributed tracing: how it works")."""
_HEAD = 0.1
"""The share of traces that an OpenTelemetry SDK keeps here (its TraceIdRatioBased sampler is set to a share)."""
_SECONDS = {"duration": 0.001}
_MILLISECONDS = {"duration.ms": 1.0}
_STATUS = re.compile(r"(?:HTTP|\S+ answered) (\d{3})")
_DATABASE = "payments-db"
_CACHE = ".cache.amazonaws.com"
_KNOWN = 10_000
"""Attributes that are kept: many spans share them, and a query reads them once for all of these."""


def transactions(item: Transactions, spoken: Spoken) -> Iterator[Row]:
    """Yield the Transactions of some requests; OpenTelemetry has none."""
    if spoken.value == "opentelemetry":
        return
    sender, well = _Sender.of(item), item.requests - item.errors
    # All latencies belong to the larger part: percentiles are taken over both.
    for failed, count, larger in ((False, well, well >= item.errors), (True, item.errors, well < item.errors)):
        if count:
            yield Row(item.at, _transaction(sender, failed, spoken), count, item.latencies_ms if larger else (),
                      _SECONDS)


def spans(item: Transactions, telemetry: Telemetry, spoken: Spoken) -> Iterator[Row]:
    """Yield the spans of some requests: those of every request, or those of the sampled ones alone."""
    edges = [edge for edge in telemetry.edges_between(item.at, item.at + 1e-6)
             if edge.number == item.number]
    if spoken.value == "whole":
        yield from _every(item, edges, spoken)
        return
    chance = spoken.random("spans", item.number)
    requests = [_Request(item, edges, number) for number in _sampled(item, spoken, chance)]
    for why, count in Counter(request.why for request in requests).items():
        latencies = tuple(chance.choices(item.latencies_ms, k=min(count, 8))) if item.latencies_ms else ()
        yield Row(item.at, _entry(_Sender.of(item), why, spoken), count, latencies, _unit(spoken))
    called = Counter((place, why) for request in requests for place, why in request.calls())
    for (place, why), count in called.items():
        yield _calls(item, edges[place], why, count, spoken)


def payments(item: Paid, spoken: Spoken) -> Iterator[Row]:
    """Yield the custom events of some payments: agents have an API for them (``recordCustomEvent``), OpenTelemetry's
    SDKs have none; and an attribute is there only where somebody has set it.
    """
    if spoken.value == "opentelemetry":
        return
    yield Row(item.at, _payment(item.kind, item.version, item.pod, item.outcome, spoken), item.count)


def forget() -> None:
    """Let go of the spans of a platform that began anew: their pods had names of their own."""
    for known in (_payment, _transaction, _entry, _call):
        known.cache_clear()


@lru_cache(_KNOWN)
def _payment(kind: Kind, version: str, pod: str, outcome: str, spoken: Spoken) -> dict[str, Any]:
    sender = _Sender(GATEWAY, pod, version)
    told = {name: value for name, value in kind.attributes.items() if spoken.value != "python" or name != "three_ds"}
    return {"appName": GATEWAY, **told, "outcome": outcome, "status": 200, **_version(sender, spoken)}


def _every(item: Transactions, edges: Sequence[Edge], spoken: Spoken) -> Iterator[Row]:
    for why, count in (("", item.requests - item.errors), ("own", item.errors)):
        if count:
            yield Row(item.at, _entry(_Sender.of(item), why, spoken), count, item.latencies_ms if not why else (),
                      _unit(spoken))
    for edge in edges:
        for why, count in ({"": edge.calls.count - edge.calls.failed} | edge.calls.kinds).items():
            if count > 0:
                yield _calls(item, edge, why, count, spoken)


def _calls(item: Transactions, edge: Edge, why: str, count: int, spoken: Spoken) -> Row:
    mean = (edge.calls.milliseconds / edge.calls.count,) if edge.calls.count else ()
    return Row(item.at, _call(_Sender.of(item), edge.callee, why, spoken), count, mean, _unit(spoken))


def _sampled(item: Transactions, spoken: Spoken, chance: Random) -> list[int]:
    """Return the numbers of the requests whose transaction, or trace, is sampled."""
    if spoken.value == "opentelemetry":
        return [number for number in range(item.requests) if chance.random() < _HEAD]
    # A row of the history stands for all pods of a component.
    processes = 1 if item.host else KINDS[item.component].pods
    share = min(1.0, _A_MINUTE / 60 * item.seconds * processes / item.requests) if item.requests else 0.0
    return [number for number in range(item.requests) if chance.random() < share]


@dataclass(frozen=True)
class _Request:
    """One of the requests of a stretch of time; those that fail come first, by where they fail."""

    item: Transactions
    edges: Sequence[Edge]
    number: int

    @property
    def _own(self) -> int:
        """How many requests fail before they call anybody."""
        return max(0, self.item.errors - sum(edge.calls.ended for edge in self.edges))

    @property
    def why(self) -> str:
        """Why the request failed; empty: it did not."""
        if self.number >= self.item.errors:
            return ""
        return "own" if self.number < self._own else next((why for _, why in self.calls() if why), "own")

    def calls(self) -> Iterator[tuple[int, str]]:
        """Yield the calls of the request, each as the place of its edge and why it failed; what fails ends it."""
        begin = self._own
        if self.number < begin:
            return
        for place, edge in enumerate(self.edges):
            yield from ((place, why) for why in self._attempts(edge.calls, begin))
            begin += edge.calls.ended
            if self.number < begin:
                return

    def _attempts(self, calls: Calls, begin: int) -> Iterator[str]:
        """Yield why each attempt of the request failed, of the requests from ``begin`` on; those that failed first."""
        of = self.item.requests - begin
        first, behind = ((number - begin) * calls.count // of for number in (self.number, self.number + 1))
        for attempt in range(first, behind):
            yield _nth(calls.kinds, attempt) if attempt < calls.failed else ""


def _nth(kinds: Mapping[str, int], number: int) -> str:
    for kind, count in kinds.items():
        if number < count:
            return kind
        number -= count
    return "own"


class _Sender(NamedTuple):
    """Who sends a span."""

    component: str
    host: str
    version: str

    @classmethod
    def of(cls, item: Transactions) -> _Sender:
        """Return who served some requests."""
        return cls(item.component, item.host, item.version)


def _version(item: _Sender, spoken: Spoken) -> dict[str, str]:
    """Return the version, which is there only where somebody has set it: an account without it is spoken as well."""
    return {} if spoken.value in ("agents", "python") and not spoken.either("version") else {
        "service.version": item.version}


@lru_cache(_KNOWN)
def _transaction(item: _Sender, failed: bool, spoken: Spoken) -> dict[str, Any]:
    return {"appName": item.component, "host": item.host, "error": failed, "http.statusCode": 500 if failed else 200,
            **_version(item, spoken)}


@lru_cache(_KNOWN)
def _entry(item: _Sender, why: str, spoken: Spoken) -> dict[str, Any]:
    """Return the span of a component's part of a request."""
    if spoken.value == "opentelemetry":
        return _of_otel(item) | {"span.kind": "server", "name": "POST /checkout"} | (
            {_otel_status(spoken): 500, "otel.status_code": "ERROR"} if why else {_otel_status(spoken): 200})
    kind = {"span.kind": "server"} if spoken.value == "whole" or spoken.either("kind of entry") else {}
    error = {"error.class": "UnhandledException"} if why == "own" else {}
    return {"appName": item.component, "entity.name": item.component, "host": item.host, "category": "generic",
            "nr.entryPoint": True, "http.statusCode": 500 if why else 200, **_version(item, spoken), **kind, **error}


@lru_cache(_KNOWN)
def _call(item: _Sender, host: str, why: str, spoken: Spoken) -> dict[str, Any]:
    """Return the span of a call."""
    datastore, status = host.startswith(_DATABASE) or _CACHE in host, _STATUS.match(why)
    if spoken.value == "opentelemetry":
        return _of_otel(item) | _otel_call(host, why, datastore, spoken)
    answered = {} if datastore or (why and not status) else {"http.statusCode": int(status[1]) if status else 200}
    # An agent notes an error where its own segment has an exception: an answer of the callee is none.
    error = {"error.class": "ConnectionError", "error.message": why} if why and not status else {}
    if spoken.value == "whole" and status:
        error = {"error.class": status[1], "error.message": why}
    return {"appName": item.component, "entity.name": item.component, "host": item.host, "span.kind": "client",
            "category": "datastore" if datastore else "http", **_version(item, spoken), **answered, **error,
            **_peer(host, datastore, spoken)}


def _peer(host: str, datastore: bool, spoken: Spoken) -> dict[str, Any]:
    """Return how an agent names whom it calls."""
    if datastore:
        cache = _CACHE in host
        port = 6379 if cache else 5432
        found = {"db.system": "redis", "component": "Redis"} if cache else {
            "db.system": "postgresql", "db.instance": "payments", "component": "Postgres"}
        if spoken.value == "whole":
            return found | {"server.address": host}
        found |= {"peer.hostname": host, "peer.address": f"{host}:{port}"}
        return found if spoken.value == "python" else found | {"server.address": host, "server.port": port}
    url = {"http.url": f"https://{host}/v1/charges" if "." in host else f"http://{host}:80/checkout"}
    return url if spoken.value == "python" else url | {"server.address": host}


def _of_otel(item: _Sender) -> dict[str, Any]:
    return {"service.name": item.component, "entity.name": item.component, "service.version": item.version,
            "k8s.pod.name": item.host, "instrumentation.provider": "opentelemetry",
            "newrelic.source": "api.traces.otlp"}


def _otel_status(spoken: Spoken) -> str:
    """Return the attribute of the status: the conventions before and since 1.23 have two names."""
    return "http.response.status_code" if spoken.either("conventions") else "http.status_code"


def _otel_call(host: str, why: str, datastore: bool, spoken: Spoken) -> dict[str, Any]:
    fresh, status = spoken.either("conventions"), _STATUS.match(why)
    found: dict[str, Any] = {"span.kind": "client", "server.address" if fresh else "net.peer.name": host}
    if datastore:
        found["db.system.name" if fresh else "db.system"] = "redis" if _CACHE in host else "postgresql"
    elif status or not why:
        found[_otel_status(spoken)] = int(status[1]) if status else 200
    if why:
        # An answer from 400 on is an error of a client's span, and has no description.
        found |= {"otel.status_code": "ERROR"} | (
            {"error.type": status[1]} if status else {"error.type": "ConnectionError", "otel.status_description": why})
    return found


def _unit(spoken: Spoken) -> Mapping[str, float]:
    """Return the attributes that hold a span's duration: whether agents' spans have both is not settled."""
    if spoken.value == "opentelemetry":
        return _MILLISECONDS
    return _SECONDS if spoken.value == "whole" or spoken.either("duration") else _SECONDS | _MILLISECONDS
