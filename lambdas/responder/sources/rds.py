"""The database instance: what RDS says of it, its events, its metrics, and what it waits for.

Formats: AWS's pages "DescribeDBInstances", "DescribeEvents", "Amazon CloudWatch metrics for Amazon RDS" and
"GetResourceMetrics" (Performance Insights).
"""

from __future__ import annotations

import time
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.evidence import Detail, Finding, Status
from responder.model.evidence.connections import Connections
from responder.model.evidence.cpu import Cpu
from responder.model.evidence.events import DatabaseEvent, DatabaseEvents
from responder.model.evidence.free_memory import FreeMemory
from responder.model.evidence.free_storage import FreeStorage
from responder.model.evidence.instance import DatabaseInstance
from responder.model.evidence.metrics import DatabaseMetrics
from responder.model.evidence.read_latency import ReadLatency
from responder.model.evidence.replica_lag import ReplicaLag
from responder.model.evidence.waits import Waits
from responder.model.evidence.write_latency import WriteLatency
from responder.model.masking import mask
from responder.model.service import Database, Service
from responder.sources import METRIC_DATA, Query, Source, Statement, collect_independently

_METRICS: dict[type[Detail], tuple[str, str]] = {
    Connections: ("DatabaseConnections", "connections"), Cpu: ("CPUUtilization", "%"),
    FreeStorage: ("FreeStorageSpace", "bytes"), FreeMemory: ("FreeableMemory", "bytes"),
    ReadLatency: ("ReadLatency", "s"), WriteLatency: ("WriteLatency", "s"), ReplicaLag: ("ReplicaLag", "s")}
"""Kind of a finding to the metric that it is of, and its unit."""
_EVENTS_SECONDS = 1800.0
"""How long before the window events are looked for."""
_EVENTS = 50
_RECENT_SECONDS = 90.0


def collect(query: Query) -> list[Finding[Detail]]:
    """Return ``instance``, ``events``, one finding per metric and ``waits``; raises CallFailed."""
    database = query.service.database
    if database is None:
        raise CallFailed("unavailable", "no database is configured")
    left = max(2, int(query.deadline - time.monotonic()))
    rds = aws.client("rds", left)
    instance = _instance(query, database, rds)
    return [instance, *collect_independently(SOURCE.name, query, {
        DatabaseEvents: lambda: [_events(query, database, rds)],
        DatabaseMetrics: lambda: _metrics(query, database),
        Waits: lambda: _waits(query, database, instance.detail.resource)})]


def _instance(query: Query, database: Database, rds: Any) -> Finding[DatabaseInstance]:
    with aws.failures("RDS"):
        found = rds.describe_db_instances(DBInstanceIdentifier=database.instance)["DBInstances"]
    command = f"aws rds describe-db-instances --db-instance-identifier {database.instance}"
    if not found:
        return Finding(source=SOURCE.name, detail=DatabaseInstance(), status="empty", window=query.window,
                       query=command, note=f"RDS knows no instance {database.instance}")
    item = found[0]
    return Finding(
        source=SOURCE.name, window=query.window, query=command, link=_link(database),
        detail=DatabaseInstance(
            status=str(item.get("DBInstanceStatus", "")), multi_az=bool(item.get("MultiAZ")),
            zone=item.get("AvailabilityZone", ""), allocated_gib=item.get("AllocatedStorage"),
            instance_class=item.get("DBInstanceClass", ""), resource=item.get("DbiResourceId", ""),
            pending=tuple(sorted(item.get("PendingModifiedValues") or {})),
            parameters={group["DBParameterGroupName"]: group.get("ParameterApplyStatus", "")
                        for group in item.get("DBParameterGroups") or []}))


def _events(query: Query, database: Database, rds: Any) -> Finding[DatabaseEvents]:
    start = query.window.start - _EVENTS_SECONDS
    arguments: dict[str, Any] = {
        "SourceIdentifier": database.instance, "SourceType": "db-instance", "MaxRecords": 100,
        "StartTime": datetime.fromtimestamp(start, UTC), "EndTime": datetime.fromtimestamp(query.window.end, UTC)}
    events: list[DatabaseEvent] = []
    for _ in range(5):
        with aws.failures("RDS"):
            answer = rds.describe_events(**arguments)
        events += [DatabaseEvent(item["Date"].timestamp(), mask(str(item.get("Message", "")))[:300],
                                 tuple(item.get("EventCategories") or ())) for item in answer.get("Events", [])]
        if not answer.get("Marker"):
            break
        arguments["Marker"] = answer["Marker"]
    newest = sorted(events, key=lambda event: event.at)[-_EVENTS:]
    return Finding(
        source=SOURCE.name, window=query.window, value=float(len(events)), unit="events", link=_link(database),
        left_out=len(events) - len(newest) or None,
        query=f"aws rds describe-events --source-type db-instance --source-identifier {database.instance}",
        detail=DatabaseEvents(events=tuple(newest)))


