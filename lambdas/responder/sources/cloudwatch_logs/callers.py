"""The service's callers by CloudWatch Logs Insights: refused ones, clients of the entry, clients whose requests fail.

An IP address is personal data: a client is compared with its own habit within CloudWatch Logs, and leaves it as its
network alone (three octets, or three groups), because ``display`` leaves the client out of the results.

Format: user guide, "Logs Insights QL": ``stats``, ``display``, ``toMillis``, ``floor``, ``least``, ``greatest``,
``coalesce``, ``strcontains`` (1 or 0), ``parse`` with named groups.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from responder.model.evidence import Detail, Finding, Window
from responder.model.evidence.auth_failures import AuthFailures
from responder.model.evidence.clients import Client, Clients
from responder.model.evidence.failing_clients import FailingClient, FailingClients
from responder.model.evidence.rejected_signatures import RejectedSignatures
from responder.model.service import CloudWatchLogs
from responder.plan.client_names import NETWORK
from responder.plan.client_names import named as client_named
from responder.sources import Query
from responder.sources.cloudwatch_logs.queries import (
    MOST_ROWS,
    Pending,
    Queries,
    component_of,
    events,
    named,
    number,
    pattern,
    text,
)

__all__ = ["Judge", "Pending", "clients", "failing_clients", "refused"]

Judge = Callable[[set[str]], Sequence[Finding[Detail]]]
"""Waits for a part's queries and judges them; takes the components of which there is no line at all."""
_CLIENTS = 20
_HTTP_REFUSED, _HTTP_LAST = 400, 599
_OWN_WAY = "password authentication failed"
"""PostgreSQL's words: they are of the service's own way to its database."""


def refused(source: str, query: Query, queries: Queries, kind: type[AuthFailures] | type[RejectedSignatures]) -> Judge:
    """Query lines of refused callers; the judge returns findings of ``kind`` per component."""
    settings, own = queries.settings, ""
    expression = settings.rejected_signatures
    if kind is AuthFailures:
        expression, own = settings.auth_failures, f" | filter @message not like {pattern(_OWN_WAY)}"
    asked = (f"{events(settings)} | filter @message like {pattern(expression)}{own} | {_now(query)} "
             f"| stats sum(fresh) as recent, count(*) as every by {named(settings.component_field)}")
    pending = queries.begin(asked, Window(query.baseline.start, query.window.end))

    def judge(silent: set[str]) -> list[Finding[Detail]]:
        rows, note = pending()
        found = {component_of(row, settings, query.service): (number(row, "recent", 0.0), number(row, "every", 0.0))
                 for row in rows}
        return [_lines(replace(_common(source, query, asked, queries, note, name), unit="lines/min"), query, silent,
                       kind(lines=recent, baseline_lines=every - recent))
                for name in (component.name for component in query.service.components)
                for recent, every in [found.get(name, (0.0, 0.0))]]

    return judge


def _lines(common: Finding[Detail], query: Query, silent: set[str],
           detail: AuthFailures | RejectedSignatures) -> Finding[Detail]:
    """Return lines a minute, of a component that may have no lines."""
    if common.component in silent:
        return replace(common, detail=type(detail)(), status="empty", note="CloudWatch Logs has no line of it at all")
    return replace(common, detail=detail, value=round(detail.lines / query.window.seconds * 60, 2),
                   baseline=round(detail.baseline_lines / query.baseline.seconds * 60, 2))


def _now(query: Query) -> str:
    """Return the ``fields`` by which an event of the window has ``fresh`` 1, and one from before it 0."""
    return f"fields floor(toMillis(@timestamp) / {round(query.window.start * 1000)}) as fresh"


def _network(settings: CloudWatchLogs) -> str:
    return f"parse {named(settings.client_field)} /{NETWORK}/"


def _common(source: str, query: Query, asked: str, queries: Queries, note: str, component: str) -> Finding[Detail]:
    return Finding(source=source, detail=Detail(), component=component, status="partial" if note else "ok",
                   window=query.window, query=asked, link=queries.link, note=note)


