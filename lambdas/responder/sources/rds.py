"""The database instance: what RDS says of it, its events, its metrics, and what it waits for.

Formats: AWS's pages "DescribeDBInstances", "DescribeEvents", "Amazon CloudWatch metrics for Amazon RDS" and
"GetResourceMetrics" (Performance Insights).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.finding import Finding, Status
from responder.model.masking import mask
from responder.model.service import Database, Service
from responder.sources import METRIC_DATA, Query, Source, Statement, collect_independently

_METRICS = {"connections": "DatabaseConnections", "cpu": "CPUUtilization", "free_storage": "FreeStorageSpace",
            "free_memory": "FreeableMemory", "read_latency": "ReadLatency", "write_latency": "WriteLatency",
            "replica_lag": "ReplicaLag"}
_UNITS = {"connections": "connections", "cpu": "%", "free_storage": "bytes", "free_memory": "bytes",
          "read_latency": "s", "write_latency": "s", "replica_lag": "s"}
_EVENTS_SECONDS = 1800.0
_RECENT_SECONDS = 90.0


def collect(query: Query) -> list[Finding]:
    """Return ``instance``, ``events``, one finding per metric and ``waits``; raises CallFailed.

    ``instance``: detail has ``status``, ``multi_az``, ``zone``, ``allocated_gib``, ``class``, ``pending`` and
    ``parameters`` {group: apply status}. ``events``: detail ``events`` [{at, message, categories}] of the last half
    hour. Metrics: value is the newest, baseline the median before. ``waits``: detail ``waits`` and ``clients``
    {name: average active sessions}, largest first.
    """
    database = query.service.database
    if database is None:
        raise CallFailed("unavailable", "no database is configured")
    left = max(2, int(query.deadline - time.monotonic()))
    rds = aws.client("rds", left)
    instance = _instance(query, database, rds)
    return [instance, *collect_independently(SOURCE.name, query, {
        "events": lambda: _events(query, database, rds),
        "metrics": lambda: _metrics(query, database),
        "waits": lambda: _waits(query, database, str(instance.detail.get("resource") or ""))})]


def _instance(query: Query, database: Database, rds: Any) -> Finding:
    with aws.failures("RDS"):
        found = rds.describe_db_instances(DBInstanceIdentifier=database.instance)["DBInstances"]
    command = f"aws rds describe-db-instances --db-instance-identifier {database.instance}"
    if not found:
        return Finding(SOURCE.name, "instance", "empty", window=query.window, query=command,
                       note=f"RDS knows no instance {database.instance}")
    item = found[0]
    return Finding(
        SOURCE.name, "instance", window=query.window, query=command, link=_link(database), detail={
            "status": str(item.get("DBInstanceStatus", "")), "multi_az": bool(item.get("MultiAZ")),
            "zone": item.get("AvailabilityZone", ""), "allocated_gib": item.get("AllocatedStorage"),
            "instance_class": item.get("DBInstanceClass", ""), "resource": item.get("DbiResourceId", ""),
            "pending": sorted(item.get("PendingModifiedValues") or {}),
            "parameters": {group["DBParameterGroupName"]: group.get("ParameterApplyStatus", "")
                           for group in item.get("DBParameterGroups") or []}})


def _events(query: Query, database: Database, rds: Any) -> list[Finding]:
    start = query.window.start - _EVENTS_SECONDS
    arguments: dict[str, Any] = {
        "SourceIdentifier": database.instance, "SourceType": "db-instance", "MaxRecords": 100,
        "StartTime": datetime.fromtimestamp(start, UTC), "EndTime": datetime.fromtimestamp(query.window.end, UTC)}
    events: list[dict[str, Any]] = []
    for _ in range(5):
        with aws.failures("RDS"):
            answer = rds.describe_events(**arguments)
        events += [{"at": item["Date"].timestamp(), "message": mask(str(item.get("Message", "")))[:300],
                    "categories": list(item.get("EventCategories") or [])} for item in answer.get("Events", [])]
        if not answer.get("Marker"):
            break
        arguments["Marker"] = answer["Marker"]
    return [Finding(SOURCE.name, "events", window=query.window, value=float(len(events)), unit="events",
                    query=f"aws rds describe-events --source-type db-instance --source-identifier {database.instance}",
                    link=_link(database), detail={"events": sorted(events, key=lambda event: event["at"])[-50:]})]


def _metrics(query: Query, database: Database) -> list[Finding]:
    cloudwatch = aws.client("cloudwatch", max(2, int(query.deadline - time.monotonic())))
    end = query.window.end
    series: dict[str, list[tuple[float, float]]] = {name: [] for name in _METRICS}
    # Metrics of a high resolution are kept apart from those of a minute: the newest by ten seconds, the rest by sixty.
    for start, period in ((query.baseline.start, 60), (end - 2 * _RECENT_SECONDS, 10)):
        with aws.failures("CloudWatch"):
            answer = cloudwatch.get_metric_data(
                MetricDataQueries=[{"Id": name, "MetricStat": {
                    "Metric": {"Namespace": "AWS/RDS", "MetricName": metric,
                               "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": database.instance}]},
                    "Period": period, "Stat": "Average"}} for name, metric in _METRICS.items()],
                StartTime=datetime.fromtimestamp(start // period * period, UTC),
                EndTime=datetime.fromtimestamp(end, UTC), ScanBy="TimestampAscending")
        for result in answer.get("MetricDataResults", []):
            series.setdefault(result["Id"], []).extend(
                (moment.timestamp(), float(value))
                for moment, value in zip(result["Timestamps"], result["Values"], strict=False))
    findings = []
    for name, metric in _METRICS.items():
        points = sorted(series[name])
        before = sorted(value for at, value in points if at < query.baseline.end)
        newest = points[-1] if points else None
        status: Status = "empty" if newest is None else "stale" if newest[0] < end - 2 * _RECENT_SECONDS else "ok"
        findings.append(Finding(
            SOURCE.name, name, status, window=query.window, unit=_UNITS[name],
            value=newest[1] if newest else None, baseline=before[len(before) // 2] if before else None,
            note="" if status == "ok" else "CloudWatch has no recent value of it",
            query=f"AWS/RDS {metric} DBInstanceIdentifier={database.instance}", link=_link(database),
            detail={"maximum": database.maximum_connections} if name == "connections" else {}))
    return findings


def _waits(query: Query, database: Database, resource: str) -> list[Finding]:
    if not database.performance_insights or not resource:
        return []
    insights = aws.client("pi", max(2, int(query.deadline - time.monotonic())))
    end = query.window.end
    loads: dict[str, dict[str, float]] = {}
    for key, group in (("waits", "db.wait_event"), ("clients", "db.application")):
        with aws.failures("Performance Insights"):
            answer = insights.describe_dimension_keys(
                ServiceType="RDS", Identifier=resource, Metric="db.load.avg", PeriodInSeconds=1,
                StartTime=datetime.fromtimestamp(end - 60, UTC), EndTime=datetime.fromtimestamp(end, UTC),
                GroupBy={"Group": group, "Limit": 10})
        found = loads.setdefault(key, {})
        for item in answer.get("Keys", []):
            dimensions = item.get("Dimensions") or {}
            name = mask(str(dimensions.get(f"{group}.name") or next(iter(dimensions.values()), "")))[:100]
            found[name] = found.get(name, 0.0) + float(item.get("Total") or 0.0)
    return [Finding(SOURCE.name, "waits", window=query.window, unit="average active sessions",
                    value=round(sum(loads["waits"].values()), 2),
                    query=f"aws pi describe-dimension-keys --identifier {resource} --metric db.load.avg",
                    link=_link(database), detail=loads)]


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
