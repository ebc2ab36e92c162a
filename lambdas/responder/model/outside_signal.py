"""An alert of another system, or an alarm that was found by its tag, as it is handed to the state machine."""

from __future__ import annotations

from typing import Literal

from responder.model.frozen import dataclass

Kind = Literal["alarm", "pagerduty", "newrelic", "splunk"]


@dataclass(frozen=True)
class OutsideSignal:
    """What starts an incident, once it is known to be genuine."""

    kind: Kind
    service: str
    id: str
    """Its own id there: the same id starts nothing more."""
    at: str
    """When it happened, ISO 8601 in UTC."""
    name: str
    reason: str = ""


@dataclass(frozen=True)
class OutsideStart:
    """The state machine's input."""

    signal: OutsideSignal
