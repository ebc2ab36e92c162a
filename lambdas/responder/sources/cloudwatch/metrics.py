"""What CloudWatch's metrics are asked by, and read from.

Format: AWS's page "GetMetricData" (up to 500 queries a call, paged by NextToken, StatusCode Complete, InternalError,
PartialData or Forbidden for each result).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from responder.clients import aws
from responder.model.evidence import Window
from responder.sources import Query

PAGES = 20
MINUTE = 60
_SHORT_KEPT_SECONDS = 3 * 3600.0

Points = dict[float, float]
"""The start of a period, seconds since 1970 (UTC), to its value."""


def metric(key: str, namespace: str, name: str, dimensions: Sequence[tuple[str, str]], statistic: str,
           period_seconds: int = MINUTE) -> dict[str, Any]:
    """Return one of a call's ``MetricDataQueries``."""
    return {"Id": key, "ReturnData": True, "MetricStat": {
        "Metric": {"Namespace": namespace, "MetricName": name,
                   "Dimensions": [{"Name": dimension, "Value": value} for dimension, value in dimensions]},
        "Period": period_seconds, "Stat": statistic}}


def shortest_kept(period_seconds: int, query: Query) -> int:
    """Return a period of which CloudWatch still has data, the wanted one if it can be.

    Source: AWS's page "Metrics concepts" (metrics retention): periods under a minute are kept for three hours.
    """
    oldest = query.age_seconds + query.window.seconds
    return max(period_seconds, MINUTE) if query.past and oldest > _SHORT_KEPT_SECONDS else period_seconds


def read(cloudwatch: Any, queries: list[dict[str, Any]], window: Window,
         period_seconds: int) -> tuple[dict[str, Points], str]:
    """Return the points of each query by its id, and a note on what was cut or failed; raises CallFailed."""
    arguments: dict[str, Any] = {
        "MetricDataQueries": queries, "ScanBy": "TimestampAscending",
        "StartTime": datetime.fromtimestamp(window.start // period_seconds * period_seconds, UTC),
        "EndTime": datetime.fromtimestamp(window.end, UTC)}
    found: dict[str, Points] = {}
    notes: set[str] = set()
    for _ in range(PAGES):
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
        notes.add(f"cut after {PAGES} pages")
    return found, "; ".join(sorted(notes))
