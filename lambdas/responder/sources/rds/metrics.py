"""The instance's metrics in CloudWatch, by the minute.

Formats: AWS's pages "Amazon CloudWatch metrics for Amazon RDS" (AWS/RDS is published each minute) and "MetricStat": a
metric of regular resolution has no data for a period under 60 seconds. So the newest value is of a minute that has
ended, and may be of before the symptom: each finding says when its period began.
"""

from __future__ import annotations

import time
from collections import defaultdict
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
_MINUTE = 60
_STALE_SECONDS = 240.0
"""A minute that began longer before the end of the window than this is not of now: a minute takes one, and is published
one or two later."""
Points = list[tuple[float, float]]


def collect(source: str, query: Query, database: Database, link: str) -> list[Finding[Detail]]:
    """Return a finding per metric: the newest minute's value, and the median before; raises CallFailed."""
    cloudwatch, end = aws.client("cloudwatch", max(2, int(query.deadline - time.monotonic()))), query.window.end
    series: dict[str, Points] = defaultdict(list)
    with aws.failures("CloudWatch"):
        answer = cloudwatch.get_metric_data(
            MetricDataQueries=[{"Id": kind.name, "MetricStat": {
                "Metric": {"Namespace": "AWS/RDS", "MetricName": metric,
                           "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": database.instance}]},
                "Period": _MINUTE, "Stat": "Average"}} for kind, (metric, _) in _METRICS.items()],
            StartTime=datetime.fromtimestamp(query.baseline.start // _MINUTE * _MINUTE, UTC),
            EndTime=datetime.fromtimestamp(end, UTC), ScanBy="TimestampAscending")
    for result in answer.get("MetricDataResults", []):
        series[result["Id"]].extend((moment.timestamp(), float(value)) for moment, value in zip(
            result["Timestamps"], result["Values"], strict=False))
    return [_finding(source, query, database, link, kind, sorted(series[kind.name])) for kind in _METRICS]


def _finding(source: str, query: Query, database: Database, link: str, kind: type[Detail],
             points: Points) -> Finding[Detail]:
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
        query=f"AWS/RDS {metric} DBInstanceIdentifier={database.instance}",
        detail=Connections(maximum=database.maximum_connections, at=newest[0] if newest else None)
        if kind is Connections else kind())
