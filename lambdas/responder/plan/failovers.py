"""What an event of RDS says of a failover: that one has begun, is over, or failed; most events say nothing of one.

By the event's id where it is told (EventBridge, SNS), else by its wording, which is all that DescribeEvents gives.
Source: AWS's page "Amazon RDS event categories and event messages" (DB instances, DB clusters).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from responder.model.evidence.events import DatabaseEvent

Failover = Literal["", "started", "completed", "failed"]
"""What is told of a failover; empty: nothing, or that there was no need of one."""

_OF_ID: dict[str, Failover] = {
    "RDS-EVENT-0013": "started", "RDS-EVENT-0015": "completed", "RDS-EVENT-0034": "", "RDS-EVENT-0049": "completed",
    "RDS-EVENT-0050": "started", "RDS-EVENT-0051": "completed", "RDS-EVENT-0065": "completed",
    "RDS-EVENT-0069": "failed", "RDS-EVENT-0070": "started", "RDS-EVENT-0071": "completed",
    "RDS-EVENT-0072": "started", "RDS-EVENT-0073": "started"}
_NOTHING_DONE = ("abandon", "not attempting", "not needed", "cannot failover", "can't fail over", "no failover")
"""A failover that was asked for and is not done: there was one lately, or none is possible."""
_ANOTHER = ("fail over priority", "failover priority", "failover tier", "failover group", "promotion tier")
_FAILED = re.compile(r"failover (of .*)?(has )?failed|failed to fail ?over")
_OVER = re.compile(r"\bcompleted?\b|\bfinished\b|\brecovered\b|\bsucceeded\b")


def goes_on(events: Iterable[DatabaseEvent]) -> bool:
    """Whether the last that events, oldest first, tell of a failover is that one has begun."""
    return [found for event in events if (found := stage(event))][-1:] == ["started"]


def stage(event: DatabaseEvent) -> Failover:
    """Return what an event says of a failover."""
    known = _OF_ID.get(event.event_id)
    if known is not None:
        return known
    text = event.message.lower()
    if "promoting previous primary" in text:
        return "started"
    if "failover" not in text and "fail over" not in text and "failover" not in event.categories:
        return ""
    if any(words in text for words in (*_NOTHING_DONE, *_ANOTHER)):
        return ""
    if _FAILED.search(text):
        return "failed"
    return "completed" if _OVER.search(text) else "started"
