"""What one drill used of AWS: state transitions, history events, time of functions, units of the table, and its cost.

The cost is that of ``responder costs --execution``: list prices, one execution's history, the incident's items.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cli.costs.incident import of_execution, tasks
from cli.costs.lines import Line, total
from stacks.prices import shipped

MOST_USD = 0.01
"""The goal for one incident."""


@dataclass(frozen=True)
class Used:
    """What one incident used; zeros where the execution left no history."""

    state_transitions: int = 0
    history_events: int = 0
    """AWS ends an execution with more than 25,000."""
    function_milliseconds: int = 0
    """From when each task was scheduled until it ended, of all tasks together; waiting for people is not among it."""
    table_read_units: int = 0
    table_write_units: int = 0


def used(history: Sequence[Mapping[str, Any]], items: Sequence[Mapping[str, Any]]) -> tuple[Used, float]:
    """Return what an incident used, and its cost in US dollars."""
    if not history:
        return Used(), 0.0
    lines = of_execution(history, items, shipped())
    return Used(round(_quantity(lines, "transitions")), len(history), round(1000 * sum(_runs(history))),
                round(_quantity(lines, "read units")), round(_quantity(lines, "write units"))), round(total(lines), 6)


def _quantity(lines: Iterable[Line], what: str) -> float:
    return sum(line.quantity for line in lines if line.what == what)


def _runs(history: Sequence[Mapping[str, Any]]) -> Iterable[float]:
    """Yield the seconds of each task that did not wait for an answer of people."""
    for scheduled, over_seconds in tasks(history):
        details = scheduled.get("taskScheduledEventDetails") or {}
        if not str(details.get("resource", "")).endswith(".waitForTaskToken"):
            yield over_seconds
