"""AWS's list prices and an idle deployment's use, from one file: ``prices.yaml``.

A file of one's own need only have what differs (negotiated prices, another Region); an unknown name is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from responder.model.codec import Malformed, decode
from stacks.nearest import nearest
from stacks.reading.loading import read_value

SHIPPED = Path(__file__).with_name("prices.yaml")
MONTH_HOURS = 730.0


class PricesError(Exception):
    """A file of prices cannot be used; the message names the place and what was expected."""


@dataclass(frozen=True)
class Price:
    """What one unit costs."""

    dollars: float
    unit: str
    page: str
    """The title of the vendor's page."""
    checked: Literal["price list", "page", "no", "own"]
    """By what it was checked on the list's date; ``own``: from a file of one's own."""


@dataclass(frozen=True)
class Use:
    """How often, how long or how much, in an idle deployment."""

    value: float
    why: str


@dataclass(frozen=True)
class Prices:
    """A price list."""

    region: str
    date: str
    prices: dict[str, Price]
    free: dict[str, float]
    """What an account has free in each month, by the price's name."""
    use: dict[str, Use]

    def __getitem__(self, name: str) -> float:
        """Dollars for one unit."""
        return self.prices[name].dollars


@cache
def shipped() -> Prices:
    """Return the shipped price list."""
    return decode(Prices, yaml.safe_load(SHIPPED.read_text(encoding="utf-8")))


def read(path: Path) -> Prices:
    """Return the shipped price list with what a file says instead; raises PricesError.

    In the file a price may be a number alone: ``prices: {alarm_metric: 0.09}``, ``use: {ledger_objects: 900}``.
    """
    try:
        given = read_value(path)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise PricesError(f"{path}: {error}") from error
    if not isinstance(given, dict) or set(given) - {"region", "date", "prices", "free", "use"}:
        raise PricesError(f"{path}: expected region, date, prices, free and use")
    base = shipped()
    return replace(
        base, region=str(given.get("region", base.region)), date=str(given.get("date", base.date)),
        prices=base.prices | {name: Price(number, base.prices[name].unit, base.prices[name].page, "own")
                              for name, number in _numbers(path, "prices", "dollars", given, base.prices)},
        free=base.free | dict(_numbers(path, "free", "value", given, base.prices)),
        use=base.use | {name: Use(number, f"from {path.name}")
                        for name, number in _numbers(path, "use", "value", given, base.use)})


def _numbers(path: Path, part: str, field: str, given: dict[str, Any],
             known: Mapping[str, object]) -> list[tuple[str, float]]:
    found = []
    values = given.get(part) or {}
    if not isinstance(values, dict):
        raise PricesError(f"{path}: {part}: expected names with numbers")
    for name, value in values.items():
        if name not in known:
            raise PricesError(f"{path}: {part}.{name} is not known: {nearest(str(name), known)}")
        number = value.get(field) if isinstance(value, dict) else value
        try:
            amount = decode(float, number)
        except Malformed as error:
            raise PricesError(f"{path}: {part}.{name}: expected a number of at least 0") from error
        if not 0 <= amount < float("inf"):
            raise PricesError(f"{path}: {part}.{name}: expected a number of at least 0")
        found.append((name, amount))
    return found
