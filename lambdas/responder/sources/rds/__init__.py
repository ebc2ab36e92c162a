"""The database: what RDS says of its instance, its cluster and its proxy, their events, metrics, and waits.

Formats: AWS's pages "DescribeDBInstances", "DescribeDBClusters" and "DescribeEvents"; ``metrics.py``, ``insights.py``,
``proxy.py`` and ``clients/databases.py`` name theirs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from responder.clients import aws, databases
from responder.clients.databases import Place
from responder.clients.failure import CallFailed
from responder.model.evidence import Detail, Finding
from responder.model.evidence.database_cluster import ClusterMember, DatabaseCluster
from responder.model.evidence.database_proxy import DatabaseProxy
from responder.model.evidence.events import DatabaseEvent, DatabaseEvents
from responder.model.evidence.instance import DatabaseInstance
from responder.model.evidence.metrics import DatabaseMetrics
from responder.model.evidence.waits import Waits
from responder.model.evidence.wear import Wear
from responder.model.masking import mask
from responder.model.service import Database, Service
from responder.sources import (
    METRIC_DATA,
    RDS_EVENTS,
    Budget,
    Query,
    Source,
    Statement,
    asked_as,
    collect_independently,
    database_reading,
    of_account,
    shared_findings,
)
from responder.sources.rds import balances, insights, metrics, proxy

_EVENTS_SECONDS = 1800.0
"""How long before the window events are looked for."""
_EVENTS = 50


def collect(query: Query) -> list[Finding[Detail]]:
    """Return what ``_collect`` does; services with the same database share it. Raises CallFailed."""
    if query.service.database is None:
        raise CallFailed("unavailable", "no database is configured")
    return [_within(finding) for finding in shared_findings(query, _key(query), _collect)]


def _key(query: Query) -> str:
    """All that the findings depend on but the window: a baseline is one of whole minutes."""
    before = query.baseline
    return f"rds/{asked_as(query.service, query.service.database, [before.start // 60, before.end // 60])}"


def _within(finding: Finding[Detail]) -> Finding[Detail]:
    """Leave out the events that another incident has asked for as well."""
    if not isinstance(finding.detail, DatabaseEvents) or not finding.usable or finding.window is None:
        return finding
    window = finding.window
    events = tuple(event for event in finding.detail.events
                   if window.start - _EVENTS_SECONDS <= event.at <= window.end)
    return replace(finding, value=float(len(events) + (finding.left_out or 0)), detail=DatabaseEvents(events=events))


def _collect(query: Query) -> list[Finding[Detail]]:
    """Return ``instance``, ``database_cluster``, ``database_proxy``, ``events``, one finding per metric and ``waits``.

    A database that RDS does not know, or whose engine is not supported, is said to be so by each finding: nothing that
    RDS says of it (no failover, say) is then an observation. Raises CallFailed.
    """
    database = query.service.database
    if database is None:
        raise CallFailed("unavailable", "no database is configured")
    rds = aws.client("rds", max(2, int(query.deadline - time.monotonic())))
    place = databases.place(rds, database)
    unknown = _unknown(place, database)
    if unknown:
        return [Finding(source=SOURCE.name, detail=kind(), status="unavailable" if place.engine else "empty",
                        window=query.window, note=unknown, query=_command(database))
                for kind in (DatabaseInstance, DatabaseEvents, DatabaseMetrics, Waits)]
    written = place.instance if place.instance and place.instance.name == place.writer else None
    resource = written.resource if written and database.performance_insights else ""
    return [_instance(query, database, place), *collect_independently(SOURCE.name, query, {
        DatabaseCluster: lambda: _cluster(query, place),
        DatabaseProxy: lambda: proxy.collect(SOURCE.name, query, rds, database.proxy) if database.proxy else [],
        DatabaseEvents: lambda: [_events(query, database, place, rds)],
        DatabaseMetrics: lambda: _metrics(query, database, place, resource),
        Waits: lambda: insights.waits(SOURCE.name, query, resource, place.engine, _link(database, place))
        if resource else [],
        Wear: lambda: [balances.finding(SOURCE.name, query, place.writer or database.instance, _link(
            database, place))]})]


def _unknown(place: Place, database: Database) -> str:
    """Say why nothing can be told of the database; empty where it can."""
    if place.instance is None and place.cluster is None:
        named = [f"instance {database.instance}"] * bool(database.instance) + [
            f"DB cluster {database.cluster}"] * bool(database.cluster)
        return place.note or f"RDS knows no {' and no '.join(named)}"
    reason = databases.unsupported(place.engine)
    return f"the database {database.name} is not supported: {reason}" if reason else ""


def _instance(query: Query, database: Database, place: Place) -> Finding[DatabaseInstance]:
    found = place.instance
    if found is None:
        return Finding(source=SOURCE.name, detail=DatabaseInstance(), status="empty", window=query.window,
                       query=_command(database), note=place.note or "the instance that takes writes is not known")
    return Finding(
        source=SOURCE.name, window=query.window, link=_link(database, place), note=place.note,
        status="partial" if place.note else "ok",
        query=f"aws rds describe-db-instances --db-instance-identifier {found.name}",
        detail=DatabaseInstance(
            status=found.status, multi_az=found.multi_az, zone=found.zone, instance_class=found.instance_class,
            # Aurora tells 1 GiB for each of its instances, whose storage is the cluster's.
            allocated_gib=None if found.engine.startswith("aurora") else found.gib, resource=found.resource,
            pending=found.pending, parameters=found.parameters, engine=found.engine, cluster=found.cluster))


def _cluster(query: Query, place: Place) -> list[Finding[Detail]]:
    cluster = place.cluster
    if cluster is None:
        return []
    status = {one.name: one.status for one in place.instances}
    readers = [member.name for member in cluster.members if not member.writer]
    notes = [place.note] * bool(place.note)
    lags: dict[str, float] = {}
    if readers:
        try:
            lags = metrics.lags(query, readers)
        except CallFailed as failed:
            notes.append(f"how far readers are behind: {failed.note}")
    return [Finding(
        source=SOURCE.name, window=query.window, status="partial" if notes else "ok", note="; ".join(notes),
        query=f"aws rds describe-db-clusters --db-cluster-identifier {cluster.name}",
        link=f"https://console.aws.amazon.com/rds/home#database:id={cluster.name};is-cluster=true",
        detail=DatabaseCluster(cluster.name, cluster.status, tuple(
            ClusterMember(member.name, member.writer, status.get(member.name, ""), lags.get(member.name))
            for member in cluster.members)))]


def _events(query: Query, database: Database, place: Place, rds: Any) -> Finding[DatabaseEvents]:
    """Return the events of the cluster, of the instance that writes and of the configured one, oldest first."""
    instances = dict.fromkeys(name for name in (place.writer, database.instance) if name)
    # A cluster that could not be described has events all the same, and they are where its failovers are told.
    cluster = place.cluster.name if place.cluster else place.instance.cluster if place.instance else ""
    told = [("db-cluster", cluster)] if cluster else []
    told += [("db-instance", name) for name in instances]
    events = [event for kind, name in told for event in _told(query, rds, kind, name)]
    newest = sorted(events, key=lambda event: event.at)[-_EVENTS:]
    return Finding(
        source=SOURCE.name, window=query.window, value=float(len(events)), unit="events", link=_link(database, place),
        left_out=len(events) - len(newest) or None,
        query="; ".join(f"aws rds describe-events --source-type {kind} --source-identifier {name}"
                        for kind, name in told),
        detail=DatabaseEvents(events=tuple(newest)))


def _told(query: Query, rds: Any, kind: str, name: str) -> Iterator[DatabaseEvent]:
    start = query.window.start - _EVENTS_SECONDS
    arguments: dict[str, Any] = {
        "SourceIdentifier": name, "SourceType": kind, "MaxRecords": 100,
        "StartTime": datetime.fromtimestamp(start, UTC), "EndTime": datetime.fromtimestamp(query.window.end, UTC)}
    for _ in range(5):
        with aws.failures("RDS"):
            answer = rds.describe_events(**arguments)
        for item in answer.get("Events", []):
            yield DatabaseEvent(item["Date"].timestamp(), mask(str(item.get("Message", "")))[:300],
                                tuple(item.get("EventCategories") or ()), str(item.get("EventID") or ""))
        if not answer.get("Marker"):
            break
        arguments["Marker"] = answer["Marker"]


def _metrics(query: Query, database: Database, place: Place, resource: str) -> list[Finding[Detail]]:
    found = metrics.collect(SOURCE.name, query, database, place.writer or database.instance, place.engine,
                            _link(database, place))
    return [insights.newest(query, resource, place.engine, finding) for finding in found] if resource else found


def _link(database: Database, place: Place) -> str:
    name = place.writer or database.instance
    return f"https://console.aws.amazon.com/rds/home#database:id={name}"


def _command(database: Database) -> str:
    return (f"aws rds describe-db-instances --db-instance-identifier {database.instance}" if database.instance
            else f"aws rds describe-db-clusters --db-cluster-identifier {database.cluster}")


def _statements(service: Service) -> tuple[Statement, ...]:
    database = service.database
    if database is None:
        return ()
    return (
        *database_reading(database),
        *proxy.statements(database),
        RDS_EVENTS,
        METRIC_DATA,
        *((Statement(("pi:DescribeDimensionKeys", "pi:GetResourceMetrics"),
                     ("arn:{partition}:pi:{region}:{account}:metrics/rds/*",), why_all=(
                         "the DbiResourceId of an instance is not known before it is described")),)
          if database.performance_insights else ()))


SOURCE = Source(
    name="rds",
    phases=frozenset({"diagnose"}),
    collect=collect,
    configured=lambda service: service.database is not None,
    statements=_statements,
    now_only=frozenset({DatabaseInstance, DatabaseCluster, DatabaseProxy}),
    budget=Budget(
        "RDS Describe calls", 10.0, 1.0, "no number is documented (AWS: Quotas and constraints for Amazon RDS); "
        "of GetMetricData a look makes four calls", a_look=lambda query: 11, scope=of_account),
    shared=lambda query: (_key(query),),
)
