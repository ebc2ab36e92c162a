"""The worst that was seen: an outage that CloudWatch measures, and that no other vendor's dialect was read to show.

Sources of the dialects: ``test_newrelic_dialects.py``, ``test_splunk_dialects.py``.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from functools import cache
from typing import Any

import httpx
import pytest

from responder.clients.http import Http
from responder.model.evidence import Bucket, Evidence, Finding, Window
from responder.model.evidence.error_rate import ErrorRate
from responder.plan.confirm import Confirmation, confirm
from responder.sources import Query, newrelic, splunk
from sandbox.platform.flow import Served
from sandbox.platform.spoken import Spoken
from sandbox.platform.telemetry import Delays, Telemetry
from sandbox.platform.versions import Versions
from sandbox.vendors import newrelic as newrelic_stand_in
from sandbox.vendors import splunk as splunk_stand_in
from sandbox.vendors.gate import Gates
from tests.conftest import shipped_service

NO_DELAYS = Delays(0, 0, 0, 0, 0)
COMPONENTS = ("frontend", "backend", "payment-gateway")
FAILING = 0.4


@cache
def happened(failing: bool) -> tuple[Telemetry, float]:
    """What 100 s of 40 requests a second came to, each component in four pods, and until when."""
    telemetry, rng, end = Telemetry(Versions()), random.Random(1), float(int(time.time()))
    telemetry.reset(end - 100, 40, rng)
    for second in range(100):
        telemetry.second(end - 100 + second, [
            Served(component, f"{component}-{pod}", "1.0.0", 10, errors, (100.0,), {"own": errors} if errors else {})
            for component in COMPONENTS for pod in range(4)
            for errors in [sum(rng.random() < (FAILING if failing else 0.004) for _ in range(10))]], rng)
    return telemetry, end


def query(end: float) -> Query:
    return Query(shipped_service(), "confirm", Window(end - 180, end), Window(end - 3780, end - 180),
                 time.monotonic() + 60)


def over(stand_in: Any, **headers: str) -> Http:
    def serve(request: httpx.Request) -> httpx.Response:
        answer = stand_in(dict(request.headers), request.content, request.url.path.removeprefix("/splunk"))
        return httpx.Response(answer.status, content=answer.body)

    return Http(time.monotonic() + 60, headers=headers, transport=httpx.MockTransport(serve))


@cache
def of_newrelic(spoken: str, failing: bool) -> tuple[Finding[Any], ...]:
    telemetry, end = happened(failing)
    for item in telemetry.transactions:
        item.made.clear()  # what another dialect made of it
    stand_in = newrelic_stand_in.NewRelic(telemetry, Gates(), NO_DELAYS)
    stand_in.spoken = Spoken(spoken, "together")
    return tuple(newrelic.collect(query(end), over(lambda headers, body, path: stand_in.answer(headers, body),
                                                   **{"API-Key": newrelic_stand_in.KEY})))


@cache
def of_splunk(dialect: str, failing: bool) -> tuple[Finding[Any], ...]:
    telemetry, end = happened(failing)
    stand_in = splunk_stand_in.Splunk(telemetry, Gates(), NO_DELAYS, lambda: dialect)
    return tuple(splunk.collect(query(end), over(stand_in.answer, Authorization=f"Bearer {splunk_stand_in.TOKEN}")))


def of_cloudwatch(failing: bool) -> list[Finding[Any]]:
    """What the service's own metrics say: 40 % fail, whether it is so or not."""
    telemetry, end = happened(failing)
    found: list[Finding[Any]] = []
    for component in COMPONENTS:
        requests: Counter[float] = Counter()
        for row in telemetry.between(end - 180, end):
            if row.component == component:
                requests[row.at // 10 * 10] += row.requests
        series = tuple(Bucket(start, count, round(count * (FAILING if start >= end - 100 else 0.004)))
                       for start, count in sorted(requests.items()))
        found.append(Finding(source="cloudwatch", component=component, window=Window(end - 180, end), detail=ErrorRate(
            requests=sum(p.requests for p in series), errors=sum(p.errors for p in series), series=series,
            baseline_requests=144_000, baseline_errors=576, period_seconds=10)))
    return found


def confirmed(spoken: str, dialect: str, failing: bool) -> Confirmation:
    _, end = happened(failing)
    return confirm(shipped_service(), ("cloudwatch", "newrelic", "splunk"), Evidence(
        [*of_cloudwatch(failing), *of_newrelic(spoken, failing), *of_splunk(dialect, failing)]), end - 85)


@pytest.mark.parametrize(("spoken", "dialect"), [
    ("opentelemetry", "plain"), ("opentelemetry", "json"), ("python", "plain"), ("agents", "doubled")])
def test_an_outage_is_confirmed_however_the_vendors_speak(spoken: str, dialect: str) -> None:
    found = confirmed(spoken, dialect, failing=True)
    assert (found.answer, set(found.votes.values())) == ("confirmed", {"outage"}), found.reasons


@pytest.mark.parametrize("spoken", ["agents", "opentelemetry"])
def test_metrics_that_alone_see_an_outage_are_denied_by_who_measures_that_all_is_well(spoken: str) -> None:
    found = confirmed(spoken, "plain", failing=False)
    assert found.votes["cloudwatch"] == "outage" and found.answer == "false_alarm", found.reasons