def clients(source: str, query: Query, queries: Queries) -> Judge:
    """Query the clients of the entry, window and baseline at once; the judge returns ``clients``."""
    settings, entry = queries.settings, query.service.entry
    client = named(settings.client_field)
    # Only the entry's lines: further in, the client is the component before.
    asked = (f"{events(settings)} | filter {named(settings.component_field)} = {text(entry)} and ispresent({client}) "
             f"| {_network(settings)} | {_now(query)} "
             f"| stats sum(fresh) as recent, count(*) as every by {client}, network "
             f"| sort recent desc | limit {MOST_ROWS} | display network, recent, every")
    pending = queries.begin(asked, Window(query.baseline.start, query.window.end))

    def judge(silent: set[str]) -> list[Finding[Detail]]:
        rows, note = pending()
        common = replace(_common(source, query, asked, queries, note, entry), unit="share")
        sent = sorted(((number(row, "recent", 0.0), number(row, "every", 0.0), row.get("network", "")) for row in rows),
                      reverse=True)
        total, every = sum(recent for recent, _, _ in sent), sum(whole for _, whole, _ in sent)
        if not total:
            return [replace(common, detail=Clients(), status="empty",
                            note=f"no line of {entry} in the window has the field {settings.client_field}")]
        before, scale = every - total, query.window.seconds / query.baseline.seconds
        most_before = max(row[1] - row[0] for row in sent)
        found = tuple(Client(client_named(network, place), recent, round((whole - recent) * scale, 2))
                      for place, (recent, whole, network) in enumerate(sent[:_CLIENTS], 1) if recent)
        return [replace(
            common, value=round(sent[0][0] / total, 4), baseline=round(most_before / before, 4) if before else None,
            detail=Clients(total=total, baseline_total=before, seconds=query.window.seconds,
                           baseline_seconds=query.baseline.seconds, clients=found))]

    return judge


def failing_clients(source: str, query: Query, queries: Queries) -> Judge:
    """Query the clients whose requests fail, and for what part of all requests they usually send.

    A request fails by its HTTP status (400 and more: a refusal is what is looked for) or by the level of its line. The
    judge returns ``failing_clients`` per component that has any.
    """
    settings = queries.settings
    client, component = named(settings.client_field), named(settings.component_field)
    known = "|".join(("", *(level.upper() for level in settings.error_levels), ""))
    failed = f'strcontains({text(known)}, concat("|", toupper(coalesce({named(settings.level_field)}, "-")), "|"))'
    if settings.status_field:
        status = f"least(coalesce({named(settings.status_field)}, 0), {_HTTP_LAST})"
        failed = f"greatest({failed}, floor({status} / {_HTTP_REFUSED}))"
    asked = (f"{events(settings)} | filter ispresent({client}) | {_network(settings)} | {_now(query)}, {failed} as bad "
             f"| fields fresh * bad as failing | stats sum(failing) as failed, count(*) - sum(fresh) as before "
             f"by {client}, network, {component} | sort failed desc | limit {MOST_ROWS} "
             f"| display network, {component}, failed, before")
    pending = queries.begin(asked, Window(query.baseline.start, query.window.end))

    def judge(silent: set[str]) -> list[Finding[Detail]]:
        rows, note = pending()
        found: list[Finding[Detail]] = []
        for name in (one.name for one in query.service.components):
            mine = sorted(((number(row, "failed", 0.0), number(row, "before", 0.0), row.get("network", ""))
                           for row in rows if component_of(row, settings, query.service) == name), reverse=True)
            failing = [row for row in mine if row[0]]
            if not failing:
                continue
            total = sum(row[0] for row in failing)
            found.append(replace(
                _common(source, query, asked, queries, note, name), unit="share", value=round(failing[0][0] / total, 4),
                detail=FailingClients(all_failed=total, all_before=sum(row[1] for row in mine), clients=tuple(
                    FailingClient(client_named(network, place), count, before)
                    for place, (count, before, network) in enumerate(failing[:_CLIENTS], 1)))))
        return found or [replace(
            _common(source, query, asked, queries, "", query.service.entry), detail=FailingClients(), status="empty",
            unit="share", note="no line of a failing request names its client")]

    return judge
