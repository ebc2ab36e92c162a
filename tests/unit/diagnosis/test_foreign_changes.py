"""Which foreign change is to blame, in made-up outages of many kinds; and that none is, where none is."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responder.plan.change_effects import effect_of
from responder.plan.change_evidence import NAMED
from responder.plan.change_onset import departure
from responder.plan.change_suspects import NONE, suspects
from tests.unit.diagnosis import (
    outages_fourth_round,
    outages_of_changes,
    outages_of_others,
    outages_third_round,
    outages_with_decoys,
)
from tests.unit.diagnosis.made_up_changes import ONSET, Outage

CASES = [*outages_of_changes.CASES, *outages_of_others.CASES, *outages_with_decoys.CASES,
         *outages_third_round.CASES, *outages_fourth_round.CASES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_guilty_change_is_likeliest_or_none_is(case: Outage) -> None:
    ranked = suspects(case.changes, case.symptom)
    assert ranked[0].id == case.truth, ranked[:3]
    assert (ranked[0].probability >= NAMED) is case.sure, ranked[:3]


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(CASES), st.randoms(use_true_random=False))
def test_the_order_in_which_changes_are_told_changes_nothing(case: Outage, rng: random.Random) -> None:
    shuffled = list(case.changes)
    rng.shuffle(shuffled)
    told = {one.id: one.probability for one in suspects(shuffled, case.symptom)}
    assert told == pytest.approx({one.id: one.probability for one in suspects(case.changes, case.symptom)})


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(outages_of_changes.CASES), st.floats(180, 86_400))
def test_what_came_after_the_symptom_is_not_named(case: Outage, later_seconds: float) -> None:
    changes = [replace(change, at=ONSET + later_seconds, deployed=tuple(
        replace(one, at=ONSET + later_seconds) for one in change.deployed)) for change in case.changes]
    assert suspects(changes, case.symptom)[0].id == NONE


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(outages_of_changes.CASES), st.randoms(use_true_random=False))
def test_lines_that_only_move_do_nothing(case: Outage, rng: random.Random) -> None:
    for change in case.changes:
        lines = [line[1:] for line in change.diff.splitlines() if line[:1] in "+-" and line[1:].strip()]
        moved = rng.sample(lines, len(lines))
        diff = "\n".join([*(f"-{line}" for line in lines), *(f"+  {line}" for line in moved)])
        if lines:
            assert effect_of(replace(change, diff=diff)).share <= 0.1


def test_a_metric_tells_when_it_left_its_usual_range_and_whether_it_grew() -> None:
    usual = [(60.0 * minute, 40.0 + minute % 3) for minute in range(60)]
    step = [*usual, *((60.0 * minute, 900.0) for minute in range(60, 80))]
    slow = [*usual, *((60.0 * minute, 40.0 + 10 * (minute - 59)) for minute in range(60, 140))]
    found = departure("a", "latency_ms", step, 60.0 * 80)
    assert found is not None
    assert (found.moved.began, found.moved.after, found.gradual) == (3600.0, 900.0, False)
    grown = departure("a", "latency_ms", slow, 60.0 * 140)
    assert grown is not None
    assert grown.gradual
    assert departure("a", "latency_ms", usual, 3600.0) is None
