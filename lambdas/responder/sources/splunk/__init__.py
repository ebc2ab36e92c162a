"""Splunk, asked by search export, whose results stream (``search.py``).

``signatures.py`` counts like error lines, ``callers.py`` has the service's clients. Format: Splunk's "Search Reference"
for ``stats`` and its functions, and for ``bin``, whose periods begin at multiples of the span (``aligntime``: epoch 0).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.evidence import Bucket, Detail, Finding, Window
from responder.model.evidence.auth_failures import AuthFailures
from responder.model.evidence.clients import Clients
from responder.model.evidence.error_lines import ErrorLines
from responder.model.evidence.failing_clients import FailingClients
from responder.model.evidence.latency_p95_ms import LatencyP95
from responder.model.evidence.rejected_signatures import RejectedSignatures
from responder.model.service import Splunk
from responder.plan.periods import period_seconds
from responder.sources import Query, Source, collect_independently
from responder.sources.splunk import callers, signatures
from responder.sources.splunk.search import Judge, Row, Search, Searches, link, number

_RECENT_SECONDS = 60.0
"""Only the newest answers are measured: the time before would hide slowness that has just begun."""


def collect(query: Query, http: Http | None = None) -> list[Finding[Detail]]:
    """Return per component ``error_lines`` and for the service ``error_signatures``; raises CallFailed.

    Of the components whose lines tell how long an answer took, ``latency_p95_ms`` of the last minute. To diagnose,
    also ``auth_failures``, ``rejected_signatures`` and ``failing_clients`` per component, and ``clients`` of the entry.
    """
    settings = query.service.splunk
    if settings is None:
        raise CallFailed("unavailable", "Splunk is not configured")
    http = http or Http(query.deadline, headers={"Authorization": f"Bearer {aws.secret(settings.secret)}"})
    searches = Searches(http, settings)
    try:
        lines = _Lines.begin(query, searches)
        signed = signatures.begin(SOURCE.name, query, searches)
        beside = _beside(query, searches)
        findings = lines.judge()
        silent = {finding.component for finding in findings if not finding.usable}
        return [*findings, signed(), *collect_independently(SOURCE.name, query, {
            kind: partial(judge, silent) for kind, judge in beside.items()})]
    finally:
        searches.stop()


def _beside(query: Query, searches: Searches) -> dict[type[Detail], Judge]:
    """Begin what may fail without the rest."""
    settings = searches.settings
    beside: dict[type[Detail], Judge] = {}
    if settings.duration_field:
        beside[LatencyP95] = _latencies(query, searches)
    if query.phase == "diagnose":
        beside[AuthFailures] = callers.auth_failures(SOURCE.name, query, searches)
        beside[RejectedSignatures] = callers.rejected_signatures(SOURCE.name, query, searches)
        if settings.client_field:
            beside[Clients] = callers.clients(SOURCE.name, query, searches)
            beside[FailingClients] = callers.failing_clients(SOURCE.name, query, searches)
    return beside


@dataclass(frozen=True, slots=True)
class _Count:
    """Lines of one component and level, in one period or in all of a stretch of time."""

    component: str
    failed: bool
    """Whether their level is one of errors."""
    count: float
    start: float

    @classmethod
    def of(cls, settings: Splunk, row: Row) -> _Count:
        """Read a row."""
        return cls(str(row.get(settings.component_field)), row.get(settings.level_field) in settings.error_levels,
                   number(row.get("count")), number(row.get("_time")))


@dataclass(frozen=True)
class _Lines:
    """The searches that count lines."""

    query: Query
    window: Window
    """The query's, from the start of its first period, so that no period is cut."""
    spl: str
    link: str
    now: Search[_Count]
    past: Search[_Count]

    @classmethod
    def begin(cls, query: Query, searches: Searches) -> _Lines:
        """Begin them."""
        settings = searches.settings
        by = f"{settings.component_field}, {settings.level_field}"
        bucket = period_seconds(query.window.seconds, len(query.service.components))
        spl = f"search {settings.search} | bin _time span={bucket}s | stats count by _time, {by}"
        read = partial(_Count.of, settings)
        window = Window(query.window.start // bucket * bucket, query.window.end)
        return cls(query, window, spl, link(settings), searches.begin(spl, window, read),
                   searches.begin(f"search {settings.search} | stats count by {by}", query.baseline, read))

    def judge(self) -> list[Finding[Detail]]:
        """Return ``error_lines`` per component."""
        (rows, note), (rows_before, note_before) = self.now(), self.past()
        note = note or note_before
        lines, lines_before = _sums(rows), _sums(rows_before)
        errors_before = _sums(row for row in rows_before if row.failed)
        series: dict[str, dict[float, float]] = defaultdict(lambda: defaultdict(int))
        for row in rows:
            if row.failed:
                series[row.component][row.start] += row.count
        findings: list[Finding[Detail]] = []
        for name in (component.name for component in self.query.service.components):
            if not lines[name] and not lines_before[name]:
                findings.append(Finding(
                    source=SOURCE.name, detail=ErrorLines(), status="empty", component=name, window=self.query.window,
                    query=self.spl, link=self.link, note="Splunk has no line of it at all"))
                continue
            errors = sum(series[name].values())
            findings.append(Finding(
                source=SOURCE.name, status="partial" if note else "ok", component=name, window=self.query.window,
                query=self.spl, link=self.link, unit="lines/min", note=note,
                value=round(errors / self.window.seconds * 60, 2),
                baseline=round(errors_before[name] / self.query.baseline.seconds * 60, 2),
                detail=ErrorLines(
                    series=tuple(Bucket(start, count, count) for start, count in sorted(series[name].items())),
                    lines=errors, baseline_lines=errors_before[name], all_lines=lines[name],
                    baseline_all_lines=lines_before[name])))
        return findings


def _sums(rows: Iterable[_Count]) -> dict[str, float]:
    """Return the lines of each component."""
    found: dict[str, float] = defaultdict(int)
    for row in rows:
        found[row.component] += row.count
    return found


@dataclass(frozen=True)
class _Took:
    """How long one component's answers took."""

    component: str
    count: float
    p95_ms: float | None
    """None: its lines do not say."""


def _latencies(query: Query, searches: Searches) -> Judge:
    settings, field = searches.settings, searches.settings.duration_field
    spl = (f"search {settings.search} {field}=* "
           f"| stats count, perc95({field}) as p95 by {settings.component_field}")
    window = Window(max(query.window.start, query.window.end - _RECENT_SECONDS), query.window.end)

    def read(row: Row) -> _Took:
        p95 = row.get("p95")
        return _Took(str(row.get(settings.component_field)), number(row.get("count")), number(p95) if p95 else None)

    now, past = (searches.begin(spl, stretch, read) for stretch in (window, query.baseline))

    def judge(silent: set[str]) -> list[Finding[Detail]]:
        (rows, note), (rows_before, note_before) = now(), past()
        recent, usual = ({row.component: row for row in took if row.p95_ms is not None}
                         for took in (rows, rows_before))
        return [Finding(
            source=SOURCE.name, status="partial" if note or note_before else "ok", component=name, unit="ms",
            window=window, query=spl, link=link(settings), note=note or note_before, value=recent[name].p95_ms,
            baseline=usual[name].p95_ms if name in usual else None, detail=LatencyP95(requests=recent[name].count))
            for name in (component.name for component in query.service.components) if name in recent]

    return judge


SOURCE = Source(
    name="splunk",
    phases=frozenset({"confirm", "diagnose"}),
    collect=collect,
    configured=lambda service: service.splunk is not None,
    secrets=lambda service: (service.splunk.secret,) if service.splunk else (),
)
