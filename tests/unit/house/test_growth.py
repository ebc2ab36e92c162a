"""How growth is judged (``bench/growth.py``): the exponent of what is measured above the empty function."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.growth import HIGHEST_EXPONENT, Point, above, exponent, sizes


@settings(max_examples=50)
@given(st.floats(0.001, 1000), st.floats(0.0, 3.0))
def test_the_exponent_of_a_power_is_found_whatever_its_factor(factor: float, power: float) -> None:
    counts = sizes(8000)
    assert exponent(counts, [max(1e-3, factor * count ** power) for count in counts]) == pytest.approx(power, abs=0.01)


def test_what_is_quadratic_does_not_hide_behind_what_is_there_in_any_case() -> None:
    points = [Point(size, 500.0 + size ** 2 / 1000, 60.0 + size / 100) for size in sizes(1000)]
    assert exponent([p.size for p in points], [p.milliseconds for p in points]) < HIGHEST_EXPONENT
    grown = above(points, Point(0, 500.0, 60.0))
    assert exponent([p.size for p in grown], [p.milliseconds for p in grown]) == pytest.approx(2.0)
    assert exponent([p.size for p in grown], [p.megabytes for p in grown]) == pytest.approx(1.0)


def test_sizes_double_up_to_the_largest() -> None:
    assert sizes(5000) == [625, 1250, 2500, 5000]
