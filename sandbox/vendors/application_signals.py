"""CloudWatch Application Signals of the platform: its services, what they depend on, and the metrics that these name.

Formats: AWS's pages "ListServices", "ListServiceDependencies" and "Metrics collected by Application Signals".
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from sandbox.platform.objects import KINDS
from sandbox.platform.telemetry import Telemetry
from sandbox.vendors.gate import Answer

ENVIRONMENT = "eks:payments/payments"
NAMESPACE = "ApplicationSignals"
_DATABASE = ("postgresql", "5432")
_Minute = list[float]
"""Requests, faults, and the milliseconds of all of them."""


def _mean(minute: _Minute) -> float:
    return minute[2] / minute[0] if minute[0] else 0.0


_PICKED: Mapping[tuple[str, str], Callable[[_Minute], float]] = {
    ("Latency", "SampleCount"): lambda minute: minute[0], ("Fault", "Sum"): lambda minute: minute[1],
    ("Latency", "Average"): _mean, ("Latency", "p95"): lambda minute: 1.5 * _mean(minute)}
"""Metric and statistic to the value of a minute."""


class ApplicationSignals:
    """The API, and CloudWatch's metrics of the namespace."""

    def __init__(self, telemetry: Telemetry, of_others: Iterable[str] = ("ledger",)) -> None:
        self._telemetry, self._others = telemetry, tuple(of_others)

    def answer(self, path: str, body: bytes, now: float) -> Answer:
        """Answer one request; REST with JSON."""
        place = urlsplit(path).path
        span = {"StartTime": now - 10800, "EndTime": now}
        if place == "/services":
            names = [(name, ENVIRONMENT) for name in (*KINDS, *self._others)] + [(next(iter(KINDS)), "eks:other/other")]
            return _json(span | {"ServiceSummaries": [
                {"KeyAttributes": _key(name, where), "AttributeMaps": [{"PlatformType": "AWS::EKS"}],
                 "MetricReferences": _references((("Environment", where), ("Service", name)))}
                for name, where in names]})
        if place == "/service-dependencies":
            name = json.loads(body)["KeyAttributes"]["Name"]
            callees = sorted({edge.callee for edge in self._telemetry.edges_between(now - 10800, now)
                              if edge.component == name})
            return _json(span | {"ServiceDependencies": [
                {"OperationName": "POST /", "DependencyOperationName": "POST /",
                 "DependencyKeyAttributes": _remote(callee), "MetricReferences": _references((
                     ("Environment", ENVIRONMENT), ("RemoteService", callee), ("Service", name)))}
                for callee in callees]})
        return Answer(404, b"{}")

    def get_metric_data(self, **arguments: Any) -> dict[str, Any]:
        """Answer CloudWatch's GetMetricData, as boto3 gives it, for the namespace's metrics."""
        start, end = arguments["StartTime"].timestamp(), arguments["EndTime"].timestamp()
        return {"MetricDataResults": [self._result(query, start, end) for query in arguments["MetricDataQueries"]]}

    def _result(self, query: Mapping[str, Any], start: float, end: float) -> dict[str, Any]:
        stat = query["MetricStat"]
        named = {item["Name"]: item["Value"] for item in stat["Metric"]["Dimensions"]}
        minutes: dict[float, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
        for at, requests, faults, took in self._served(named, start, end):
            minute = minutes[at // 60 * 60]
            minute[0], minute[1], minute[2] = minute[0] + requests, minute[1] + faults, minute[2] + took
        pick = _PICKED[stat["Metric"]["MetricName"], stat["Stat"]]
        return {"Id": query["Id"], "StatusCode": "Complete",
                "Values": [pick(row) for _, row in sorted(minutes.items())],
                "Timestamps": [datetime.fromtimestamp(at, UTC) for at in sorted(minutes)]}

    def _served(self, named: Mapping[str, str], start: float,
                end: float) -> Iterable[tuple[float, float, float, float]]:
        if named.get("Environment") != ENVIRONMENT:
            return
        if remote := named.get("RemoteService"):
            for edge in self._telemetry.edges_between(start, end):
                if (edge.component, edge.callee) == (named["Service"], remote):
                    # A declined payment is an answer of 4xx: an error, and no fault.
                    faults = sum(count for text, count in edge.calls.kinds.items() if "402" not in text)
                    yield edge.at, edge.calls.count, faults, edge.calls.milliseconds
            return
        for item in self._telemetry.between(start, end):
            if item.component == named["Service"]:
                mean = sum(item.latencies_ms) / len(item.latencies_ms) if item.latencies_ms else 0.0
                yield item.at, item.requests, item.errors, mean * item.requests


def _key(name: str, environment: str) -> dict[str, str]:
    return {"Type": "Service", "Name": name, "Environment": environment}


def _remote(callee: str) -> dict[str, str]:
    if callee in KINDS:
        return _key(callee, ENVIRONMENT)
    if callee.startswith("api."):
        return {"Type": "RemoteService", "Name": f"{callee}:443"}
    name, port = _DATABASE
    return {"Type": "AWS::Resource", "ResourceType": "DB::Connection", "Identifier": f"{name}|{callee}|{port}"}


def _references(dimensions: tuple[tuple[str, str], ...]) -> list[dict[str, Any]]:
    return [{"Namespace": NAMESPACE, "MetricType": kind.upper(), "MetricName": kind,
             "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions]}
            for kind in ("Latency", "Fault", "Error")]


def _json(value: Mapping[str, Any]) -> Answer:
    return Answer(200, json.dumps(value).encode(), "application/json")
