"""New Relic, asked by NRQL over NerdGraph.

Formats: New Relic's pages "NerdGraph tutorial: Query your data using NRQL" (``data.actor.account.nrql.results``),
"NRQL reference" (facets and time series) and "NerdGraph usage limits" (429; errors come with status 200 in
``errors``). One request carries all queries, as aliases, so that all are answered for the same moment.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from typing import Any

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.finding import Finding, Window
from responder.model.masking import mask
from responder.model.service import NewRelic, Service
from responder.sources import Query, Source

_BUCKET_SECONDS = 10
_MAX_BUCKETS = 366  # NRQL reference, TIMESERIES: "maximum of 366 buckets"
_MAX_FACETS = 2000
_MAX_KINDS = 200
_RECENT_SECONDS = 60
_CHANGES_SECONDS = 3600


def collect(query: Query, http: Http | None = None) -> list[Finding]:
    """Return per component ``error_rate`` and ``latency_p95_ms``, and per version ``error_rate_by_version``.

    ``error_rate``: detail has ``series`` [[start, requests, errors], …], ``requests``, ``errors``,
    ``baseline_requests`` and ``baseline_errors``, and to confirm ``day_before`` (see ``symptom.py``).
    ``error_rate_by_version``: detail maps ``window`` and ``baseline`` to {version: [requests, errors]}, and ``p95_ms``
    the same two to {version: ms}; to diagnose, ``series`` is {version: [[start, requests, errors], …]}.
    ``calls``: what the component asked of others within the last minute, as its window says; detail maps ``callees``
    to {host: {requests, errors, mean_ms, baseline_requests, baseline_errors, baseline_ms, kinds {message: count}}}.
    ``issues``: the service's open New Relic issues; ``deployments``: change tracking's markers, detail ``markers``
    [{at, component, version, user}]. Raises CallFailed.
    """
    service = query.service
    settings = _settings(service)
    http = http or Http(query.deadline, headers={"API-Key": aws.secret(settings.secret)})
    queries = _queries(service, settings, query)
    answer = http.json("POST", settings.endpoint, json={
        "query": _graphql(queries, query.phase == "diagnose"), "variables": {
        "account": settings.account, **queries}})
    try:
        results = _results(answer, queries)
        found = _findings(service, settings, query, queries, results)
        found += _calls(service, settings, query, queries, results)
        if query.phase == "diagnose":
            found += [_deployments(service, settings, query, queries, results), _issues(settings, query, answer)]
    except (KeyError, TypeError, AttributeError) as error:
        raise CallFailed("malformed", "NerdGraph answered in another form") from error
    return found


def _settings(service: Service) -> NewRelic:
    if service.newrelic is None:
        raise CallFailed("unavailable", "New Relic is not configured")
    return service.newrelic


def _queries(service: Service, settings: NewRelic, query: Query) -> dict[str, str]:
    window, baseline = query.window, query.baseline
    names = ", ".join(_quote(component.name) for component in service.components)
    component, version = _attribute(settings.component_attribute), _attribute(settings.version_attribute)
    counts = "count(*) AS requests, filter(count(*), WHERE error IS true) AS errors"
    source = f"FROM {settings.event} WHERE {component} IN ({names})"
    bucket = max(_BUCKET_SECONDS, math.ceil(window.seconds / _MAX_BUCKETS))
    span = {key: f"SINCE {int(part.start * 1000)} UNTIL {int(part.end * 1000)}"
            for key, part in (("window", window), ("baseline", baseline))}
    queries = {
        "series": f"SELECT {counts} {source} FACET {component} {span['window']} TIMESERIES {bucket} seconds "
                  f"LIMIT {_MAX_FACETS}",
        "window": f"SELECT {counts}, percentile(duration, 95) AS p95 {source} FACET {component}, {version} "
                  f"{span['window']} LIMIT {_MAX_FACETS}",
        "baseline": f"SELECT {counts}, percentile(duration, 95) AS p95 {source} FACET {component}, {version} "
                    f"{span['baseline']} LIMIT {_MAX_FACETS}",
    }
    # What the newest minute shows is the fault; the window before it is diluted by the time when all was well.
    newest = _newest(window)
    recent = f"SINCE {int(newest.start * 1000)} UNTIL {int(newest.end * 1000)}"
    queries["recent"] = (f"SELECT count(*) AS requests, percentile(duration, 95) AS p95 {source} FACET {component} "
                         f"{recent} LIMIT {_MAX_FACETS}")
    if query.phase == "confirm":
        # Whether an hour is always like this: the same window, and the hour before it, a day before.
        for key, part in zip(("day_window", "day_hour"), query.day_before, strict=True):
            queries[key] = (f"SELECT {counts} {source} FACET {component} SINCE {int(part.start * 1000)} "
                            f"UNTIL {int(part.end * 1000)} LIMIT {_MAX_FACETS}")
    peer = _attribute(settings.peer_attribute)
    calls = (f"FROM Span WHERE {component} IN ({names}) AND span.kind = 'client'")
    measured = ("count(*) AS requests, filter(count(*), WHERE error.class IS NOT NULL) AS errors, "
                "average(duration) AS mean")
    queries |= {
        "calls": f"SELECT {measured} {calls} FACET {component}, {peer} {recent} LIMIT {_MAX_FACETS}",
        "calls_before": f"SELECT {measured} {calls} FACET {component}, {peer} {span['baseline']} LIMIT {_MAX_FACETS}",
        "kinds": f"SELECT count(*) AS requests {calls} AND error.class IS NOT NULL "
                 f"FACET {component}, {peer}, error.message {recent} LIMIT {_MAX_KINDS}",
    }
    if query.phase == "diagnose":
        # Which version failed while another served beside it: totals would compare one time with another.
        queries["versions"] = (f"SELECT {counts} {source} FACET {component}, {version} {span['window']} "
                               f"TIMESERIES {bucket} seconds LIMIT {_MAX_FACETS}")
        since = f"SINCE {int((window.start - _CHANGES_SECONDS) * 1000)} UNTIL {int(window.end * 1000)}"
        markers = "SELECT timestamp, entity.name, version, user FROM Deployment"
        queries["deployments"] = f"{markers} WHERE entity.name IN ({names}) {since} LIMIT 100"
    return queries


def _graphql(queries: dict[str, str], issues: bool) -> str:
    variables = ", ".join(f"${name}: Nrql!" for name in queries)
    fields = " ".join(f"{name}: nrql(query: ${name}, timeout: 9) {{ results }}" for name in queries)
    asked = ("aiIssues { issues(filter: {states: [ACTIVATED]}) { issues { issueId title priority state activatedAt "
             "entityNames } nextCursor } }") if issues else ""
    return f"query ($account: Int!, {variables}) {{ actor {{ account(id: $account) {{ {fields} {asked} }} }} }}"


def _results(answer: Any, queries: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    """Take the result lists out of NerdGraph's answer, or say why there are none."""
    if not isinstance(answer, dict):
        raise CallFailed("malformed", "NerdGraph answered without an object")
    errors = answer.get("errors") or []
    account = ((answer.get("data") or {}).get("actor") or {}).get("account") or {}
    found = {name: (account.get(name) or {}).get("results") for name in queries}
    if all(isinstance(rows, list) for rows in found.values()):
        return {name: [row for row in rows or [] if isinstance(row, dict)] for name, rows in found.items()}
    said = mask("; ".join(str((error or {}).get("message", "")) for error in errors if isinstance(error, dict))[:300])
    classes = json.dumps([(error or {}).get("extensions", {}) for error in errors if isinstance(error, dict)]).upper()
    if any(word in classes for word in ("UNAUTHENTICATED", "UNAUTHORIZED", "ACCESS_DENIED", "FORBIDDEN")):
        raise CallFailed("unauthorized", f"NerdGraph refused the key: {said}")
    if "TOO_MANY_REQUESTS" in classes or "RATE_LIMIT" in classes:
        raise CallFailed("throttled", f"NerdGraph throttles: {said}")
    if "TIMEOUT" in classes:
        raise CallFailed("timeout", f"NRQL did not finish in time: {said}")
    if errors:
        raise CallFailed("unavailable", f"NerdGraph answered with errors: {said}")
    raise CallFailed("malformed", "NerdGraph answered without results")


