"""New Relic: NerdGraph with the NRQL that its documentation describes, over the platform's transactions.

Formats: New Relic's pages "NerdGraph tutorial: Query your data using NRQL", "NRQL reference", "NerdGraph usage limits",
"Set a query's time range".
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sandbox.platform.telemetry import Delays, Edge, Telemetry, Transactions
from sandbox.vendors.gate import Answer, Gates

KEY = "NRAK-SANDBOX0000000000000000000"
ACCOUNT = 1234567
_MAX_BUCKETS = 366
_DEFAULT_FACETS = 10


class NrqlError(Exception):
    """A query that New Relic would refuse."""


class NewRelic:
    """The GraphQL endpoint."""

    def __init__(self, telemetry: Telemetry, gates: Gates, delays: Delays) -> None:
        self._telemetry, self._gates, self._delays = telemetry, gates, delays
        self.deployments: list[Row] = []
        """Change tracking's deployment markers."""
        self.issues: list[dict[str, Any]] = []
        """Open and closed issues, as ``aiIssues`` gives them."""

    def reset(self) -> None:
        """Forget deployments and issues."""
        self.deployments.clear()
        self.issues.clear()

    def mark(self, component: str, version: str) -> None:
        """Set a deployment marker, as a pipeline does."""
        self.deployments.append(Row(time.time(), {"entity.name": component, "version": version,
                                                  "deploymentType": "ROLLING", "user": "deployer"}, 1, ()))

    def answer(self, headers: dict[str, str], body: bytes) -> Answer:
        """Answer one POST of a GraphQL query."""
        fault = self._gates.fault("newrelic")
        if fault == "down":
            return Answer(0, b"")
        if fault == "slow":
            self._gates.hold("newrelic")
        if fault == "throttled":
            return _json(429, {"errors": [{"message": "Too many requests", "extensions": {
                "errorClass": "TOO_MANY_REQUESTS"}}]}, ("Retry-After", "30"))
        if fault == "malformed":
            return Answer(200, b"<html><body>upstream connect error</body></html>", "text/html")
        if fault == "unauthorized" or headers.get("api-key") != KEY:
            return _json(401, {"errors": [{"message": "The API key provided is invalid", "extensions": {
                "errorClass": "UNAUTHENTICATED"}}]})
        try:
            request = json.loads(body)
            account, queries = _parse(request["query"], request.get("variables") or {})
        except (ValueError, KeyError, TypeError) as error:
            return _json(200, {"errors": [{"message": f"Parse error: {error}", "extensions": {
                "errorClass": "GRAPHQL_PARSE_ERROR"}}]})
        if account != ACCOUNT:
            return _json(200, {"data": {"actor": {"account": None}}, "errors": [{
                "message": "Access denied.", "path": ["actor", "account"],
                "extensions": {"errorClass": "ACCESS_DENIED"}}]})
        fields: dict[str, Any] = {}
        errors = []
        if re.search(r"\baiIssues\b", request["query"]):
            stopped = self._gates.fault("newrelic") == "empty"
            fields["aiIssues"] = {"issues": {"issues": [] if stopped else self.issues, "nextCursor": None}}
        for alias, nrql in queries.items():
            try:
                fields[alias] = {"results": self.run(nrql)}
            except NrqlError as error:
                fields[alias] = None
                errors.append({"message": str(error), "path": ["actor", "account", alias],
                               "extensions": {"errorClass": "INVALID_INPUT"}})
        return _json(200, {"data": {"actor": {"account": fields}}, **({"errors": errors} if errors else {})})

    def run(self, nrql: str) -> list[dict[str, Any]]:
        """Run one NRQL query; raises NrqlError."""
        query = parse(nrql)
        rows: list[Row] = []
        if self._gates.fault("newrelic") != "empty":
            newest = min(query.until, self._gates.newest("newrelic", self._delays.newrelic))
            rows = [row for row in self._rows(query.event, query.begins, newest) if query.where(row.attributes)]
        if query.raw:
            return [{"timestamp": int(row.at * 1000), **row.attributes}
                    for row in sorted(rows, key=lambda row: -row.at)[:query.limit]]
        groups: dict[tuple[Any, ...], list[Row]] = {}
        bucket = query.bucket
        for row in rows:
            facet = tuple(row.attributes.get(name) for name in query.facets)
            if None in facet:
                continue
            start = query.begins + (row.at - query.begins) // bucket * bucket if bucket else query.since
            groups.setdefault((facet, start), []).append(row)
        sizes: dict[tuple[Any, ...], float] = {}
        for (facet, _), found in groups.items():
            sizes[facet] = sizes.get(facet, 0) + sum(row.count for row in found)
        facets = sorted(sizes, key=lambda facet: -sizes[facet])[:query.limit]
        if not query.facets and not bucket:
            return [{name: function(groups.get(((), query.since), [])) for name, function in query.select.items()}]
        results = []
        for facet in facets or ([()] if not query.facets else []):
            starts = [query.begins + n * bucket for n in range(query.buckets)] if bucket else [query.since]
            for start in starts:
                matching = groups.get((facet, start), [])
                result: dict[str, Any] = {name: function(matching) for name, function in query.select.items()}
                if query.facets:
                    result |= {"facet": list(facet) if len(facet) > 1 else facet[0]}
                    result |= dict(zip(query.facets, facet, strict=True))
                if bucket:
                    result |= {"beginTimeSeconds": int(start), "endTimeSeconds": int(start + bucket)}
                results.append(result)
        return results

    def _rows(self, event: str, since: float, until: float) -> Iterator[Row]:
        """Yield what NRDB holds of an event type in a stretch of time."""
        if event == "Transaction":
            for item in self._telemetry.between(since, until):
                yield from _transactions(item)
        elif event == "Span":
            for edge in self._telemetry.edges_between(since, until):
                # Kept with the edge, because every query reads all of them again.
                yield from edge.kept(_spans)
        elif event == "Deployment":
            for marker in self.deployments:
                if since <= marker.at < until:
                    yield marker


