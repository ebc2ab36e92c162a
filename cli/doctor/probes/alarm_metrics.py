"""Whether the metrics that the alarms look at have data: the alarms' own metrics are asked for, as they stand there.

Sources: the CloudWatch API Reference's pages "GetMetricData" and "ListMetrics" (which knows what had data within the
last two weeks).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cli.doctor.account import Account
from cli.doctor.alarms import Alarm, described
from cli.doctor.model import Check, Probe, broken, note, well
from cli.doctor.probes.alarms import wanted
from cli.doctor.surroundings import Surroundings
from responder.model.service import Service

_HOURS = 3
_QUERIES = 100
_SPARSE = ("error", "5xx", "4xx", "fault", "fail")
"""Metrics of these names are published by many only where something fails."""


@dataclass(frozen=True)
class Metric:
    """A metric as CloudWatch names it."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Metric:
        """Return the metric that CloudWatch's JSON names."""
        return cls(str(value["Namespace"]), str(value["MetricName"]), tuple(sorted(
            (str(item["Name"]), str(item["Value"])) for item in value.get("Dimensions", []))))

    def __str__(self) -> str:
        return f"{self.namespace} {self.name} ({', '.join(f'{name}={value}' for name, value in self.dimensions)})"


@dataclass(frozen=True)
class Seen:
    """What CloudWatch knows of a metric."""

    points: int
    """Periods with data within the last hours."""
    listed: bool
    """Whether it had data within the last two weeks."""
    others: tuple[Metric, ...] = ()
    """What has the same namespace, where it is not listed."""


def _look(here: Surroundings) -> Iterable[Check]:
    return here.of_each(lambda service: _of(here, service))


def _of(here: Surroundings, service: Service) -> Iterator[Check]:
    account = here.place(service)
    alarms = described(account, wanted(here.settings, service))
    looked = _watched(alarms.values())
    points = _points(account, list(looked))
    for metric, of in sorted(looked.items(), key=lambda item: str(item[0])):
        listed, others = (True, ()) if points[metric] else _listed(account, metric)
        yield judged(metric, Seen(points[metric], listed, others), of, here.settings.prefix, here.file(service))


def _watched(alarms: Iterable[Alarm]) -> dict[Metric, list[str]]:
    """Return each metric with the names of the alarms that look at it."""
    found: dict[Metric, list[str]] = {}
    for alarm in alarms:
        for query in alarm.queries:
            found.setdefault(Metric.of(query["MetricStat"]["Metric"]), []).append(alarm.name)
    return found


def _points(account: Account, metrics: Sequence[Metric]) -> dict[Metric, int]:
    now, found = time.time(), dict.fromkeys(metrics, 0)
    client = account.client("cloudwatch")
    for first in range(0, len(metrics), _QUERIES):
        some = metrics[first:first + _QUERIES]
        with account.asking("cloudwatch"):
            pages = client.get_paginator("get_metric_data").paginate(
                MetricDataQueries=[{"Id": f"m{place}", "MetricStat": {
                    "Metric": {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": [
                        {"Name": name, "Value": value} for name, value in metric.dimensions]},
                    "Period": 60, "Stat": "SampleCount"}} for place, metric in enumerate(some)],
                StartTime=datetime.fromtimestamp(now - _HOURS * 3600, UTC), EndTime=datetime.fromtimestamp(now, UTC))
            for page in pages:
                for result in page["MetricDataResults"]:
                    found[some[int(result["Id"][1:])]] += len(result["Values"])
    return found


def _listed(account: Account, metric: Metric) -> tuple[bool, tuple[Metric, ...]]:
    """Return whether a metric had data within two weeks, and what else its namespace has if it had none."""
    with account.asking("cloudwatch"):
        found = [Metric.of(item) for page in account.client("cloudwatch").get_paginator("list_metrics").paginate(
            Namespace=metric.namespace, PaginationConfig={"MaxItems": 500}) for item in page["Metrics"]]
    return metric in found, tuple(found)


def judged(metric: Metric, seen: Seen, alarms: Sequence[str], prefix: str, file: str) -> Check:
    """Judge one metric; ``alarms`` are the names of those that look at it."""
    subject, whose = f"metric {metric}", f"(of {', '.join(sorted(set(alarms)))})"
    if seen.points:
        return well(subject, f"it has data in the last {_HOURS} hours")
    if metric.namespace == prefix:
        return note(subject, f"it has no data in the last {_HOURS} hours {whose}; the responder publishes it every "
                    "half hour once it knows a week of traffic")
    if seen.listed:
        said = f"it had data within two weeks, and none in the last {_HOURS} hours {whose}"
        if any(word in metric.name.lower() for word in _SPARSE):
            return note(subject, said + ": well, where it is published only when something fails")
        return broken(subject, said, "look whether the service still publishes it")
    if any(word in metric.name.lower() for word in _SPARSE) and (metric.namespace.startswith("AWS/") or any(
            other.dimensions == metric.dimensions for other in seen.others)):
        return note(subject, f"it had no data within two weeks {whose}: well, where it is published only when "
                    "something fails")
    return broken(subject, f"nobody has published it within two weeks, so the alarm can never go off {whose}"
                  + _instead(metric, seen.others), f"metrics.* in {file}, or what publishes it")


def _instead(metric: Metric, others: Sequence[Metric]) -> str:
    if not others:
        return f"; the namespace {metric.namespace} has no metric at all"
    names = sorted({other.name for other in others})
    if metric.name not in names:
        return f"; {metric.namespace} has {', '.join(names[:8])}"
    dimensions = sorted({", ".join(f"{name}={value}" for name, value in other.dimensions)
                         for other in others if other.name == metric.name})
    return f"; {metric.name} is there for {'; '.join(dimensions[:4])}"


PROBE = Probe("alarm-metrics", "the metrics of the alarms", _look,
              ("cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "cloudwatch:ListMetrics"))
