"""What the dependencies tell of themselves: ElastiCache and SQS by their metrics in CloudWatch, others by a health URL.

Formats: AWS's pages "Metrics for Valkey and Redis OSS" (AWS/ElastiCache, by CacheClusterId, each minute: CacheHits,
CacheMisses, Evictions, EngineCPUUtilization, CurrConnections) and "Available CloudWatch metrics for Amazon
SQS" (AWS/SQS, by QueueName, each minute while the queue is in use: ApproximateAgeOfOldestMessage,
ApproximateNumberOfMessagesVisible, NumberOfMessagesSent, NumberOfMessagesDeleted).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from statistics import median
from typing import Any, NamedTuple

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.evidence import Detail, Finding, Status, Window
from responder.model.evidence.cache_metrics import CacheMetrics
from responder.model.evidence.dependency_health import DependencyHealth
from responder.model.evidence.queue_metrics import QueueMetrics
from responder.model.service import Dependency, Service
from responder.sources import METRIC_DATA, Query, Source, collect_independently, metric_data_budget
from responder.sources.cloudwatch.metrics import MINUTE, Points, metric, read

_CACHE = {"hits": ("CacheHits", "Sum"), "misses": ("CacheMisses", "Sum"), "evictions": ("Evictions", "Sum"),
          "cpu": ("EngineCPUUtilization", "Maximum"), "connections": ("CurrConnections", "Average")}
_QUEUE = {"age": ("ApproximateAgeOfOldestMessage", "Maximum"),
          "visible": ("ApproximateNumberOfMessagesVisible", "Average"), "sent": ("NumberOfMessagesSent", "Sum"),
          "deleted": ("NumberOfMessagesDeleted", "Sum")}
"""Of a queue and of a cache, what is asked by the name that it has here, and its statistic."""
_STALE_SECONDS = 240.0
_HEALTH_SECONDS = 3.0


class _Measures(NamedTuple):
    """One dependency's metrics: the newest whole minute, and the median of those before the symptom."""

    now: Mapping[str, float]
    usual: Mapping[str, float]
    at: float | None
    note: str


def collect(query: Query) -> list[Finding[Detail]]:
    """Return per dependency ``cache_metrics``, ``queue_metrics`` and ``dependency_health``, as it is configured."""
    service = query.service
    found: list[Finding[Detail]] = [] if query.phase == "aftercare" else collect_independently(SOURCE.name, query, {
        CacheMetrics: lambda: [_cache(query, one) for one in service.dependencies if one.elasticache],
        QueueMetrics: lambda: [_queue(query, one) for one in service.dependencies if one.sqs]})
    return found + [_health(query, one) for one in service.dependencies if one.health_url]


def _cache(query: Query, dependency: Dependency) -> Finding[Detail]:
    found = [_measured(query, "AWS/ElastiCache", "CacheClusterId", node, _CACHE) for node in dependency.elasticache]
    now, usual = (_together([getattr(one, part) for one in found]) for part in ("now", "usual"))
    lookups = now.get("hits", 0.0) + now.get("misses", 0.0)
    before = usual.get("hits", 0.0) + usual.get("misses", 0.0)
    return _finding(query, dependency, found, f"AWS/ElastiCache CacheHits CacheClusterId={dependency.elasticache[0]}",
                    value=now.get("hits", 0.0) / lookups if lookups else None, unit="hit ratio",
                    baseline=usual.get("hits", 0.0) / before if before else None, detail=CacheMetrics(
                        lookups=lookups, evictions=now.get("evictions", 0.0),
                        baseline_evictions=usual.get("evictions", 0.0),
                        cpu=max((one.now["cpu"] / 100 for one in found if "cpu" in one.now), default=None),
                        connections=now.get("connections"), baseline_connections=usual.get("connections")))


