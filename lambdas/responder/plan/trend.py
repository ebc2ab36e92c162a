"""What a series tends to, and how much time is left until it reaches a limit: robust, and with its uncertainty.

The slope is the median of all slopes between two points, and its bounds are by Kendall's rank statistic (Theil 1950;
Sen 1968, "Estimates of the Regression Coefficient Based on Kendall's Tau"): a fifth of the points may be anything. Pure
functions of points (seconds, value).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations, pairwise
from statistics import median
from typing import NamedTuple

_Z = 3.0
"""Three standard deviations, as for rates (``plan/rates.py``)."""
_FEWEST = 8
"""Fewer points have no bounds: even if all rise, it may be chance."""
_MOST = 120
"""More are thinned out: all pairs are looked at."""
_RESET = 0.5
"""Where a series falls by half of its range between two points, what wore out was renewed: it begins anew."""

Points = Sequence[tuple[float, float]]


class Trend(NamedTuple):
    """The slope of a series, in its unit a second."""

    slope: float
    least: float
    """The least and the most that the slope may be, with three standard deviations."""
    most: float
    now: float
    """The value at the last point, by the median line."""


class Left(NamedTuple):
    """Seconds until a limit is reached."""

    likely: float
    least: float
    most: float
    """Infinite where the slope may as well lead away from the limit."""


def since_reset(points: Points) -> list[tuple[float, float]]:
    """Return the points since the series last began anew, in the order of their times."""
    ordered = sorted(points)
    values = [value for _, value in ordered]
    if not values:
        return []
    span = max(values) - min(values)
    last = max((place for place, ((_, before), (_, after)) in enumerate(pairwise(ordered), 1)
                if span and before - after > _RESET * span), default=0)
    return ordered[last:]


def trend(points: Points) -> Trend | None:
    """Return the slope of a series with its bounds; None: there are too few points to have any."""
    ordered = sorted(dict(points).items())
    step = math.ceil(len(ordered) / _MOST)
    # The last point is kept, whatever is left out.
    ordered = ordered[::-1][::step][::-1] if step > 1 else ordered
    count = len(ordered)
    if count < _FEWEST:
        return None
    slopes = sorted((after - before) / (end - start) for (start, before), (end, after) in combinations(ordered, 2))
    # The standard deviation of Kendall's statistic for so many points without ties.
    away = _Z * math.sqrt(count * (count - 1) * (2 * count + 5) / 18) / 2
    middle = (len(slopes) - 1) / 2
    slope = median(slopes)
    least = slopes[max(0, math.floor(middle - away))]
    most = slopes[min(len(slopes) - 1, math.ceil(middle + away))]
    if middle - away < 0:
        return None  # Even all pairs together do not bound it.
    last = ordered[-1][0]
    level = median(value - slope * (at - last) for at, value in ordered)
    return Trend(slope, least, most, level)


def time_left(found: Trend, limit: float) -> Left | None:
    """Return the seconds until a limit is reached; None: it is not known to be approached.

    One that was passed is not approached any more.
    """
    distance = limit - found.now
    towards = found.least if distance >= 0 else -found.most
    if towards <= 0:
        return None
    slow, fast = (found.least, found.most) if distance >= 0 else (-found.most, -found.least)
    away = abs(distance)
    return Left(away / abs(found.slope), away / fast, away / slow if slow > 0 else math.inf)
