"""CloudWatch Logs, asked by Logs Insights: what Splunk tells, for who has no Splunk.

``queries.py`` runs queries, ``callers.py`` has the service's clients; how lines are counted and read is shared with
Splunk (``plan/line_counts.py``, ``plan/signature_counts.py``). Six queries a look, ten to diagnose, of the log groups
that the configuration names alone: AWS charges by the bytes that they read.

Format: user guide, "Logs Insights QL": ``stats … by bin(10s)``, ``filter … in […]``, ``like /…/``, ``toupper``,
``pct``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from responder.clients.failure import CallFailed
from responder.model.evidence import Detail, Finding, Window
from responder.model.evidence.auth_failures import AuthFailures
from responder.model.evidence.clients import Clients
from responder.model.evidence.error_lines import ErrorLines
from responder.model.evidence.error_signatures import ErrorSignatures
from responder.model.evidence.failing_clients import FailingClients
from responder.model.evidence.latency_p95_ms import LatencyP95
from responder.model.evidence.rejected_signatures import RejectedSignatures
from responder.model.service import Service
from responder.plan.line_counts import Counted, Counting, judged
from responder.plan.periods import period_seconds
from responder.plan.signature_counts import SignatureCounts, by_pod
from responder.sources import Budget, Query, Source, Statement, collect_independently, of_account
from responder.sources.cloudwatch_logs import callers
from responder.sources.cloudwatch_logs.callers import Judge
from responder.sources.cloudwatch_logs.queries import (
    MOST_ROWS,
    Queries,
    component_of,
    events,
    levels,
    moment,
    named,
    number,
)

_RECENT_SECONDS = 60.0
"""Only the newest answers are measured: the time before would hide slowness that has just begun."""


def collect(query: Query, client: Any = None) -> list[Finding[Detail]]:
    """Return per component ``error_lines`` and for the service ``error_signatures``; raises CallFailed.

    Of the components whose lines tell how long an answer took, ``latency_p95_ms`` of the last minute. To diagnose,
    also ``by_pod``, ``auth_failures``, ``rejected_signatures`` and ``failing_clients`` per component, and ``clients``
    of the entry.
    """
    settings = query.service.cloudwatch_logs
    if settings is None:
        raise CallFailed("unavailable", "CloudWatch Logs is not configured")
    queries = Queries(settings, query.deadline, client)
    try:
        lines, signed, beside = _counts(query, queries), _signatures(query, queries), _beside(query, queries)
        findings = lines()
        silent = {finding.component for finding in findings if not finding.usable}
        return [*findings, *collect_independently(SOURCE.name, query, {
            ErrorSignatures: signed, **{kind: partial(judge, silent) for kind, judge in beside.items()}})]
    finally:
        queries.stop()


def _beside(query: Query, queries: Queries) -> dict[type[Detail], Judge]:
    """Begin what may fail without the rest."""
    settings = queries.settings
    beside: dict[type[Detail], Judge] = {}
    if settings.duration_field:
        beside[LatencyP95] = _latencies(query, queries)
    if query.phase == "diagnose":
        beside[AuthFailures] = callers.refused(SOURCE.name, query, queries, AuthFailures)
        beside[RejectedSignatures] = callers.refused(SOURCE.name, query, queries, RejectedSignatures)
        if settings.client_field:
            beside[Clients] = callers.clients(SOURCE.name, query, queries)
            beside[FailingClients] = callers.failing_clients(SOURCE.name, query, queries)
    return beside


def _counts(query: Query, queries: Queries) -> Callable[[], list[Finding[ErrorLines]]]:
    """Begin to count lines; what is returned waits for it and gives ``error_lines`` per component."""
    settings = queries.settings
    by = f"{named(settings.component_field)}, {named(settings.level_field)}"
    length = period_seconds(query.window.seconds, len(query.service.components))
    period = f"bin({length}s)"
    asked = f"{events(settings)} | stats count(*) as lines by {period}, {by}"
    window = Window(query.window.start // length * length, query.window.end)
    now = queries.begin(asked, window)
    past = queries.begin(f"{events(settings)} | stats count(*) as lines by {by}", query.baseline)
    how = Counting(window, length, query.baseline.seconds, settings.level_field, settings.error_levels)

    def judge() -> list[Finding[ErrorLines]]:
        (rows, note), (rows_before, note_before) = now(), past()
        counts = [Counted(component_of(row, settings, query.service), row.get(settings.level_field, "").strip(),
                          number(row, "lines"), moment(row.get(period, ""))) for row in rows]
        before = [Counted(component_of(row, settings, query.service), row.get(settings.level_field, "").strip(),
                          number(row, "lines")) for row in rows_before]
        return [judged(Finding(source=SOURCE.name, detail=ErrorLines(), component=component.name, window=query.window,
                               query=asked, link=queries.link), counts, before, how, note or note_before)
                for component in query.service.components]

    return judge


def _signatures(query: Query, queries: Queries) -> Callable[[], list[Finding[Detail]]]:
    settings = queries.settings
    fields = ", ".join(named(field) for field in (settings.component_field, settings.version_field, settings.pod_field))
    asked = (f"{events(settings)} | filter toupper({named(settings.level_field)}) in [{levels(settings)}] "
             f"| display @timestamp, @message, {fields} | sort @timestamp desc | limit {MOST_ROWS}")
    pending = tuple(queries.begin(asked, window) for window in (query.window, query.baseline))

    def judge() -> list[Finding[Detail]]:
        (counts, note), (before, note_before) = (_counted(query, queries, wait) for wait in pending)
        note = note or note_before
        signed: Finding[ErrorSignatures] = Finding(
            source=SOURCE.name, status="partial" if note else "ok", window=query.window, query=asked, note=note,
            link=queries.link, unit="lines", left_out=counts.left_out, value=float(counts.lines),
            detail=counts.detail(before, query.window.seconds / query.baseline.seconds))
        return [signed, *(by_pod(signed, counts) if query.phase == "diagnose" else ())]

    return judge


def _counted(query: Query, queries: Queries, wait: callers.Pending) -> tuple[SignatureCounts, str]:
    settings, counts = queries.settings, SignatureCounts(query.service)
    rows, note = wait()
    for row in rows:
        counts.add(row.get(settings.component_field, ""), row.get("@message", ""), moment(row.get("@timestamp", "")),
                   row.get(settings.version_field, ""), row.get(settings.pod_field, ""))
    return counts, note


def _latencies(query: Query, queries: Queries) -> Judge:
    settings, field = queries.settings, named(queries.settings.duration_field)
    asked = (f"{events(settings)} | filter ispresent({field}) | stats count(*) as answers, pct({field}, 95) as p95 "
             f"by {named(settings.component_field)}")
    window = Window(max(query.window.start, query.window.end - _RECENT_SECONDS), query.window.end)
    now, past = queries.begin(asked, window), queries.begin(asked, query.baseline)

    def judge(silent: set[str]) -> list[Finding[Detail]]:
        (rows, note), (rows_before, note_before) = now(), past()
        recent, usual = ({component_of(row, settings, query.service): row for row in found if row.get("p95")}
                         for found in (rows, rows_before))
        note = note or note_before
        return [Finding(
            source=SOURCE.name, status="partial" if note else "ok", component=name, unit="ms", window=window,
            query=asked, link=queries.link, note=note, value=number(recent[name], "p95"),
            baseline=number(usual[name], "p95") if name in usual else None,
            detail=LatencyP95(requests=number(recent[name], "answers")))
            for name in (component.name for component in query.service.components) if name in recent]

    return judge


def _statements(service: Service) -> tuple[Statement, ...]:
    groups = service.cloudwatch_logs.log_groups if service.cloudwatch_logs else ()
    # Policies of log groups are written with and without the end that stands for its streams.
    arns = tuple(f"arn:{{partition}}:logs:{{region}}:{{account}}:log-group:{group}{end}"
                 for group in groups for end in ("", ":*"))
    return (Statement(("logs:StartQuery", "logs:GetQueryResults"), arns,
                      why_all="the end of the ARN stands for the streams of this one log group"),
            Statement(("logs:StopQuery",), ("*",), why_all=(
                "logs:StopQuery knows no resources (Service Authorization Reference, Amazon CloudWatch Logs)")))


SOURCE = Source(
    name="cloudwatch_logs",
    phases=frozenset({"confirm", "diagnose"}),
    collect=collect,
    configured=lambda service: service.cloudwatch_logs is not None,
    statements=_statements,
    deadline_seconds=14.0,
    budget=Budget(
        "Logs Insights queries", 15.0, 10.0, "30 queries at once in an account and a Region (AWS: StartQuery)",
        a_look=lambda query: 10 if query.phase == "diagnose" else 6, scope=of_account),
)
