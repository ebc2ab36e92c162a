"""What the responder measures of itself: each step's result, the cost, and when the team hears of the read path."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.model.measure import Measure, Metric
from responder.plan.course import Course, Done, RemedyRef
from responder.plan.heartbeat import TELL_SECONDS, Heartbeat, Reading, measures, news, subject, text
from responder.plan.own_metrics import cost
from responder.plan.own_steps import of_failure, of_step

ROLLBACK = RemedyRef("rollback", "p", "f")
COURSE = Course(remedies=(ROLLBACK,))


def found(step: str, result: dict[str, Any], course: Course = COURSE, seconds: float | None = 2.0) -> dict[str, Any]:
    """Each measure's value by the metric's name and its dimensions besides the service."""
    made: list[Measure] = of_step(step, "shop", result, course, seconds)
    assert all(measure.dimensions[0] == ("Service", "shop") for measure in made)
    return {" ".join((measure.metric.value, *(value for _, value in measure.dimensions[1:]))): measure.value
            for measure in made}


WATCHED = {"reason": "", "wait_seconds": 1, "remind": False, "due": [], "number": 1}
CHANGED = replace(COURSE, watching="remedy", changed=(Done(1, ROLLBACK),))


@pytest.mark.parametrize(("step", "result", "course", "expected"), [
    ("open", {"result": "opened"}, Course(), {"IncidentsOpened": 1.0}),
    ("open", {"result": "attached"}, Course(), {}),
    ("confirm", {"answer": "inconclusive", "late": False}, COURSE, {}),
    ("confirm", {"answer": "confirmed", "late": False}, COURSE, {"TimeSinceOpened confirm": 2000.0}),
    ("isolate", {}, COURSE, {"TimeSinceOpened isolate": 2000.0}),
    ("guard", {"ruling": "permitted", "guardrail": "", "reason": ""}, COURSE, {}),
    ("guard", {"ruling": "refused", "guardrail": "freeze", "reason": ""}, COURSE, {"Refusals freeze": 1.0}),
    ("guard", {"ruling": "approval", "guardrail": "approval", "reason": ""}, COURSE,
     {"ApprovalsAsked": 1.0, "ApprovalsWaiting": 1.0}),
    ("guard", {"ruling": "permitted", "guardrail": "", "reason": ""}, replace(COURSE, asked=True),
     {"ApprovalsAnswered approve": 1.0, "ApprovalsWaiting": 0.0}),
    ("guard", {"ruling": "rejected", "guardrail": "approval", "reason": ""}, replace(COURSE, asked=True),
     {"ApprovalsAnswered reject": 1.0, "ApprovalsWaiting": 0.0}),
    ("guard", {"ruling": "refused", "guardrail": "kill_switch", "reason": ""}, replace(COURSE, asked=True),
     {"ApprovalsAnswered refused_since": 1.0, "ApprovalsWaiting": 0.0, "Refusals kill_switch": 1.0}),
    ("apply", {"applied": True, "done": "", "told": False}, COURSE,
     {"Remedies rollback applied": 1.0, "TimeSinceOpened apply": 2000.0}),
    ("apply", {"applied": True, "done": "", "told": True}, COURSE,
     {"Remedies rollback told": 1.0, "TimeSinceOpened apply": 2000.0}),
    ("apply", {"applied": False, "done": "", "told": False}, COURSE,
     {"Remedies rollback not_applied": 1.0, "TimeSinceOpened apply": 2000.0}),
    ("monitor", {"answer": "waiting", **WATCHED}, CHANGED, {}),
    ("monitor", {"answer": "recovered", **WATCHED}, CHANGED,
     {"Remedies rollback helped": 1.0, "TimeSinceOpened monitor": 2000.0}),
    ("monitor", {"answer": "worse", **WATCHED}, CHANGED,
     {"Remedies rollback worse": 1.0, "TimeSinceOpened monitor": 2000.0}),
    ("monitor", {"answer": "recovered", **WATCHED}, replace(CHANGED, watching="people"),
     {"TimeSinceOpened monitor": 2000.0}),
    ("stand_down", {"newer": True, "temporary": False}, COURSE, {}),
    ("stand_down", {"newer": False, "temporary": False, "outcome": "resolved"}, COURSE,
     {"IncidentsClosed resolved": 1.0, "TimeSinceOpened stand_down": 2000.0}),
    ("inform", {"anything": 1}, COURSE, {}),
])
def test_what_a_step_s_result_amounts_to(step: str, result: dict[str, Any], course: Course,
                                         expected: dict[str, float]) -> None:
    assert found(step, result, course) == expected


def test_without_a_service_nothing_is_measured() -> None:
    assert of_step("open", "", {"result": "opened"}, COURSE, None) == of_failure("") == []


def test_a_call_costs_its_time_its_memory_and_its_states() -> None:
    assert cost("shop", 2.0, 512, 2).value == pytest.approx(0.0000133334 + 0.0000002 + 0.00005)
    assert cost("shop", 0.0, 512, 0).value > 0


PARTS = st.lists(st.tuples(st.sampled_from(["source a", "source b", "table"]), st.sampled_from(["", "refused"])),
                 unique_by=lambda pair: pair[0]).map(lambda pairs: tuple(Reading(*pair) for pair in pairs))
RUNS = st.lists(st.tuples(st.floats(60, 20_000), PARTS), max_size=12)


@given(RUNS)
def test_the_team_hears_of_each_change_that_lasts_and_no_more_often_than_the_bound(
        runs: list[tuple[float, tuple[Reading, ...]]]) -> None:
    before: Heartbeat | None = None
    now, told_at, told = 1_000_000.0, None, set[str]()
    for pause, readings in runs:
        now += pause
        before, said = news(before, readings, now)
        unread = {reading.part for reading in readings if reading.note}
        if said:
            assert told_at is None or now - told_at >= TELL_SECONDS
            assert {reading.part for reading in said.broken} == unread - told and set(said.again) == told - unread
            told, told_at = unread, now
            assert subject("shop", said) and all(reading.part in text("shop", before, said) for reading in said.broken)
        elif told_at is None or now - told_at >= TELL_SECONDS:
            assert unread == told
        assert set(before.told) == told
        assert before.unread == tuple(reading for reading in readings if reading.note)


def test_only_what_cannot_be_read_has_a_measure_of_its_own() -> None:
    made = measures("shop", (Reading("source a"), Reading("source b", "refused"), Reading("table", "refused")))
    assert [(one.metric, one.value, one.dimensions[1:]) for one in made] == [
        (Metric.SOURCE_UNREAD, 1.0, (("Source", "b"),)),
        (Metric.SOURCE_UNREAD, 1.0, (("Source", "table"),))]
