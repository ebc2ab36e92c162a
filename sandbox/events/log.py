"""Lines in Splunk, whatever they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.events.event import Duration, Event, Fields
from sandbox.platform.telemetry import Repeated

if TYPE_CHECKING:
    from sandbox.parts import Sandbox


class Log(Fields):
    """The line, and how often it is written."""

    component: str
    line: str
    every: Duration = 1.0


def apply(sandbox: Sandbox, fields: Log) -> Repeated:
    """Begin to write the line."""
    line = Repeated(fields.component, fields.line, fields.every)
    with sandbox.lock:
        sandbox.lines.append(line)
    return line


def heal(sandbox: Sandbox, trace: Repeated) -> None:
    """Write it no more."""
    with sandbox.lock:
        sandbox.lines.remove(trace)


EVENT = Event("log", Log, apply, heal)
