"""CloudWatch Application Signals: requests, faults and latency of each component, and of each of its dependencies.

Formats: AWS's pages "ListServices" and "ListServiceDependencies" (key attributes, metric references; times are rounded
to the hour), "Metrics collected by Application Signals" (``Latency`` in milliseconds, whose sample count is the number
of requests; ``Fault``: answers of 5xx and exceptions; ``Error``: of 4xx, which is the caller's affair) and
"GetMetricData". Database connections are identified by ``NAME|HOST|PORT``.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from responder.clients import aws
from responder.model.evidence import Bucket, Detail, Finding, Status, Window
from responder.model.evidence.calls import Callee, Calls
from responder.model.evidence.error_rate import ErrorRate
from responder.model.evidence.latency_p95_ms import LatencyP95
from responder.model.frozen import dataclass
from responder.model.masking import mask
from responder.model.service import Service
from responder.sources import METRIC_DATA, Query, Source, Statement, metric_data_budget
from responder.sources.cloudwatch.metrics import MINUTE, Points, metric, read

_PAGES = 10
_MOST_QUERIES = 500
"""Of one call of GetMetricData."""
_HOUR_SECONDS = 3600.0
_CALLEES = 40
_MOST_DEPENDENCIES = 100
_HOST_CHARACTERS = 200
_FAULT = "a fault, by Application Signals"
_NO_RESOURCES = "{} knows no resources (Service Authorization Reference, Amazon CloudWatch Application Signals)"

Dimensions = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Metrics:
    """Where the metrics of a service, or of one of its dependencies, are."""

    namespace: str
    latency: Dimensions
    fault: Dimensions


@dataclass(frozen=True)
class _Counts:
    """What they say, by the minute."""

    requests: Points
    faults: Points
    mean_ms: Points
    p95_ms: Points

    def within(self, window: Window) -> tuple[float, float, float]:
        """Return requests, faults and the milliseconds of all requests in a stretch of time."""
        start = window.start // MINUTE * MINUTE
        minutes = [at for at in self.requests if start <= at < window.end]
        return (sum(self.requests[at] for at in minutes), sum(self.faults.get(at, 0.0) for at in minutes),
                sum(self.requests[at] * self.mean_ms.get(at, 0.0) for at in minutes))


def collect(query: Query) -> list[Finding[Detail]]:
    """Return per component ``error_rate``, ``latency_p95_ms`` and ``calls``; raises CallFailed."""
    left = max(1, int(query.deadline - time.monotonic()))
    signals, cloudwatch = aws.client("application-signals", left), aws.client("cloudwatch", left)
    services = _services(query, signals)
    served = {name: found for name, (_, references) in services.items() if (found := _metrics(references))}
    edges = {(component.name, host): metrics for component in query.service.components
             if component.calls and component.name in services
             for host, metrics in _dependencies(query, signals, services[component.name][0])}
    asked: dict[tuple[str, str], list[_Metrics]] = {(name, ""): [found] for name, found in served.items()} | edges
    counts, note = _read(query, cloudwatch, asked)
    newest = max((at for found in counts.values() for at in found.requests), default=query.window.start)
    # The metrics come a minute or two late: what was seen ends with the newest minute that is there.
    seen = Window(query.window.start, min(query.window.end, max(query.window.start, newest) + MINUTE))
    findings: list[Finding[Detail]] = []
    for component in query.service.components:
        findings += _requests(query, seen, component.name, counts.get((component.name, "")), note)
        if component.calls:
            findings.append(_calls(query, Window(seen.end - MINUTE, seen.end), component.name, {
                host: found for (name, host), found in counts.items() if name == component.name}, note))
    return findings


def _services(query: Query, signals: Any) -> dict[str, tuple[dict[str, str], list[Any]]]:
    """Return the key attributes and the metric references of the services that have the components' names."""
    settings = query.service.application_signals
    names = {component.name for component in query.service.components}
    found: dict[str, tuple[dict[str, str], list[Any]]] = {}
    for item in _paged(signals.list_services, "ServiceSummaries", query):
        key = item["KeyAttributes"]
        if key.get("Name") in names and (
                not settings or settings.environment in ("", key.get("Environment", ""))):
            found.setdefault(key["Name"], (key, item["MetricReferences"]))
    return found


