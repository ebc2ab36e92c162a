"""The adapters against documented answers, and against the stand-ins, which answer in the same formats."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.clients.kubernetes import Kubernetes
from responder.model.finding import Window
from responder.model.service import Service
from responder.sources import Question, kubernetes, newrelic, splunk
from sandbox.platform.flow import Served
from sandbox.platform.telemetry import Delays, Telemetry
from sandbox.platform.versions import Behaviour, Versions
from sandbox.vendors import newrelic as newrelic_stand_in
from sandbox.vendors import splunk as splunk_stand_in
from sandbox.vendors.gate import Answer, Gates

Handler = Callable[[httpx.Request], httpx.Response]


def http(handler: Handler, seconds: float = 5.0, **headers: str) -> Http:
    return Http(time.monotonic() + seconds, headers=headers, transport=httpx.MockTransport(handler))


@pytest.fixture
def question(service: Service) -> Question:
    now = time.time()
    return Question(service, "confirm", Window(now - 120, now), Window(now - 3720, now - 120), time.monotonic() + 5)


class Vendors:
    """Both stand-ins over one platform that fails in its newest version."""

    def __init__(self) -> None:
        self.gates, versions = Gates(), Versions()
        versions.add("payment-gateway", "1.1.0", Behaviour(error_rate=0.5, log="ERROR X card 4242424242424242 id 77"))
        telemetry = Telemetry(versions)
        rng = random.Random(1)
        telemetry.reset(time.time() - 30, 40, rng)
        for second in range(25):
            at = float(int(time.time()) - 30 + second)
            telemetry.second(at, [Served("payment-gateway", "p", "1.1.0", 40, 20, (100.0,), {"own": 20})], rng)
        delays = Delays(0, 0, 0, 0, 0)
        self._newrelic = newrelic_stand_in.NewRelic(telemetry, self.gates, delays)
        self._splunk = splunk_stand_in.Splunk(telemetry, self.gates, delays)

    def newrelic(self, key: str = newrelic_stand_in.KEY) -> Http:
        return http(lambda r: self._answer(self._newrelic.answer(dict(r.headers), r.content)), **{"API-Key": key})

    def splunk(self, token: str = splunk_stand_in.TOKEN) -> Http:
        return http(lambda r: self._answer(self._splunk.answer(dict(r.headers), r.content)),
                    Authorization=f"Bearer {token}")

    @staticmethod
    def _answer(answer: Answer) -> httpx.Response:
        if not answer.status:
            raise httpx.RemoteProtocolError("broken off")
        return httpx.Response(answer.status, content=answer.body,
                              headers={"Content-Type": answer.kind, **dict(answer.headers)})


@pytest.fixture
def vendors() -> Vendors:
    return Vendors()


def test_newrelic_gives_rates_per_component_and_version(question: Question, vendors: Vendors) -> None:
    findings = {(f.name, f.component): f for f in newrelic.ask(question, vendors.newrelic())}
    rate = findings["error_rate", "payment-gateway"]
    assert rate.status == "ok" and rate.value is not None and rate.value > 0.1
    assert rate.baseline is not None and rate.baseline < 0.01
    assert sum(row[1] for row in rate.detail["series"]) == rate.detail["requests"]
    versions = findings["error_rate_by_version", "payment-gateway"].detail
    assert versions["window"]["1.1.0"] == [1000.0, 500.0]
    assert set(versions["baseline"]) == {"1.0.0"}


def test_splunk_counts_and_masks_signatures(question: Question, vendors: Vendors) -> None:
    findings = splunk.ask(question, vendors.splunk())
    lines = next(f for f in findings if f.name == "error_lines" and f.component == "payment-gateway")
    assert lines.detail["lines"] >= 500
    group = next(f for f in findings if f.name == "error_signatures").detail["signatures"][0]
    assert group["versions"]["1.1.0"] == 500
    assert "4242424242424242" not in json.dumps([f.to_json() for f in findings])


@pytest.mark.parametrize(("fault", "statuses"), [
    ("down", {"unavailable"}), ("malformed", {"malformed"}), ("throttled", {"throttled"}),
    ("unauthorized", {"unauthorized"})])
@pytest.mark.parametrize("source", ["newrelic", "splunk"])
def test_each_fault_has_its_status(question: Question, vendors: Vendors, source: str, fault: str,
                                   statuses: set[str]) -> None:
    vendors.gates.set(source, fault)
    with pytest.raises(CallFailed) as raised:
        (newrelic.ask(question, vendors.newrelic()) if source == "newrelic"
         else splunk.ask(question, vendors.splunk()))
    assert raised.value.status in statuses


@pytest.mark.parametrize("source", ["newrelic", "splunk"])
def test_an_empty_source_says_so(question: Question, vendors: Vendors, source: str) -> None:
    vendors.gates.set(source, "empty")
    findings = (newrelic.ask(question, vendors.newrelic()) if source == "newrelic"
                else splunk.ask(question, vendors.splunk()))
    assert {f.status for f in findings if f.component} == {"empty"}


def test_wrong_keys_are_refused(question: Question, vendors: Vendors) -> None:
    for call in (lambda: newrelic.ask(question, vendors.newrelic("wrong")),
                 lambda: splunk.ask(question, vendors.splunk("wrong"))):
        with pytest.raises(CallFailed) as raised:
            call()
        assert raised.value.status == "unauthorized"


@pytest.mark.parametrize(("errors", "status"), [
    ([{"message": "x", "extensions": {"errorClass": "TIMEOUT"}}], "timeout"),
    ([{"message": "x", "extensions": {"errorClass": "ACCESS_DENIED"}}], "unauthorized"),
    ([{"message": "NRQL Syntax Error"}], "unavailable")])
def test_nerdgraph_errors_come_with_status_200(question: Question, errors: list[Any], status: str) -> None:
    answer = {"data": {"actor": {"account": None}}, "errors": errors}
    with pytest.raises(CallFailed) as raised:
        newrelic.ask(question, http(lambda r: httpx.Response(200, json=answer)))
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


def test_kubernetes_pages_through_pods_and_counts_reasons(question: Question) -> None:
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
    findings = {f.component: f for f in kubernetes.ask(question, api) if f.name == "pods"}
    found = findings["payment-gateway"]
    assert found.detail["ready"] == 900 and found.detail["waiting"] == {"CrashLoopBackOff": 300}
    assert findings["backend"].status == "empty"