def _metrics(query: Query, database: Database) -> list[Finding[Detail]]:
    """Return a finding per metric: the newest value, and the median before."""
    cloudwatch = aws.client("cloudwatch", max(2, int(query.deadline - time.monotonic())))
    end = query.window.end
    series: dict[str, list[tuple[float, float]]] = defaultdict(list)
    # Metrics of a high resolution are kept apart from those of a minute: the newest by ten seconds, the rest by sixty.
    for start, period in ((query.baseline.start, 60), (end - 2 * _RECENT_SECONDS, 10)):
        with aws.failures("CloudWatch"):
            answer = cloudwatch.get_metric_data(
                MetricDataQueries=[{"Id": kind.name, "MetricStat": {
                    "Metric": {"Namespace": "AWS/RDS", "MetricName": metric,
                               "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": database.instance}]},
                    "Period": period, "Stat": "Average"}} for kind, (metric, _) in _METRICS.items()],
                StartTime=datetime.fromtimestamp(start // period * period, UTC),
                EndTime=datetime.fromtimestamp(end, UTC), ScanBy="TimestampAscending")
        for result in answer.get("MetricDataResults", []):
            series[result["Id"]].extend(
                (moment.timestamp(), float(value))
                for moment, value in zip(result["Timestamps"], result["Values"], strict=False))
    return [_metric(query, database, kind, sorted(series[kind.name])) for kind in _METRICS]


def _metric(query: Query, database: Database, kind: type[Detail], points: list[tuple[float, float]]) -> Finding[Detail]:
    metric, unit = _METRICS[kind]
    before = sorted(value for at, value in points if at < query.baseline.end)
    newest = points[-1] if points else None
    status: Status = "empty" if newest is None else "ok"
    if newest is not None and newest[0] < query.window.end - 2 * _RECENT_SECONDS:
        status = "stale"
    return Finding(
        source=SOURCE.name, status=status, window=query.window, unit=unit, value=newest[1] if newest else None,
        baseline=before[len(before) // 2] if before else None,
        note="" if status == "ok" else "CloudWatch has no recent value of it",
        query=f"AWS/RDS {metric} DBInstanceIdentifier={database.instance}", link=_link(database),
        detail=Connections(maximum=database.maximum_connections) if kind is Connections else kind())


def _waits(query: Query, database: Database, resource: str) -> list[Finding[Waits]]:
    if not database.performance_insights or not resource:
        return []
    insights = aws.client("pi", max(2, int(query.deadline - time.monotonic())))
    waits, clients = (_loads(insights, resource, group, query.window.end)
                      for group in ("db.wait_event", "db.application"))
    return [Finding(
        source=SOURCE.name, window=query.window, unit="average active sessions", value=round(sum(waits.values()), 2),
        query=f"aws pi describe-dimension-keys --identifier {resource} --metric db.load.avg",
        link=_link(database), detail=Waits(waits=waits, clients=clients))]


def _loads(insights: Any, resource: str, group: str, end: float) -> dict[str, float]:
    """Return the load of the last minute by a dimension of Performance Insights, largest first."""
    with aws.failures("Performance Insights"):
        answer = insights.describe_dimension_keys(
            ServiceType="RDS", Identifier=resource, Metric="db.load.avg", PeriodInSeconds=1,
            StartTime=datetime.fromtimestamp(end - 60, UTC), EndTime=datetime.fromtimestamp(end, UTC),
            GroupBy={"Group": group, "Limit": 10})
    found: dict[str, float] = {}
    for item in answer.get("Keys", []):
        dimensions = item.get("Dimensions") or {}
        name = mask(str(dimensions.get(f"{group}.name") or next(iter(dimensions.values()), "")))[:100]
        found[name] = found.get(name, 0.0) + float(item.get("Total") or 0.0)
    return found


def _link(database: Database) -> str:
    return f"https://console.aws.amazon.com/rds/home#database:id={database.instance}"


def _statements(service: Service) -> tuple[Statement, ...]:
    if service.database is None:
        return ()
    arn = f"arn:{{partition}}:rds:{{region}}:{{account}}:db:{service.database.instance}"
    return (
        Statement(("rds:DescribeDBInstances", "rds:DescribeEvents"), (arn,)),
        METRIC_DATA,
        *((Statement(("pi:DescribeDimensionKeys",),
                     ("arn:{partition}:pi:{region}:{account}:metrics/rds/*",), why_all=(
                         "the DbiResourceId of an instance is not known before it is described")),)
          if service.database.performance_insights else ()))


SOURCE = Source(
    name="rds",
    phases=frozenset({"diagnose"}),
    collect=collect,
    configured=lambda service: service.database is not None,
    statements=_statements,
)
