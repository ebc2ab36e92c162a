"""Whether something grows from drill to drill: a slope that single values cannot bend, after a time to warm up.

The slope is Theil and Sen's: the median of the slopes between all pairs of samples. It counts as growth only where it
makes more than is allowed for the time that was measured, and where the lower quartile of these slopes rises too, so
that neither a step nor noise is taken for a leak.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import median, quantiles

FEWEST = 6
"""Samples after the warm-up; of fewer nothing is said."""


@dataclass(frozen=True)
class Sample:
    """What was there after one drill."""

    at_seconds: float
    """Since the beginning."""
    drill: str
    values: Mapping[str, float]
    """Each measure by its name, such as ``engine: MB``."""
    unended: tuple[str, ...] = ()
    """Executions that still ran though the drill was over."""
    unmet: tuple[str, ...] = field(default=())
    """What the drill expected and did not get."""


@dataclass(frozen=True)
class Allowed:
    """How much a measure may grow in an hour."""

    ending: str
    """Of the measures' names that it holds for."""
    share: float
    """Of the median."""
    least: float
    """What is allowed in any case, in the measure's unit."""

    def an_hour(self, values: Sequence[float]) -> float:
        """Return the growth that is allowed, in the measure's unit an hour."""
        return max(self.least, self.share * median(values))


ALLOWED = (Allowed("MB", 0.10, 16.0), Allowed("handles", 0.05, 4.0), Allowed("processes", 0.0, 2.0),
           Allowed("items without an end", 0.0, 2.0))


@dataclass(frozen=True)
class Growth:
    """How one measure went."""

    name: str
    first: float
    last: float
    an_hour: float
    """The slope, in the measure's unit an hour."""
    allowed: float
    grows: bool


def slopes(points: Sequence[tuple[float, float]]) -> list[float]:
    """Return the slopes between all pairs of points that differ in their first part."""
    return [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(points, 2) if b[0] != a[0]]


def growth(name: str, points: Sequence[tuple[float, float]]) -> Growth:
    """Return how one measure went; ``points`` are seconds and values, at least two."""
    rule = next(rule for rule in ALLOWED if name.endswith(rule.ending))
    values = [value for _, value in points]
    found = slopes(points)
    slope, low = median(found), quantiles(found, n=4)[0] if len(found) > 1 else found[0]
    hours = (points[-1][0] - points[0][0]) / 3600
    # A short soak may not pass because an hour's allowance has not come together yet, nor fail by a few MB of noise.
    allowed = rule.an_hour(values) * max(1.0, hours)
    return Growth(name, values[0], values[-1], slope * 3600, rule.an_hour(values),
                  slope > 0 and low > 0 and slope * 3600 * max(1.0, hours) > allowed)


def after_warm_up(samples: Sequence[Sample], share: float = 1 / 3) -> Sequence[Sample]:
    """Return the samples from a share of the time on: processes load, caches fill, the history of etcd begins."""
    if not samples:
        return samples
    since = share * samples[-1].at_seconds
    return [sample for sample in samples if sample.at_seconds >= since]


def grown(samples: Sequence[Sample]) -> list[Growth]:
    """Return how each measure went that all samples have; none where there are too few samples."""
    if len(samples) < FEWEST:
        return []
    names = sorted(set.intersection(*(set(sample.values) for sample in samples)))
    return [growth(name, [(sample.at_seconds, sample.values[name]) for sample in samples]) for name in names]


def reasons(samples: Sequence[Sample]) -> list[str]:
    """Return why the soak fails, a sentence each; none where it passes."""
    warm = after_warm_up(samples)
    found = []
    if len(warm) < FEWEST:
        found.append(f"only {len(warm)} drills after the warm-up, {FEWEST} are needed: let it run longer")
    found += [f"{one.name} grows by {one.an_hour:.1f} an hour, from {one.first:.1f} to {one.last:.1f}; "
              f"{one.allowed:.1f} is allowed" for one in grown(warm) if one.grows]
    found += [f"after {sample.drill} at {sample.at_seconds:.0f} s, {len(sample.unended)} executions had not ended: "
              f"{', '.join(sample.unended)}" for sample in samples if sample.unended]
    found += [f"{sample.drill} at {sample.at_seconds:.0f} s: {'; '.join(sample.unmet)}"
              for sample in samples if sample.unmet]
    return found
