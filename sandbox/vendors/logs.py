"""CloudWatch Logs: queries of Logs Insights over the platform's logs, as a container's agent sends them.

Formats: Amazon CloudWatch Logs API reference, "StartQuery", "GetQueryResults", "StopQuery". Lines are JSON, whose
fields are found by themselves ("Supported logs and discovered fields"), with context first and nested stack traces.
"""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sandbox.platform.telemetry import Delays, Line, Telemetry
from sandbox.vendors.expressions import Row
from sandbox.vendors.gate import Answer, Gates
from sandbox.vendors.logs_insights import COUNT, QueryError, run, shown
from sandbox.vendors.splunk_events import discovered, structured
from sandbox.vendors.wire import Refused, json_answer

LOG_GROUP = "/aws/containerinsights/payments/application"
MOST_AT_ONCE = 30
"""Queries that run at once in an account (user guide, "CloudWatch Logs quotas")."""
_KEPT_SECONDS = 900.0
"""AWS keeps results for a week ("CloudWatch Logs quotas"), and nobody here asks for them later than this."""
_SCHEDULED_SECONDS = 0.05


@dataclass
class _Query:
    """A query that was started."""

    began: float
    """``time.monotonic`` seconds."""
    rows: list[Row]
    scanned: int
    bytes: int
    takes_seconds: float
    stopped: bool = False

    @property
    def status(self) -> str:
        """Its status now."""
        if self.stopped:
            return "Cancelled"
        since = time.monotonic() - self.began
        return "Scheduled" if since < _SCHEDULED_SECONDS else "Running" if since < self.takes_seconds else "Complete"


class Logs:
    """The JSON endpoint."""

    def __init__(self, telemetry: Telemetry, gates: Gates, delays: Delays) -> None:
        self._telemetry, self._gates, self._delays = telemetry, gates, delays
        self._queries: dict[str, _Query] = {}
        self.most_at_once, self.takes_seconds = MOST_AT_ONCE, 0.3

    def answer(self, operation: str, body: bytes) -> Answer:
        """Answer one operation; raises Refused."""
        request = json.loads(body or b"{}")
        if operation == "StartQuery":
            return json_answer({"queryId": self._start(request)})
        if operation not in ("GetQueryResults", "StopQuery"):
            raise Refused("UnknownOperationException", f"Unknown operation {operation}")
        query = self._queries.get(str(request.get("queryId")))
        if query is None:
            raise Refused("ResourceNotFoundException", "Query does not exist")
        if operation == "StopQuery":
            if query.status not in ("Scheduled", "Running"):
                raise Refused("InvalidParameterException", "The query is not in running state")
            query.stopped = True
            return json_answer({"success": True})
        # Results of a query that runs are some of the rows.
        rows = query.rows if query.status == "Complete" else query.rows[:1] if query.status == "Running" else []
        return json_answer({
            "results": [shown(row) for row in rows], "status": query.status, "queryLanguage": "CWLI", "statistics": {
                "recordsMatched": float(len(query.rows)), "recordsScanned": float(query.scanned),
                "bytesScanned": float(query.bytes)}})

    def _start(self, request: dict[str, Any]) -> str:
        groups = request.get("logGroupNames") or [request[key] for key in ("logGroupName",) if request.get(key)]
        start, end, limit = request.get("startTime"), request.get("endTime"), request.get("limit", 10_000)
        if not groups or not isinstance(start, int) or not isinstance(end, int) or end < start:
            raise Refused("InvalidParameterException", "A log group and a time range are needed")
        if not 1 <= limit <= 10_000:
            raise Refused("InvalidParameterException", "limit must be between 1 and 10000")
        for group in groups:
            if group != LOG_GROUP:
                raise Refused("ResourceNotFoundException", f"Log group '{group}' does not exist for account ID")
        if sum(query.status in ("Scheduled", "Running") for query in self._queries.values()) >= self.most_at_once:
            raise Refused("LimitExceededException", "Account maximum query concurrency limit of "
                          f"[{self.most_at_once}] reached.")
        rows: list[Row] = []
        if self._gates.fault("cloudwatch_logs") != "empty":
            # The end of the time range is part of it.
            newest = min(end + 1.0, self._gates.newest("cloudwatch_logs", self._delays.splunk))
            rows = [dict(_event(line)) for line in self._telemetry.as_of(end).lines_between(start, newest)]
        scanned, size = len(rows), sum(len(row["@message"]) for row in rows)
        try:
            found = run(str(request.get("queryString", "")), rows[::-1])
        except QueryError as error:
            raise Refused("MalformedQueryException", str(error)) from error
        # The id bears its log groups, by which a call about it is authorized (``sandbox/iam/calls.py``).
        query_id = f"{uuid.uuid4()}#{','.join(groups)}"
        now = time.monotonic()
        self._queries = {name: query for name, query in self._queries.items() if now - query.began < _KEPT_SECONDS}
        self._queries[query_id] = _Query(now, _each(found)[:limit], scanned, size, self.takes_seconds)
        return query_id


def _each(rows: list[Row]) -> list[Row]:
    """Return rows one by one, where equal ones are kept as one, with no more fields than were asked for."""
    found = [row for row in rows for _ in range(int(row.get(COUNT, 1)))]
    return [{name: row.get(name) for name in row["\0shown"]} if "\0shown" in row else row for row in found]


def forget() -> None:
    """Let go of the lines of a platform that began anew."""
    _event.cache_clear()


@lru_cache(maxsize=200_000)
def _event(line: Line) -> Row:
    content = structured(line)
    return {**discovered(content), "@timestamp": line.at, "@message": json.dumps(content, separators=(",", ":")),
            COUNT: line.count}
