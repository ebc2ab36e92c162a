"""The service's own metrics in CloudWatch, asked by GetMetricData: all of them in one call for each stretch of time.

Format: AWS's page "GetMetricData" (up to 500 queries a call, paged by NextToken, StatusCode Complete, InternalError,
PartialData or Forbidden for each result).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from responder.clients import aws
from responder.model.finding import Finding, Status, Window
from responder.model.service import Metrics, Service
from responder.sources import METRIC_DATA, Question, Source

_MEASURES = ("requests", "errors", "latency")
_PAGES = 20
_RECENT_PERIODS = 3
"""What has just become slow is drowned by the time before it."""


def ask(question: Question) -> list[Finding]:
    """Return per component ``error_rate`` (detail as New Relic's) and ``latency_p95_ms``; raises CallFailed."""
    service, metrics = question.service, question.service.metrics
    left = max(1, int(question.deadline - time.monotonic()))
    cloudwatch = aws.client("cloudwatch", left)
    recent, note = _data(cloudwatch, service, question.window, metrics.period_seconds)
    # CloudWatch keeps periods under a minute for three hours only; the baseline asks for whole minutes.
    before, note_before = _data(cloudwatch, service, question.baseline, 60)
    findings = []
    for index, component in enumerate(service.components):
        now, past = ({measure: part.get(f"{measure}{index}", {}) for measure in _MEASURES}
                     for part in (recent, before))
        common: dict[str, Any] = {
            "component": component.name, "window": question.window, "note": note or note_before,
            "query": _as_text(metrics, component.name), "link": _link(metrics)}
        if not now["requests"] and not past["requests"]:
            findings.append(Finding(SOURCE.name, "error_rate", "empty", **common | {
                "note": common["note"] or "CloudWatch has no data of it at all"}))
            continue
        requests, errors = (sum(now[measure].values()) for measure in ("requests", "errors"))
        requests_before, errors_before = (sum(past[measure].values()) for measure in ("requests", "errors"))
        status: Status = "partial" if common["note"] else "ok"
        findings.append(Finding(
            SOURCE.name, "error_rate", status, **common, unit="share",
            value=errors / requests if requests else None,
            baseline=errors_before / requests_before if requests_before else None,
            detail={"series": [[start, count, now["errors"].get(start, 0.0)]
                               for start, count in sorted(now["requests"].items())],
                    "requests": requests, "errors": errors,
                    "baseline_requests": requests_before, "baseline_errors": errors_before,
                    "baseline_seconds": question.baseline.seconds}))
        findings.append(Finding(
            SOURCE.name, "latency_p95_ms", status, **common, unit="ms",
            value=_typical(now["latency"], _RECENT_PERIODS), baseline=_typical(past["latency"]),
            detail={"requests": requests}))
    return findings


def _data(cloudwatch: Any, service: Service, window: Window,
          period_seconds: int) -> tuple[dict[str, dict[float, float]], str]:
    """Return {query id: {start of period: value}} and a note on what was cut or failed."""
    arguments: dict[str, Any] = {
        "MetricDataQueries": _queries(service, period_seconds), "ScanBy": "TimestampAscending",
        "StartTime": datetime.fromtimestamp(window.start // period_seconds * period_seconds, UTC),
        "EndTime": datetime.fromtimestamp(window.end, UTC)}
    found: dict[str, dict[float, float]] = {}
    notes: set[str] = set()
    for _ in range(_PAGES):
        with aws.failures("CloudWatch"):
            answer = cloudwatch.get_metric_data(**arguments)
        for result in answer.get("MetricDataResults", []):
            values = found.setdefault(result["Id"], {})
            values.update({moment.timestamp(): float(value)
                           for moment, value in zip(result["Timestamps"], result["Values"], strict=False)})
            # PartialData only says that this page is not the last.
            if result.get("StatusCode") in ("InternalError", "Forbidden"):
                notes.add(f"CloudWatch: {result['StatusCode']}")
        if not answer.get("NextToken"):
            break
        arguments["NextToken"] = answer["NextToken"]
    else:
        notes.add(f"cut after {_PAGES} pages")
    return found, "; ".join(sorted(notes))


def _queries(service: Service, period_seconds: int) -> list[dict[str, Any]]:
    metrics = service.metrics
    names = {"requests": (metrics.requests, "Sum"), "errors": (metrics.errors, "Sum"),
             "latency": (metrics.latency, "p95")}
    return [{"Id": f"{measure}{index}", "ReturnData": True, "MetricStat": {
        "Metric": {"Namespace": metrics.namespace, "MetricName": names[measure][0],
                   "Dimensions": [{"Name": metrics.dimension, "Value": component.name}]},
        "Period": period_seconds, "Stat": names[measure][1]}}
        for index, component in enumerate(service.components) for measure in _MEASURES]


def _typical(values: dict[float, float], newest: int = 0) -> float | None:
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
    phases=frozenset({"confirm", "watch"}),
    ask=ask,
    statements=lambda service: (METRIC_DATA,),
)
