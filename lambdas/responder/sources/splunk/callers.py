"""The service's callers: clients of the entry, clients whose requests fail, and refused requests.

An IP address is personal data, and what else the field may hold nobody knows: so a client is compared with its own
habit within Splunk, and leaves it as its network alone (three octets, or three groups).

Format: Splunk's "Search Reference": ``stats`` with ``count(eval(…))``, ``eventstats … by``, ``sort``, ``head`` and
``rex``; ``spl.py`` has the names and values of fields.
"""

from __future__ import annotations

from dataclasses import replace

from responder.model.evidence import Detail, Finding, Window
from responder.model.evidence.auth_failures import AuthFailures
from responder.model.evidence.clients import Client, Clients
from responder.model.evidence.failing_clients import FailingClient, FailingClients
from responder.model.evidence.rejected_signatures import RejectedSignatures
from responder.model.frozen import dataclass
from responder.plan.client_names import NETWORK, named
from responder.sources import Query
from responder.sources.splunk import spl as language
from responder.sources.splunk.rows import Row, component_of, number, text
from responder.sources.splunk.search import Judge, Searches, link

_CLIENTS = 20
_HTTP_REFUSED = 400


def auth_failures(source: str, query: Query, searches: Searches) -> Judge:
    """Search for refused logins; the judge returns ``auth_failures`` per component."""
    settings = searches.settings
    component = settings.component_field
    spl = (f"search {settings.search} ({settings.auth_failures}) | {language.once(component)} "
           f"| stats count by {language.named(component)}")

    def read(row: Row) -> tuple[str, float]:
        return component_of(row, settings, query.service), number(row, "count", 0.0)

    now, past = (searches.begin(spl, window, read) for window in (query.window, query.baseline))

    def judge(silent: set[str]) -> list[Finding[Detail]]:
        (rows, note), (rows_before, note_before) = now(), past()
        lines, before = dict(rows), dict(rows_before)
        return [_lines(_common(source, query, spl, searches, note or note_before, name), query, silent,
                       AuthFailures(lines=lines.get(name, 0), baseline_lines=before.get(name, 0)))
                for name in _names(query)]

    return judge


def rejected_signatures(source: str, query: Query, searches: Searches) -> Judge:
    """Search for requests whose signature is missing or wrong; the judge returns ``rejected_signatures`` per component.
    """
    settings, window, baseline = searches.settings, query.window, query.baseline
    component = settings.component_field
    spl = (f"search {settings.search} ({settings.rejected_signatures}) | {language.once(component)} "
           f"| stats count(eval(_time>={window.start:.3f})) as count, "
           f"count(eval(_time<{baseline.end:.3f})) as before by {language.named(component)}")

    def read(row: Row) -> tuple[str, RejectedSignatures]:
        return component_of(row, settings, query.service), RejectedSignatures(
            lines=number(row, "count", 0.0), baseline_lines=number(row, "before", 0.0))

    search = searches.begin(spl, Window(baseline.start, window.end), read)

    def judge(silent: set[str]) -> list[Finding[Detail]]:
        rows, note = search()
        counted = dict(rows)
        return [_lines(_common(source, query, spl, searches, note, name), query, silent,
                       counted.get(name, RejectedSignatures())) for name in _names(query)]

    return judge


def _names(query: Query) -> list[str]:
    return [component.name for component in query.service.components]


def _common(source: str, query: Query, spl: str, searches: Searches, note: str, component: str) -> Finding[Detail]:
    return Finding(source=source, detail=Detail(), component=component, status="partial" if note else "ok",
                   window=query.window, query=spl, link=link(searches.settings), note=note)


def _lines(common: Finding[Detail], query: Query, silent: set[str],
           detail: AuthFailures | RejectedSignatures) -> Finding[Detail]:
    """Return lines a minute, of a component that may have no lines."""
    common = replace(common, unit="lines/min")
    if common.component in silent:
        return replace(common, detail=type(detail)(), status="empty", note="Splunk has no line of it at all")
    return replace(common, detail=detail, value=round(detail.lines / query.window.seconds * 60, 2),
                   baseline=round(detail.baseline_lines / query.baseline.seconds * 60, 2))


@dataclass(frozen=True)
class _Sent:
    """What one client sent to the entry, beside what all sent."""

    network: str
    count: float
    before: float
    total: float
    total_before: float
    most_before: float

    @classmethod
    def of(cls, row: Row) -> _Sent:
        """Read a row."""
        return cls(text(row, "network"), *(number(row, name, 0.0) for name in (
            "count", "before", "total", "total_before", "most_before")))