@lru_cache(maxsize=100_000)
def _transactions(item: Transactions) -> tuple[Row, ...]:
    common = {"appName": item.component, "service.version": item.version, "host": item.host}
    well = item.requests - item.errors
    # All latencies belong to the larger part: percentiles are taken over both.
    return tuple(Row(item.at, common | extra, count, item.latencies_ms if larger else ()) for extra, count, larger in (
        ({}, well, well >= item.errors), ({"error": True}, item.errors, well < item.errors)) if count)


def _spans(edge: Edge) -> tuple[Row, ...]:
    calls = edge.calls
    datastore = edge.callee.startswith("payments-db")
    common = {"appName": edge.component, "service.version": edge.version, "host": edge.pod,
              "category": "datastore" if datastore else "http", "span.kind": "client",
              "server.address": edge.callee, **({"db.system": "postgresql"} if datastore else {})}
    mean = (calls.milliseconds / calls.count,) if calls.count else ()
    found = [Row(edge.at, common, calls.count - calls.failed, mean)] if calls.count > calls.failed else []
    return (*found, *(Row(edge.at, common | {"error.class": _class_of(kind), "error.message": kind}, count, mean)
                      for kind, count in calls.kinds.items()))


def _class_of(kind: str) -> str:
    status = re.match(r"HTTP (\d+)", kind)
    return status[1] if status else "Error"


@dataclass(frozen=True)
class Row:
    """A number of events with the same attributes."""

    at: float
    attributes: dict[str, Any]
    count: int
    latencies_ms: tuple[float, ...]


Condition = Callable[[dict[str, Any]], bool]
Measure = Callable[[list[Row]], Any]


