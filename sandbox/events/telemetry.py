"""A source fails the responder, or a way to people does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from sandbox.events.event import Event, Fields
from sandbox.platform.layers import Layer
from sandbox.vendors.gate import SLOW_SECONDS, Fault

if TYPE_CHECKING:
    from sandbox.parts import Sandbox

SOURCES = ("newrelic", "splunk", "cloudwatch", "cloudwatch_logs", "kubernetes", "rds", "aws_health", "status_page",
           "pagerduty", "slack", "statuspage", "flags", "code")


class Telemetry(Fields):
    """Which source, and how it fails."""

    source: str
    fault: Literal["down", "slow", "empty", "malformed", "stale", "throttled", "unauthorized"]
    slow_seconds: float = Field(SLOW_SECONDS, gt=0)
    """How late a slow source answers."""

    @model_validator(mode="after")
    def _known(self) -> Telemetry:
        if self.source not in SOURCES:
            raise ValueError(f"one of {', '.join(SOURCES)}")
        return self


def apply(sandbox: Sandbox, fields: Telemetry) -> Layer[str, Fault]:
    """Let the source fail."""
    return sandbox.gates.set(fields.source, fields.fault, fields.slow_seconds)


def heal(sandbox: Sandbox, trace: Layer[str, Fault]) -> None:
    """Take this fault away."""
    sandbox.gates.lift(trace)


EVENT = Event("telemetry", Telemetry, apply, heal)
