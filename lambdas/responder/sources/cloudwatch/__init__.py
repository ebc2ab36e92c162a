"""CloudWatch, asked by GetMetricData and DescribeAlarms: the service's own metrics, and how it looks from outside.

All metrics come in one call for each stretch of time (``metrics.py``). ``outside.py`` has the load balancer and the
canaries, ``doors.py`` API Gateway and CloudFront. Format: AWS's page "DescribeAlarms".
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.evidence import Bucket, Detail, Finding, Status, Window
from responder.model.evidence.alarms import Alarms, AlarmState
from responder.model.evidence.error_rate import DayBefore, ErrorRate
from responder.model.evidence.front_door import FrontDoor
from responder.model.evidence.latency_p95_ms import LatencyP95, Minute
from responder.model.evidence.target_connection_errors import TargetConnectionErrors
from responder.model.frozen import dataclass
from responder.model.masking import mask
from responder.model.service import Metrics, Service, deployed
from responder.plan.periods import period_seconds
from responder.sources import METRIC_DATA, Query, Source, collect_independently, metric_data_budget
from responder.sources.cloudwatch import doors, outside
from responder.sources.cloudwatch.metrics import MINUTE, PAGES, Points, metric, read, shortest_kept

Measure = Literal["requests", "errors", "latency"]
_COUNTS: tuple[Measure, ...] = ("requests", "errors")
_RECENT_PERIODS = 3
"""Latency is judged by the newest periods: the time before would hide slowness that has just begun."""
_NEWEST_SECONDS = 300
_NAMES = 100
"""The most alarms that one call of DescribeAlarms takes by name."""
_FIVE_MINUTES = 300
_WEEKS_SECONDS = 14 * 86_400.0


def collect(query: Query) -> list[Finding[Detail]]:
    """Return per component ``error_rate`` and ``latency_p95_ms``; raises CallFailed.

    To diagnose, also ``alarms`` of the service, and how its entry looks from outside.
    """
    left = max(1, int(query.deadline - time.monotonic()))
    cloudwatch = aws.client("cloudwatch", left)
    findings = _rates(query, cloudwatch)
    if query.phase != "diagnose":
        return findings
    return findings + collect_independently(SOURCE.name, query, {
        Alarms: lambda: [_alarms(query, cloudwatch)],
        TargetConnectionErrors: lambda: outside.collect(SOURCE.name, query, cloudwatch),
        FrontDoor: lambda: doors.collect(SOURCE.name, query, left)})


@dataclass(frozen=True)
class _Measures:
    """The service's own metrics of one component, period by period."""

    requests: Points
    errors: Points
    latency: Points
    """p95 in milliseconds."""
    period_seconds: int = MINUTE

    @classmethod
    def of(cls, found: Mapping[str, Points], index: int, period_seconds: int = MINUTE) -> _Measures:
        """Return the metrics of the component with a place in the configuration."""
        return cls(found.get(f"requests{index}", {}), found.get(f"errors{index}", {}),
                   found.get(f"latency{index}", {}), period_seconds)

    @property
    def total(self) -> tuple[float, float]:
        """Requests, and how many of them failed."""
        return sum(self.requests.values()), sum(self.errors.values())

    @property
    def series(self) -> tuple[Bucket, ...]:
        """Requests and failures, period by period."""
        return tuple(Bucket(start, count, self.errors.get(start, 0.0))
                     for start, count in sorted(self.requests.items()))

    @property
    def minutes(self) -> list[Minute]:
        """Whole minutes; a minute's p95 is the worst of its periods'. Of longer periods each has one, with its mean."""
        requests: dict[float, float] = {}
        p95: dict[float, float] = {}
        for start, count in self.requests.items():
            share = min(1.0, MINUTE / self.period_seconds)
            requests[start // 60 * 60] = requests.get(start // 60 * 60, 0.0) + count * share
        for start, value in self.latency.items():
            p95[start // 60 * 60] = max(p95.get(start // 60 * 60, 0.0), value)
        return [Minute(start, round(requests.get(start, 0.0), 1), round(p95.get(start, 0.0), 1))
                for start in sorted({*requests, *p95})]


def _rates(query: Query, cloudwatch: Any) -> list[Finding[Detail]]:
    service, shortest = query.service, shortest_kept(query.service.metrics.period_seconds, query)
    # Of each component there are a series of requests and one of latency.
    period = period_seconds(query.window.seconds, 2 * len(service.components), shortest)
    recent, note = read(cloudwatch, _queries(service, period), query.whole(period), period)
    # Latency is judged by the newest periods, which stay short however long the window is.
    newest, _ = (recent, "") if period == shortest else read(
        cloudwatch, _queries(service, shortest, ("latency",)),
        Window(query.window.end - _NEWEST_SECONDS, query.whole(shortest).end), shortest)
    # CloudWatch keeps periods under a minute for three hours only; the baseline asks for whole minutes.
    before, note_before = read(cloudwatch, _queries(service, MINUTE), query.baseline, MINUTE)
    # The day before tells whether an hour is always like this; what it lacks takes nothing from the answer.
    window, hour = query.day_before
    usual: dict[str, Points] = {}
    if query.phase == "confirm":
        usual, _ = read(cloudwatch, _queries(service, MINUTE, _COUNTS), Window(hour.start, window.end), MINUTE)
    return [finding for index, component in enumerate(service.components) for finding in _component(
        query, component.name, _Measures.of(recent, index, period), _Measures.of(before, index),
        _Measures.of(newest, index).latency, _day_before(window, hour, _Measures.of(usual, index)),
        note or note_before)]


def _component(query: Query, component: str, now: _Measures, past: _Measures, newest: Points,
               day_before: DayBefore | None, note: str) -> list[Finding[Detail]]:
    text, link = _as_text(query.service.metrics, component), _link(query.service.metrics)
    if not now.requests and not past.requests:
        return [Finding(source=SOURCE.name, detail=ErrorRate(), status="empty", component=component,
                        window=query.window, query=text, link=link, note=note or "CloudWatch has no data of it at all")]
    status: Status = "partial" if note else "ok"
    (requests, errors), (requests_before, errors_before) = now.total, past.total
    return [
        Finding(
            source=SOURCE.name, status=status, component=component, window=query.window, unit="share", query=text,
            link=link, note=note, value=errors / requests if requests else None,
            baseline=errors_before / requests_before if requests_before else None,
            detail=ErrorRate(
                series=now.series, period_seconds=now.period_seconds, requests=requests, errors=errors,
                baseline_requests=requests_before, baseline_errors=errors_before,
                baseline_seconds=query.baseline.seconds, day_before=day_before)),
        Finding(
            source=SOURCE.name, status=status, component=component, window=query.window, unit="ms", query=text,
            link=link, note=note, value=_typical(newest or now.latency, _RECENT_PERIODS),
            baseline=_typical(past.latency),
            detail=LatencyP95(requests=requests, minutes=(*past.minutes, *now.minutes)))]


def weeks(service: Service, end: float) -> tuple[Bucket, ...]:
    """Return the entry's requests and failures of the two weeks before a moment, in periods of five minutes.

    For the review: how often an alarm would have gone off falsely. Raises CallFailed.
    """
    place = next(index for index, component in enumerate(service.components) if component.name == service.entry)
    queries = _queries(service, _FIVE_MINUTES, _COUNTS, {place})
    found, _ = read(aws.client("cloudwatch", 8), queries, Window(end - _WEEKS_SECONDS, end), _FIVE_MINUTES)
    return _Measures.of(found, place).series


def entry_requests(service: Service, window: Window, period_seconds: int) -> Points:
    """Return the requests to the entry, by the start of each period; raises CallFailed."""
    place = next(index for index, component in enumerate(service.components) if component.name == service.entry)
    found, note = read(aws.client("cloudwatch", 8), _queries(service, period_seconds, ("requests",), {place}), window,
                       period_seconds)
    if note:
        raise CallFailed("unavailable", note)
    return _Measures.of(found, place).requests


def entry_counts(service: Service, window: Window, period_seconds: int) -> tuple[Points, Points]:
    """Return requests to the entry and failures of them, by the start of each period; raises CallFailed."""
    place = next(index for index, component in enumerate(service.components) if component.name == service.entry)
    found, note = read(aws.client("cloudwatch", 8), _queries(service, period_seconds, _COUNTS, {place}), window,
                       period_seconds)
    if note:
        raise CallFailed("unavailable", note)
    both = _Measures.of(found, place)
    return both.requests, both.errors


def _alarms(query: Query, cloudwatch: Any) -> Finding[Alarms]:
    """An alarm's state is what CloudWatch made of the same metrics: shown to people, and no evidence of a cause."""
    names = deployed(query.service.service).alarms[:_NAMES]
    # A permission on single alarms covers no composite ones, so only metric alarms are asked for.
    arguments: dict[str, Any] = {"AlarmNames": list(names), "AlarmTypes": ["MetricAlarm"], "MaxRecords": _NAMES}
    alarms: list[AlarmState] = []
    note = ""
    for _ in range(PAGES):
        with aws.failures("CloudWatch"):
            answer = cloudwatch.describe_alarms(**arguments)
        for item in answer.get("MetricAlarms", []):
            since = item.get("StateTransitionedTimestamp") or item.get("StateUpdatedTimestamp")
            alarms.append(AlarmState(
                item["AlarmName"], item.get("StateValue", ""), since.timestamp() if since else None,
                mask(str(item.get("StateReason", "")))[:300]))
        if not answer.get("NextToken"):
            break
        arguments["NextToken"] = answer["NextToken"]
    else:
        note = f"cut after {PAGES} pages"
    gone = sorted(set(names) - {alarm.name for alarm in alarms})
    note = note or (f"CloudWatch knows no alarm {', '.join(gone)}" if gone else "")
    return Finding(
        source=SOURCE.name, status="empty" if not alarms else "partial" if note else "ok", window=query.window,
        unit="in ALARM", note=note,
        value=float(sum(alarm.state == "ALARM" for alarm in alarms)) if alarms else None,
        query=f"aws cloudwatch describe-alarms --alarm-names {' '.join(names)}",
        link="https://console.aws.amazon.com/cloudwatch/home#alarmsV2:",
        detail=Alarms(alarms=tuple(sorted(alarms, key=lambda alarm: alarm.name))))


def _day_before(window: Window, hour: Window, usual: _Measures) -> DayBefore | None:
    """Return the same time of the day before, by whole minutes; None where nothing is known of it."""
    split = window.start // MINUTE * MINUTE
    before = sum(count for start, count in usual.requests.items() if start < split)
    if not before:
        return None
    return DayBefore(
        requests=sum(count for start, count in usual.requests.items() if start >= split),
        errors=sum(count for start, count in usual.errors.items() if start >= split),
        seconds=window.end - split, hour_requests=before, hour_seconds=split - hour.start)


def _queries(service: Service, period_seconds: int, measures: Sequence[Measure] = ("requests", "errors", "latency"),
             places: set[int] | None = None) -> list[dict[str, Any]]:
    """Return the queries for the measures of all components, or of those with ``places`` in the configuration."""
    metrics = service.metrics
    names = {"requests": (metrics.requests, "Sum"), "errors": (metrics.errors, "Sum"),
             "latency": (metrics.latency, "p95")}
    return [metric(f"{measure}{index}", metrics.namespace, names[measure][0], [(metrics.dimension, component.name)],
                   names[measure][1], period_seconds)
            for index, component in enumerate(service.components) if places is None or index in places
            for measure in measures]


def _typical(values: Points, newest: int = 0) -> float | None:
    """The median of the periods' p95, of the ``newest`` ones where given: one slow period does not make an outage."""
    ordered = sorted(value for _, value in sorted(values.items())[-newest:])
    return round(ordered[len(ordered) // 2], 1) if ordered else None


def _as_text(metrics: Metrics, component: str) -> str:
    """What a person pastes into Metrics Insights; it is shown, never run."""
    return (f'SELECT SUM({metrics.errors}), SUM({metrics.requests}) FROM SCHEMA("{metrics.namespace}", '  # noqa: S608 - shown only
            f"{metrics.dimension}) WHERE {metrics.dimension} = '{component}'")


def _link(metrics: Metrics) -> str:
    return f"https://console.aws.amazon.com/cloudwatch/home#metricsV2?namespace={metrics.namespace}"


SOURCE = Source(
    name="cloudwatch",
    phases=frozenset({"confirm", "diagnose", "watch", "aftercare"}),
    collect=collect,
    statements=lambda service: (METRIC_DATA,),
    alarms=True,
    now_only=frozenset({Alarms}),
    budget=metric_data_budget(14, lambda query: 4 if query.phase == "diagnose" else 2),
)