def clients(source: str, query: Query, searches: Searches) -> Judge:
    """Search for the clients of the entry, window and baseline in one search; the judge returns ``clients``."""
    settings, entry, split = searches.settings, query.service.entry, f"{query.window.start:.3f}"
    field = language.named(settings.client_field)
    # Only the entry's lines: further in, the client is the component before.
    spl = (f"search {settings.search} {language.named(settings.component_field)}={language.text(entry)} {field}=* "
           f"| {language.once(settings.client_field)} "
           f"| stats count(eval(_time>={split})) as count, count(eval(_time<{split})) as before by {field} "
           f"| eventstats sum(count) as total, sum(before) as total_before, max(before) as most_before "
           f'| sort - count | head {_CLIENTS} | rex field={field} "{NETWORK}" '
           f"| fields network, count, before, total, total_before, most_before")
    search = searches.begin(spl, Window(query.baseline.start, query.window.end), _Sent.of)

    def judge(silent: set[str]) -> list[Finding[Detail]]:
        rows, note = search()
        common = replace(_common(source, query, spl, searches, note, entry), unit="share")
        total = max((row.total for row in rows), default=0)
        if not total:
            return [replace(common, detail=Clients(), status="empty",
                            note=f"no line of {entry} in the window has the field {settings.client_field}")]
        total_before, most_before = max(row.total_before for row in rows), max(row.most_before for row in rows)
        scale = query.window.seconds / query.baseline.seconds
        found = [Client(named(row.network, place), row.count, round(row.before * scale, 2))
                 for place, row in enumerate(rows, 1)]
        return [replace(
            common, value=round(max(client.count for client in found) / total, 4),
            baseline=round(most_before / total_before, 4) if total_before else None,
            detail=Clients(total=total, baseline_total=total_before, seconds=query.window.seconds,
                           baseline_seconds=query.baseline.seconds,
                           clients=tuple(client for client in found if client.count)))]

    return judge


@dataclass(frozen=True)
class _Failed:
    """What one client's requests to one component came to, beside those of all clients."""

    network: str
    component: str
    failed: float
    before: float
    all_failed: float
    all_before: float


def failing_clients(source: str, query: Query, searches: Searches) -> Judge:
    """Search for the clients whose requests fail, and for what part of all requests they usually send.

    A request fails by its HTTP status (400 and more: a refusal is what is looked for) or by the level of its line. The
    judge returns ``failing_clients`` per component that has any.
    """
    settings, window, baseline = searches.settings, query.window, query.baseline
    field, component = language.named(settings.client_field), language.named(settings.component_field)
    refused = f"tonumber({language.value(settings.status_field)})>={_HTTP_REFUSED} OR " if settings.status_field else ""
    failed = refused + language.is_error(settings)
    spl = (f"search {settings.search} {field}=* "
           f"| {language.once(settings.client_field, settings.component_field)} "
           f"| stats count(eval(_time<{baseline.end:.3f})) as before, "
           f"count(eval(_time>={window.start:.3f} AND ({failed}))) as failed by {field}, {component} "
           f"| eventstats sum(failed) as all_failed, sum(before) as all_before by {component} "
           f'| sort - failed | head {_CLIENTS} | rex field={field} "{NETWORK}" '
           f"| fields network, {component}, failed, before, all_failed, all_before")

    def read(row: Row) -> _Failed:
        return _Failed(text(row, "network"), component_of(row, settings, query.service), *(
            number(row, name, 0.0) for name in ("failed", "before", "all_failed", "all_before")))

    search = searches.begin(spl, Window(baseline.start, window.end), read)

    def judge(silent: set[str]) -> list[Finding[Detail]]:
        rows, note = search()
        found: list[Finding[Detail]] = []
        for name in _names(query):
            mine = [(row, place) for place, row in enumerate(rows, 1) if row.component == name and row.failed]
            if not mine:
                continue
            first, _ = mine[0]
            total = max(1, first.all_failed)
            found.append(replace(
                _common(source, query, spl, searches, note, name), unit="share", value=round(first.failed / total, 4),
                detail=FailingClients(all_failed=total, all_before=first.all_before, clients=tuple(
                    FailingClient(named(row.network, place), row.failed, row.before) for row, place in mine))))
        return found or [replace(
            _common(source, query, spl, searches, "", query.service.entry), detail=FailingClients(), status="empty",
            unit="share", note="no line of a failing request names its client")]

    return judge
