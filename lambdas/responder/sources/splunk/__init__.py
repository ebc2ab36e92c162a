"""Splunk, asked by search export, whose results stream (``search.py``).

``signatures.py`` counts like error lines, ``callers.py`` has the service's clients. Format: Splunk's "Search Reference"
for ``stats`` and its functions, and for ``bin``, whose periods begin at multiples of the span (``aligntime``: epoch 0).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.evidence import Detail, Finding, Window
from responder.model.evidence.approvals import Approvals
from responder.model.evidence.auth_failures import AuthFailures
from responder.model.evidence.clients import Clients
from responder.model.evidence.error_lines import ErrorLines
from responder.model.evidence.error_signatures import ErrorSignatures
from responder.model.evidence.failing_clients import FailingClients
from responder.model.evidence.latency_p95_ms import LatencyP95
from responder.model.evidence.rejected_signatures import RejectedSignatures
from responder.plan.line_counts import Counted, Counting, judged
from responder.plan.periods import period_seconds
from responder.sources import Budget, Query, Source, collect_independently
from responder.sources.splunk import callers, payments, rows, signatures, spl
from responder.sources.splunk.rows import Row
from responder.sources.splunk.search import Judge, Searches, link

_RECENT_SECONDS = 60.0
"""Only the newest answers are measured: the time before would hide slowness that has just begun."""


def collect(query: Query, http: Http | None = None) -> list[Finding[Detail]]:
    """Return per component ``error_lines`` and for the service ``error_signatures``; raises CallFailed.

    Of the components whose lines tell how long an answer took, ``latency_p95_ms`` of the last minute; where the
    configuration says how lines of payments are found, ``approvals``. To diagnose, also ``by_pod``, ``auth_failures``,
    ``rejected_signatures`` and ``failing_clients`` per component, and ``clients`` of the entry.
    """
    settings = query.service.splunk
    if settings is None:
        raise CallFailed("unavailable", "Splunk is not configured")
    http = http or Http(query.deadline, headers={"Authorization": f"Bearer {aws.secret(settings.secret)}"})
    searches = Searches(http, settings, query.deadline)
    try:
        lines = _counts(query, searches)
        signed = signatures.begin(SOURCE.name, query, searches)
        beside = _beside(query, searches)
        findings = lines()
        silent = {finding.component for finding in findings if not finding.usable}
        return [*findings, *collect_independently(SOURCE.name, query, {
            ErrorSignatures: signed, **{kind: partial(judge, silent) for kind, judge in beside.items()}})]
    finally:
        searches.stop()


def _beside(query: Query, searches: Searches) -> dict[type[Detail], Judge]:
    """Begin what may fail without the rest."""
    settings = searches.settings
    beside: dict[type[Detail], Judge] = {}
    paid = query.service.payments
    if paid and paid.splunk_search:
        beside[Approvals] = payments.approvals(SOURCE.name, query, paid, searches)
    if settings.duration_field:
        beside[LatencyP95] = _latencies(query, searches)
    if query.phase == "diagnose":
        beside[AuthFailures] = callers.auth_failures(SOURCE.name, query, searches)
        beside[RejectedSignatures] = callers.rejected_signatures(SOURCE.name, query, searches)
        if settings.client_field:
            beside[Clients] = callers.clients(SOURCE.name, query, searches)
            beside[FailingClients] = callers.failing_clients(SOURCE.name, query, searches)
    return beside


def _counts(query: Query, searches: Searches) -> Callable[[], list[Finding[ErrorLines]]]:
    """Begin to count lines; what is returned waits for it and gives ``error_lines`` per component."""
    settings = searches.settings
    by = f"{spl.named(settings.component_field)}, {spl.named(settings.level_field)}"
    bucket = period_seconds(query.window.seconds, len(query.service.components))
    once = spl.once(settings.component_field, settings.level_field)
    asked = (f"search {settings.search} | bin _time span={bucket}s | {spl.timed()} | {once} "
             f"| stats count by {rows.TIME}, {by}")

    def read(row: Row) -> Counted:
        return Counted(rows.component_of(row, settings, query.service), rows.text(row, settings.level_field).strip(),
                       rows.number(row, "count"))

    window = Window(query.window.start // bucket * bucket, query.window.end)
    now = searches.begin(asked, window, lambda row: read(row)._replace(start=rows.moment(row)))
    past = searches.begin(f"search {settings.search} | {once} | stats count by {by}", query.baseline, read)
    how = Counting(window, bucket, query.baseline.seconds, settings.level_field, settings.error_levels)

    def judge() -> list[Finding[ErrorLines]]:
        (counts, note), (before, note_before) = now(), past()
        return [judged(Finding(source=SOURCE.name, detail=ErrorLines(), component=component.name, window=query.window,
                               query=asked, link=link(settings)), counts, before, how, note or note_before)
                for component in query.service.components]

    return judge


@dataclass(frozen=True)
class _Took:
    """How long one component's answers took."""

    component: str
    count: float
    p95_ms: float | None
    """None: its lines do not say."""


def _latencies(query: Query, searches: Searches) -> Judge:
    settings, field = searches.settings, searches.settings.duration_field
    asked = (f"search {settings.search} {spl.named(field)}=* | {spl.once(field, settings.component_field)} "
             f"| stats count, perc95({spl.named(field)}) as p95 by {spl.named(settings.component_field)}")
    window = Window(max(query.window.start, query.window.end - _RECENT_SECONDS), query.window.end)

    def read(row: Row) -> _Took:
        return _Took(rows.component_of(row, settings, query.service), rows.number(row, "count", 0.0),
                     rows.number(row, "p95") if rows.text(row, "p95") else None)

    now, past = (searches.begin(asked, stretch, read) for stretch in (window, query.baseline))

    def judge(silent: set[str]) -> list[Finding[Detail]]:
        (took_now, note), (took_before, note_before) = now(), past()
        recent, usual = ({row.component: row for row in took if row.p95_ms is not None}
                         for took in (took_now, took_before))
        return [Finding(
            source=SOURCE.name, status="partial" if note or note_before else "ok", component=name, unit="ms",
            window=window, query=asked, link=link(settings), note=note or note_before, value=recent[name].p95_ms,
            baseline=usual[name].p95_ms if name in usual else None, detail=LatencyP95(requests=recent[name].count))
            for name in (component.name for component in query.service.components) if name in recent]

    return judge


SOURCE = Source(
    name="splunk",
    phases=frozenset({"confirm", "diagnose"}),
    collect=collect,
    configured=lambda service: service.splunk is not None,
    secrets=lambda service: (service.splunk.secret,) if service.splunk else (),
    budget=Budget(
        "Splunk searches", 30.0, 10.0, "searches at once: 6 and one a processor, of one user 3 by default (Splunk: "
        "limits.conf, base_max_searches; authorize.conf, srchJobsQuota). A look runs three at a time",
        a_look=lambda query: 11 if query.phase == "diagnose" else 6,
        scope=lambda service: service.splunk.url if service.splunk else ""),
)