def _dependencies(query: Query, signals: Any, key: Mapping[str, str]) -> Iterator[tuple[str, list[_Metrics]]]:
    """Yield the hosts that a service depends on, each with the metrics of all operations."""
    hosts: dict[str, list[_Metrics]] = defaultdict(list)
    for item in _paged(signals.list_service_dependencies, "ServiceDependencies", query, KeyAttributes=dict(key)):
        host, metrics = _host(item["DependencyKeyAttributes"]), _metrics(item["MetricReferences"])
        if host and metrics and sum(map(len, hosts.values())) < _MOST_DEPENDENCIES:
            hosts[host].append(metrics)
    yield from hosts.items()


def _host(key: Mapping[str, str]) -> str:
    """Return the host of a dependency, as its callers name it."""
    name = key.get("Name", "")
    if not name:
        parts = key.get("Identifier", "").split("|")
        # A connection is NAME|HOST|PORT; other resources have one part, or two with the host first.
        name = parts[-2] if len(parts) > 2 else parts[0]
    return mask(name)[:_HOST_CHARACTERS]


def _metrics(references: Iterable[Any]) -> _Metrics | None:
    """Return where latency and faults are, by the metrics' names; None where there is no latency."""
    found = {str(item["MetricName"]).lower(): item for item in references}
    if "latency" not in found:
        return None
    latency, fault = found["latency"], found.get("fault", found["latency"])
    return _Metrics(latency["Namespace"], _dimensions(latency), _dimensions(fault))


def _dimensions(reference: Mapping[str, Any]) -> Dimensions:
    return tuple((item["Name"], item["Value"]) for item in reference.get("Dimensions") or [])


def _paged(call: Any, key: str, query: Query, **arguments: Any) -> Iterator[Any]:
    """Yield the items of all pages of an answer; raises CallFailed."""
    span = {"StartTime": datetime.fromtimestamp(query.baseline.start - _HOUR_SECONDS, UTC),
            "EndTime": datetime.fromtimestamp(query.window.end, UTC), "MaxResults": 100}
    for _ in range(_PAGES):
        with aws.failures("Application Signals"):
            answer = call(**span, **arguments)
        yield from answer[key]
        if not answer.get("NextToken"):
            return
        arguments["NextToken"] = answer["NextToken"]


def _read(query: Query, cloudwatch: Any, asked: Mapping[tuple[str, str], list[_Metrics]]
          ) -> tuple[dict[tuple[str, str], _Counts], str]:
    """Return what each party's metrics say, and a note on what was cut or failed; raises CallFailed."""
    queries: list[dict[str, Any]] = []
    ids: list[tuple[str, str]] = []
    for key, every in asked.items():
        for metrics in every:
            number = len(ids)
            ids.append(key)
            queries += [
                metric(f"requests{number}", metrics.namespace, "Latency", metrics.latency, "SampleCount"),
                metric(f"faults{number}", metrics.namespace, "Fault", metrics.fault, "Sum"),
                metric(f"mean{number}", metrics.namespace, "Latency", metrics.latency, "Average"),
                *([] if key[1] else [metric(f"p95{number}", metrics.namespace, "Latency", metrics.latency, "p95")])]
    found: dict[str, Points] = {}
    notes = set()
    window = Window(query.baseline.start, query.window.end)
    for place in range(0, len(queries), _MOST_QUERIES):
        part, note = read(cloudwatch, queries[place:place + _MOST_QUERIES], window, MINUTE)
        found |= part
        notes.add(note)
    counts: dict[tuple[str, str], _Counts] = {}
    for number, key in enumerate(ids):
        one = _Counts(*(found.get(f"{name}{number}", {}) for name in ("requests", "faults", "mean", "p95")))
        counts[key] = _together(counts[key], one) if key in counts else one
    return counts, "; ".join(sorted(notes - {""}))


