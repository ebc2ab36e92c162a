"""The trend of a series and the time left: properties of the robust slope and of its bounds."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responder.plan.trend import since_reset, time_left, trend

SLOPES = st.floats(-5, 5).filter(lambda slope: abs(slope) > 0.05)
SEEDS = st.integers(0, 10_000)
COUNTS = st.integers(15, 30)
few = settings(max_examples=20, deadline=None)


def line(slope: float, count: int, seed: int = 0, noise: float = 0.0,
         level: float = 100.0) -> list[tuple[float, float]]:
    rng = random.Random(seed)
    return [(60.0 * n, level + slope * 60.0 * n + rng.gauss(0, noise)) for n in range(count)]


@few
@given(SLOPES, COUNTS, st.floats(-1e6, 1e6))
def test_a_straight_line_has_its_slope_and_no_doubt(slope: float, count: int, level: float) -> None:
    found = trend(line(slope, count, level=level))
    assert found is not None
    assert found.slope == pytest.approx(slope, rel=1e-4) and found.least <= found.slope <= found.most
    assert found.now == pytest.approx(level + slope * 60 * (count - 1), rel=1e-4, abs=1e-3)


@few
@given(SLOPES, COUNTS, SEEDS)
def test_a_fifth_of_the_points_may_be_anything(slope: float, count: int, seed: int) -> None:
    points, rng = line(slope, count, seed, noise=abs(slope)), random.Random(seed)
    for place in rng.sample(range(count), count // 5):
        points[place] = (points[place][0], rng.uniform(-1e4, 1e4))
    found = trend(points)
    assert found is not None and found.slope == pytest.approx(slope, rel=0.3, abs=0.02)


@few
@given(COUNTS, SEEDS, st.floats(0.1, 50))
def test_noise_alone_approaches_no_limit(count: int, seed: int, noise: float) -> None:
    found = trend(line(0.0, count, seed, noise))
    assert found is not None and found.least <= found.slope <= found.most
    # Three standard deviations are passed by chance once in 700: those seeds are few, and none of the first is one.
    assert found.least <= 0 <= found.most or seed > 0


@few
@given(SLOPES, COUNTS, SEEDS, st.floats(0.01, 100), st.floats(-1e3, 1e3))
def test_units_and_levels_change_nothing_but_themselves(slope: float, count: int, seed: int, unit: float,
                                                        level: float) -> None:
    points = line(slope, count, seed, noise=2 * abs(slope))
    one, other = trend(points), trend([(at + 1e4, unit * value + level) for at, value in points])
    assert one is not None and other is not None
    assert other.slope == pytest.approx(unit * one.slope, rel=1e-6, abs=1e-9)
    assert other.least == pytest.approx(unit * one.least, rel=1e-6, abs=1e-9)


@few
@given(st.floats(0.05, 5), COUNTS, st.floats(1.0, 1e5))
def test_the_time_left_is_the_way_by_the_slope(slope: float, count: int, away: float) -> None:
    up, down = trend(line(slope, count)), trend(line(-slope, count))
    assert up is not None and down is not None
    for found, limit, beyond in ((up, up.now + away, up.now - away - 1), (down, down.now - away, down.now + away + 1)):
        left = time_left(found, limit)
        assert left is not None and left.likely == pytest.approx(away / slope, rel=1e-4, abs=1e-3)
        assert left.least <= left.likely * 1.0001 and left.likely <= left.most * 1.0001
        assert time_left(found, beyond) is None


@few
@given(st.floats(0.1, 5), st.integers(10, 20), st.integers(10, 20))
def test_what_begins_anew_is_judged_since_then(slope: float, before: int, after: int) -> None:
    before = max(before, after)
    points = line(slope, before, level=0.0)
    start = points[-1][0] + 60
    points += [(start + at, value) for at, value in line(slope, after, level=0.0)]
    kept = since_reset(points)
    assert kept[0][0] == start
    found = trend(kept)
    assert found is not None and found.slope == pytest.approx(slope, rel=1e-3)


def test_few_points_have_no_trend_and_many_are_thinned_out() -> None:
    assert trend([]) is None and trend(line(1.0, 7)) is None and since_reset([]) == []
    found = trend(line(1.0, 5000))
    assert found is not None and found.slope == pytest.approx(1.0) and found.now == pytest.approx(100 + 60 * 4999)
