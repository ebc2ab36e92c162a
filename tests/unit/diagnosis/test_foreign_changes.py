"""Which foreign change is to blame, in made-up outages of many kinds; and that none is, where none is."""

from __future__ import annotations

import pytest

from responder.plan.change_suspects import suspects
from tests.unit.diagnosis import outages_of_changes, outages_of_others, outages_with_decoys
from tests.unit.diagnosis.made_up_changes import Outage

CASES = [*outages_of_changes.CASES, *outages_of_others.CASES, *outages_with_decoys.CASES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_guilty_change_is_likeliest_or_none_is(case: Outage) -> None:
    ranked = suspects(case.changes, case.symptom)
    assert ranked[0].id == case.truth, ranked[:3]
    assert ranked[0].probability >= 0.7, ranked[:3]