def _queue(query: Query, dependency: Dependency) -> Finding[Detail]:
    one = _measured(query, "AWS/SQS", "QueueName", dependency.sqs, _QUEUE)
    return _finding(query, dependency, [one], f"AWS/SQS ApproximateAgeOfOldestMessage QueueName={dependency.sqs}",
                    value=one.now.get("age"), unit="s", baseline=one.usual.get("age"), detail=QueueMetrics(
                        visible=one.now.get("visible"), sent=one.now.get("sent", 0.0),
                        deleted=one.now.get("deleted", 0.0)))


def _finding(query: Query, dependency: Dependency, found: list[_Measures], asked: str, *, value: float | None,
             unit: str, baseline: float | None, detail: Detail) -> Finding[Detail]:
    at = max((one.at for one in found if one.at is not None), default=None)
    note = next((one.note for one in found if one.note), "")
    status: Status = "empty" if at is None else "stale" if at < query.window.end - _STALE_SECONDS else (
        "partial" if note else "ok")
    return Finding(source=SOURCE.name, component=f"dependency:{dependency.name}", status=status, window=query.window,
                   value=value, unit=unit, baseline=baseline, query=asked, detail=detail,
                   link="https://console.aws.amazon.com/cloudwatch/home#metricsV2?namespace=" + asked.split()[0],
                   note=note or ("" if status == "ok" else "CloudWatch has no recent data of it"))


def _measured(query: Query, namespace: str, dimension: str, name: str,
              metrics: Mapping[str, tuple[str, str]]) -> _Measures:
    """Ask for the baseline and the window in one; raises CallFailed."""
    left = max(1, int(query.deadline - time.monotonic()))
    found, note = read(_client(left), [
        metric(key, namespace, what, [(dimension, name)], statistic) for key, (what, statistic) in metrics.items()],
        Window(query.baseline.start, query.window.end), MINUTE)
    # The minute that is going on has not all of its data.
    newest = max((at for points in found.values() for at in points if at + MINUTE <= query.window.end), default=None)
    now = {key: points[newest] for key, points in found.items() if newest is not None and newest in points}
    return _Measures(now, {key: usual for key, points in found.items()
                           if (usual := _usual(points, query.baseline.end)) is not None}, newest, note)


def _client(left: int) -> Any:
    return aws.client("cloudwatch", left)


def _usual(points: Points, end: float) -> float | None:
    before = [value for at, value in points.items() if at + MINUTE <= end]
    return median(before) if before else None


def _together(parts: list[Mapping[str, float]]) -> dict[str, float]:
    """Return the sums over a cache's nodes."""
    return {key: sum(part.get(key, 0.0) for part in parts) for key in {key for part in parts for key in part}}


def _health(query: Query, dependency: Dependency) -> Finding[Detail]:
    """Say whether the URL answers below 400; no answer is what this is about, and an observation."""
    note, well = "", 0.0
    try:
        status = Http(min(query.deadline, time.monotonic() + _HEALTH_SECONDS)).status("GET", dependency.health_url)
        well, note = float(status < 400), f"it answered with status {status}" if status >= 400 else ""
    except CallFailed as failed:
        note = failed.note
    return Finding(source=SOURCE.name, component=f"dependency:{dependency.name}", window=query.window, value=well,
                   unit="1 answers", baseline=1.0, query=f"GET {dependency.health_url}", link=dependency.health_url,
                   note=note, detail=DependencyHealth())


def _measures(service: Service) -> bool:
    return any(one.elasticache or one.sqs for one in service.dependencies)


SOURCE = Source(
    name="dependencies",
    phases=frozenset({"diagnose", "aftercare"}),
    collect=collect,
    configured=lambda service: _measures(service) or any(one.health_url for one in service.dependencies),
    statements=lambda service: (METRIC_DATA,) if _measures(service) else (),
    deadline_seconds=14.0,
    now_only=frozenset({DependencyHealth}),
    budget=metric_data_budget(4, lambda query: 1 + len(query.service.dependencies)),
)