def _findings(service: Service, settings: NewRelic, query: Query, queries: dict[str, str],
              results: dict[str, list[dict[str, Any]]]) -> list[Finding]:
    series: dict[str, list[list[float]]] = defaultdict(list)
    for row in results["series"]:
        facet = _facet(row)
        if facet:
            series[facet[0]].append([_number(row.get("beginTimeSeconds")), _number(row.get("requests")),
                                     _number(row.get("errors"))])
    versions = {part: _by_version(results[part]) for part in ("window", "baseline")}
    beside: dict[str, dict[str, list[list[float]]]] = defaultdict(lambda: defaultdict(list))
    for row in results.get("versions", []):
        facet = _facet(row)
        if len(facet) == 2 and _number(row.get("requests")):
            beside[facet[0]][facet[1]].append([_number(row.get("beginTimeSeconds")), _number(row.get("requests")),
                                               _number(row.get("errors"))])
    recent = {facet[0]: (_number(row.get("requests")), round(_p95(row) * 1000, 1))
              for row in results["recent"] for facet in [_facet(row)] if facet}
    limited = "" if len(results["window"]) < _MAX_FACETS else f"cut at {_MAX_FACETS} facets"
    findings = []
    for component in service.components:
        now, before = (versions[part].get(component.name, {}) for part in ("window", "baseline"))
        if not now and not before:
            findings.append(Finding(SOURCE.name, "error_rate", "empty", component.name, window=query.window,
                                    query=queries["window"], note="New Relic has no data of it at all"))
            continue
        requests, errors, _ = _total(now)
        requests_before, errors_before, p95_before = _total(before)
        common: dict[str, Any] = {"component": component.name, "window": query.window, "link": _link(settings)}
        findings.append(Finding(
            SOURCE.name, "error_rate", "partial" if limited else "ok", **common, unit="share", note=limited,
            value=errors / requests if requests else None,
            baseline=errors_before / requests_before if requests_before else None, query=queries["series"],
            detail={"series": series.get(component.name, []), "requests": requests, "errors": errors,
                    "baseline_requests": requests_before, "baseline_errors": errors_before,
                    "baseline_seconds": query.baseline.seconds} | _day_before(query, results, component.name)))
        findings.append(Finding(
            SOURCE.name, "latency_p95_ms", **common | {"window": _newest(query.window)}, unit="ms",
            value=recent.get(component.name, (0.0, None))[1], baseline=p95_before, query=queries["recent"],
            detail={"requests": recent.get(component.name, (0.0, None))[0]}))
        findings.append(Finding(
            SOURCE.name, "error_rate_by_version", **common, unit="share", query=queries["window"],
            detail={"window": {v: list(counts[:2]) for v, counts in now.items()},
                    "baseline": {v: list(counts[:2]) for v, counts in before.items()},
                    **({"series": dict(beside[component.name])} if beside[component.name] else {}),
                    "p95_ms": {"window": {v: round(counts[2], 1) for v, counts in now.items()},
                               "baseline": {v: round(counts[2], 1) for v, counts in before.items()}}}))
    return findings


