"""Alarm events with no fault behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from sandbox.events.event import Event, Fields, nothing
from sandbox.places import ACCOUNT, REGION

if TYPE_CHECKING:
    from sandbox.parts import Sandbox


class Alarm(Fields):
    """How many."""

    count: int = Field(1, ge=1, le=5000)


def apply(sandbox: Sandbox, fields: Alarm) -> None:
    """Send events of the alarm on an outage."""
    names = sandbox.evaluator.starting() if sandbox.evaluator else []
    name = next((name for name in names if name.endswith("-outage")), "unknown")
    child = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name.removesuffix('-outage')}-error-rate"
    sandbox.engine.alarm_events(name, fields.count, f"{child} transitioned to ALARM at Thursday 26 November, 2026 "
                                                    "00:00:00 UTC")


EVENT = Event("alarm", Alarm, apply, nothing)
