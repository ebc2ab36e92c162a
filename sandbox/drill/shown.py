"""The table of the drills that ran: what became of each, when, and what it used and cost."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from sandbox.drill.result import Result
from sandbox.drill.usage import MOST_USD

_LEFT = ("drill", "met", "outcome", "cause", "actions")
_RIGHT = ("alarm", "applied", "recovered", "states", "events", "functions", "reads", "writes", "cost")


def shown(results: Sequence[Result], console: Console) -> None:
    """Print a row for each drill, and how many of the incidents cost less than the goal."""
    table = Table(box=None, pad_edge=False)
    for title in _LEFT:
        table.add_column(title)
    for title in _RIGHT:
        table.add_column(title, justify="right")
    for value in results:
        took = (value.seconds.alarm, value.seconds.first_action, value.seconds.recovered)
        used = value.used
        table.add_row(value.drill, "yes" if value.met else "NO", str(value.outcome), value.cause.id,
                      ", ".join(f"{action.id} {action.status}" for action in value.actions) or "-",
                      *("-" if seconds is None else f"{seconds:.1f} s" for seconds in took),
                      f"{used.state_transitions}", f"{used.history_events}",
                      f"{used.function_milliseconds / 1000:.1f} s", f"{used.table_read_units}",
                      f"{used.table_write_units}", f"${value.cost_usd:.4f}")
    console.print(table)
    dear = [value.drill for value in results if value.cost_usd >= MOST_USD]
    console.print(f"{len(results) - len(dear)} of {len(results)} incidents cost less than {100 * MOST_USD:g} cent"
                  + (f"; more: {', '.join(dear)}" if dear else ""))