def _day_before(query: Query, results: dict[str, list[dict[str, Any]]], component: str) -> dict[str, Any]:
    """Return {"day_before": …} as ``symptom.py`` reads it; empty where nothing is known of it."""
    window, hour = (next((row for row in results.get(key, []) if _facet(row) == [component]), {})
                    for key in ("day_window", "day_hour"))
    if not _number(hour.get("requests")):
        return {}
    return {"day_before": {
        "requests": _number(window.get("requests")), "errors": _number(window.get("errors")),
        "seconds": query.window.seconds, "hour_requests": _number(hour.get("requests")),
        "hour_seconds": query.baseline.seconds}}


def _calls(service: Service, settings: NewRelic, query: Query, queries: dict[str, str],
           results: dict[str, list[dict[str, Any]]]) -> list[Finding]:
    callees: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for key, names in (("calls", ("requests", "errors", "mean_ms")),
                       ("calls_before", ("baseline_requests", "baseline_errors", "baseline_ms"))):
        for row in results[key]:
            facet = _facet(row)
            if len(facet) == 2:
                values = (_number(row.get("requests")), _number(row.get("errors")), _number(row.get("mean")) * 1000)
                callees[facet[0]].setdefault(mask(facet[1])[:200], {"kinds": {}}).update(
                    zip(names, values, strict=True))
    for row in results["kinds"]:
        facet = _facet(row)
        if len(facet) == 3 and facet[1] in callees[facet[0]]:
            kinds = callees[facet[0]][facet[1]]["kinds"]
            text = mask(facet[2])[:200]
            kinds[text] = kinds.get(text, 0) + _number(row.get("requests"))
    return [Finding(SOURCE.name, "calls", "ok" if callees[component.name] else "empty", component.name,
                    window=_newest(query.window), query=queries["calls"], link=_link(settings),
                    note="" if callees[component.name] else "New Relic has no client span of it",
                    detail={"callees": callees[component.name]})
            for component in service.components if component.calls]


