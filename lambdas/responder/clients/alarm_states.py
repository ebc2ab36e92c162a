"""Which of a service's own alarms are on just now.

Format: AWS's page "DescribeAlarms" (up to 100 names a call, paged by NextToken; ``StateTransitionedTimestamp`` is when
the state last changed). CloudWatch sends an event when an alarm's state changes, and none while it stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from responder.clients import aws
from responder.model.evidence.alarms import AlarmState
from responder.model.masking import mask

_NAMES = 100
_CALL_SECONDS = 4
_REASON = 300


def on(names: Sequence[str]) -> tuple[AlarmState, ...]:
    """Return the alarms among ``names`` that are in ALARM, the longest first; raises CallFailed."""
    if not names:
        return ()
    found: list[AlarmState] = []
    client = aws.client("cloudwatch", _CALL_SECONDS)
    for first in range(0, len(names), _NAMES):
        # A permission on single alarms covers no composite ones, so only metric alarms are asked for.
        arguments: dict[str, Any] = {"AlarmNames": list(names[first:first + _NAMES]), "AlarmTypes": ["MetricAlarm"],
                                     "StateValue": "ALARM", "MaxRecords": _NAMES}
        while True:
            with aws.failures("CloudWatch"):
                answer = client.describe_alarms(**arguments)
            for item in answer.get("MetricAlarms", []):
                if item["AlarmName"] not in names or item.get("StateValue") != "ALARM":
                    continue
                since = item.get("StateTransitionedTimestamp") or item.get("StateUpdatedTimestamp")
                found.append(AlarmState(item["AlarmName"], item.get("StateValue", ""),
                                        since.timestamp() if since else None,
                                        mask(str(item.get("StateReason", "")))[:_REASON]))
            if not answer.get("NextToken"):
                break
            arguments["NextToken"] = answer["NextToken"]
    return tuple(sorted(found, key=lambda alarm: (alarm.since or 0.0, alarm.name)))
