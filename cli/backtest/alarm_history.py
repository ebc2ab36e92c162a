"""The history of the alarms that start a service's incidents, from CloudWatch.

Format: AWS's page "DescribeAlarmHistory". Composite alarms are told only where they are asked for by their type, and
only to a right that is scoped to all alarms (``*``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from cli.backtest.moments import Turn, turn_of
from responder.clients import aws

_PAGES = 100


def turns(names: Sequence[str], since: float, until: float) -> list[Turn]:
    """Return the changes of state of the alarms between two times, seconds since 1970 (UTC); raises CallFailed."""
    client = aws.client("cloudwatch", 10)
    return [turn for name in names for turn in _turns(client, name, since, until)]


def _turns(client: Any, name: str, since: float, until: float) -> Iterator[Turn]:
    arguments: dict[str, Any] = {
        "AlarmName": name, "AlarmTypes": ["MetricAlarm", "CompositeAlarm"], "HistoryItemType": "StateUpdate",
        "StartDate": datetime.fromtimestamp(since, UTC), "EndDate": datetime.fromtimestamp(until, UTC),
        "MaxRecords": 100, "ScanBy": "TimestampAscending"}
    for _ in range(_PAGES):
        with aws.failures("CloudWatch"):
            answer = client.describe_alarm_history(**arguments)
        for item in answer.get("AlarmHistoryItems", []):
            turn = turn_of(name, item["Timestamp"].timestamp(), item.get("HistoryData") or "")
            if turn:
                yield turn
        if not answer.get("NextToken"):
            return
        arguments["NextToken"] = answer["NextToken"]
