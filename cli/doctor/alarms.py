"""The alarms of a service as CloudWatch has them. Source: the CloudWatch API Reference's page "DescribeAlarms"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cli.doctor.account import Account

_AT_ONCE = 100
"""Names that one call takes."""


@dataclass(frozen=True)
class Alarm:
    """An alarm as it is now."""

    name: str
    state: str
    """``OK``, ``ALARM`` or ``INSUFFICIENT_DATA``."""
    reason: str
    since: float | None
    """When it took its state, seconds since 1970 (UTC)."""
    composite: bool
    description: str
    queries: tuple[Mapping[str, Any], ...] = ()
    """The metrics that it looks at, as ``MetricDataQueries``; none of a composite alarm."""
    missing_is_bad: bool = False
    """Whether it goes off where data are missing."""


def described(account: Account, names: Sequence[str]) -> dict[str, Alarm]:
    """Return the alarms of these names that there are; raises NotKnown."""
    client, found = account.client("cloudwatch"), list[Alarm]()
    for first in range(0, len(names), _AT_ONCE):
        with account.asking("cloudwatch"):
            pages = client.get_paginator("describe_alarms").paginate(
                AlarmNames=list(names[first:first + _AT_ONCE]), AlarmTypes=["MetricAlarm", "CompositeAlarm"])
            for page in pages:
                found += [_alarm(item, False) for item in page.get("MetricAlarms", [])]
                found += [_alarm(item, True) for item in page.get("CompositeAlarms", [])]
    return {alarm.name: alarm for alarm in found}


def _alarm(item: Mapping[str, Any], composite: bool) -> Alarm:
    since = item.get("StateTransitionedTimestamp") or item.get("StateUpdatedTimestamp")
    return Alarm(str(item["AlarmName"]), str(item.get("StateValue", "")), str(item.get("StateReason", "")),
                 since.timestamp() if since else None, composite, str(item.get("AlarmDescription", "")),
                 tuple(_queries(item)), item.get("TreatMissingData") == "breaching")


def _queries(item: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    if item.get("Metrics"):
        return [query for query in item["Metrics"] if "MetricStat" in query]
    if not item.get("MetricName"):
        return []
    return [{"Id": "m1", "MetricStat": {
        "Metric": {"Namespace": item["Namespace"], "MetricName": item["MetricName"],
                   "Dimensions": item.get("Dimensions", [])},
        "Period": item["Period"], "Stat": item.get("ExtendedStatistic") or item.get("Statistic")}}]
