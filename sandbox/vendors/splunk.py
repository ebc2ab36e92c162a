"""Splunk: the search export endpoint, over the platform's logs.

Format: Splunk's REST API reference, "search/v2/jobs/export" (since 9.0.2; before that "search/jobs/export" alone), and
"Using the REST API reference" for the statuses and ``messages``. ``splunk_search.py`` and ``splunk_eval.py`` run the
search, ``splunk_events.py`` makes the events.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from sandbox.platform.telemetry import Delays, Telemetry
from sandbox.vendors.expressions import Row
from sandbox.vendors.gate import Answer, Gates
from sandbox.vendors.splunk_eval import SearchError
from sandbox.vendors.splunk_events import event, shown
from sandbox.vendors.splunk_search import commands, each, run, wanted

TOKEN = "sandbox-splunk-token-0123456789"  # noqa: S105 - of a stand-in
TOKEN_WITHOUT_SEARCH = "sandbox-splunk-token-9876543210"  # noqa: S105 - of a stand-in
"""The token of a user who may not search."""
QUOTA = 3
"""Searches that one user may run at once (authorize.conf, ``srchJobsQuota`` of the role ``user``)."""
V2 = "/services/search/v2/jobs/export"
V1 = "/services/search/jobs/export"
CONTEXT = "/services/authentication/current-context"
_OVER_QUOTA = (
    "Search not executed: The maximum number of concurrent historical searches for this user based on their role quota "
    'has been reached., concurrency_category="historical", concurrency_context="user_instance-wide", '
    "current_concurrency={0}, concurrency_limit={0}")


class Splunk:
    """The export endpoint; ``dialect`` is a value of the world's key ``splunk``."""

    def __init__(self, telemetry: Telemetry, gates: Gates, delays: Delays,
                 dialect: Callable[[], str] = lambda: "plain") -> None:
        self._telemetry, self._gates, self._delays, self._dialect = telemetry, gates, delays, dialect
        self._running, self._lock = 0, threading.Lock()
        self.quota = QUOTA

    def answer(self, headers: dict[str, str], body: bytes, path: str = V2) -> Answer:
        """Answer one POST of a search."""
        fault = self._gates.fault("splunk")
        if fault == "down":
            return Answer(0, b"")
        if fault == "slow":
            self._gates.hold("splunk")
        if fault == "throttled":
            return _messages(429, "ERROR", "Too many requests", ("Retry-After", "30"))
        token = headers.get("authorization", "").partition(" ")[2]
        if fault == "unauthorized" or token not in (TOKEN, TOKEN_WITHOUT_SEARCH):
            return _messages(401, "WARN", "call not properly authenticated")
        if urlsplit(path).path == CONTEXT:
            return self._context(token)
        # Doubled fields are of an older Splunk, which has no second version of the endpoint.
        there = (V1,) if self._dialect() == "doubled" else (V1, V2)
        if urlsplit(path).path not in there:
            return _messages(404, "ERROR", "Not Found")
        if token == TOKEN_WITHOUT_SEARCH:
            return _messages(403, "ERROR", "Action forbidden. insufficient permission to access this resource")
        with self._lock:
            self._running += 1
            over = self._running > self.quota
        try:
            if over:
                return _messages(503, "WARN", _OVER_QUOTA.format(self.quota))
            return self._searched({key: values[0] for key, values in parse_qs(body.decode()).items()}, fault)
        finally:
            with self._lock:
                self._running -= 1

    def _context(self, token: str) -> Answer:
        able = ["change_own_password", "get_metadata", "rest_properties_get"] + ["search"] * (token == TOKEN)
        return Answer(200, json.dumps({
            "links": {}, "origin": f"https://splunk.internal.example:8089{CONTEXT}", "generator": {"version": "9.3.1"},
            "entry": [{"name": "context", "content": {
                "capabilities": able, "roles": ["user"], "type": "Splunk", "username": "responder"}}]}).encode())

    def _searched(self, form: dict[str, str], fault: str) -> Answer:
        if form.get("output_mode") != "json":
            return Answer(200, b"<?xml version='1.0' encoding='UTF-8'?>\n<results preview='0'></results>", "text/xml")
        try:
            earliest, latest = float(form["earliest_time"]), float(form["latest_time"])
            if latest <= earliest:
                return _messages(400, "FATAL", "Invalid time range: earliest_time must be before latest_time.")
            for name in ("max_time", "auto_cancel"):
                if not form.get(name, "0").isdecimal():
                    return _messages(400, "ERROR", f"{name} must be a non-negative integer.")
            rows = self.run(form["search"], earliest, latest)
        except KeyError as error:
            return _messages(400, "FATAL", f"Missing argument {error}")
        except (SearchError, ValueError) as error:
            return _messages(400, "FATAL", str(error))
        lines = [json.dumps({"preview": False, "offset": offset, "result": row})
                 for offset, row in enumerate(rows)]
        if lines:
            lines[-1] = lines[-1][:-1] + ', "lastrow": true}'
        text = "\n".join(lines) + "\n" if lines else '{"preview":false,"lastrow":true}\n'
        if fault == "malformed":
            text = text[:len(text) // 2] + "\n<response><messages><msg type=\"FATAL\">"
        return Answer(200, text.encode())

    def run(self, search: str, earliest: float, latest: float) -> list[Row]:
        """Run one search; raises SearchError."""
        first, *others = commands(search)
        if not first.startswith("search "):
            raise SearchError(f"Unknown search command '{first.split()[0] if first else ''}'.")
        found, dialect = wanted(first.removeprefix("search ")), self._dialect()
        rows: list[Row] = []
        if self._gates.fault("splunk") != "empty":
            newest = self._gates.newest("splunk", self._delays.splunk)
            rows = [row for line in self._telemetry.as_of(latest).lines_between(earliest, min(latest, newest))
                    if found(row := event(line, dialect))]
        rows.reverse()  # newest first, as Splunk returns events
        for command in others:
            rows = run(command, rows)
        return shown(each(rows), dialect)


def _messages(status: int, kind: str, text: str, *headers: tuple[str, str]) -> Answer:
    return Answer(status, json.dumps({"messages": [{"type": kind, "text": text}]}).encode(), headers=headers)
