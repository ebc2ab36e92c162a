"""New Relic: NerdGraph over what the platform's instrumentation sends (``newrelic_events``), asked by ``nrql``.

Formats: New Relic's pages "NerdGraph tutorial: Query your data using NRQL", "NerdGraph usage limits" and "NRQL query
limits"; an alias may fail alone, as GraphQL has it (specification, "Handling field errors").
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

from sandbox.platform.telemetry import Delays, Telemetry
from sandbox.vendors.gate import Answer, Gates
from sandbox.vendors.newrelic_entities import search
from sandbox.vendors.newrelic_events import WHOLE, payments, spans, transactions
from sandbox.vendors.nrql import NrqlError, Row, parse

KEY = "NRAK-SANDBOX0000000000000000000"
ACCOUNT = 1234567
_ONE_OF = 20
"""One request of so many has an alias that times out alone, where not every span is kept: such accounts are busy."""


class NewRelic:
    """The GraphQL endpoint."""

    def __init__(self, telemetry: Telemetry, gates: Gates, delays: Delays) -> None:
        self._telemetry, self._gates, self._delays = telemetry, gates, delays
        self.spoken = WHOLE
        """What sends, and how much of it is kept."""
        self._asked = 0
        self.deployments: list[Row] = []
        """Change tracking's deployment markers."""
        self.issues: list[dict[str, Any]] = []
        """Open and closed issues, as ``aiIssues`` gives them."""

    def reset(self) -> None:
        """Forget deployments and issues."""
        self._asked = 0
        self.deployments.clear()
        self.issues.clear()

    def mark(self, component: str, version: str) -> None:
        """Set a deployment marker, as a pipeline does."""
        self.deployments.append(Row(time.time(), {"entity.name": component, "version": version,
                                                  "deploymentType": "ROLLING", "user": "deployer"}, 1))

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
            if re.search(r"\bentitySearch\b", request["query"]):
                return _json(200, {"data": {"actor": {"entitySearch": search(
                    request.get("variables") or {}, ACCOUNT, self.spoken != WHOLE)}}})
            return self._queried(request, *_parse(request["query"], request.get("variables") or {}))
        except (ValueError, KeyError, TypeError) as error:
            return _json(200, {"errors": [{"message": f"Parse error: {error}", "extensions": {
                "errorClass": "GRAPHQL_PARSE_ERROR"}}]})

    def _queried(self, request: dict[str, Any], account: int, queries: dict[str, str]) -> Answer:
        """Answer NRQL by aliases, and open issues, of one account."""
        if account != ACCOUNT:
            return _json(200, {"data": {"actor": {"account": None}}, "errors": [{
                "message": "Access denied.", "path": ["actor", "account"],
                "extensions": {"errorClass": "ACCESS_DENIED"}}]})
        fields: dict[str, Any] = {}
        errors = []
        if re.search(r"\baiIssues\b", request["query"]):
            stopped = self._gates.fault("newrelic") == "empty"
            fields["aiIssues"] = {"issues": {"issues": [] if stopped else self.issues, "nextCursor": None}}
        late = self._late(list(queries))
        for alias, nrql in queries.items():
            if alias == late:
                fields[alias] = None
                errors.append({"message": "NRDB:1109 - Your query timed out.", "path": ["actor", "account", alias],
                               "extensions": {"errorClass": "TIMEOUT", "errorCode": "NRDB:1109"}})
                continue
            try:
                fields[alias] = {"results": self.run(nrql)}
            except NrqlError as error:
                fields[alias] = None
                errors.append({"message": str(error), "path": ["actor", "account", alias],
                               "extensions": {"errorClass": "INVALID_INPUT"}})
        return _json(200, {"data": {"actor": {"account": fields}}, **({"errors": errors} if errors else {})})

    def _late(self, aliases: list[str]) -> str:
        """Return the alias of this request that times out alone; mostly none does."""
        self._asked += 1
        chance = self.spoken.random("late", self._asked)
        return chance.choice(aliases) if aliases and self.spoken != WHOLE and chance.random() < 1 / _ONE_OF else ""

    def run(self, nrql: str) -> list[dict[str, Any]]:
        """Run one NRQL query; raises NrqlError."""
        query = parse(nrql)
        by_clock = self.spoken != WHOLE and self.spoken.either("periods by the clock")
        if self._gates.fault("newrelic") == "empty":
            return query.answer((), by_clock)
        newest = min(query.until, self._gates.newest("newrelic", self._delays.newrelic))
        return query.answer(self._rows(query.event, query.since, newest), by_clock)

    def _rows(self, event: str, since: float, until: float) -> Iterator[Row]:
        """Yield what NRDB holds of an event type in a stretch of time."""
        telemetry = self._telemetry.as_of(until)
        if event in ("Transaction", "Span"):
            for item in telemetry.between(since, until):
                # Kept with the requests, because every query reads all of them again.
                if event not in item.made:
                    item.made[event] = tuple(transactions(item, self.spoken) if event == "Transaction"
                                             else spans(item, telemetry, self.spoken))
                yield from item.made[event]
        elif event == "Payment":
            for paid in telemetry.payments.between(since, until):
                yield from payments(paid, self.spoken)
        elif event == "Deployment":
            for marker in self.deployments:
                if since <= marker.at < until:
                    yield marker


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
