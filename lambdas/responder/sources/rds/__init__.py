"""The database instance: what RDS says of it, its events, its metrics, and what it waits for.

Formats: AWS's pages "DescribeDBInstances" and "DescribeEvents"; ``metrics.py`` and ``insights.py`` name theirs.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.evidence import Detail, Finding
from responder.model.evidence.events import DatabaseEvent, DatabaseEvents
from responder.model.evidence.instance import DatabaseInstance
from responder.model.evidence.metrics import DatabaseMetrics
from responder.model.evidence.waits import Waits
from responder.model.masking import mask
from responder.model.service import Database, Service
from responder.sources import METRIC_DATA, RDS_EVENTS, Query, Source, Statement, collect_independently
from responder.sources.rds import insights, metrics

_EVENTS_SECONDS = 1800.0
"""How long before the window events are looked for."""
_EVENTS = 50


def collect(query: Query) -> list[Finding[Detail]]:
    """Return ``instance``, ``events``, one finding per metric and ``waits``; raises CallFailed."""
    database = query.service.database
    if database is None:
        raise CallFailed("unavailable", "no database is configured")
    left = max(2, int(query.deadline - time.monotonic()))
    rds = aws.client("rds", left)
    item = _described(database, rds)
    instance, engine = _instance(query, database, item), str(item.get("Engine", ""))
    resource = instance.detail.resource if database.performance_insights else ""
    return [instance, *collect_independently(SOURCE.name, query, {
        DatabaseEvents: lambda: [_events(query, database, rds)],
        DatabaseMetrics: lambda: _metrics(query, database, resource, engine),
        Waits: lambda: insights.waits(SOURCE.name, query, resource, engine, _link(database)) if resource else []})]


def _described(database: Database, rds: Any) -> dict[str, Any]:
    with aws.failures("RDS"):
        found = rds.describe_db_instances(DBInstanceIdentifier=database.instance)["DBInstances"]
    return dict(found[0]) if found else {}


def _instance(query: Query, database: Database, item: dict[str, Any]) -> Finding[DatabaseInstance]:
    command = f"aws rds describe-db-instances --db-instance-identifier {database.instance}"
    if not item:
        return Finding(source=SOURCE.name, detail=DatabaseInstance(), status="empty", window=query.window,
                       query=command, note=f"RDS knows no instance {database.instance}")
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


def _metrics(query: Query, database: Database, resource: str, engine: str) -> list[Finding[Detail]]:
    found = metrics.collect(SOURCE.name, query, database, _link(database))
    return [insights.newest(query, resource, engine, finding) for finding in found] if resource else found


def _link(database: Database) -> str:
    return f"https://console.aws.amazon.com/rds/home#database:id={database.instance}"


def _statements(service: Service) -> tuple[Statement, ...]:
    if service.database is None:
        return ()
    arn = f"arn:{{partition}}:rds:{{region}}:{{account}}:db:{service.database.instance}"
    return (
        Statement(("rds:DescribeDBInstances",), (arn,)),
        RDS_EVENTS,
        METRIC_DATA,
        *((Statement(("pi:DescribeDimensionKeys", "pi:GetResourceMetrics"),
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
