"""Prometheus, and what has its HTTP API: requests, failures, latency, versions and calls by the service's metrics.

``promql.py`` has the queries by the usual conventions, ``answer.py`` the API, ``failures.py`` why calls failed. Metrics
are scraped, so that what has just begun shows only with the second scrape after it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.evidence import Bucket, Detail, Finding, Series, Status, Window
from responder.model.evidence.calls import Callee, Calls
from responder.model.evidence.error_rate import DayBefore, ErrorRate
from responder.model.evidence.error_rate_by_version import P95, ErrorRateByVersion, Served
from responder.model.evidence.latency_p95_ms import LatencyP95
from responder.model.frozen import dataclass
from responder.model.masking import mask
from responder.model.service import Prometheus, Service
from responder.plan.periods import LENGTHS_SECONDS, period_seconds
from responder.sources import Budget, Query, Source, Statement
from responder.sources.prometheus import promql
from responder.sources.prometheus.answer import Api, Row, workspace
from responder.sources.prometheus.failures import failure

_RECENT_SECONDS = 60.0
_SCRAPES = 2
"""``increase`` needs so many in its range."""
_CALLEES, _KINDS = 40, 8
_HOST_CHARACTERS = 200


def collect(query: Query, http: Http | None = None) -> list[Finding[Detail]]:
    """Return per component ``error_rate``, ``latency_p95_ms``, ``error_rate_by_version`` and ``calls``.

    The last two where the metrics have a label with the version, and tell of calls. Raises CallFailed.
    """
    settings = query.service.prometheus
    if settings is None:
        raise CallFailed("unavailable", "Prometheus is not configured")
    api = Api(settings, http or Http(query.deadline), query.deadline)
    names = promql.configured(settings) or promql.found(settings, query.service, _series(api, query))
    if names is None:
        raise CallFailed("empty", "Prometheus has no metric of the usual names with a label that names a component")
    asked = promql.Asked(settings, names, tuple(component.name for component in query.service.components))
    served = _Served(query, api, asked, names)
    findings: list[Finding[Detail]] = []
    for component in query.service.components:
        findings += served.of(component.name)
    if names.known and names.known.calls:
        findings += _calls(query, api, asked, names.known)
    note = "; ".join(dict.fromkeys(api.notes))
    return findings if not note else [_warned(finding, note) for finding in findings]


def _series(api: Api, query: Query) -> list[dict[str, str]]:
    """Return the labels of what a search for the usual names finds; raises CallFailed."""
    try:
        return [row.labels for row in api.at(promql.search(), query.window.end)]
    except CallFailed as failed:
        if failed.status not in ("malformed", "timeout", "unavailable"):
            raise
        # A large Prometheus may refuse a search over all series; the configuration makes it needless.
        raise CallFailed(failed.status, f"{failed.note}; prometheus.convention and component_label make this search "
                         "needless", code=failed.code, http_status=failed.http_status) from failed


def _warned(finding: Finding[Detail], note: str) -> Finding[Detail]:
    return replace(finding, status="partial" if finding.status == "ok" else finding.status,
                   note="; ".join(part for part in (finding.note, note) if part))


_ByComponent = dict[str, float]
_ByVersion = dict[str, dict[str, float]]


@dataclass(frozen=True)
class _Totals:
    """Requests, failures and p95 of a stretch of time by component and version."""

    requests: _ByVersion
    errors: _ByVersion
    p95_ms: _ByVersion

    def whole(self, component: str) -> tuple[float, float]:
        """Requests and failures of all versions."""
        return (sum(self.requests.get(component, {}).values()), sum(self.errors.get(component, {}).values()))

    def typical_p95_ms(self, component: str) -> float | None:
        """The p95 of the version with the most requests: percentiles of parts do not add up."""
        requests = self.requests.get(component, {})
        most = max(requests, key=lambda version: (requests[version], version), default="")
        return self.p95_ms.get(component, {}).get(most)


class _Served:
    """What all components served, asked once."""

    def __init__(self, query: Query, api: Api, asked: promql.Asked, names: promql.Names) -> None:
        self._query, self._asked, self._names = query, asked, names
        window = query.window
        self._step = step_seconds(asked.settings, window, len(query.service.components))
        self._range = max(self._step, _SCRAPES * asked.settings.scrape_seconds)
        first = window.end - self._step * (max(1, math.ceil(window.seconds / self._step)) - 1)

        def series(text: str) -> dict[str, dict[float, float]]:
            return _by_time(api.over(text, first, window.end, self._step), names.component, self._step,
                            self._step / self._range)

        self._requests, self._errors = (series(asked.requests(self._range)), series(asked.errors(self._range)))
        self._now = self._totals(api, window.end, window.seconds)
        self._before = self._totals(api, query.baseline.end, query.baseline.seconds)
        self._newest = newest(asked.settings, window)
        self._p95 = _by_component(_where(api, asked.p95_ms(self._newest.seconds), window.end), names.component)
        self._recent = _by_component(api.at(asked.requests(self._newest.seconds), window.end), names.component)
        self._usual = self._day_before(api) if query.phase == "confirm" else {}
        self._by_version = self._versions(api, first) if query.phase == "diagnose" else {}

    def _totals(self, api: Api, end: float, seconds: float) -> _Totals:
        return _Totals(*(self._versioned(_where(api, text, end)) for text in (
            self._asked.requests(seconds, True), self._asked.errors(seconds, True), self._asked.p95_ms(seconds, True))))

    def _versioned(self, rows: Iterable[Row]) -> _ByVersion:
        found: _ByVersion = defaultdict(dict)
        for row in rows:
            if row.points:
                found[_named(row, self._names.component)][row.labels.get(self._names.version, "")] = row.value
        return found

    def _day_before(self, api: Api) -> dict[str, DayBefore]:
        window, hour = self._query.day_before
        texts = [(self._asked.requests, window), (self._asked.errors, window), (self._asked.requests, hour)]
        requests, errors, before = (
            _by_component(api.at(text(part.seconds), part.end), self._names.component) for text, part in texts)
        return {name: DayBefore(requests.get(name, 0.0), errors.get(name, 0.0), window.seconds, count, hour.seconds)
                for name, count in before.items() if count}

    def _versions(self, api: Api, first: float) -> dict[str, dict[str, Series]]:
        """Return the series of each version of a component: which failed while another served beside it."""
        end = self._query.window.end
        errors = {(_named(row, self._names.component), row.labels.get(self._names.version, "")): dict(row.points)
                  for row in api.over(self._asked.errors(self._range, True), first, end, self._step)}
        found: dict[str, dict[str, Series]] = defaultdict(dict)
        scale = self._step / self._range
        for row in api.over(self._asked.requests(self._range, True), first, end, self._step):
            key = (_named(row, self._names.component), row.labels.get(self._names.version, ""))
            found[key[0]][key[1]] = tuple(
                Bucket(at - self._step, round(scale * count, 2), round(scale * errors.get(key, {}).get(at, 0.0), 2))
                for at, count in row.points if count)
        return found

    def of(self, component: str) -> list[Finding[Detail]]:
        """Return the findings of one component."""
        query = self._query
        text = self._asked.requests(self._range)
        requests, errors = self._requests.get(component, {}), self._errors.get(component, {})
        before, errors_before = self._before.whole(component)
        if not requests and not before:
            return [Finding(source=SOURCE.name, detail=ErrorRate(), status="empty", component=component,
                            window=query.window, query=text, note="Prometheus has no data of it at all")]
        series = tuple(Bucket(at, round(count, 2), round(errors.get(at, 0.0), 2))
                       for at, count in sorted(requests.items()))
        whole, failed = sum(bucket.requests for bucket in series), sum(bucket.errors for bucket in series)
        p95 = self._p95.get(component)
        found: list[Finding[Detail]] = [
            Finding(source=SOURCE.name, component=component, window=query.window, unit="share", query=text,
                    value=failed / whole if whole else None, baseline=errors_before / before if before else None,
                    detail=ErrorRate(series=series, period_seconds=self._step, requests=whole, errors=failed,
                                     baseline_requests=before, baseline_errors=errors_before,
                                     baseline_seconds=query.baseline.seconds, day_before=self._usual.get(component))),
            Finding(source=SOURCE.name, component=component, window=self._newest, unit="ms",
                    query=self._asked.p95_ms(self._newest.seconds), value=None if p95 is None else round(p95, 1),
                    baseline=self._before.typical_p95_ms(component),
                    note="" if p95 is not None else "no bucket of a histogram tells how long answers took",
                    detail=LatencyP95(requests=self._recent.get(component, 0.0)))]
        versions = self._now.requests.get(component, {})
        return [*found, self._version(component)] if any(versions) else found

    def _version(self, component: str) -> Finding[Detail]:
        def served(totals: _Totals) -> dict[str, Served]:
            return {version: Served(round(count, 2), round(totals.errors.get(component, {}).get(version, 0.0), 2))
                    for version, count in totals.requests.get(component, {}).items() if count}

        return Finding(
            source=SOURCE.name, component=component, window=self._query.window, unit="share",
            query=self._asked.requests(self._query.window.seconds, True), detail=ErrorRateByVersion(
                window=served(self._now), baseline=served(self._before),
                p95_ms=P95(self._now.p95_ms.get(component, {}), self._before.p95_ms.get(component, {})),
                series=self._by_version.get(component) or None))


def step_seconds(settings: Prometheus, window: Window, components: int) -> int:
    """Return the length of a series' periods: one of the usual ones, of a scrape at least.

    Where it is shorter than two scrapes, each period tells the mean of as long as two scrapes take.
    """
    least = max(period_seconds(window.seconds, components), settings.scrape_seconds)
    return next((length for length in LENGTHS_SECONDS if length >= least), least)


def newest(settings: Prometheus, window: Window) -> Window:
    """Return the last minute of a window, or as much as two scrapes take."""
    return Window(max(window.start, window.end - max(_RECENT_SECONDS, _SCRAPES * settings.scrape_seconds)), window.end)


def _calls(query: Query, api: Api, asked: promql.Asked, known: promql.Known) -> list[Finding[Detail]]:
    """Return what each component called within the last minute, and what it served in that time."""
    window = newest(asked.settings, query.window)
    scale = min(1.0, _RECENT_SECONDS / window.seconds) if window.seconds else 1.0
    now, before = (_callees(api, asked, known, part) for part in (window, query.baseline))
    requests, errors = (_by_component(api.at(text, window.end), asked.names.component) for text in (
        asked.requests(window.seconds), asked.errors(window.seconds)))
    findings: list[Finding[Detail]] = []
    for component in (component.name for component in query.service.components if component.calls):
        hosts = {host: _callee(now.get(component, {}).get(host), before.get(component, {}).get(host), scale)
                 for host in {**now.get(component, {}), **before.get(component, {})}}
        callees = dict(sorted(hosts.items(), key=lambda item: (-item[1].errors, -item[1].requests, item[0]))[:_CALLEES])
        status: Status = "ok" if callees else "empty"
        findings.append(Finding(
            source=SOURCE.name, status=status, component=component, window=window,
            query=asked.calls(known.calls[0], window.seconds), left_out=len(hosts) - len(callees) or None,
            note="" if callees else "Prometheus has no metric of its calls", detail=Calls(
                callees=callees, requests=_scaled(requests.get(component), scale),
                errors=_scaled(errors.get(component, 0.0), scale))))
    return findings


@dataclass(frozen=True)
class _Host:
    """The calls of one host in a stretch of time."""

    requests: float
    milliseconds: float
    kinds: dict[str, float]


def _callees(api: Api, asked: promql.Asked, known: promql.Known, window: Window) -> dict[str, dict[str, _Host]]:
    """Return the calls by component and host."""
    found: dict[str, dict[str, _Host]] = defaultdict(dict)
    for called in known.calls:
        caller = called.component or asked.names.component
        counts: dict[tuple[str, str], float] = defaultdict(float)
        kinds: dict[tuple[str, str], dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for row in api.at(asked.calls(called, window.seconds), window.end):
            key = (_named(row, caller), mask(row.labels.get(called.peer, ""))[:_HOST_CHARACTERS])
            counts[key] += row.value
            why = failure(row.labels.get(called.code, ""), [row.labels.get(name, "") for name in called.details])
            if why and row.value > 0:
                kinds[key][why] += row.value
        took = {(_named(row, caller), mask(row.labels.get(called.peer, ""))[:_HOST_CHARACTERS]): row.value
                for row in api.at(asked.called_ms(called, window.seconds), window.end)}
        for (component, host), count in counts.items():
            if host and count > 0:
                found[component][host] = _Host(count, took.get((component, host), 0.0), kinds[component, host])
    return found


def _scaled(count: float | None, scale: float) -> float | None:
    return None if count is None else round(scale * count, 2)


def _callee(now: _Host | None, before: _Host | None, scale: float) -> Callee:
    """Return the calls of one host; ``scale`` makes a minute of the time that ``now`` is of."""
    kinds = {text: round(scale * count, 2) for text, count in (now.kinds if now else {}).items()}
    return Callee(
        kinds=dict(sorted(kinds.items(), key=lambda item: (-item[1], item[0]))[:_KINDS]),
        requests=round(scale * now.requests, 2) if now else 0.0, errors=round(sum(kinds.values()), 2),
        mean_ms=_mean(now), baseline_requests=round(before.requests, 2) if before else 0.0,
        baseline_errors=round(sum(before.kinds.values()), 2) if before else 0.0, baseline_ms=_mean(before))


def _mean(host: _Host | None) -> float | None:
    return round(host.milliseconds / host.requests, 1) if host and host.requests and host.milliseconds else None


def _where(api: Api, text: str, moment: float) -> list[Row]:
    """Ask, where there is a query at all."""
    return api.at(text, moment) if text else []


def _by_component(rows: Iterable[Row], label: str) -> _ByComponent:
    return {_named(row, label): row.value for row in rows if row.points}


def _by_time(rows: Iterable[Row], label: str, step: int, scale: float) -> dict[str, dict[float, float]]:
    """Return the values by component and by the start of their period: what is asked at a moment is of before it."""
    return {_named(row, label): {at - step: scale * value for at, value in row.points} for row in rows}


def _named(row: Row, label: str) -> str:
    return promql.named(row.labels.get(label, ""))


def _statements(service: Service) -> tuple[Statement, ...]:
    region, name = workspace(service.prometheus) if service.prometheus else ("", "")
    return (Statement(("aps:QueryMetrics",), (f"arn:{{partition}}:aps:{region}:{{account}}:workspace/{name}",)),
            ) if name else ()


SOURCE = Source(
    name="prometheus",
    phases=frozenset({"confirm", "diagnose", "watch"}),
    collect=collect,
    configured=lambda service: service.prometheus is not None,
    secrets=lambda service: (service.prometheus.secret,) if service.prometheus and service.prometheus.secret else (),
    statements=_statements,
    budget=Budget(
        "Prometheus queries", 25.0, 1.0, "queries at once: 20 (Prometheus: --query.max-concurrency); Amazon's "
        "workspaces have a quota of QueryMetrics a second (Amazon Managed Service for Prometheus service quotas)",
        a_look=lambda query: 12, scope=lambda service: service.prometheus.url if service.prometheus else ""),
)
