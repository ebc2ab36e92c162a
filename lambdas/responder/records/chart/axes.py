"""Round figures and times of day beside the axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from responder.model.frozen import dataclass
from responder.plan.wording import axis_day, axis_time, count, share
from responder.records.chart.shapes import width_of

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0
STEPS = (1.0, 2.0, 5.0, 10.0, 15.0, 30.0, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE,
         _HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY, 28 * _DAY)
"""Seconds between times on an axis: each divides the day, or is whole days."""
_LEAST_SHARE = 0.002
"""Shares are said to a tenth of a percent."""
_UNITS = (("requests per second", 1.0), ("requests per minute", _MINUTE), ("requests per hour", _HOUR))
_MANY = ((5e6, 1e6, "million "), (1e5, 1e3, "thousand "))
"""From so many a second: what they are divided by, and its word."""
_FEW = 4.0
_TO_SECONDS, _TO_MINUTES, _TO_DAYS = "00:00:00", "00:00", "30 Mmm"
_APART = 14.0
"""Pixels between two texts."""


@dataclass(frozen=True)
class Scale:
    """An axis of figures."""

    unit: str
    factor: float
    """What a measured value is multiplied by to be in this unit."""
    ticks: tuple[tuple[float, str], ...]
    """In the unit, from 0 to the top, each with its text."""

    def part(self, value: float) -> float:
        """Return where a measured value is on the axis: 0 at its bottom, 1 at its top."""
        return min(1.0, max(0.0, value * self.factor / self.ticks[-1][0]))


@dataclass(frozen=True)
class Moment:
    """A round time on the time axis."""

    at: float
    """Seconds since 1970 (UTC)."""
    text: str
    date: str
    """Where another day begins, or the axis begins; else empty."""


def shares(highest: float, most: int) -> Scale:
    """Return the axis of a share of one, with about ``most`` steps at the most."""
    figures = _round(min(1.0, max(highest, _LEAST_SHARE)), most, least=_LEAST_SHARE / 2)
    ticks = tuple((figure, share(figure).replace(".0%", "%")) for figure in figures)
    return Scale("of requests failed", 1.0, ticks)


def rates(highest: float, most: int, busiest: float) -> Scale:
    """Return the axis of requests per second, or of a longer time where the busiest component has few."""
    unit, factor = next(((unit, factor) for unit, factor in _UNITS if busiest * factor >= _FEW), _UNITS[-1])
    for limit, divisor, word in _MANY:
        if busiest >= limit:
            unit, factor = word + unit, factor / divisor
            break
    figures = _round(max(highest * factor, 1.0), most, least=1.0)
    return Scale(unit, factor, tuple((figure, count(figure)) for figure in figures))


def moments(start: float, end: float, width: float) -> tuple[Moment, ...]:
    """Return the round times between two whose texts stand apart on an axis of so many pixels."""
    step = next((step for step in STEPS if (end - start) / step * (_widest(step) + _APART) <= width), end - start)
    first = math.ceil(start / step) * step
    found, last_day = [], ""
    days = axis_day(start) != axis_day(end)
    for number in range(int((end - first) // step) + 1):
        at = first + number * step
        day = axis_day(at)
        found.append(Moment(at, day if step >= _DAY else axis_time(at, seconds=step < _MINUTE),
                            day if days and step < _DAY and day != last_day else ""))
        last_day = day
    return tuple(found)


def _widest(step: float) -> float:
    """Return the pixels of the widest text of an axis with such steps."""
    return width_of(_TO_SECONDS if step < _MINUTE else _TO_MINUTES if step < _DAY else _TO_DAYS)


def _round(highest: float, most: int, least: float) -> Sequence[float]:
    """Return round figures from 0 to the first at or above the highest: steps of 1, 2 or 5 times a power of ten."""
    raw = highest / max(1, most)
    power = 10.0 ** math.floor(math.log10(raw))
    step = max(least, next(power * part for part in (1, 2, 5, 10) if power * part >= raw * (1 - 1e-9)))
    # Multiplied by the step, 0.1 would not become 0.3.
    digits = max(0, 1 - math.floor(math.log10(step)))
    return [round(number * step, digits) for number in range(math.ceil(highest / step - 1e-9) + 1)]