def _together(one: _Counts, other: _Counts) -> _Counts:
    """Add up two operations of one dependency."""
    requests, faults, means = dict(one.requests), dict(one.faults), {}
    for at, count in other.requests.items():
        requests[at] = requests.get(at, 0.0) + count
    for at, count in other.faults.items():
        faults[at] = faults.get(at, 0.0) + count
    for at, count in requests.items():
        took = sum(part.requests.get(at, 0.0) * part.mean_ms.get(at, 0.0) for part in (one, other))
        means[at] = took / count if count else 0.0
    return _Counts(requests, faults, means, {})


def _requests(query: Query, seen: Window, component: str, counts: _Counts | None, note: str) -> list[Finding[Detail]]:
    text = f"ApplicationSignals Latency, Fault Service={component}"
    if counts is None or not counts.requests:
        return [Finding(source=SOURCE.name, detail=ErrorRate(), status="empty", component=component,
                        window=query.window, query=text, note=note or "Application Signals has no data of it at all")]
    requests, faults, _ = counts.within(seen)
    before, faults_before, _ = counts.within(query.baseline)
    start = query.window.start // MINUTE * MINUTE
    series = tuple(Bucket(at, count, counts.faults.get(at, 0.0)) for at, count in sorted(counts.requests.items())
                   if at >= start)
    slow = [counts.p95_ms[at] for at in sorted(counts.p95_ms) if at >= start]
    usual = sorted(value for at, value in counts.p95_ms.items() if at < start)
    status: Status = "partial" if note else "ok"
    return [
        Finding(source=SOURCE.name, status=status, component=component, window=seen, unit="share", query=text,
                note=note, link=_LINK, value=faults / requests if requests else None,
                baseline=faults_before / before if before else None,
                detail=ErrorRate(series=series, period_seconds=MINUTE, requests=requests, errors=faults,
                                 baseline_requests=before, baseline_errors=faults_before,
                                 baseline_seconds=query.baseline.seconds)),
        Finding(source=SOURCE.name, status=status, component=component, window=seen, unit="ms", query=text,
                note=note, link=_LINK, value=round(slow[-1], 1) if slow else None,
                baseline=round(usual[len(usual) // 2], 1) if usual else None, detail=LatencyP95(requests=requests))]


def _calls(query: Query, window: Window, component: str, counts: Mapping[str, _Counts], note: str) -> Finding[Detail]:
    """Return the calls of a component in its newest minute; its own requests are those of no host."""
    every = {host: _callee(found, window, query.baseline) for host, found in counts.items() if found.requests and host}
    requests, faults, _ = counts[""].within(window) if "" in counts else (None, None, None)
    callees = dict(sorted(every.items(), key=lambda item: (-item[1].errors, -item[1].requests, item[0]))[:_CALLEES])
    status: Status = "empty" if not callees else "partial" if note else "ok"
    return Finding(
        source=SOURCE.name, status=status, component=component, window=window, link=_LINK,
        query=f"aws application-signals list-service-dependencies --key-attributes Name={component}",
        note=note or ("" if callees else "Application Signals knows of no call of it"),
        left_out=len(every) - len(callees) or None,
        detail=Calls(callees=callees, requests=requests, errors=faults))


def _callee(counts: _Counts, window: Window, baseline: Window) -> Callee:
    requests, faults, took = counts.within(window)
    before, faults_before, took_before = counts.within(baseline)
    return Callee(
        requests=requests, errors=faults, kinds={_FAULT: faults} if faults else {},
        mean_ms=round(took / requests, 1) if requests else None, baseline_requests=before,
        baseline_errors=faults_before, baseline_ms=round(took_before / before, 1) if before else None)


def _statements(service: Service) -> tuple[Statement, ...]:
    return (METRIC_DATA, *(Statement((action,), ("*",), why_all=_NO_RESOURCES.format(action)) for action in (
        "application-signals:ListServices", "application-signals:ListServiceDependencies")))


_LINK = "https://console.aws.amazon.com/cloudwatch/home#application-signals:services"
SOURCE = Source(
    name="application_signals",
    phases=frozenset({"confirm", "diagnose"}),
    collect=collect,
    configured=lambda service: service.application_signals is not None,
    statements=_statements,
    budget=metric_data_budget(4, lambda query: 2 + len(query.service.components)),
)
