"""Alarm events with no fault behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from sandbox.events.event import Event, Fields, nothing

if TYPE_CHECKING:
    from sandbox.parts import Sandbox


class Alarm(Fields):
    """How many."""

    count: int = Field(1, ge=1, le=5000)


def apply(sandbox: Sandbox, fields: Alarm) -> None:
    """Send events of the alarm on the error rate."""
    names = sandbox.evaluator.starting() if sandbox.evaluator else []
    name = next((name for name in names if name.endswith("-error-rate")), "unknown")
    sandbox.engine.alarm_events(name, fields.count, "Threshold Crossed: 1 out of the last 6 datapoints [0.4] breached "
                                                    "the threshold (0.05)")


EVENT = Event("alarm", Alarm, apply, nothing)
