"""Series of CloudWatch metrics over the last hours, thinned out as CloudWatch itself does.

Formats: AWS's pages "GetMetricData" and "Amazon EKS and Kubernetes Container Insights metrics".
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from responder.clients import aws

HOURS = 3
"""Long enough for a slope that matters within a shift, and short enough for one load."""
_PERIOD_SECONDS = 300
Points = list[tuple[float, float]]


class Asked(NamedTuple):
    """One metric."""

    namespace: str
    name: str
    dimensions: Sequence[tuple[str, str]]
    statistic: str = "Average"


def of_pods(cluster: str, namespace: str, workload: str) -> tuple[tuple[str, str], ...]:
    """Return the dimensions by which Container Insights knows the pods of a workload."""
    return ("ClusterName", cluster), ("Namespace", namespace), ("PodName", workload)


def series(asked: Mapping[str, Asked], end: float, deadline: float) -> dict[str, Points]:
    """Return each metric's values of the last hours in periods of five minutes, oldest first; raises CallFailed.

    ``end`` is in seconds since 1970 (UTC), ``deadline`` in seconds of ``time.monotonic``.
    """
    start = (end - HOURS * 3600) // _PERIOD_SECONDS * _PERIOD_SECONDS
    with aws.failures("CloudWatch"):
        answer = aws.client("cloudwatch", max(2, int(deadline - time.monotonic()))).get_metric_data(
            MetricDataQueries=[{"Id": key, "MetricStat": {
                "Metric": {"Namespace": one.namespace, "MetricName": one.name, "Dimensions": [
                    {"Name": name, "Value": value} for name, value in one.dimensions]},
                "Period": _PERIOD_SECONDS, "Stat": one.statistic}} for key, one in asked.items()],
            StartTime=datetime.fromtimestamp(start, UTC), EndTime=datetime.fromtimestamp(end, UTC),
            ScanBy="TimestampAscending")
    found: dict[str, Points] = {}
    for result in answer.get("MetricDataResults", []):
        found.setdefault(result["Id"], []).extend(
            (moment.timestamp(), round(float(value), 3))
            for moment, value in zip(result["Timestamps"], result["Values"], strict=False))
    return {key: sorted(points) for key, points in found.items()}
