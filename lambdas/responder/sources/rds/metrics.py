"""The instances' metrics in CloudWatch, by the minute.

Formats: AWS's pages "Amazon CloudWatch metrics for Amazon RDS" (AWS/RDS is published each minute), "Amazon CloudWatch
metrics for Amazon Aurora" (no FreeStorageSpace; AuroraReplicaLag in milliseconds, of each reader) and "MetricStat": a
metric of regular resolution has no data for a period under 60 seconds. So the newest value is of a minute that has
ended, and may be of before the symptom: each finding says when its period began.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from responder.clients import aws
from responder.model.evidence import Detail, Finding, Status
from responder.model.evidence.connections import Connections
from responder.model.evidence.cpu import Cpu
from responder.model.evidence.free_memory import FreeMemory
from responder.model.evidence.free_storage import FreeStorage
from responder.model.evidence.read_latency import ReadLatency
from responder.model.evidence.replica_lag import ReplicaLag
from responder.model.evidence.write_latency import WriteLatency
from responder.model.service import Database
from responder.sources import Query

_METRICS: dict[type[Detail], tuple[str, str]] = {
    Connections: ("DatabaseConnections", "connections"), Cpu: ("CPUUtilization", "%"),
    FreeStorage: ("FreeStorageSpace", "bytes"), FreeMemory: ("FreeableMemory", "bytes"),
    ReadLatency: ("ReadLatency", "s"), WriteLatency: ("WriteLatency", "s"), ReplicaLag: ("ReplicaLag", "s")}
"""Kind of a finding to the metric that it is of, and its unit."""
_NOT_OF_AURORA = (FreeStorage, ReplicaLag)
_LAGS = (("AuroraReplicaLag", 0.001), ("ReplicaLag", 1.0))
"""What tells how far a reader is behind: of Aurora, or of a Multi-AZ DB cluster; each with its unit in seconds."""
_LAG_SECONDS = 300.0
_MINUTE = 60
_STALE_SECONDS = 240.0
"""A minute that began longer before the end of the window than this is not of now: a minute takes one, and is published
one or two later."""
Points = list[tuple[float, float]]


def collect(source: str, query: Query, database: Database, instance: str, engine: str,
            link: str) -> list[Finding[Detail]]:
    """Return a finding per metric that an engine's instance has: the newest minute's value, and the median before.

    Raises CallFailed.
    """
    kinds = [kind for kind in _METRICS if not (engine.startswith("aurora") and kind in _NOT_OF_AURORA)]
    cloudwatch, end = aws.client("cloudwatch", max(2, int(query.deadline - time.monotonic()))), query.window.end
    series: dict[str, Points] = defaultdict(list)
    with aws.failures("CloudWatch"):
        answer = cloudwatch.get_metric_data(
            MetricDataQueries=[{"Id": kind.name, "MetricStat": {
                "Metric": {"Namespace": "AWS/RDS", "MetricName": metric,
                           "Dimensions": _of(instance)},
                "Period": _MINUTE, "Stat": "Average"}} for kind in kinds for metric in _METRICS[kind][:1]],
            StartTime=datetime.fromtimestamp(query.baseline.start // _MINUTE * _MINUTE, UTC),
            EndTime=datetime.fromtimestamp(end, UTC), ScanBy="TimestampAscending")
    for result in answer.get("MetricDataResults", []):
        series[result["Id"]].extend((moment.timestamp(), float(value)) for moment, value in zip(
            result["Timestamps"], result["Values"], strict=False))
    return [_finding(source, query, database, kind, sorted(series[kind.name]), instance, link) for kind in kinds]


def lags(query: Query, readers: Sequence[str]) -> dict[str, float]:
    """Return how many seconds each reader of a cluster was behind in the newest minute, where that is known.

    Raises CallFailed.
    """
    asked = {f"m{place}{kind}": (name, metric, seconds) for place, name in enumerate(readers)
             for kind, (metric, seconds) in enumerate(_LAGS)}
    end = query.window.end
    with aws.failures("CloudWatch"):
        answer = aws.client("cloudwatch", max(2, int(query.deadline - time.monotonic()))).get_metric_data(
            MetricDataQueries=[{"Id": key, "MetricStat": {
                "Metric": {"Namespace": "AWS/RDS", "MetricName": metric, "Dimensions": _of(name)},
                "Period": _MINUTE, "Stat": "Average"}} for key, (name, metric, _) in asked.items()],
            StartTime=datetime.fromtimestamp((end - _LAG_SECONDS) // _MINUTE * _MINUTE, UTC),
            EndTime=datetime.fromtimestamp(end, UTC), ScanBy="TimestampDescending")
    found: dict[str, float] = {}
    for result in answer.get("MetricDataResults", []):
        name, _, seconds = asked[result["Id"]]
        if result["Values"]:
            found.setdefault(name, round(float(result["Values"][0]) * seconds, 3))
    return found


def _of(instance: str) -> list[dict[str, str]]:
    return [{"Name": "DBInstanceIdentifier", "Value": instance}]


def _finding(source: str, query: Query, database: Database, kind: type[Detail], points: Points, instance: str,
             link: str) -> Finding[Detail]:
    metric, unit = _METRICS[kind]
    before = sorted(value for at, value in points if at < query.baseline.end)
    newest = points[-1] if points else None
    status: Status = "empty" if newest is None else "ok"
    if newest is not None and newest[0] < query.window.end - _STALE_SECONDS:
        status = "stale"
    return Finding(
        source=source, status=status, window=query.window, unit=unit, value=newest[1] if newest else None,
        baseline=before[len(before) // 2] if before else None,
        note="" if status == "ok" else "CloudWatch has no recent value of it", link=link,
        query=f"AWS/RDS {metric} DBInstanceIdentifier={instance}",
        detail=Connections(maximum=database.maximum_connections, at=newest[0] if newest else None)
        if kind is Connections else kind())
