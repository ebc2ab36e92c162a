"""Metrics that functions write to their logs: CloudWatch reads them there, the engine does not.

Source: the CloudWatch User Guide's page "Specification: Embedded metric format" (the root node ``_aws``, directives,
dimension sets, metric values as a number or a list of numbers; a line that does not fit is a line of the log like any
other).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_MOST_DIMENSIONS = 30


def metric_data(text: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield namespace and ``MetricData``, as PutMetricData takes it, of each directive in a function's output."""
    for line in text.splitlines():
        if '"_aws"' not in line:
            continue
        try:
            written = json.loads(line)
            for directive in written["_aws"]["CloudWatchMetrics"]:
                yield directive["Namespace"], list(_data(written, directive))
        except (ValueError, KeyError, TypeError):
            continue


def _data(written: dict[str, Any], directive: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for names in directive["Dimensions"]:
        if len(names) > _MOST_DIMENSIONS:
            raise ValueError("too many dimensions")
        dimensions = [{"Name": name, "Value": str(written[name])} for name in names]
        for metric in directive["Metrics"]:
            given = written[metric["Name"]]
            for value in given if isinstance(given, list) else [given]:
                yield {"MetricName": metric["Name"], "Dimensions": dimensions, "Value": float(value),
                       "Unit": metric.get("Unit", "None"), "Timestamp": written["_aws"]["Timestamp"] / 1000,
                       "StorageResolution": metric.get("StorageResolution", 60)}
