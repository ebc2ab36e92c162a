"""Queries of CloudWatch Logs Insights: begun side by side, then waited for; stopped where nobody waits any more.

Format: Amazon CloudWatch Logs API reference, "StartQuery", "GetQueryResults" (``Scheduled`` and ``Running`` first, each
row a list of ``{field, value}``, all of them texts), "StopQuery"; user guide, "Logs Insights QL" and "CloudWatch Logs
quotas" (10,000 rows, 30 queries at once, ten calls a second).
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.evidence import Status, Window
from responder.model.masking import mask
from responder.model.service import CloudWatchLogs, Service
from responder.plan.wording import count

MOST_ROWS = 10_000
_SYSTEM = "CloudWatch Logs"
_POLL_SECONDS = 0.4
_STOP_SECONDS = 0.5
"""What is left of the query's time when the last one is stopped."""
_ENDED: dict[str, Status] = {"Failed": "unavailable", "Cancelled": "unavailable", "Timeout": "timeout"}
_PLAIN = re.compile(r"@?[A-Za-z_][\w.]*", re.ASCII)
_UNNAMED = re.compile(r"[`\\\x00-\x1f\x7f]")
"""What no field's name has and no backticks keep."""
_SLASH = re.compile(r"(\\.)|/", re.DOTALL)
"""A slash that would end an expression; one behind a backslash does not, unless that stands for itself."""
_SAID_CHARACTERS = 300

Row = dict[str, str]
"""A row's fields; one that an event lacks is not there."""


class Rows(NamedTuple):
    """What a query found."""

    rows: list[Row]
    note: str = ""
    """Why there may be more; empty: these are all."""


Pending = Callable[[], Rows]
"""A query under way: called, it waits for the rows, or raises CallFailed."""


class Queries:
    """The queries of one look."""

    def __init__(self, settings: CloudWatchLogs, deadline: float, client: Any = None) -> None:
        """``deadline``: ``time.monotonic`` seconds; ``client``: boto3's, of ``logs``."""
        self.settings = settings
        self._deadline = deadline - _STOP_SECONDS
        self._client = client or aws.client("logs")
        self._running: set[str] = set()

    @property
    def link(self) -> str:
        """The page where a person queries."""
        region = self._client.meta.region_name
        return f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logsV2:logs-insights"

    def begin(self, ql: str, window: Window) -> Pending:
        """Begin a query of the events of a stretch of time; raises CallFailed."""
        query_id = self._started(ql, window)

        def wait() -> Rows:
            # The account's queries were all taken: by now some of them are over.
            return self._results(query_id or self._started(ql, window, until=self._deadline))

        return wait

    def stop(self) -> None:
        """Stop what still runs: a query is paid for by the bytes that it reads."""
        for query_id in self._running:
            with suppress(CallFailed), aws.failures(_SYSTEM):
                self._client.stop_query(queryId=query_id)

    def _started(self, ql: str, window: Window, until: float = 0.0) -> str:
        """Return the id of a new query; empty where too many run in the account, and ``until`` is over."""
        while True:
            try:
                answer = _called(lambda: self._client.start_query(
                    logGroupNames=list(self.settings.log_groups), startTime=math.floor(window.start),
                    endTime=math.ceil(window.end), queryString=ql, limit=MOST_ROWS))
            except CallFailed as failed:
                if failed.code != "LimitExceededException":
                    raise
                if time.monotonic() + _POLL_SECONDS < until:
                    time.sleep(_POLL_SECONDS)
                    continue
                if until:
                    raise CallFailed("throttled", failed.note, code=failed.code) from failed
                return ""
            self._running.add(answer["queryId"])
            return str(answer["queryId"])

    def _results(self, query_id: str) -> Rows:
        while True:
            answer = _called(lambda: self._client.get_query_results(queryId=query_id))
            status = answer.get("status")
            if status == "Complete":
                self._running.discard(query_id)
                rows = [{str(one.get("field", "")): str(one.get("value", "")) for one in row}
                        for row in answer.get("results", ())]
                return Rows(rows, f"cut at {count(MOST_ROWS)} rows" if len(rows) >= MOST_ROWS else "")
            if status in _ENDED:
                self._running.discard(query_id)
                raise CallFailed(_ENDED[status], f"{_SYSTEM}: the query ended as {status}")
            # What a query has found while it runs are not all rows: they would tell too little.
            if time.monotonic() + _POLL_SECONDS > self._deadline:
                raise CallFailed("timeout", f"{_SYSTEM} did not finish the query in time")
            time.sleep(_POLL_SECONDS)


def _called(call: Callable[[], Any]) -> Any:
    """Make a call; a refusal says what AWS says: which part of the query, or which log group, is wrong."""
    try:
        with aws.failures(_SYSTEM):
            return call()
    except CallFailed as failed:
        error = failed.__cause__
        told = error.response.get("Error", {}).get("Message", "") if isinstance(error, ClientError) else ""
        if not told or failed.status == "throttled":
            raise
        raise CallFailed(failed.status, f"{failed.note}: {mask(str(told)[:2000])[:_SAID_CHARACTERS]}", code=failed.code,
                         http_status=failed.http_status) from failed


def named(field: str) -> str:
    """Return a field's name as the query language takes it; others than letters, digits and dots need backticks."""
    return field if _PLAIN.fullmatch(field) else f"`{_UNNAMED.sub('', field)}`"


def text(value: str) -> str:
    """Return a text as a value, so that nothing in it ends the quotation marks."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'



def pattern(expression: str) -> str:
    """Return a regular expression of the query language that ignores case."""
    slashed = _SLASH.sub(lambda found: found[1] or r"\/", expression)
    return f"/(?i)({slashed})/"


def levels(settings: CloudWatchLogs) -> str:
    """Return the levels of errors as a list of the query language, in capitals."""
    return ", ".join(text(level.upper()) for level in settings.error_levels)


def events(settings: CloudWatchLogs) -> str:
    """Return the beginning of a query: the service's events, with their fields."""
    parts = ["fields @timestamp, @message"]
    parts += [f"parse {settings.parse}"] if settings.parse else []
    parts += [f"filter {settings.filter}"] if settings.filter else []
    return " | ".join(parts)


def component_of(row: Row, settings: CloudWatchLogs, service: Service) -> str:
    """Return the component whose row it is, as the configuration writes it; another name as it is."""
    name = row.get(settings.component_field, "")
    return next((known.name for known in service.components if known.name.casefold() == name.casefold()), name)


def number(row: Row, name: str, missing: float | None = None) -> float:
    """Return a field as a number, or ``missing`` where the row has none; raises CallFailed with ``malformed``."""
    value = row.get(name, "")
    if not value and missing is not None:
        return missing
    try:
        found = float(value)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise CallFailed("malformed", f"{_SYSTEM}: {name} is no number")
    return int(found) if found.is_integer() else found


def moment(value: str) -> float:
    """Return a time, in UTC as the results write it or in milliseconds since 1970; raises CallFailed.

    Seconds since 1970 (UTC); what cannot be read is malformed, never a time of 1970.
    """
    if re.fullmatch(r"\d{12,14}", value):
        return int(value) / 1000
    try:
        read = datetime.fromisoformat(value)
    except ValueError as error:
        raise CallFailed("malformed", f"{_SYSTEM}: a time is of no known form") from error
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
