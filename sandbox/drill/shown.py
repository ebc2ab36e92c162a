"""The tables of the drills that ran: what became of each and when, and what it used and cost."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from sandbox.drill.result import Result
from sandbox.drill.usage import MOST_USD

_BECAME = (("drill", "met", "outcome", "cause", "actions"), ("alarm", "applied", "recovered"))
_USED = (("drill",), ("states", "events", "functions", "reads", "writes", "cost"))


def shown(results: Sequence[Result], console: Console) -> None:
    """Print two tables, which a terminal of 80 columns has room for, and how many incidents cost less than the goal."""
    became, used = _table(*_BECAME), _table(*_USED)
    for value in results:
        took = (value.seconds.alarm, value.seconds.first_action, value.seconds.recovered)
        became.add_row(value.drill, "yes" if value.met else "NO", str(value.outcome), value.cause.id,
                       ", ".join(f"{action.id} {action.status}" for action in value.actions) or "-",
                       *("-" if seconds is None else f"{seconds:.1f} s" for seconds in took))
        used.add_row(value.drill, f"{value.used.state_transitions}", f"{value.used.history_events}",
                     f"{value.used.function_milliseconds / 1000:.1f} s", f"{value.used.table_read_units}",
                     f"{value.used.table_write_units}", f"${value.cost_usd:.4f}")
    console.print(became)
    console.print()
    console.print(used)
    dear = [value.drill for value in results if value.cost_usd >= MOST_USD]
    console.print(f"{len(results) - len(dear)} of {len(results)} incidents cost less than {100 * MOST_USD:g} cent"
                  + (f"; more: {', '.join(dear)}" if dear else ""))


def _table(left: Sequence[str], right: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in left:
        table.add_column(title)
    for title in right:
        table.add_column(title, justify="right")
    return table
