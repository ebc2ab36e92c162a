"""Performance Insights: the database's load by wait event, application and user, and its number of connections.

Formats: AWS's "Amazon RDS Performance Insights API Reference": GetResourceMetrics, DescribeDimensionKeys,
DimensionGroup; "Performance Insights counters for Amazon RDS for PostgreSQL".
"""

from __future__ import annotations

import json
import math
import time
import uuid
from collections.abc import Sequence
from typing import Any

from sandbox.platform.database import Database
from sandbox.vendors.gate import Answer, Gates
from sandbox.vendors.history import History
from sandbox.vendors.rds import resource_id
from sandbox.vendors.wire import Refused, json_answer, page

_PERIODS = (1, 60, 300, 3600, 86400)
_LOADS = ("db.load.avg", "db.sampledload.avg")
_COUNTERS = ("db.User.numbackends.avg", "db.Users.Threads_connected.avg")
"""Of PostgreSQL and of MySQL; each engine knows its own."""
_GROUPS = {"db.wait_event": ("db.wait_event.name", "db.wait_event.type"),
           "db.wait_event_type": ("db.wait_event_type.name",), "db.application": ("db.application.name",),
           "db.user": ("db.user.id", "db.user.name"), "db.host": ("db.host.id", "db.host.name")}
_RETENTION_SECONDS = 7 * 86400.0
_MAX_POINTS = 3600
_LOOKS = 20
"""How many moments of a period its average is taken over, at most."""
Key = tuple[tuple[str, str], ...]
"""Pairs of dimension and value."""


class Insights:
    """The JSON endpoint."""

    def __init__(self, history: History, gates: Gates) -> None:
        self._history, self._gates = history, gates

    def answer(self, operation: str, body: bytes) -> Answer:
        """Answer one operation; raises Refused."""
        request = json.loads(body or b"{}")
        database = self._history.at(time.time())
        engine = database.engine
        asked = [request, *(request.get("MetricQueries") or [])]
        if not database.speech.group_by_application and any(
                "db.application" in json.dumps([item.get("GroupBy"), item.get("Filter")]) for item in asked):
            # DimensionGroup: "db.application ... (only Aurora PostgreSQL and RDS PostgreSQL)".
            raise _invalid(f"db.application is not a valid dimension group for engine {engine}")
        if operation == "GetResourceMetrics":
            return json_answer(self._metrics(request, _Span(request, database)))
        if operation == "DescribeDimensionKeys":
            return json_answer(self._keys(request, _Span(request, database)))
        raise Refused("UnknownOperationException", f"Unknown operation {operation}")

    def _metrics(self, request: dict[str, Any], span: _Span) -> dict[str, Any]:
        queries = request.get("MetricQueries") or []
        if not 1 <= len(queries) <= 15:
            raise _invalid("MetricQueries must have between 1 and 15 members")
        rows: list[dict[str, Any]] = []
        for query in queries:
            name = query.get("Metric", "")
            group, wanted = query.get("GroupBy"), query.get("Filter") or {}
            if name in _COUNTERS and (group or wanted):
                raise _invalid(f"{name} has no dimensions")
            if name not in (*_LOADS, self._history.at(time.time()).speech.counter):
                raise _invalid(f"{name} is not a valid metric")
            dimensions = _dimensions(group, wanted)
            series = [(stamp, self._mean(name, dimensions, wanted, (start, end), request["Identifier"], span.until))
                      for start, end, stamp in span.periods()]
            rows.append(_row({"Metric": name}, [(stamp, sum(loads.values())) for stamp, loads in series
                                                if loads is not None]))
            if group:
                for key in _top([loads for _, loads in series if loads is not None], int(group.get("Limit", 10))):
                    rows.append(_row({"Metric": name, "Dimensions": dict(key)}, [
                        (stamp, loads.get(key, 0.0)) for stamp, loads in series if loads is not None]))
        part, token = _paged([] if self._gates.fault("rds") == "empty" else rows, request)
        return {**span.said(), "Identifier": request["Identifier"], "MetricList": list(part),
                **({"NextToken": token} if token else {})}

    def _keys(self, request: dict[str, Any], span: _Span) -> dict[str, Any]:
        name, group, wanted = request.get("Metric", ""), request.get("GroupBy"), request.get("Filter") or {}
        if name not in _LOADS:
            raise _invalid(f"{name} is not a valid metric")
        if not group:
            raise _invalid("GroupBy is required")
        for left_out in ("PartitionBy", "AdditionalMetrics"):
            if request.get(left_out):
                raise _invalid(f"{left_out} is not supported for this data source")
        dimensions = _dimensions(group, wanted)
        looks = [loads for start, end, _ in span.periods()
                 if (loads := self._mean(name, dimensions, wanted, (start, end), request["Identifier"],
                                         span.until)) is not None]
        keys = [] if self._gates.fault("rds") == "empty" else [
            {"Dimensions": dict(key), "Total": sum(loads.get(key, 0.0) for loads in looks) / len(looks)}
            for key in _top(looks, int(group.get("Limit", 10)))]
        part, token = _paged(keys, request)
        return {**span.said(), "Keys": list(part), **({"NextToken": token} if token else {})}

    def _mean(self, name: str, dimensions: tuple[str, ...], wanted: dict[str, str], period: tuple[float, float],
              resource: str, asked_until: float) -> dict[Key, float] | None:
        """The average of a period by key, or None where there are no data of it."""
        newest, (start, end) = self._gates.newest("rds", 0), period
        count = max(1, min(_LOOKS, int(end - start)))
        looks = [moment for n in range(count) if (moment := start + (n + 0.5) * (end - start) / count) <= newest]
        sums: dict[Key, float] = {}
        for moment in looks:
            database = self._history.at(moment, asked_until)
            if resource != resource_id(database.writer):
                database = _reader(database)
            if name in _COUNTERS:
                values: dict[Key, float] = {(): float(sum(database.clients.values()))}
            else:
                values = _load(database, moment, dimensions, wanted)
            for key, value in values.items():
                sums[key] = sums.get(key, 0.0) + value
        return {key: value / len(looks) for key, value in sums.items()} if looks else None


