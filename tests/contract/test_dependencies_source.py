"""What dependencies tell of themselves, as CloudWatch answers it and as health URLs do.

Formats: AWS's pages "GetMetricData", "Metrics for Valkey and Redis OSS" and "Available CloudWatch metrics for Amazon
SQS".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from responder.clients.http import Http
from responder.model.evidence import Detail, Finding, Window
from responder.model.evidence.cache_metrics import CacheMetrics
from responder.model.evidence.dependency_health import DependencyHealth
from responder.model.evidence.queue_metrics import QueueMetrics
from responder.model.service import Dependency, Service
from responder.sources import Phase, Query, dependencies

NOW = 1_800_000_030.0
"""Half a minute into a minute, UTC."""
Value = Callable[[str, float], float | None]


class CloudWatch:
    """Answers GetMetricData for each minute that has a value, in two pages."""

    def __init__(self, value: Value) -> None:
        self._value, self.asked = value, list[Mapping[str, Any]]()

    def get_metric_data(self, **given: Any) -> dict[str, Any]:
        self.asked.append(given)
        half, last = 1_799_999_000.0, "NextToken" in given
        results = []
        for query in given["MetricDataQueries"]:
            name = query["MetricStat"]["Metric"]["MetricName"]
            begin, end = (int(given[when].timestamp()) for when in ("StartTime", "EndTime"))
            points = [(at, value) for at in range(begin // 60 * 60, end, 60)
                      if (at >= half) is last and (value := self._value(name, at)) is not None]
            results.append({"Id": query["Id"], "Label": name, "StatusCode": "Complete" if last else "PartialData",
                            "Timestamps": [datetime.fromtimestamp(at, UTC) for at, _ in points],
                            "Values": [value for _, value in points]})
        return {"MetricDataResults": results, "Messages": [], **({} if last else {"NextToken": "more"})}


def collected(service: Service, monkeypatch: pytest.MonkeyPatch, value: Value, status: int | None = 200,
              phase: Phase = "diagnose") -> dict[type[Detail], Finding[Detail]]:
    """The findings of a cache of one node, a queue, and a check with a health URL."""
    def answer(request: httpx.Request) -> httpx.Response:
        if status is None:
            raise httpx.ConnectError("connection refused")
        return httpx.Response(status)

    monkeypatch.setattr(dependencies.aws, "client", lambda *given, **more: CloudWatch(value))
    monkeypatch.setattr(dependencies, "Http", lambda deadline: Http(
        time.monotonic() + 5, transport=httpx.MockTransport(answer)))
    query = Query(replace(service, dependencies=(
        Dependency("tokens", "cache", elasticache=("tokens-001",)), Dependency("receipts", "queue", sqs="receipts-q"),
        Dependency("fraud", "fraud_check", health_url="https://fraud.example/health"))), phase,
        Window(NOW - 180, NOW), Window(NOW - 3780, NOW - 180), time.monotonic() + 8)
    return {type(finding.detail): finding for finding in dependencies.collect(query)}


def emptied(name: str, at: float) -> float | None:
    """A cache that is emptied two minutes ago, and a queue whose consumer stops then."""
    late = at >= NOW - 120
    return {"CacheHits": 200.0 if late else 2280.0, "CacheMisses": 2200.0 if late else 120.0, "Evictions": 0.0,
            "EngineCPUUtilization": 12.5, "CurrConnections": 24.0,
            "ApproximateAgeOfOldestMessage": 90.0 if late else 1.0, "NumberOfMessagesSent": 2400.0,
            "ApproximateNumberOfMessagesVisible": 3600.0 if late else 4.0,
            "NumberOfMessagesDeleted": 0.0 if late else 2400.0}[name]


def test_the_newest_whole_minute_is_held_against_those_before_the_window(service: Service,
                                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    found = collected(service, monkeypatch, emptied)
    cache, queue = found[CacheMetrics], found[QueueMetrics]
    assert (cache.component, cache.status) == ("dependency:tokens", "ok")
    assert cache.value == pytest.approx(200 / 2400) and cache.baseline == pytest.approx(0.95)
    assert cache.detail == CacheMetrics(2400.0, 0.0, 0.0, 0.125, 24.0, 24.0)
    assert (queue.component, queue.value, queue.baseline) == ("dependency:receipts", 90.0, 1.0)
    assert queue.detail == QueueMetrics(3600.0, 2400.0, 0.0)


def test_what_has_no_recent_minute_is_stale_and_what_has_none_is_empty(service: Service,
                                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    old = collected(service, monkeypatch, lambda name, at: emptied(name, at) if at < NOW - 900 else None)
    assert {old[kind].status for kind in (CacheMetrics, QueueMetrics)} == {"stale"}
    none = collected(service, monkeypatch, lambda name, at: None)
    assert {none[kind].status for kind in (CacheMetrics, QueueMetrics)} == {"empty"}
    assert none[CacheMetrics].note == "CloudWatch has no recent data of it"


@pytest.mark.parametrize(("status", "value", "note"), [
    (200, 1.0, ""), (503, 0.0, "it answered with status 503"), (None, 0.0, "could not be reached")])
def test_a_health_url_that_does_not_answer_is_an_observation(service: Service, monkeypatch: pytest.MonkeyPatch,
                                                             status: int | None, value: float, note: str) -> None:
    health = collected(service, monkeypatch, emptied, status)[DependencyHealth]
    assert (health.component, health.status, health.value) == ("dependency:fraud", "ok", value)
    assert note in health.note


def test_in_aftercare_the_health_alone_is_asked(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(collected(service, monkeypatch, emptied, phase="aftercare")) == {DependencyHealth}


def test_a_service_without_measures_needs_no_permission(service: Service) -> None:
    bare = replace(service, dependencies=(Dependency("x"),))
    assert not dependencies.SOURCE.configured(bare) and not dependencies.SOURCE.statements(bare)
    assert dependencies.SOURCE.configured(service) and dependencies.SOURCE.statements(service)
