"""New Relic, asked by NRQL over NerdGraph.

One request carries all queries, as aliases, so that all are answered for the same moment (``nrql.py`` asks,
``answer.py`` reads).
"""

from __future__ import annotations

from collections import defaultdict

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.evidence import Bucket, Detail, Finding, Series, Window
from responder.model.evidence.calls import Callee, Calls
from responder.model.evidence.deployments import Deployments
from responder.model.evidence.error_rate import DayBefore, ErrorRate
from responder.model.evidence.error_rate_by_version import P95, ErrorRateByVersion, Served
from responder.model.evidence.issues import Issues
from responder.model.evidence.latency_p95_ms import LatencyP95
from responder.model.masking import mask
from responder.model.service import NewRelic
from responder.sources import Query, Source
from responder.sources.newrelic.answer import Answer, Row, read
from responder.sources.newrelic.nrql import MAX_FACETS, Queries, graphql, newest, periods, queries

_HOST_CHARACTERS = 200
_SERIES = 6
"""The most versions of a component that have a series: those with the most requests."""
_CALLEES, _KINDS = 40, 8
_MARKERS = 50
_ISSUES = 20


def collect(query: Query, http: Http | None = None) -> list[Finding[Detail]]:
    """Return per component ``error_rate``, ``latency_p95_ms``, ``error_rate_by_version`` and ``calls``.

    To diagnose, also ``deployments`` and ``issues``. Raises CallFailed.
    """
    settings = query.service.newrelic
    if settings is None:
        raise CallFailed("unavailable", "New Relic is not configured")
    http = http or Http(query.deadline, headers={"API-Key": aws.secret(settings.secret)})
    nrql, diagnose = queries(settings, query), query.phase == "diagnose"
    answer = read(http.json("POST", settings.endpoint, json={
        "query": graphql(nrql.asked, diagnose), "variables": {"account": settings.account, **nrql.asked}}),
        nrql.asked)
    link = _link(settings)
    findings: list[Finding[Detail]] = []
    for component in query.service.components:
        findings += _requests(query, component.name, nrql, answer, link)
    findings += [_calls(query, component.name, nrql, answer, link)
                 for component in query.service.components if component.calls]
    if diagnose:
        findings += [_deployments(query, nrql, answer, link), _issues(query, answer, link)]
    return findings


def _requests(query: Query, component: str, nrql: Queries, answer: Answer, link: str) -> list[Finding[Detail]]:
    """What one component served."""
    now, before = _by_version(answer.window, component), _by_version(answer.baseline, component)
    if not now and not before:
        return [Finding(source=SOURCE.name, detail=ErrorRate(), status="empty", component=component,
                        window=query.window, query=nrql.window, note="New Relic has no data of it at all")]
    limited = "" if len(answer.window) < MAX_FACETS else f"cut at {MAX_FACETS} facets"
    requests, errors = _total(now)
    requests_before, errors_before = _total(before)
    recent = next((row for row in reversed(answer.recent) if row.facet[:1] == (component,)), None)
    beside = _series_by_version(answer.versions, component)
    shown = dict(sorted(beside.items(), key=lambda item: -sum(row.requests for row in item[1]))[:_SERIES])
    return [
        Finding(
            source=SOURCE.name, status="partial" if limited else "ok", component=component, window=query.window,
            link=link, unit="share", note=limited, query=nrql.series,
            value=errors / requests if requests else None,
            baseline=errors_before / requests_before if requests_before else None,
            detail=ErrorRate(
                series=_series(query, answer, component), period_seconds=_periods(query)[0],
                requests=requests, errors=errors, baseline_requests=requests_before, baseline_errors=errors_before,
                baseline_seconds=query.baseline.seconds, day_before=_day_before(query, answer, component))),
        Finding(
            source=SOURCE.name, component=component, window=newest(query.window), link=link, unit="ms",
            query=nrql.recent, value=round(recent.p95_ms, 1) if recent else None, baseline=_typical_p95_ms(before),
            detail=LatencyP95(requests=recent.requests if recent else 0.0)),
        Finding(
            source=SOURCE.name, component=component, window=query.window, link=link, unit="share", query=nrql.window,
            detail=ErrorRateByVersion(
                window={version: Served(row.requests, row.errors) for version, row in now.items()},
                baseline={version: Served(row.requests, row.errors) for version, row in before.items()},
                p95_ms=P95(window={version: round(row.p95_ms, 1) for version, row in now.items()},
                           baseline={version: round(row.p95_ms, 1) for version, row in before.items()}),
                series=shown or None), left_out=len(beside) - len(shown) or None)]


def _series(query: Query, answer: Answer, component: str) -> Series:
    """Return the whole periods, and what has come so far in the one after them."""
    _, whole = _periods(query)
    return (*(_bucket(row) for row in answer.series if row.facet[:1] == (component,)),
            *(Bucket(whole.end, row.requests, row.errors) for row in answer.rest
              if row.facet[:1] == (component,) and row.requests))