class _Span:
    """The time and the resolution that a request asks for; raises Refused."""

    def __init__(self, request: dict[str, Any], database: Database) -> None:
        if request.get("ServiceType") not in ("RDS", "DOCDB"):
            raise _invalid("ServiceType must be RDS or DOCDB")
        if request.get("ServiceType") != "RDS" or request.get("Identifier") not in [
                resource_id(name) for name in database.members]:
            raise Refused("NotAuthorizedException", f"{request.get('Identifier')} is not a data source of this account")
        start, end = request.get("StartTime"), request.get("EndTime")
        if not isinstance(start, int | float) or not isinstance(end, int | float) or start >= end:
            raise _invalid("StartTime must be earlier than EndTime")
        if start < time.time() - _RETENTION_SECONDS - 3600:
            raise _invalid("StartTime can't be earlier than 7 days ago")
        self.until = float(end)
        """Where the stretch of time ends that is asked about, seconds since 1970 (UTC)."""
        self.period = request.get("PeriodInSeconds") or next(
            (period for period in _PERIODS if (end - start) / period <= 200), _PERIODS[-1])
        if self.period not in _PERIODS:
            raise _invalid(f"PeriodInSeconds must be one of {', '.join(map(str, _PERIODS))}")
        self._start = math.floor(start / self.period) * self.period
        self._end = math.ceil(end / self.period) * self.period
        if (self._end - self._start) / self.period > _MAX_POINTS:
            raise _invalid("The request asks for too many data points")
        self._at_start = request.get("PeriodAlignment") == "START_TIME"

    def periods(self) -> list[tuple[int, int, int]]:
        """Start, end and time stamp of each period."""
        return [(start, start + self.period, start if self._at_start else start + self.period)
                for start in range(self._start, self._end, self.period)]

    def said(self) -> dict[str, int]:
        """The times as the answer gives them."""
        return {"AlignedStartTime": self._start, "AlignedEndTime": self._end}


