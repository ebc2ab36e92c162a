"""CloudWatch, asked by GetMetricData and DescribeAlarms: the service's own metrics, and how it looks from outside.

All metrics come in one call for each stretch of time. Formats: AWS's pages "GetMetricData" (up to 500 queries a call,
paged by NextToken, StatusCode Complete, InternalError, PartialData or Forbidden for each result), "DescribeAlarms",
"CloudWatch metrics for your Application Load Balancer" (each minute; counts are reported only where they are not zero,
hosts only where targets are registered) and "CloudWatch metrics published by canaries".
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from responder.clients import aws
from responder.model.finding import Finding, Status, Window
from responder.model.masking import mask
from responder.model.service import Metrics, Service, deployed
from responder.sources import METRIC_DATA, Query, Source, collect_independently

_MEASURES = ("requests", "errors", "latency")
_COUNTS = ("requests", "errors")
_PAGES = 20
_RECENT_PERIODS = 3
"""What has just become slow is drowned by the time before it."""
_NAMES = 100
"""As many alarms does one call of DescribeAlarms take by name."""
_MINUTE = 60
_FIVE_MINUTES = 300
_WEEKS_SECONDS = 14 * 86_400.0
_BALANCER = {"requests": "RequestCount", "errors": "TargetConnectionErrorCount", "elb_5xx": "HTTPCode_ELB_5XX_Count"}


def collect(query: Query) -> list[Finding]:
    """Return per component ``error_rate`` (detail as New Relic's) and ``latency_p95_ms``; raises CallFailed.

    To diagnose, also: ``alarms``, of those that start the service's incidents: value is how many are in ALARM, detail
    ``alarms`` [{name, state, since, reason}], ``since`` in seconds since 1970 (UTC). Of the entry, by its load
    balancer: ``target_connection_errors``, value and baseline a minute; detail has ``requests``, ``errors``,
    ``elb_5xx``, each with ``baseline_…``, and ``series`` [[minute, requests, errors, elb_5xx], …];
    ``healthy_hosts``, value the fewest of the newest minute, baseline the median before; detail ``unhealthy``.
    ``canary``: value and baseline are the success of the worst, in per cent; detail ``canaries`` {name: {success,
    usual, runs}}.
    """
    left = max(1, int(query.deadline - time.monotonic()))
    cloudwatch = aws.client("cloudwatch", left)
    findings = _rates(query, cloudwatch)
    if query.phase == "diagnose":
        findings += collect_independently(SOURCE.name, query, {
            "alarms": lambda: _alarms(query, cloudwatch), "target_connection_errors": lambda: _outside(
                query, cloudwatch)})
    return findings


def _rates(query: Query, cloudwatch: Any) -> list[Finding]:
    service, metrics = query.service, query.service.metrics
    recent, note = _data(cloudwatch, _queries(service, metrics.period_seconds), query.window,
                         metrics.period_seconds)
    # CloudWatch keeps periods under a minute for three hours only; the baseline asks for whole minutes.
    before, note_before = _data(cloudwatch, _queries(service, _MINUTE), query.baseline, _MINUTE)
    # The day before tells whether an hour is always like this; what it lacks takes nothing from the answer.
    window, hour = query.day_before
    usual = _data(cloudwatch, _queries(service, _MINUTE, _COUNTS), Window(hour.start, window.end), _MINUTE)[0] if (
        query.phase == "confirm") else {}
    findings = []
    for index, component in enumerate(service.components):
        now, past = ({measure: part.get(f"{measure}{index}", {}) for measure in _MEASURES}
                     for part in (recent, before))
        common: dict[str, Any] = {
            "component": component.name, "window": query.window, "note": note or note_before,
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
                    "baseline_seconds": query.baseline.seconds}
            | _day_before(window, hour, *(usual.get(f"{measure}{index}", {}) for measure in _COUNTS))))
        findings.append(Finding(
            SOURCE.name, "latency_p95_ms", status, **common, unit="ms",
            value=_typical(now["latency"], _RECENT_PERIODS), baseline=_typical(past["latency"]),
            detail={"requests": requests, "minutes": [*_minutes(past), *_minutes(now)]}))
    return findings


def weeks(service: Service, end: float) -> list[list[float]]:
    """Return the entry's [[start, requests, errors], …] of the two weeks before a moment, in periods of five minutes.

    For the review: how often an alarm would have gone off falsely. Raises CallFailed.
    """
    place = next(index for index, component in enumerate(service.components) if component.name == service.entry)
    wanted = {f"{measure}{place}" for measure in _COUNTS}
    queries = [query for query in _queries(service, _FIVE_MINUTES, _COUNTS) if query["Id"] in wanted]
    found, _ = _data(aws.client("cloudwatch", 8), queries, Window(end - _WEEKS_SECONDS, end), _FIVE_MINUTES)
    errors = found.get(f"errors{place}", {})
    requests = found.get(f"requests{place}", {})
    return [[start, count, errors.get(start, 0.0)] for start, count in sorted(requests.items())]


def _alarms(query: Query, cloudwatch: Any) -> list[Finding]:
    """An alarm's state is what CloudWatch made of the same metrics: shown to people, and no evidence of a cause."""
    names = deployed(query.service.service).alarms[:_NAMES]
    # A permission on single alarms covers no composite ones, so only metric alarms are asked for.
    arguments: dict[str, Any] = {"AlarmNames": list(names), "AlarmTypes": ["MetricAlarm"], "MaxRecords": _NAMES}
    alarms: list[dict[str, Any]] = []
    note = ""
    for _ in range(_PAGES):
        with aws.failures("CloudWatch"):
            answer = cloudwatch.describe_alarms(**arguments)
        for item in answer.get("MetricAlarms", []):
            since = item.get("StateTransitionedTimestamp") or item.get("StateUpdatedTimestamp")
            alarms.append({"name": item["AlarmName"], "state": item.get("StateValue", ""),
                           "since": since.timestamp() if since else None,
                           "reason": mask(str(item.get("StateReason", "")))[:300]})
        if not answer.get("NextToken"):
            break
        arguments["NextToken"] = answer["NextToken"]
    else:
        note = f"cut after {_PAGES} pages"
    gone = sorted(set(names) - {alarm["name"] for alarm in alarms})
    note = note or (f"CloudWatch knows no alarm {', '.join(gone)}" if gone else "")
    status: Status = "empty" if not alarms else "partial" if note else "ok"
    return [Finding(SOURCE.name, "alarms", status, window=query.window, unit="in ALARM", note=note,
                    value=float(sum(alarm["state"] == "ALARM" for alarm in alarms)) if alarms else None,
                    query=f"aws cloudwatch describe-alarms --alarm-names {' '.join(names)}",
                    link="https://console.aws.amazon.com/cloudwatch/home#alarmsV2:",
                    detail={"alarms": sorted(alarms, key=lambda alarm: alarm["name"])} if alarms else {})]


def _outside(query: Query, cloudwatch: Any) -> list[Finding]:
    """How the service looks from outside, by the minute, window and baseline in one call."""
    metrics = query.service.metrics
    balancer = [("LoadBalancer", metrics.load_balancer)]
    hosts = [("TargetGroup", metrics.target_group), *balancer]
    queries: list[dict[str, Any]] = []
    if metrics.load_balancer:
        queries += [_query(key, "AWS/ApplicationELB", name, balancer, "Sum") for key, name in _BALANCER.items()]
    if metrics.load_balancer and metrics.target_group:
        queries += [_query("healthy", "AWS/ApplicationELB", "HealthyHostCount", hosts, "Minimum"),
                    _query("unhealthy", "AWS/ApplicationELB", "UnHealthyHostCount", hosts, "Maximum")]
    queries += [_query(f"canary{index}", "CloudWatchSynthetics", "SuccessPercent", [("CanaryName", name)], "Average")
                for index, name in enumerate(metrics.canaries)]
    if not queries:
        return []
    data, note = _data(cloudwatch, queries, Window(query.baseline.start, query.window.end), _MINUTE)
    # The minute in which the window begins belongs to it as a whole, for what is of a minute cannot be split.
    start = query.window.start // _MINUTE * _MINUTE
    now, past = ({key: {at: value for at, value in sorted(values.items()) if (at >= start) is wanted}
                  for key, values in data.items()} for wanted in (True, False))
    findings = []
    if metrics.load_balancer:
        findings.append(_connections(query, now, past, note))
    if metrics.load_balancer and metrics.target_group:
        findings.append(_hosts(query, now, past, note))
    if metrics.canaries:
        findings.append(_canary(query, now, past, note))
    return findings


_ByMinute = dict[str, dict[float, float]]
"""Id of a query to {start of a minute: value}."""


def _connections(query: Query, now: _ByMinute, past: _ByMinute, note: str) -> Finding:
    metrics, window = query.service.metrics, query.window
    common: dict[str, Any] = {
        "component": query.service.entry, "window": window, "unit": "errors/min", "link": _link_to_balancer(metrics),
        "query": f"AWS/ApplicationELB {', '.join(_BALANCER.values())} LoadBalancer={metrics.load_balancer}"}
    if not any(part.get(key) for part in (now, past) for key in _BALANCER):
        return Finding(SOURCE.name, "target_connection_errors", "empty", **common,
                       note=note or "CloudWatch has no data of the load balancer at all")
    # A count that is zero is not reported: with requests there, no connection error is none.
    sums = {key: sum(now.get(key, {}).values()) for key in _BALANCER}
    before = {f"baseline_{key}": sum(past.get(key, {}).values()) for key in _BALANCER}
    start = window.start // _MINUTE * _MINUTE
    minutes = sorted({at for key in _BALANCER for at in now.get(key, {})})
    return Finding(
        SOURCE.name, "target_connection_errors", "partial" if note else "ok", **common, note=note,
        value=round(sums["errors"] / (window.end - start) * 60, 2),
        baseline=round(before["baseline_errors"] / (start - query.baseline.start) * 60, 2),
        detail={**sums, **before, "series": [[at, *(now.get(key, {}).get(at, 0.0) for key in _BALANCER)]
                                             for at in minutes]})


def _hosts(query: Query, now: _ByMinute, past: _ByMinute, note: str) -> Finding:
    metrics = query.service.metrics
    healthy, unhealthy = now.get("healthy", {}), now.get("unhealthy", {})
    usual = sorted(past.get("healthy", {}).values())
    status: Status = "empty" if not healthy else "partial" if note else "ok"
    if not healthy:
        note = note or ("CloudWatch has no recent count of hosts: no target is registered, or the data are late"
                        if usual else "CloudWatch has no count of hosts at all")
    return Finding(
        SOURCE.name, "healthy_hosts", status, query.service.entry, window=query.window, unit="hosts", note=note,
        value=healthy[max(healthy)] if healthy else None, baseline=usual[len(usual) // 2] if usual else None,
        query=(f"AWS/ApplicationELB HealthyHostCount, UnHealthyHostCount TargetGroup={metrics.target_group} "
               f"LoadBalancer={metrics.load_balancer}"), link=_link_to_balancer(metrics),
        detail={"unhealthy": unhealthy[max(unhealthy)]} if unhealthy else {})


def _canary(query: Query, now: _ByMinute, past: _ByMinute, note: str) -> Finding:
    canaries: dict[str, dict[str, float | None]] = {}
    for index, name in enumerate(query.service.metrics.canaries):
        runs, before = (list(part.get(f"canary{index}", {}).values()) for part in (now, past))
        if runs:
            canaries[name] = {"success": round(sum(runs) / len(runs), 1), "runs": float(len(runs)),
                              "usual": round(sum(before) / len(before), 1) if before else None}
    worst = min(canaries.values(), key=lambda canary: canary["success"] or 0.0, default=None)
    status: Status = "empty" if worst is None else "partial" if note else "ok"
    return Finding(
        SOURCE.name, "canary", status, query.service.entry, window=query.window, unit="%",
        value=worst["success"] if worst else None, baseline=worst["usual"] if worst else None,
        note=note or ("" if worst else "no canary has run lately, or the data are late"),
        query=f"CloudWatchSynthetics SuccessPercent CanaryName={', '.join(query.service.metrics.canaries)}",
        link="https://console.aws.amazon.com/cloudwatch/home#synthetics:canary/list",
        detail={"canaries": canaries} if canaries else {})


def _data(cloudwatch: Any, queries: list[dict[str, Any]], window: Window,
          period_seconds: int) -> tuple[dict[str, dict[float, float]], str]:
    """Return {query id: {start of period: value}} and a note on what was cut or failed."""
    arguments: dict[str, Any] = {
        "MetricDataQueries": queries, "ScanBy": "TimestampAscending",
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


def _day_before(window: Window, hour: Window, requests: dict[float, float],
                errors: dict[float, float]) -> dict[str, Any]:
    """Return {"day_before": …} as ``symptom.py`` reads it, by whole minutes; empty where nothing is known of it."""
    split = window.start // _MINUTE * _MINUTE
    before = sum(count for start, count in requests.items() if start < split)
    if not before:
        return {}
    return {"day_before": {
        "requests": sum(count for start, count in requests.items() if start >= split),
        "errors": sum(count for start, count in errors.items() if start >= split),
        "seconds": window.end - split, "hour_requests": before, "hour_seconds": split - hour.start}}


def _queries(service: Service, period_seconds: int,
             measures: Sequence[str] = ("requests", "errors", "latency")) -> list[dict[str, Any]]:
    metrics = service.metrics
    names = {"requests": (metrics.requests, "Sum"), "errors": (metrics.errors, "Sum"),
             "latency": (metrics.latency, "p95")}
    return [_query(f"{measure}{index}", metrics.namespace, names[measure][0], [(metrics.dimension, component.name)],
                   names[measure][1], period_seconds)
            for index, component in enumerate(service.components) for measure in measures]


def _query(key: str, namespace: str, metric: str, dimensions: Sequence[tuple[str, str]], statistic: str,
           period_seconds: int = _MINUTE) -> dict[str, Any]:
    return {"Id": key, "ReturnData": True, "MetricStat": {
        "Metric": {"Namespace": namespace, "MetricName": metric,
                   "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions]},
        "Period": period_seconds, "Stat": statistic}}


def _minutes(values: dict[str, dict[float, float]]) -> list[list[float]]:
    """Return [[start, requests, p95 in ms], …] of whole minutes; a minute's p95 is the worst of its periods'."""
    found: dict[float, list[float]] = {}
    for start, count in values["requests"].items():
        found.setdefault(start // 60 * 60, [0.0, 0.0])[0] += count
    for start, p95 in values["latency"].items():
        row = found.setdefault(start // 60 * 60, [0.0, 0.0])
        row[1] = max(row[1], p95)
    return [[start, round(row[0], 1), round(row[1], 1)] for start, row in sorted(found.items())]


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


def _link_to_balancer(metrics: Metrics) -> str:
    return f"https://console.aws.amazon.com/ec2/home#LoadBalancers:search={metrics.load_balancer}"


SOURCE = Source(
    name="cloudwatch",
    phases=frozenset({"confirm", "diagnose", "watch", "aftercare"}),
    collect=collect,
    statements=lambda service: (METRIC_DATA,),
    alarms=True,
)
