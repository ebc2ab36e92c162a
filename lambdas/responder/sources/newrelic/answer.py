"""What NerdGraph answered, typed: the only reader of its JSON.

Formats: New Relic's pages "NerdGraph tutorial: Query your data using NRQL" (``data.actor.account.nrql.results``),
"NRQL reference" (facets and time series) and "NerdGraph usage limits" (429; errors come with status 200 in
``errors``). An alias may fail alone: its field is null and an error has its path (GraphQL specification, "Handling
field errors"); the others are answers all the same.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from responder.clients.failure import CallFailed
from responder.model.evidence.deployments import Marker
from responder.model.evidence.issues import Issue
from responder.model.frozen import dataclass
from responder.model.masking import mask

_MARKERS = "deployments"


@dataclass(frozen=True)
class Row:
    """A row of an NRQL result; a measure that was not asked for is 0."""

    facet: tuple[str, ...]
    """The values of the attributes of ``FACET``, in their order."""
    start: float
    """When its period begins, seconds since 1970 (UTC)."""
    requests: float
    errors: float
    p95_ms: float
    mean_ms: float

    @classmethod
    def of(cls, row: dict[str, Any]) -> Row:
        """Read a row."""
        facet = row.get("facet")
        parts = facet if isinstance(facet, list) else [] if facet is None else [facet]
        return cls(
            facet=tuple(str(part) for part in parts), start=_number(row.get("beginTimeSeconds")),
            requests=_number(row.get("requests")), errors=_number(row.get("errors")),
            p95_ms=_milliseconds(row, "p95"), mean_ms=_milliseconds(row, "mean"))


Rows = tuple[Row, ...]


@dataclass(frozen=True)
class Answer:
    """The rows of each query, by alias (``nrql.Queries``)."""

    given: Mapping[str, Rows]
    failed: Mapping[str, CallFailed]
    """Alias to why it alone has no answer."""
    markers: tuple[Marker, ...] = ()
    issues: tuple[Issue, ...] | None = None
    """None: none were given."""

    def rows(self, alias: str) -> Rows:
        """Return the rows of an alias; none where it was not asked, or failed."""
        return self.given.get(alias, ())

    def failure(self, *aliases: str) -> CallFailed | None:
        """Return why the first of these aliases that failed has no answer; None where none did."""
        return next((self.failed[alias] for alias in aliases if alias in self.failed), None)


def read(answer: Any, asked: Iterable[str]) -> Answer:
    """Return the answer to queries by alias; raises CallFailed where there is none at all."""
    if not isinstance(answer, dict):
        raise CallFailed("malformed", "NerdGraph answered without an object")
    try:
        account = ((answer.get("data") or {}).get("actor") or {}).get("account") or {}
        errors = [error for error in answer.get("errors") or [] if isinstance(error, dict)]
        found = {name: (account.get(name) or {}).get("results") for name in asked}
        failed = {name: _refused([error for error in errors if name in (error.get("path") or ())] or errors)
                  for name, rows in found.items() if not isinstance(rows, list)}
        if len(failed) == len(found):
            raise _refused(errors)
        rows = {name: [row for row in given if isinstance(row, dict)] for name, given in found.items()
                if isinstance(given, list)}
        markers = tuple(_marker(row) for row in rows.pop(_MARKERS, []))
        return Answer({name: tuple(Row.of(row) for row in given) for name, given in rows.items()}, failed, markers,
                      _issues(account))
    except (KeyError, TypeError, AttributeError) as error:
        raise CallFailed("malformed", "NerdGraph answered in another form") from error


def _refused(errors: list[Any]) -> CallFailed:
    """Say why there are no results."""
    told = [error for error in errors if isinstance(error, dict)]
    said = mask("; ".join(str(error.get("message", "")) for error in told)[:300])
    classes = json.dumps([error.get("extensions", {}) for error in told]).upper()
    if any(word in classes for word in ("UNAUTHENTICATED", "UNAUTHORIZED", "ACCESS_DENIED", "FORBIDDEN")):
        return CallFailed("unauthorized", f"NerdGraph refused the key: {said}")
    if "TOO_MANY_REQUESTS" in classes or "RATE_LIMIT" in classes:
        return CallFailed("throttled", f"NerdGraph throttles: {said}")
    if "TIMEOUT" in classes:
        return CallFailed("timeout", f"NRQL did not finish in time: {said}")
    if errors:
        return CallFailed("unavailable", f"NerdGraph answered with errors: {said}")
    return CallFailed("malformed", "NerdGraph answered without results")


def _marker(row: dict[str, Any]) -> Marker:
    return Marker(_number(row.get("timestamp")) / 1000, str(row.get("entity.name", "")),
                  mask(str(row.get("version", "")))[:100], mask(str(row.get("user", "")))[:100])


def _issues(account: dict[str, Any]) -> tuple[Issue, ...] | None:
    listed = ((account.get("aiIssues") or {}).get("issues") or {}).get("issues")
    if not isinstance(listed, list):
        return None
    return tuple(Issue(str(item.get("issueId", "")), str(item.get("priority", "")),
                       mask(str(item.get("title", "")))[:200],
                       tuple(str(name) for name in (item.get("entityNames") or [])[:20]))
                 for item in listed if isinstance(item, dict))


def _milliseconds(row: dict[str, Any], measure: str) -> float:
    """Return a duration that was asked for in milliseconds, in seconds, or in both; the attribute of one is null."""
    for name, milliseconds in ((f"{measure}_ms", 1.0), (measure, 1000.0)):
        value = row.get(name)
        # NRQL gives a percentile as {"95": seconds}, or as seconds where only one was asked for.
        number = value.get("95") if isinstance(value, dict) else value
        if number is not None:
            return _number(number) * milliseconds
    return 0.0


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0
