"""What a component asked of others, by its client spans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from responder.model.evidence import Finding, Status
from responder.model.evidence.calls import Callee, Calls
from responder.model.masking import mask
from responder.model.service import Service
from responder.sources import Query
from responder.sources.newrelic.answer import Answer, Row
from responder.sources.newrelic.nrql import NO_TEXT, PEERS, SPANS, URLS, Queries, newest

NAME = "newrelic"
_HOST_CHARACTERS = 200
_CALLEES, _KINDS = 40, 8
_SQL = frozenset({"postgresql", "mysql", "mariadb", "aurora", "aws.aurora"})
"""How spans call the databases that RDS runs (OpenTelemetry's conventions of database spans, ``db.system.name``)."""


def calls(query: Query, component: str, nrql: Queries, answer: Answer, link: str) -> Finding[Calls]:
    """Return what one component asked of others within the last minute."""
    service = query.service
    now, before = (_by_host(service, answer, name, component) for name in ("calls", "calls_before"))
    kinds = _kinds(service, answer, component)
    every = {host: _callee(now.get(host), before.get(host), kinds.get(host, {})) for host in {**now, **before}}
    callees = dict(sorted(every.items(), key=lambda item: (-item[1].errors, -item[1].requests, item[0]))[:_CALLEES])
    failed = answer.failure(*(prefix + name for prefix in (PEERS, URLS) for name in ("calls", "calls_before", "kinds")))
    status: Status = "ok" if callees else "empty"
    if failed:
        # What did not come may be the calls that fail: without any of these, there is nothing to hold the rest against.
        status = failed.status if answer.failure(PEERS + "calls", URLS + "calls") or not callees else "partial"
    note = f"a part of the answer did not come: {failed}" if failed else (
        "" if callees else "New Relic has no client span of it")
    served = [row for row in answer.rows(SPANS + "recent") if row.facet[:1] == (component,)]
    counted = not answer.failure(SPANS + "recent")
    return Finding(
        source=NAME, status=status, component=component, window=newest(query.window), query=nrql[PEERS + "calls"],
        link=link, note=note, left_out=len(every) - len(callees) or None,
        detail=Calls(callees=callees, requests=sum(row.requests for row in served) if counted else None,
                     errors=sum(row.errors for row in served) if counted else None))


def _by_host(service: Service, answer: Answer, name: str, component: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in (*answer.rows(PEERS + name), *answer.rows(URLS + name)):
        if len(row.facet) == 2 and row.facet[0] == component:
            found[_host(service, row.facet[1])].append(row)
    return found


def _kinds(service: Service, answer: Answer, component: str) -> Mapping[str, dict[str, float]]:
    """Return how often each text of an error came, by host."""
    found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in (*answer.rows(PEERS + "kinds"), *answer.rows(URLS + "kinds")):
        if len(row.facet) == 4 and row.facet[0] == component:
            found[_host(service, row.facet[1])][_said(row.facet[2], row.facet[3])] += row.requests
    return found


def _said(text: str, status: str) -> str:
    """Return what an error says of itself; a status alone is said as people say it."""
    if text == NO_TEXT or text.isdigit():
        number = status.removesuffix(".0") if status not in ("0", "0.0") else text
        return f"HTTP {number}"
    return mask(text)[:_HOST_CHARACTERS]


def _host(service: Service, text: str) -> str:
    """Return the host as the spans name it; a database that they name by its kind alone is the service's."""
    if text.lower() in _SQL and service.database:
        return service.database.address
    return mask(text)[:_HOST_CHARACTERS]


def _callee(now: list[Row] | None, before: list[Row] | None, kinds: Mapping[str, float]) -> Callee:
    return Callee(
        kinds=dict(sorted(kinds.items(), key=lambda item: (-item[1], item[0]))[:_KINDS]),
        requests=sum(row.requests for row in now or ()), errors=sum(row.errors for row in now or ()),
        mean_ms=_mean_ms(now), baseline_requests=sum(row.requests for row in before or ()),
        baseline_errors=sum(row.errors for row in before or ()), baseline_ms=_mean_ms(before))


def _mean_ms(rows: list[Row] | None) -> float | None:
    """Return the mean over all calls; None where there were none."""
    count = sum(row.requests for row in rows or ())
    return sum(row.mean_ms * row.requests for row in rows or ()) / count if count else None