def _periods(query: Query) -> tuple[int, Window]:
    return periods(query.window, len(query.service.components))


def _by_version(rows: tuple[Row, ...], component: str) -> dict[str, Row]:
    return {row.facet[1]: row for row in rows if len(row.facet) == 2 and row.facet[0] == component}


def _series_by_version(rows: tuple[Row, ...], component: str) -> dict[str, Series]:
    found: dict[str, list[Bucket]] = defaultdict(list)
    for version, row in ((row.facet[1], row) for row in rows if len(row.facet) == 2 and row.facet[0] == component):
        if row.requests:
            found[version].append(_bucket(row))
    return {version: tuple(series) for version, series in found.items()}


def _bucket(row: Row) -> Bucket:
    return Bucket(row.start, row.requests, row.errors)


def _total(versions: dict[str, Row]) -> tuple[float, float]:
    return sum(row.requests for row in versions.values()), sum(row.errors for row in versions.values())


def _typical_p95_ms(versions: dict[str, Row]) -> float | None:
    """Return the p95 of the version with the most requests: percentiles of parts do not add up."""
    most = max(versions.values(), key=lambda row: (row.requests, row.errors, row.p95_ms), default=None)
    return round(most.p95_ms, 1) if most else None


def _day_before(query: Query, answer: Answer, component: str) -> DayBefore | None:
    """Return the same time of the day before; None where nothing is known of it."""
    window, hour = (next((row for row in rows if row.facet == (component,)), None)
                    for rows in (answer.day_window, answer.day_hour))
    if not hour or not hour.requests:
        return None
    return DayBefore(
        requests=window.requests if window else 0.0, errors=window.errors if window else 0.0,
        seconds=query.window.seconds, hour_requests=hour.requests, hour_seconds=query.baseline.seconds)


def _calls(query: Query, component: str, nrql: Queries, answer: Answer, link: str) -> Finding[Calls]:
    """What one component asked of others within the last minute."""
    now, before = _by_host(answer.calls, component), _by_host(answer.calls_before, component)
    kinds: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in answer.kinds:
        if len(row.facet) == 3 and row.facet[0] == component:
            kinds[_host(row.facet[1])][mask(row.facet[2])[:_HOST_CHARACTERS]] += row.requests
    every = {host: _callee(now.get(host), before.get(host), kinds.get(host, {})) for host in {**now, **before}}
    callees = dict(sorted(every.items(), key=lambda item: (-item[1].errors, -item[1].requests, item[0]))[:_CALLEES])
    return Finding(
        source=SOURCE.name, status="ok" if callees else "empty", component=component, window=newest(query.window),
        query=nrql.calls, link=link, note="" if callees else "New Relic has no client span of it",
        left_out=len(every) - len(callees) or None, detail=Calls(callees=callees))


def _by_host(rows: tuple[Row, ...], component: str) -> dict[str, Row]:
    return {_host(row.facet[1]): row for row in rows if len(row.facet) == 2 and row.facet[0] == component}


def _host(text: str) -> str:
    return mask(text)[:_HOST_CHARACTERS]


def _callee(now: Row | None, before: Row | None, kinds: dict[str, float]) -> Callee:
    return Callee(
        kinds=dict(sorted(kinds.items(), key=lambda item: (-item[1], item[0]))[:_KINDS]),
        requests=now.requests if now else 0.0, errors=now.errors if now else 0.0,
        mean_ms=now.mean_ms if now else None, baseline_requests=before.requests if before else 0.0,
        baseline_errors=before.errors if before else 0.0, baseline_ms=before.mean_ms if before else None)


def _deployments(query: Query, nrql: Queries, answer: Answer, link: str) -> Finding[Deployments]:
    return Finding(source=SOURCE.name, window=query.window, query=nrql.deployments, value=float(len(answer.markers)),
                   unit="markers", link=link, left_out=max(0, len(answer.markers) - _MARKERS) or None,
                   detail=Deployments(markers=answer.markers[:_MARKERS]))


def _issues(query: Query, answer: Answer, link: str) -> Finding[Issues]:
    if answer.issues is None:
        return Finding(source=SOURCE.name, detail=Issues(), status="partial", window=query.window,
                       note="NerdGraph gave no issues")
    return Finding(source=SOURCE.name, window=query.window, value=float(len(answer.issues)), unit="open issues",
                   query="actor.account.aiIssues.issues(filter: {states: [ACTIVATED]})", link=link,
                   left_out=max(0, len(answer.issues) - _ISSUES) or None,
                   detail=Issues(issues=answer.issues[:_ISSUES]))


def _link(settings: NewRelic) -> str:
    host = "one.eu.newrelic.com" if ".eu." in settings.endpoint else "one.newrelic.com"
    return f"https://{host}/data-exploration/query-builder?account={settings.account}"


SOURCE = Source(
    name="newrelic",
    phases=frozenset({"confirm", "diagnose", "watch"}),
    collect=collect,
    configured=lambda service: service.newrelic is not None,
    secrets=lambda service: (service.newrelic.secret,) if service.newrelic else (),
)
