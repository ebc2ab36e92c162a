"""Failures that concentrate on one node or pod more than chance lets them; properties of the test for it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.plan.concentration import Counted, standing_out

NAMES = "abcdefgh"
PLACES = st.integers(2, 8)
SEEDS = st.integers(0, 10_000)


def drawn(seed: int, rates: list[float], requests: int = 400) -> dict[str, Counted]:
    """Requests to as many places as there are rates, each with failures by chance."""
    rng = random.Random(seed)
    return {NAMES[number]: Counted(requests, sum(rng.random() < rate for _ in range(requests)))
            for number, rate in enumerate(rates)}


def lines(places: dict[str, Counted]) -> dict[str, Counted]:
    return {name: Counted(0.0, one.errors, one.pods) for name, one in places.items()}


@given(SEEDS, PLACES, st.floats(0.0, 1.0))
def test_places_that_are_alike_have_none_that_stands_out(seed: int, count: int, rate: float) -> None:
    places = drawn(seed, [rate] * count)
    assert standing_out(places) is None and standing_out(lines(places)) is None


@given(SEEDS, PLACES, st.floats(0.0, 0.2), st.floats(0.55, 1.0), st.integers(0, 7))
def test_one_place_that_fails_much_more_is_named(seed: int, count: int, usual: float, rate: float, which: int) -> None:
    rates = [usual] * count
    rates[which % count] = rate
    places = drawn(seed, rates)
    found = standing_out(places)
    assert found is not None and found.name == NAMES[which % count]
    assert found.share > found.others and 0 < found.explained <= 1


@given(SEEDS, st.floats(0.6, 1.0), st.integers(0, 3))
def test_lines_alone_name_it_as_well(seed: int, rate: float, which: int) -> None:
    rates = [0.01] * 4
    rates[which] = rate
    found = standing_out(lines(drawn(seed, rates)))
    assert found is not None and found.name == NAMES[which] and found.share > 0.5


@given(SEEDS, PLACES, st.lists(st.floats(0, 1), min_size=8, max_size=8), st.floats(1.0, 9.0))
def test_more_of_the_same_never_takes_the_name_away(seed: int, count: int, rates: list[float], factor: float) -> None:
    places = drawn(seed, rates[:count])
    found = standing_out(places)
    more = {name: Counted(one.requests * factor, one.errors * factor) for name, one in places.items()}
    assert found is None or standing_out(more) is not None


@given(SEEDS, PLACES, st.lists(st.floats(0, 1), min_size=8, max_size=8))
def test_the_order_of_places_changes_nothing(seed: int, count: int, rates: list[float]) -> None:
    places = drawn(seed, rates[:count])
    assert standing_out(places) == standing_out(dict(reversed(list(places.items()))))


def test_a_node_with_most_pods_has_most_failures_by_right() -> None:
    assert standing_out({"a": Counted(0, 300, 3), "b": Counted(0, 100, 1)}) is None
    found = standing_out({"a": Counted(0, 300, 1), "b": Counted(0, 100, 3)})
    assert found is not None and found.name == "a"


def test_few_failures_and_single_places_tell_nothing() -> None:
    assert standing_out({"a": Counted(9, 9), "b": Counted(1000, 0)}) is None
    assert standing_out({"a": Counted(900, 900)}) is None
    assert standing_out({}) is None


@pytest.mark.parametrize(("errors", "named"), [(71.0, "a"), (18.0, "")])
def test_that_it_fails_more_is_sure_and_by_how_much_is_the_best_guess(errors: float, named: str) -> None:
    """A node that loses half of its connections for 45 of 60 seconds: 16 % of its requests, 11 % for sure."""
    place = standing_out({"a": Counted(446, errors, 2), "b": Counted(255, 1), "c": Counted(250, 1)})
    assert (place.name if place else "") == named


def test_a_place_with_nearly_all_failures_is_named_however_few_they_are() -> None:
    """Just after a node began to lose packets: 8 % of its requests in the window, and none of the others'."""
    found = standing_out({"a": Counted(236, 0), "b": Counted(226, 0), "c": Counted(449, 37, 2)})
    assert found is not None and found.name == "c"
    assert standing_out({"a": Counted(236, 9), "b": Counted(226, 8), "c": Counted(449, 37, 2)}) is None