@dataclass(frozen=True)
class Query:
    """A parsed NRQL query."""

    event: str
    raw: bool
    """Whether events are listed and not aggregated."""
    select: dict[str, Measure]
    where: Condition
    facets: list[str]
    since: float
    until: float
    bucket: float
    limit: int

    @property
    def buckets(self) -> int:
        """How many whole buckets there are."""
        return int((self.until - self.since + 1e-3) // self.bucket)

    @property
    def begins(self) -> float:
        """Where its data begin: buckets are laid from the end, and one that is not whole is left out."""
        return self.until - self.buckets * self.bucket if self.bucket else self.since


_CLAUSES = re.compile(
    r"\b(SELECT|FROM|WHERE|FACET|SINCE|UNTIL|TIMESERIES|LIMIT)\b(?=(?:[^'`]|'(?:[^'\\]|\\.)*'|`[^`]*`)*$)")
_FUNCTION = re.compile(r"^(.*?)(?:\s+AS\s+[`']?(\w+)[`']?)?$", re.I | re.S)


def parse(nrql: str) -> Query:
    """Parse the part of NRQL that the stand-in knows; raises NrqlError for anything else, as New Relic does."""
    # Parentheses hide their contents from the clauses: filter(count(*), WHERE …).
    depth, plain = 0, []
    for character in nrql:
        depth += (character == "(") - (character == ")")
        plain.append("\0" if depth > 0 and character != "(" else character)
    marks = [(found.start(), found.end(), found[1].upper()) for found in _CLAUSES.finditer("".join(plain))]
    if not marks or {"SELECT", "FROM"} - {mark[2] for mark in marks}:
        raise NrqlError("NRQL Syntax Error: Error at line 1 position 1, expected SELECT and FROM")
    clauses = {mark[2]: nrql[mark[1]:following[0]].strip()
               for mark, following in zip(marks, [*marks[1:], (len(nrql), 0, "")], strict=True)}
    now = time.time()
    since, until = _moment(clauses.get("SINCE", "1 hour ago"), now), _moment(clauses.get("UNTIL", "now"), now)
    bucket = 0.0
    if "TIMESERIES" in clauses:
        bucket = _span(clauses["TIMESERIES"] or "1 minute")
        if (until - since) / bucket > _MAX_BUCKETS:
            raise NrqlError(f"NRQL Syntax Error: TIMESERIES has more than {_MAX_BUCKETS} buckets")
    limit = clauses.get("LIMIT", str(_DEFAULT_FACETS))
    where = _condition(clauses["WHERE"]) if "WHERE" in clauses else (lambda row: True)
    raw = "(" not in clauses["SELECT"]
    return Query(clauses["FROM"].split()[0].strip("`"), raw, {} if raw else _select(clauses["SELECT"]), where,
                 [part.strip().strip("`") for part in clauses.get("FACET", "").split(",") if part.strip()],
                 since, until, bucket, 5000 if limit.upper() == "MAX" else int(limit))


def _select(text: str) -> dict[str, Measure]:
    found: dict[str, Measure] = {}
    for part in _split(text, ","):
        match = _FUNCTION.match(part.strip())
        assert match
        call, alias = match[1].strip(), match[2]
        found[alias or re.sub(r"\(.*", "", call)] = _measure(call)
    return found


def _measure(call: str) -> Measure:
    name, _, rest = call.partition("(")
    arguments = [part.strip() for part in _split(rest[:-1], ",")] if rest else []
    match name.strip().lower():
        case "count":
            return lambda rows: sum(row.count for row in rows)
        case "filter":
            if arguments[0].startswith("count("):
                condition = _condition(arguments[1].strip().removeprefix("WHERE").strip())
                return lambda rows: sum(row.count for row in rows if condition(row.attributes))
        case "average":
            return lambda rows: (sum(sum(row.latencies_ms) for row in rows) / 1000
                                 / (sum(len(row.latencies_ms) for row in rows) or 1))
        case "percentile":
            share = float(arguments[1])

            def percentile(rows: list[Row]) -> dict[str, float | None]:
                values = sorted(value for row in rows for value in row.latencies_ms)
                place = min(len(values) - 1, int(len(values) * share / 100)) if values else 0
                return {f"{share:g}": values[place] / 1000 if values else None}

            return percentile
    raise NrqlError(f"NRQL Syntax Error: unknown function {call!r}")


_TEXT = r"'((?:[^'\\]|\\.)*)'"


def _condition(text: str) -> Condition:
    tests: list[Condition] = []
    for part in re.split(r"\s+AND\s+(?=(?:[^']|'[^']*')*$)", text):
        tests.append(_test(part.strip()))
    return lambda row: all(test(row) for test in tests)


def _test(part: str) -> Condition:
    found = re.fullmatch(r"`?([\w.]+)`?\s+IN\s*\((.*)\)", part, re.I | re.S)
    if found:
        name = found[1]
        values = {re.sub(r"\\(.)", r"\1", value) for value in re.findall(_TEXT, found[2])}
        return lambda row: row.get(name) in values
    found = re.fullmatch(rf"`?([\w.]+)`?\s*(!?=)\s*{_TEXT}", part, re.S)
    if found:
        name, same, value = found[1], found[2] == "=", re.sub(r"\\(.)", r"\1", found[3])
        return lambda row: (row.get(name) == value) is same
    found = re.fullmatch(r"`?([\w.]+)`?\s+(?:IS|=)\s+(NOT\s+)?(NULL|true|false)", part, re.I)
    if found:
        name, negated, word = found[1], bool(found[2]), found[3].lower()
        return lambda row: (row.get(name) is None if word == "null" else
                            bool(row.get(name)) is (word == "true")) is not negated
    raise NrqlError(f"NRQL Syntax Error: cannot read the condition {part!r}")


def _moment(text: str, now: float) -> float:
    text = text.strip()
    if text.lower() == "now":
        return now
    if re.fullmatch(r"\d{10,}", text):
        return int(text) / 1000 if len(text) >= 13 else int(text)
    ago = re.fullmatch(r"(.*)\s+ago", text, re.I)
    if ago:
        return now - _span(ago[1])
    raise NrqlError(f"NRQL Syntax Error: cannot read the time {text!r}")


def _span(text: str) -> float:
    found = re.fullmatch(r"(\d+)\s*(second|minute|hour|day)s?", text.strip(), re.I)
    if not found:
        raise NrqlError(f"NRQL Syntax Error: cannot read the span {text!r}")
    return int(found[1]) * {"second": 1, "minute": 60, "hour": 3600, "day": 86400}[found[2].lower()]


def _split(text: str, separator: str) -> list[str]:
    parts, depth, current = [], 0, ""
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == separator and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += character
    return [*parts, current]


_FIELD = re.compile(r"(\w+)\s*:\s*nrql\s*\(\s*query:\s*(\$\w+|\"(?:[^\"\\]|\\.)*\")[^)]*\)\s*\{([^}]*)\}")


def _parse(query: str, variables: dict[str, Any]) -> tuple[int, dict[str, str]]:
    """Read the account and the aliased ``nrql`` fields of a GraphQL query."""
    if not isinstance(query, str) or query.count("{") != query.count("}"):
        raise ValueError("syntax error")
    account = re.search(r"account\s*\(\s*id:\s*(\$?\w+)\s*\)", query)
    if not account:
        raise ValueError('Field "account" argument "id" of type "Int!" is required')
    name = account[1]
    number = variables[name[1:]] if name.startswith("$") else int(name)
    text = re.sub(r"(?<![:\w])\s*nrql\s*\(", " nrql: nrql(", query) if ": nrql" not in query else query
    fields = {}
    for alias, value, selection in _FIELD.findall(text):
        if "results" not in selection:
            raise ValueError('Field "nrql" must have a selection of subfields')
        fields[alias] = variables[value[1:]] if value.startswith("$") else json.loads(value)
    if not fields and "aiIssues" not in query:
        raise ValueError("no field was asked for")
    return number, fields


def _json(status: int, value: Any, *headers: tuple[str, str]) -> Answer:
    return Answer(status, json.dumps(value).encode(), headers=headers)
