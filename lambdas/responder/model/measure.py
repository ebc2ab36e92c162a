"""What the responder measures of itself: one value of one metric, and the metrics' names.

``clients/telemetry.py`` writes measures in CloudWatch's embedded metric format; ``stacks`` builds the alarms on the
responder itself and its dashboard from the same names. The namespace is the deployment's prefix.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from responder.model.frozen import dataclass

Unit = Literal["Count", "Milliseconds", "Seconds", "Percent", "None"]
Dimensions = tuple[tuple[str, str], ...]
"""Names and values, in this order."""


class Metric(StrEnum):
    """A metric's name. The comment behind each names its dimensions besides ``Service``; of those of all services
    together, which have one ``Services=all``, in place of it."""

    OPENED = "IncidentsOpened"
    CLOSED = "IncidentsClosed"  # Outcome
    SINCE_OPENED = "TimeSinceOpened"  # Phase
    AVAILABILITY = "SourceAvailability"  # Source
    LATENCY = "SourceLatency"  # Source
    REFUSALS = "Refusals"  # Guardrail
    ASKED = "ApprovalsAsked"
    ANSWERED = "ApprovalsAnswered"  # Answer
    WAITING = "ApprovalsWaiting"
    REMEDIES = "Remedies"  # Action, Outcome
    STEP_FAILURES = "StepFailures"  # and once more of all services together
    LEDGER_AGE = "LedgerAge"  # in place of it: Function
    COST = "CostEstimate"
    UNREAD = "HeartbeatUnread"  # of all services together
    SOURCE_UNREAD = "SourceUnread"  # Source


@dataclass(frozen=True)
class Measure:
    """One value of a metric."""

    metric: Metric
    value: float
    unit: Unit
    dimensions: Dimensions


def measure(metric: Metric, value: float, unit: Unit, service: str, **more: str) -> Measure:
    """Return a measure of a service; ``more`` are further dimensions, without those that are empty."""
    return Measure(metric, value, unit, (("Service", service), *(
        (name.capitalize(), said) for name, said in more.items() if said)))


def overall(metric: Metric, value: float, unit: Unit, **more: str) -> Measure:
    """Return a measure of all services together, so that one alarm looks at one metric however many they are.

    ``more`` takes the place of the dimension ``Services=all``.
    """
    return Measure(metric, value, unit, tuple(
        (name.capitalize(), said) for name, said in (more or {"services": "all"}).items()))


def count(metric: Metric, service: str, **more: str) -> Measure:
    """Return a measure that counts one of something."""
    return measure(metric, 1.0, "Count", service, **more)