def _deployments(service: Service, settings: NewRelic, query: Query, queries: dict[str, str],
                 results: dict[str, list[dict[str, Any]]]) -> Finding:
    markers = [{"at": _number(row.get("timestamp")) / 1000, "component": str(row.get("entity.name", "")),
                "version": mask(str(row.get("version", "")))[:100], "user": mask(str(row.get("user", "")))[:100]}
               for row in results["deployments"]]
    return Finding(SOURCE.name, "deployments", window=query.window, query=queries["deployments"],
                   value=float(len(markers)), unit="markers", link=_link(settings), detail={"markers": markers[:50]})


def _issues(settings: NewRelic, query: Query, answer: Any) -> Finding:
    account = ((answer.get("data") or {}).get("actor") or {}).get("account") or {}
    listed = ((account.get("aiIssues") or {}).get("issues") or {}).get("issues")
    if not isinstance(listed, list):
        return Finding(SOURCE.name, "issues", "partial", window=query.window, note="NerdGraph gave no issues")
    issues = [{"id": str(item.get("issueId", "")), "priority": str(item.get("priority", "")),
               "title": mask(str(item.get("title", "")))[:200], "entities": list(item.get("entityNames") or [])[:20]}
              for item in listed if isinstance(item, dict)]
    return Finding(SOURCE.name, "issues", window=query.window, value=float(len(issues)), unit="open issues",
                   query="actor.account.aiIssues.issues(filter: {states: [ACTIVATED]})", link=_link(settings),
                   detail={"issues": issues[:20]})


_Counts = tuple[float, float, float]


def _by_version(rows: list[dict[str, Any]]) -> dict[str, dict[str, _Counts]]:
    found: dict[str, dict[str, _Counts]] = defaultdict(dict)
    for row in rows:
        facet = _facet(row)
        if len(facet) == 2:
            found[facet[0]][facet[1]] = (_number(row.get("requests")), _number(row.get("errors")), _p95(row) * 1000)
    return found


def _p95(row: dict[str, Any]) -> float:
    """Seconds; NRQL gives a percentile as {"95": value}, or as a value where only one was asked for."""
    p95 = row.get("p95")
    return _number(p95.get("95")) if isinstance(p95, dict) else _number(p95)


def _newest(window: Window) -> Window:
    """The stretch of a window that is asked for where what was before would dilute it."""
    return Window(max(window.start, window.end - _RECENT_SECONDS), window.end)


def _total(versions: dict[str, _Counts]) -> tuple[float, float, float | None]:
    requests, errors = (sum(counts[place] for counts in versions.values()) for place in (0, 1))
    # Percentiles of parts do not add up; the part with the most requests speaks for all.
    p95 = max(versions.values(), default=None)
    return requests, errors, round(p95[2], 1) if p95 else None


def _facet(row: dict[str, Any]) -> list[str]:
    facet = row.get("facet")
    if isinstance(facet, list):
        return [str(part) for part in facet]
    return [] if facet is None else [str(facet)]


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _attribute(name: str) -> str:
    return f"`{name.replace('`', '')}`" if not name.replace("_", "").isalnum() else name


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
