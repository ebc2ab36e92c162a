"""Where texts go so that none lies on another, and no line goes through one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from responder.model.frozen import dataclass
from responder.records.chart.shapes import shortened, width_of

_BESIDE = 4.0
"""Pixels between a line and its text."""
_APART = 6.0
_TRIES = 200


@dataclass(frozen=True)
class Flag:
    """A text at the top of a vertical line."""

    x: float
    text: str
    importance: int
    """The most important has the smallest."""
    deed: bool = False
    """Whether something was changed then."""


@dataclass(frozen=True)
class Placed:
    """A flag with its place."""

    flag: Flag
    text: str
    row: int
    """0 is the lowest."""
    left: float
    right: float

    @property
    def after(self) -> bool:
        """Whether the text stands to the right of its line."""
        return self.left > self.flag.x

    def allows(self, other: Placed) -> bool:
        """Whether both can be drawn: texts apart, and neither's line through the other's text."""
        if self.row == other.row and self.left < other.right + _APART and other.left < self.right + _APART:
            return False
        upper, lower = (self, other) if self.row > other.row else (other, self)
        return upper.row == lower.row or not lower.left - 2 < upper.flag.x < lower.right + 2


def rows_of(flags: Sequence[Flag], width: float, rows: int) -> tuple[tuple[Placed, ...], tuple[Flag, ...]]:
    """Return the flags that have a place in so many rows, and those for which there is none: the least important."""
    kept = [(flag, _candidates(flag, width, rows)) for flag in sorted(flags, key=lambda flag: -flag.x)]
    dropped: list[Flag] = []
    while kept and (found := _places([places for _, places in kept])) is None:
        least = max(kept, key=lambda one: (one[0].importance, one[0].x))
        kept.remove(least)
        dropped.append(least[0])
    if not kept or found is None:
        return (), tuple(dropped)
    for used in range(1, 1 + max(one.row for one in found)):
        lower = _places([[place for place in places if place.row < used] for _, places in kept])
        if lower is not None:
            return lower, tuple(dropped)
    return found, tuple(dropped)


def apart(wanted: Sequence[float], distance: float, least: float, most: float) -> list[float]:
    """Return positions near those that are wanted, each at least ``distance`` from the next, between two limits."""
    order = sorted(range(len(wanted)), key=lambda place: wanted[place])
    found = [0.0] * len(wanted)
    until = least - distance
    for place in order:
        until = found[place] = max(wanted[place], until + distance)
    beyond = most
    for place in reversed(order):
        found[place] = min(found[place], beyond)
        beyond = found[place] - distance
    return found


def _places(candidates: Sequence[Sequence[Placed]]) -> tuple[Placed, ...] | None:
    """Return one place of each flag's so that all can be drawn; None where none was found after some tries."""
    tries = iter(range(_TRIES))

    def after(placed: tuple[Placed, ...]) -> tuple[Placed, ...] | None:
        if len(placed) == len(candidates):
            return placed
        for one in candidates[len(placed)]:
            if all(map(one.allows, placed)):
                if next(tries, None) is None:
                    return None
                found = after((*placed, one))
                if found is not None:
                    return found
        return None

    return after(())


def _candidates(flag: Flag, width: float, rows: int) -> list[Placed]:
    """Return the flag's possible places, the best first: low, and to the right of its line."""
    text = shortened(flag.text, max(flag.x, width - flag.x) - _BESIDE)
    wide = width_of(text)
    sides = [(left, left + wide) for left in (flag.x + _BESIDE, flag.x - _BESIDE - wide)
             if left >= 0 and left + wide <= width]
    return [Placed(flag, text, row, *side) for row, side in product(range(rows), sides)]