def _load(database: Database, moment: float, dimensions: tuple[str, ...], wanted: dict[str, str]) -> dict[Key, float]:
    """Average active sessions: by what they wait for, or spread over the clients by their connections."""
    waits = database.waits(moment)
    total, connections = sum(waits.values()), sum(database.clients.values()) or 1
    of = dimensions[0].rpartition(".")[0] if dimensions else _group_of(next(iter(wanted), "db.wait_event.name"))
    rows: list[tuple[dict[str, str], float]]
    if of.startswith("db.wait_event"):
        rows = [({"db.wait_event.name": name, "db.wait_event.type": _type(name),
                  "db.wait_event_type.name": _type(name)}, load) for name, load in waits.items()]
    else:
        rows = [({"db.application.name": name, "db.user.name": _user(database, name),
                  "db.host.name": _host(name), "db.host.id": uuid.uuid5(uuid.NAMESPACE_DNS, _host(name)).hex.upper(),
                  "db.user.id": uuid.uuid5(uuid.NAMESPACE_DNS, _user(database, name)).hex.upper()},
                 total * count / connections) for name, count in database.clients.items() if count]
    found: dict[Key, float] = {}
    for values, load in rows:
        if all(values.get(name) == value for name, value in wanted.items()):
            key = tuple((name, values[name]) for name in dimensions)
            found[key] = found.get(key, 0.0) + load
    return found


def _reader(database: Database) -> Database:
    """A reader of the same cluster, which does next to nothing here."""
    return Database(engine=database.engine, clients={"rdsadmin": 2})


def _type(wait: str) -> str:
    """The type of a wait event: ``Lock`` of PostgreSQL's ``Lock:tuple``, ``synch`` of MySQL's ``synch/mutex/…``."""
    return wait.partition(":" if ":" in wait else "/")[0]


def _host(application: str) -> str:
    """The address of the clients of an application: here all of them have one."""
    return f"10.0.21.{10 + sum(application.encode()) % 200}"


def _user(database: Database, application: str) -> str:
    return database.user if application == "payment-gateway" else application.replace("-", "_")


def _group_of(dimension: str) -> str:
    group = next((group for group, dimensions in _GROUPS.items() if dimension in dimensions), "")
    if not group:
        raise _invalid(f"{dimension} is not a valid dimension")
    return group


def _dimensions(group: dict[str, Any] | None, wanted: dict[str, str]) -> tuple[str, ...]:
    """The dimensions that a request groups by; a filter must be of the same group."""
    groups = {_group_of(name) for name in wanted}
    if group is None:
        if len(groups) > 1:
            raise _invalid("Filters must be of one dimension group")
        return ()
    name = group.get("Group", "")
    if name not in _GROUPS:
        raise _invalid(f"{name} is not a valid dimension group")
    if groups - {name}:
        raise _invalid("Filters must be of the dimension group that is grouped by")
    if not 1 <= int(group.get("Limit", 10)) <= 25:
        raise _invalid("Limit must be between 1 and 25")
    chosen = tuple(group.get("Dimensions") or _GROUPS[name])
    if set(chosen) - set(_GROUPS[name]):
        raise _invalid(f"{min(set(chosen) - set(_GROUPS[name]))} is not a dimension of {name}")
    return chosen


def _top(looks: Sequence[dict[Key, float]], limit: int) -> list[Key]:
    sums: dict[Key, float] = {}
    for loads in looks:
        for key, value in loads.items():
            sums[key] = sums.get(key, 0.0) + value
    return sorted(sums, key=lambda key: (-sums[key], key))[:limit]


def _row(key: dict[str, Any], points: list[tuple[int, float]]) -> dict[str, Any]:
    return {"Key": key, "DataPoints": [{"Timestamp": stamp, "Value": value} for stamp, value in points]}


def _paged(items: list[dict[str, Any]], request: dict[str, Any]) -> tuple[Sequence[dict[str, Any]], str | None]:
    size = request.get("MaxResults") or 25
    if not 1 <= size <= 25:
        raise _invalid("MaxResults must be between 0 and 25")
    try:
        return page(items, request.get("NextToken"), size)
    except ValueError as error:
        raise _invalid("NextToken is invalid") from error


def _invalid(message: str) -> Refused:
    return Refused("InvalidArgumentException", message)
