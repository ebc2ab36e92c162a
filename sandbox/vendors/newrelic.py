"""New Relic: NerdGraph with the NRQL that its documentation describes, over the platform's transactions.

Formats: New Relic's pages "NerdGraph tutorial: Query your data using NRQL", "NRQL reference", "NerdGraph usage limits".
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.platform.telemetry import Delays, Telemetry, Transactions
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
        rows: Iterable[Transactions] = ()
        if self._gates.fault("newrelic") != "empty":
            newest = self._gates.newest("newrelic", self._delays.newrelic)
            rows = [row for row in self._telemetry.between(query.since, min(query.until, newest))
                    if query.where(_attributes(row))]
        groups: dict[tuple[Any, ...], list[Transactions]] = {}
        bucket = query.bucket
        for row in rows:
            facet = tuple(_attributes(row).get(name) for name in query.facets)
            if None in facet:
                continue
            start = query.since + (row.at - query.since) // bucket * bucket if bucket else query.since
            groups.setdefault((facet, start), []).append(row)
        facets = sorted({facet for facet, _ in groups},
                        key=lambda facet: -sum(row.requests for key, rows_ in groups.items() if key[0] == facet
                                               for row in rows_))[:query.limit]
        if not query.facets and not bucket:
            return [{name: function(groups.get(((), query.since), [])) for name, function in query.select.items()}]
        results = []
        for facet in facets or ([()] if not query.facets else []):
            starts = ([query.since + n * bucket for n in range(int((query.until - query.since + bucket - 0.001)
                                                                   // bucket))] if bucket else [query.since])
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


Measure = Callable[[list[Transactions]], Any]


@dataclass(frozen=True)
class Query:
    """A parsed NRQL query."""

    select: dict[str, Measure]
    where: Callable[[dict[str, Any]], bool]
    facets: list[str]
    since: float
    until: float
    bucket: float
    limit: int


_CLAUSES = re.compile(
    r"\b(SELECT|FROM|WHERE|FACET|SINCE|UNTIL|TIMESERIES|LIMIT)\b(?=(?:[^'`]|'(?:[^'\\]|\\.)*'|`[^`]*`)*$)")
_FUNCTION = re.compile(r"^(.*?)(?:\s+AS\s+[`']?(\w+)[`']?)?$", re.I | re.S)


def parse(nrql: str) -> Query:
    """Parse the NRQL that the stand-in knows; raises NrqlError as New Relic does for what nobody knows."""
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
    if clauses["FROM"].split()[0].strip("`") != "Transaction":
        return Query({}, lambda row: False, [], 0, 0, 0, 0)
    now = time.time()
    since, until = _moment(clauses.get("SINCE", "1 hour ago"), now), _moment(clauses.get("UNTIL", "now"), now)
    bucket = 0.0
    if "TIMESERIES" in clauses:
        bucket = _span(clauses["TIMESERIES"] or "1 minute")
        if (until - since) / bucket > _MAX_BUCKETS:
            raise NrqlError(f"NRQL Syntax Error: TIMESERIES has more than {_MAX_BUCKETS} buckets")
    limit = clauses.get("LIMIT", str(_DEFAULT_FACETS))
    where = _condition(clauses["WHERE"]) if "WHERE" in clauses else (lambda row: True)
    return Query(_select(clauses["SELECT"]), where,
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
    arguments = [part.strip() for part in _split(rest.rstrip(") "), ",")] if rest else []
    match name.strip().lower():
        case "count":
            return lambda rows: sum(row.requests for row in rows)
        case "filter":
            condition = arguments[1].removeprefix("WHERE").strip()
            if arguments[0].startswith("count(") and re.fullmatch(r"error\s+(is|=)\s+true", condition, re.I):
                return lambda rows: sum(row.errors for row in rows)
        case "percentile":
            share = float(arguments[1])

            def percentile(rows: list[Transactions]) -> dict[str, float | None]:
                values = sorted(value for row in rows for value in row.latencies_ms)
                place = min(len(values) - 1, int(len(values) * share / 100)) if values else 0
                return {f"{share:g}": values[place] / 1000 if values else None}

            return percentile
    raise NrqlError(f"NRQL Syntax Error: unknown function {call!r}")


def _condition(text: str) -> Callable[[dict[str, Any]], bool]:
    tests = []
    for part in re.split(r"\s+AND\s+", text):
        inside = re.fullmatch(r"`?([\w.]+)`?\s+IN\s*\((.*)\)", part.strip(), re.I | re.S)
        equal = re.fullmatch(r"`?([\w.]+)`?\s*=\s*'((?:[^'\\]|\\.)*)'", part.strip(), re.S)
        if inside:
            values = {re.sub(r"\\(.)", r"\1", value) for value in re.findall(r"'((?:[^'\\]|\\.)*)'", inside[2])}
            tests.append((inside[1], values))
        elif equal:
            tests.append((equal[1], {re.sub(r"\\(.)", r"\1", equal[2])}))
        else:
            raise NrqlError(f"NRQL Syntax Error: cannot read the condition {part!r}")
    return lambda row: all(row.get(name) in values for name, values in tests)


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


def _attributes(row: Transactions) -> dict[str, Any]:
    return {"appName": row.component, "service.version": row.version, "host": row.host}


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
    if not fields:
        raise ValueError("no field was asked for")
    return number, fields


def _json(status: int, value: Any, *headers: tuple[str, str]) -> Answer:
    return Answer(status, json.dumps(value).encode(), headers=headers)
