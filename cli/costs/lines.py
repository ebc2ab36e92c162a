"""One line of a bill, and sums of lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from stacks.prices import Prices


@dataclass(frozen=True)
class Line:
    """So many units at one price."""

    part: str
    """Of the bill: ``alarms``, ``functions``, …"""
    what: str
    """What is counted, with its unit."""
    quantity: float
    price: str
    """Its name in the price list."""
    dollars: float


def line(part: str, what: str, quantity: float, price: str, prices: Prices) -> Line:
    """Return a line at the list's price."""
    return Line(part, what, quantity, price, quantity * prices[price])


def added(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Return one line for each thing of which there is any, in the order of their first."""
    quantities: dict[tuple[str, str, str], float] = defaultdict(float)
    dollars: dict[tuple[str, str, str], float] = defaultdict(float)
    for one in lines:
        quantities[one.part, one.what, one.price] += one.quantity
        dollars[one.part, one.what, one.price] += one.dollars
    return tuple(Line(part, what, quantities[part, what, price], price, dollars[part, what, price])
                 for part, what, price in quantities if quantities[part, what, price])


def beyond(more: Iterable[Line], less: Iterable[Line]) -> tuple[Line, ...]:
    """Return what ``more`` has on top of ``less``; what both have is left out."""
    both = added([*more, *(Line(one.part, one.what, -one.quantity, one.price, -one.dollars) for one in less)])
    return tuple(one for one in both if abs(one.quantity) > 1e-9)


def total(lines: Iterable[Line]) -> float:
    """Return the sum in dollars."""
    return sum(one.dollars for one in lines)


def free(lines: Iterable[Line], prices: Prices) -> float:
    """Return how many dollars of it AWS's allowances pay, in an account that uses them for nothing else."""
    used: dict[str, float] = defaultdict(float)
    for one in lines:
        used[one.price] += one.quantity
    return sum(min(used[name], allowed) * prices[name] for name, allowed in prices.free.items() if name in used)
