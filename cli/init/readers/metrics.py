"""CloudWatch's own metrics of the account, and its canaries.

Formats: "ListMetrics" (500 a page; RecentlyActive PT3H), "GetMetricData" (a metric of standard resolution has no data
for a period of 10 s: "MetricStat"), "DescribeCanaries".
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from cli.init.facts import Metrics, MetricSet
from cli.init.readers import Asked, Known, Reader, pages

_MOST_PAGES = 400
"""200,000 metrics."""
_OF_AWS = ("AWS/", "ContainerInsights", "CloudWatchSynthetics", "CWAgent", "ECS/", "LambdaInsights",
           "ApplicationSignals")


def read(asked: Asked, known: Known) -> Metrics:
    """Return the metrics of one dimension that are in no namespace of AWS, by namespace and dimension."""
    cloudwatch = known.session.client("cloudwatch")
    listed = pages(cloudwatch, "list_metrics", "Metrics", _MOST_PAGES, RecentlyActive="PT3H")
    if len(listed) >= _MOST_PAGES * 500:
        known.troubles.append(f"more than {len(listed)} metrics: the rest was not looked at")
    grouped: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
    for metric in listed:
        dimensions = metric.get("Dimensions") or []
        if len(dimensions) == 1 and not metric["Namespace"].startswith(_OF_AWS):
            names, values = grouped.setdefault((metric["Namespace"], dimensions[0]["Name"]), (set(), set()))
            names.add(metric["MetricName"])
            values.add(dimensions[0]["Value"])
    workloads = {workload.name for workload in known.workloads} | set(asked.components)
    # Thousands of namespaces need not be tried: only those that name a workload can be the service's.
    sets = tuple(MetricSet(namespace, dimension, tuple(sorted(names)), tuple(sorted(values)))
                 for (namespace, dimension), (names, values) in sorted(grouped.items())
                 if not workloads or values & workloads)
    return Metrics(sets, tuple(sorted(set(_fine(cloudwatch, sets, workloads, known)))), _canaries(known))


def _fine(cloudwatch: Any, sets: tuple[MetricSet, ...], workloads: set[str], known: Known) -> list[str]:
    """Return the namespaces whose metrics have data for periods of 10 s."""
    end = datetime.now(UTC)
    found = []
    for one in sets[:20]:
        value = min(set(one.values) & workloads or set(one.values))
        queries = [{"Id": f"m{place}", "MetricStat": {"Period": 10, "Stat": "SampleCount", "Metric": {
            "Namespace": one.namespace, "MetricName": name, "Dimensions": [{"Name": one.dimension, "Value": value}]}}}
            for place, name in enumerate(one.names[:20])]
        answer = known.tried(f"data of {one.namespace}", partial(
            cloudwatch.get_metric_data, StartTime=end - timedelta(minutes=15), EndTime=end,
            MetricDataQueries=queries), {})
        if any(result.get("Values") for result in answer.get("MetricDataResults") or []):
            found.append(one.namespace)
    return found


def _canaries(known: Known) -> tuple[str, ...]:
    names: list[str] = known.tried("canaries", lambda: list(_canary_names(known.session.client("synthetics"))), [])
    return tuple(sorted(names))


def _canary_names(synthetics: Any) -> Iterator[str]:
    """Yield the names of all pages, for which boto3 has no paginator."""
    token: dict[str, str] = {}
    for _ in range(_MOST_PAGES):
        answer = synthetics.describe_canaries(**token)
        yield from (canary["Name"] for canary in answer.get("Canaries") or [])
        if not answer.get("NextToken"):
            return
        token = {"NextToken": answer["NextToken"]}


READER = Reader(
    name="metrics", title="the account's own metrics in CloudWatch", part=Metrics, read=read,
    rights=("cloudwatch:ListMetrics", "cloudwatch:GetMetricData", "synthetics:DescribeCanaries"))
