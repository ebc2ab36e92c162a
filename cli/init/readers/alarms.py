"""CloudWatch's alarms: names, metrics and dimensions of all of them. Format: "DescribeAlarms" (100 a page)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cli.init.facts import Alarm, Alarms
from cli.init.readers import Asked, Known, Reader, pages

_MOST_PAGES = 200
"""20,000 alarms."""


def read(asked: Asked, known: Known) -> Alarms:
    """Return all metric alarms of the account and Region; composite ones have no metric, and are left out."""
    found = pages(known.session.client("cloudwatch"), "describe_alarms", "MetricAlarms", _MOST_PAGES,
                  AlarmTypes=["MetricAlarm"])
    if len(found) >= _MOST_PAGES * 100:
        known.troubles.append(f"more than {len(found)} alarms: the rest was not looked at")
    return Alarms(tuple(_alarm(one) for one in found))


def _alarm(one: Mapping[str, Any]) -> Alarm:
    metrics = [stat["MetricStat"]["Metric"] for stat in one.get("Metrics") or [] if stat.get("MetricStat")]
    metrics = metrics or [one]
    return Alarm(
        name=one["AlarmName"], namespace=metrics[0].get("Namespace", ""), metric=metrics[0].get("MetricName", ""),
        dimensions=tuple(sorted({(dimension["Name"], dimension["Value"]) for metric in metrics
                                 for dimension in metric.get("Dimensions") or []})))


READER = Reader(name="alarms", title="CloudWatch's alarms", part=Alarms, read=read,
                rights=("cloudwatch:DescribeAlarms",))
