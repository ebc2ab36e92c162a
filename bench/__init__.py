"""Measurements of what this project can do and what it costs, on recorded and on made-up outages.

A module is a benchmark by being here and setting ``BENCHMARK``; ``python -m bench`` runs them. What they share is in
``bench/bed``.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lambdas"))


@dataclass(frozen=True)
class Row:
    """One measure and what it is held against."""

    what: str
    value: float
    unit: str
    """``ms``, ``s``, ``%``, ``kB`` (2^10 bytes) ``MB`` (2^20 bytes), ``power`` (an exponent) or what is counted."""
    beside: str
    """The alternative."""
    against: float
    """The alternative's value, in the same unit."""
    highest: float | None = None
    """The goal for ``value``; None: there is none."""
    highest_ratio: float | None = None
    """The goal for ``ratio``; None: there is none."""
    note: str = ""

    @property
    def ratio(self) -> float:
        """``value`` as a multiple of ``against``."""
        return self.value / self.against if self.against else float("inf")

    @property
    def met(self) -> bool | None:
        """Whether the goals are met; None where there is none."""
        if self.highest is None and self.highest_ratio is None:
            return None
        return ((self.highest is None or self.value <= self.highest)
                and (self.highest_ratio is None or self.ratio <= self.highest_ratio))


@dataclass(frozen=True)
class Outcome:
    """What a benchmark found."""

    rows: list[Row] = field(default_factory=list)
    text: str = ""
    """What is told besides the rows."""
    more: dict[str, Any] = field(default_factory=dict)
    """What the JSON has besides the rows."""


@dataclass(frozen=True)
class Benchmark:
    """A measure of something, with what it takes to run it."""

    about: str
    run: Callable[[int], Outcome]
    """Takes how often each measure is repeated; the rows hold medians unless they say otherwise."""
    repeats: int = 5


def every() -> dict[str, Benchmark]:
    """Return all benchmarks by name."""
    modules = {name: importlib.import_module(f"{__name__}.{name}")
               for name in sorted(module.name for module in pkgutil.iter_modules(__path__))
               if name not in ("__main__", "bed", "data")}
    return {name: module.BENCHMARK for name, module in modules.items() if hasattr(module, "BENCHMARK")}
