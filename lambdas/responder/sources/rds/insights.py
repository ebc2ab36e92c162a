"""Performance Insights: what the sessions wait for, who holds them, and how many connections there are now.

Formats: AWS's pages "DescribeDimensionKeys", "DimensionGroup" (``db.application`` is of PostgreSQL alone, ``db.user``
of all), "GetResourceMetrics" and "Performance Insights counters" (``db.User.numbackends`` of PostgreSQL,
``db.Users.Threads_connected`` of MySQL; a value a second, where CloudWatch has one a minute).
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from responder.clients import aws
from responder.clients.databases import family
from responder.clients.failure import CallFailed
from responder.model.evidence import Detail, Finding
from responder.model.evidence.connections import Connections
from responder.model.evidence.waits import Waits
from responder.model.masking import mask
from responder.plan.database_clients import is_driver
from responder.sources import Query

_LOAD_SECONDS = 60
_RECENT_SECONDS = 30
_NEWEST = 10
"""So many of the newest seconds are averaged."""
_TYPES = frozenset({"Activity", "BufferPin", "Client", "Extension", "IO", "IPC", "LWLock", "Lock", "Timeout"})
"""PostgreSQL's types of wait events (its page "The Cumulative Statistics System")."""
_COUNTERS = {"postgres": "db.User.numbackends.avg", "mysql": "db.Users.Threads_connected.avg",
             "mariadb": "db.Users.Threads_connected.avg"}


def waits(source: str, query: Query, resource: str, engine: str, link: str) -> list[Finding[Waits]]:
    """Return what the sessions wait for; raises CallFailed. Where only the clients are not told, it says so.

    Clients are told by application where the engine can (PostgreSQL), else by the database's user, which all can.
    """
    insights = aws.client("pi", max(2, int(query.deadline - time.monotonic())))
    end = query.window.end
    found = _loads(insights, resource, "db.wait_event", end)
    clients, grouped_by, notes = dict[str, float](), "application", []
    for group in ("application", "user") if family(engine) == "postgres" else ("user",):
        try:
            clients, grouped_by = _loads(insights, resource, f"db.{group}", end), group
        except CallFailed as failed:
            notes.append(f"by {group}: {failed.note}")
            continue
        if group == "user" or not _nameless(clients):
            break
    return [Finding(
        source=source, status="partial" if notes and not clients else "ok", window=query.window,
        unit="average active sessions", value=round(sum(found.values()), 2), note="; ".join(notes), link=link,
        query=f"aws pi describe-dimension-keys --identifier {resource} --metric db.load.avg",
        detail=Waits(waits=found, clients=clients, grouped_by=grouped_by))]


def newest(query: Query, resource: str, engine: str,
           finding: Finding[Detail]) -> Finding[Detail]:
    """Return the finding of the connections with the number of these seconds; as it is where there is none."""
    counter = _COUNTERS.get(family(engine))
    if counter is None or not isinstance(finding.detail, Connections):
        return finding
    end = query.window.end
    try:
        with aws.failures("Performance Insights"):
            answer = aws.client("pi", max(2, int(query.deadline - time.monotonic()))).get_resource_metrics(
                ServiceType="RDS", Identifier=resource, PeriodInSeconds=1, MetricQueries=[{"Metric": counter}],
                StartTime=datetime.fromtimestamp(end - _RECENT_SECONDS, UTC), EndTime=datetime.fromtimestamp(end, UTC))
    except CallFailed:
        return finding
    points = [(point["Timestamp"].timestamp(), float(point["Value"])) for metric in answer.get("MetricList", [])
              for point in metric.get("DataPoints", []) if point.get("Value") is not None]
    if not points:
        return finding
    last = sorted(points)[-_NEWEST:]
    return replace(
        finding, status="ok", note="", value=round(sum(value for _, value in last) / len(last), 1),
        query=f"aws pi get-resource-metrics --identifier {resource} --metric-queries Metric={counter}",
        detail=replace(finding.detail, at=last[0][0]))


def _loads(insights: Any, resource: str, group: str, end: float) -> dict[str, float]:
    """Return the load of the last minute by a dimension of Performance Insights, largest first."""
    with aws.failures("Performance Insights"):
        answer = insights.describe_dimension_keys(
            ServiceType="RDS", Identifier=resource, Metric="db.load.avg", PeriodInSeconds=1,
            StartTime=datetime.fromtimestamp(end - _LOAD_SECONDS, UTC), EndTime=datetime.fromtimestamp(end, UTC),
            GroupBy={"Group": group, "Limit": 10})
    found: dict[str, float] = {}
    for item in answer.get("Keys", []):
        dimensions = item.get("Dimensions") or {}
        name = mask(_name(dimensions, group))[:100]
        found[name] = found.get(name, 0.0) + float(item.get("Total") or 0.0)
    return found


def _nameless(clients: dict[str, float]) -> bool:
    """Whether most of the load is of applications without a name of their own: then users tell more."""
    return sum(load for name, load in clients.items() if is_driver(name)) > 0.5 * sum(clients.values())


def _name(dimensions: dict[str, Any], group: str) -> str:
    """The name of a row; a wait event of PostgreSQL bears its type (``Lock:tuple``), with or without its own name."""
    name = str(dimensions.get(f"{group}.name") or next(iter(dimensions.values()), ""))
    kind = str(dimensions.get(f"{group}.type") or "")
    return f"{kind}:{name}" if kind in _TYPES and not name.startswith(f"{kind}:") else name
