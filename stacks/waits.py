"""Checks of how long people are waited for, and how long it is watched while they work."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.service import Service
from stacks.nearest import Found

_LONGEST_SECONDS = 14 * 86_400
"""CloudWatch keeps periods of a minute for 15 days (AWS: "GetMetricData")."""


def waits(service: Service) -> Iterator[Found]:
    """Find waits for an answer that are none or longer than a day, and times for which there is no room.

    An execution's history has an end (``plan/times.py:RARER``), and metrics are not kept for ever.
    """
    for name, value in (("wait_seconds", service.approval.wait_seconds), (
            "task_seconds", service.approval.task_seconds)):
        if not 10 <= value <= 86_400:
            yield ("approval", name), str(value), "10 to 86400"
    for name in ("watch_after_escalation_seconds", "aftercare_seconds"):
        value = getattr(service.recovery, name)
        if value > _LONGEST_SECONDS:
            yield ("recovery", name), str(value), f"up to {_LONGEST_SECONDS} ({_LONGEST_SECONDS // 86_400} days)"
