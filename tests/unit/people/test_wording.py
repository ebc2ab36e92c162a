"""Figures as people read them: nothing that is not certain is said to be 100%, nothing that happened to be 0%."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.plan.wording import clock, count, duration, listed, plural, share, times


@pytest.mark.parametrize(("value", "said"), [
    (None, "-"), (0.0, "0%"), (0.0001, "<0.1%"), (0.004, "0.4%"), (0.0999, "10%"), (0.425, "42%"), (0.99, "99%"),
    (0.997, "99.7%"), (0.99999, "99.9%"), (1.0, "100%")])
def test_a_share_is_a_percentage(value: float | None, said: str) -> None:
    assert share(value) == said


@given(st.floats(0.0, 1.0))
def test_only_one_is_all_and_only_zero_is_nothing(value: float) -> None:
    assert (share(value) == "100%") == (value == 1)
    assert (share(value) in ("0%", "0.0%")) == (value == 0)


@pytest.mark.parametrize(("seconds", "said"), [
    (None, "-"), (0.0, "0 s"), (4.23, "4.2 s"), (9.97, "10 s"), (36.0, "36 s"), (59.6, "1 min"), (100.0, "1 min 40 s"),
    (1800.0, "30 min"), (7500.0, "2 h 5 min"), (86_399.9, "1 d"), (262_800.0, "3 d 1 h")])
def test_a_duration_has_at_most_two_units(seconds: float | None, said: str) -> None:
    assert duration(seconds) == said


def test_counts_have_separators_and_nouns_their_plural() -> None:
    assert (count(None), count(8724.4), count(1_234_567)) == ("-", "8,724", "1,234,567")
    assert (plural(1, "signal"), plural(1200, "signal"), plural(2, "entry", "entries")) == (
        "1 signal", "1,200 signals", "2 entries")
    assert [times(number) for number in (1, 2, 3)] == ["once", "twice", "3 times"]


def test_a_time_of_day_comes_from_seconds_or_from_a_text() -> None:
    assert clock(1_800_000_000.0) == clock("2027-01-15T08:00:00.000Z") == "08:00:00"
    assert clock(None) == clock("") == "-"


def test_names_are_listed_as_a_sentence_has_them() -> None:
    assert [listed(names) for names in ((), ("a",), ("a", "b"), ("a", "b", "c"))] == ["", "a", "a and b", "a, b and c"]
