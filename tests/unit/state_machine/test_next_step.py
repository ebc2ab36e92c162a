"""What comes next in the plan: every step with every result, from every course, and whole walks."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from responder.handlers import confirm, diagnose, isolate, monitor, step, steps
from responder.handlers import open as opening
from responder.model.codec import Malformed, decode, encode
from responder.model.plain_json import MOST_INTEGER
from responder.model.service import Deployment
from responder.people import sns
from responder.plan.course import Course, Done, Following, RemedyRef, Settings, State
from responder.plan.next_step import (
    AFTER_UPDATE,
    RESULTS,
    WAYS,
    Applied,
    Cared,
    Confirmed,
    Diagnosed,
    Isolated,
    Opened,
    Ruled,
    StoodDown,
    Watched,
    if_it_fails,
    next_step,
)
from responder.plan.why_people import why_escalated, why_left
from responder.records.table import iso
from tests.conftest import shipped_service, timeline

NOW = "2026-11-25T00:00:00.000Z"
REMEDIES = (RemedyRef("rollback", "p0", "f-rollback", "code_bug"),
            RemedyRef("scale_up", "p1", "f-scale", "high_load", True),
            RemedyRef("restart_pods", "p2", "f-restart", "high_load", True))
SETTINGS = Settings(attempts=3, look_wait_seconds=15, rounds=3, round_wait_seconds=30, check_every_seconds=20)
texts = st.sampled_from(["", "so it is"])
moments = st.sampled_from(["", NOW, "2026-11-25T00:04:00.000Z", "2026-11-25T00:30:00.000Z"])
remedies = st.lists(st.sampled_from(REMEDIES), max_size=3, unique=True).map(tuple)
done = st.builds(Done, st.integers(1, 9), st.sampled_from(REMEDIES))
courses = st.builds(
    Course, settings=st.just(SETTINGS), until=st.just(""), round=st.integers(1, 4), attempt=st.integers(1, 4),
    number=st.integers(1, 9), place=st.integers(0, 2), remedies=st.just(REMEDIES),
    changed=st.lists(done, max_size=2).map(tuple), watching=st.sampled_from(["", "remedy", "people", "look"]),
    since=st.sampled_from(["", NOW]), asked=st.booleans(), refused_for_now=st.booleans(), passing=st.booleans(),
    waited=st.booleans(), told=st.booleans(), applied=st.sampled_from([None, True, False]),
    reason=st.none() | texts, summary=st.none() | texts, failed=texts, again=st.integers(0, 4),
    more_by=moments, told_over=st.booleans())
results = st.sampled_from(sorted(RESULTS)).flatmap(lambda name: st.tuples(st.just(name), st.from_type(RESULTS[name])))
st.register_type_strategy(Settings, st.just(SETTINGS))
# No step has a number that the table could not keep, and none is read.
st.register_type_strategy(int, st.integers(-MOST_INTEGER, MOST_INTEGER))
st.register_type_strategy(Applied, st.builds(Applied, more_by=moments))
st.register_type_strategy(Opened, st.builds(Opened, settings=st.just(SETTINGS), more_by=moments))
st.register_type_strategy(Diagnosed, st.builds(Diagnosed, remedies=remedies))
st.register_type_strategy(Watched, st.builds(Watched, due=remedies, number=st.integers(1, 9),
                                             wait_seconds=st.integers(1, 900)))


def following(course: Course, name: str, **result: Any) -> Following:
    return next_step(course, name, result, NOW)


def goes_to(came: Following) -> State:
    """Where the way goes on, where customers are told more before it as well."""
    return came.course.after or came.state if came.state == State.UPDATE else came.state


@given(courses, results)
def test_only_what_is_drawn_follows_a_step(course: Course, found: tuple[str, Any]) -> None:
    name, result = found
    came = next_step(course, name, encode(result), NOW)
    assert came.state in WAYS[name]
    assert goes_to(came) in WAYS[name]
    if came.state == State.UPDATE:
        assert came.course.after in AFTER_UPDATE
    # It is passed on as JSON, and is the same when it comes back.
    assert decode(Course, json.loads(json.dumps(encode(came.course)))) == came.course


@given(courses, results)
def test_a_remedy_is_applied_after_a_permission_and_at_no_other_time(course: Course, found: tuple[str, Any]) -> None:
    name, result = found
    came = next_step(course, name, encode(result), NOW)
    permitted = name == "guard" and result.ruling == "permitted"
    assert (came.state == State.APPLY) == permitted
    assert if_it_fails(came).state not in (State.APPLY, State.APPROVAL)
    assert came.course.then not in (State.APPLY, State.APPROVAL)
    # Whether people were asked is said by asking them alone.
    if came.course.asked and not course.asked:
        assert goes_to(came) == State.APPROVAL


@given(courses, results)
def test_a_remedy_s_change_is_watched_although_a_later_step_failed(course: Course, found: tuple[str, Any]) -> None:
    name, result = found
    came = if_it_fails(next_step(course, name, encode(result), NOW))
    assert came.state in (State.INFORM, State.ESCALATE, State.STAND_DOWN, State.WATCH)
    if came.state == State.WATCH:
        # The watch of people's work goes on by its own time.
        assert came.course.watching == "people" and not came.course.changed
    if came.state == State.INFORM:
        assert came.course.changed and came.course.watching == "remedy"
    if came.state == State.STAND_DOWN:
        # A watch that fails again and again must not escalate again and again.
        assert came.course.watching == "people"


@given(st.sampled_from(["confirm", "isolate", "diagnose"]), st.from_type(Confirmed), st.from_type(Diagnosed))
def test_a_start_for_the_first_phases_ends_with_the_phase_that_was_asked_for(until: Any, confirmed: Confirmed,
                                                                             diagnosed: Diagnosed) -> None:
    came = confirmed.follows(Course(SETTINGS, until), NOW)
    assert came.state in (State.STAND_DOWN, State.WAIT_TO_VERIFY, State.IDENTIFY)
    # Whom what could not be confirmed would wake.
    assert not came.course.call_team or confirmed.answer == "confirmed"
    if came.state == State.IDENTIFY:
        assert until != "confirm"
        came = Isolated().follows(came.course, NOW)
        assert (came.state == State.STAND_DOWN) == (until == "isolate")
        assert until == "isolate" or diagnosed.follows(came.course, NOW).state == State.STAND_DOWN


@given(st.from_type(Confirmed), st.lists(done, min_size=1, max_size=2).map(tuple), moments)
def test_what_an_execution_that_ended_early_applied_is_judged_before_anything_else(
        confirmed: Confirmed, applied: tuple[Done, ...], since: str) -> None:
    course = Opened("opened", settings=SETTINGS, changed=applied, changed_since=since).follows(Course(), NOW).course
    came = confirmed.follows(course, NOW)
    if came.state == State.IDENTIFY:
        came = Isolated().follows(came.course, NOW)
    # What cannot be confirmed is verified again, and left to people in the end: nothing is judged by it.
    assert (came.state == State.WATCH) == (confirmed.answer != "inconclusive")
    if came.state == State.WATCH:
        assert (came.course.watching, came.course.changed) == ("remedy", applied)
        # It has had the time since then: an execution that comes late does not wait as long once more.
        assert came.course.since == came.course.changed_since == (since or NOW)
        worse = Watched("worse", "it became worse", 30, False, (), 4).follows(came.course, NOW)
        assert [undo.number for undo in worse.course.undo] == [one.number for one in reversed(applied)]


@pytest.mark.parametrize("result", ["opened", "attached", "decided", "declined", "report", "refused"])
def test_a_start_goes_where_its_kind_goes(result: str) -> None:
    came = following(Course(), "open", result=result, number=4, until="", settings=encode(SETTINGS), reason="why")
    assert came.state == {"opened": State.VERIFY, "report": State.REPORT, "refused": State.REFUSE}.get(
        result, State.ANSWER)
    assert result != "opened" or (came.course.number, came.course.settings) == (4, SETTINGS)
    assert result != "report" or came.course.then == State.CLOSED


@pytest.mark.parametrize(("answer", "late", "round_", "state", "call"), [
    ("confirmed", False, 1, State.IDENTIFY, True), ("false_alarm", True, 1, State.STAND_DOWN, False),
    ("inconclusive", False, 1, State.WAIT_TO_VERIFY, False), ("inconclusive", True, 2, State.WAIT_TO_VERIFY, True),
    ("inconclusive", False, 3, State.ESCALATE, True)])
def test_symptoms_are_verified_until_they_are_certain(answer: Any, late: bool, round_: int, state: State,
                                                      call: bool) -> None:
    came = Confirmed(answer, late).follows(Course(SETTINGS, round=round_), NOW)
    assert (came.state, came.course.call_team) == (state, call)
    assert came.state != State.WAIT_TO_VERIFY or (came.course.round, came.course.wait) == (round_ + 1, 30)


@pytest.mark.parametrize(("cause", "unclear", "wait", "attempt", "waited", "state", "watching"), [
    ("unknown", False, False, 1, False, State.WATCH, "look"), ("unknown", False, False, 3, False, State.ESCALATE, ""),
    ("code_bug", False, False, 1, False, State.ESCALATE, ""), ("code_bug", True, False, 2, False, State.WATCH, "look"),
    ("database_connection", False, True, 1, False, State.WATCH, "remedy"),
    ("database_connection", False, True, 1, True, State.ESCALATE, "")])
def test_without_a_remedy_it_is_waited_or_looked_at_again_or_left_to_people(
        cause: str, unclear: bool, wait: bool, attempt: int, waited: bool, state: State, watching: str) -> None:
    came = Diagnosed(cause, "so it is", unclear, wait, ()).follows(
        Course(SETTINGS, attempt=attempt, waited=waited), NOW)
    assert (came.state, came.course.watching) == (state, watching)
    assert came.course.attempt == attempt + (watching == "look")


def test_a_contested_remedy_waits_for_the_one_that_is_watched() -> None:
    first = Course(SETTINGS, remedies=REMEDIES[1:], number=1)
    applied = Applied(True, "done", False).follows(first, NOW)
    assert applied.state == State.INFORM and applied.course.number == 2
    assert [item.remedy.action for item in applied.course.changed] == ["scale_up"]
    refused = Ruled("refused", "policy", "off").follows(first, NOW)
    assert (refused.state, refused.course.place) == (State.PLAN, 1)
    other = Applied(True, "done", False).follows(replace(first, remedies=REMEDIES), NOW)
    assert (other.state, other.course.place, other.course.number) == (State.PLAN, 1, 2)


def test_people_are_asked_once() -> None:
    asked = Ruled("approval", "policy", "ask").follows(Course(SETTINGS, remedies=REMEDIES[:1]), NOW)
    assert (asked.state, asked.course.asked) == (State.APPROVAL, True)
    again = Ruled("approval", "policy", "ask").follows(asked.course, NOW)
    assert again.state == State.ESCALATE and not again.course.asked


@pytest.mark.parametrize(("answer", "watching", "attempt", "state", "then"), [
    ("recovered", "people", 1, State.STAND_DOWN, None), ("waiting", "look", 1, State.GATHER, None),
    ("waiting", "remedy", 1, State.WATCH, None), ("not_helped", "remedy", 2, State.ROLL_BACK, State.GATHER),
    ("worse", "remedy", 3, State.ROLL_BACK, State.ESCALATE), ("not_helped", "people", 1, State.STAND_DOWN, None)])
def test_a_look_ends_it_goes_on_or_rolls_back(answer: Any, watching: Any, attempt: int, state: State,
                                              then: State | None) -> None:
    changed = (Done(1, REMEDIES[0]), Done(2, REMEDIES[1]))
    came = Watched(answer, "so it is", 40, False, (), 0).follows(
        Course(SETTINGS, watching=watching, attempt=attempt, changed=changed, since=NOW), "later")
    assert (came.state, came.course.then, came.course.wait, came.course.since) == (state, then, 40, NOW)
    if state == State.ROLL_BACK:
        assert [(item.number, item.why) for item in came.course.undo] == [
            (2, "so it is" if answer == "worse" else ""), (1, "so it is" if answer == "worse" else "")]
        assert came.course.changed == () and came.course.attempt == attempt + 1


def test_a_due_message_comes_before_a_reminder() -> None:
    course = Course(SETTINGS, watching="people", since=NOW)
    due = Watched("waiting", "", 40, True, REMEDIES[:1], 7).follows(course, NOW)
    assert (due.state, due.course.number, due.course.remedies) == (State.PLAN, 7, REMEDIES[:1])
    remind = Watched("waiting", "", 40, True, (), 0).follows(course, NOW)
    assert (remind.state, remind.course.tell) == (State.INFORM, "remind")


@pytest.mark.parametrize("state", [State.PLAN, State.GUARD, State.APPROVAL, State.APPLY])
def test_a_message_that_is_due_while_people_work_and_fails_at_each_look_escalates_no_more(state: State) -> None:
    course, looks = Course(SETTINGS, watching="people", since=NOW, wait=40), 0
    while (look := Watched("waiting" if looks < 20 else "not_helped", "", 40, False, REMEDIES[:1], 7).follows(
            course, NOW)).state != State.STAND_DOWN:
        assert look.state == State.PLAN and looks < 20
        failed = if_it_fails(Following(state, look.course))
        assert (failed.state, failed.course.since, failed.course.wait) == (State.WATCH, NOW, 40)
        course, looks = failed.course, looks + 1
    assert looks == 20


def test_a_watch_after_a_failed_step_begins_with_its_first_look() -> None:
    course = Course(SETTINGS, changed=(Done(1, REMEDIES[0]),), number=2)
    failed = if_it_fails(Following(State.APPLY, course))
    assert (failed.state, failed.course.since, failed.course.number) == (State.INFORM, "", 3)
    look = Watched("waiting", "", 40, False, (), 0).follows(failed.course, NOW)
    assert (look.course.since, look.course.changed_since) == (NOW, NOW)


def test_a_newer_alarm_is_looked_at_as_if_it_were_the_first() -> None:
    came = StoodDown(True, False).follows(
        Course(SETTINGS, "isolate", 3, 4, 5, told=True, observed=True, waited=True, failed="x", again=2), NOW)
    assert (came.state, came.course) == (State.VERIFY, Course(SETTINGS, number=5, again=3))
    assert steps.inputs("stand_down", came.course, NOW)["force"] is True


@pytest.mark.parametrize(("temporary", "then"), [(True, State.WAIT_TO_RESTORE), (False, State.CLOSED)])
def test_a_step_that_failed_before_the_end_is_no_reason_to_leave_the_cleanup_to_people(temporary: bool,
                                                                                      then: State) -> None:
    came = StoodDown(False, temporary, 60).follows(Course(SETTINGS, failed="States.Timeout"), NOW)
    assert (came.state, came.course.then, came.course.failed) == (State.REPORT, then, "")


@pytest.mark.parametrize(("answer", "failed", "states"), [
    ("waiting", "", [State.WAIT_TO_RESTORE]), ("done", "", [State.CLOSED]),
    ("put_back", "", [State.RESTORE, State.WAIT_TO_RESTORE]), ("people", "", [State.LEAVE, State.WAIT_TO_RESTORE]),
    ("people", "States.Timeout", [State.LEAVE, State.CLOSED])])
def test_a_temporary_mitigation_is_restored_or_left_to_people(answer: Any, failed: str, states: list[State]) -> None:
    came = Cared(answer, "its reason is gone", 60, (Done(1, REMEDIES[0]),)).follows(Course(SETTINGS), NOW)
    assert came.state == states[0]
    if came.state == State.LEAVE:
        left = next_step(replace(came.course, failed=failed), "left", {"left": True}, NOW)
        assert (left.state, left.course.then) == (State.REPORT, states[1])
        assert ("States.Timeout" in why_left(left.course)) is bool(failed)
    elif len(states) > 1:
        assert came.course.then == states[1] and came.course.wait == SETTINGS.check_every_seconds
        assert [(item.number, item.over) for item in came.course.undo] == [(1, True)]


@pytest.mark.parametrize(("course", "said"), [
    (Course(failed="States.Timeout", progress="worse"), "the responder failed in a step: States.Timeout"),
    (Course(progress="not_helped", told=True), "the remedies did not help"),
    (Course(progress="worse"), "a remedy made it worse and was rolled back"),
    (Course(told=True, done="ask the network team"), "people have a task: ask the network team"),
    (Course(applied=False, done="403", reason="r"), "the remedy could not be applied: 403"),
    (Course(applied=True, reason="the mode is observe", summary="s"), "the mode is observe"),
    (Course(summary="a bad release"), "a bad release"),
    (Course(), "the sources do not agree on whether there is an outage")])
def test_people_are_notified_of_the_last_failure(course: Course, said: str) -> None:
    assert why_escalated(course) == said


@pytest.mark.parametrize("name", sorted(set(RESULTS) - {"isolate", "escalate", "left"}))
def test_a_result_without_what_decides_is_an_error(name: str) -> None:
    """A key that is renamed on one side alone is not taken for a no."""
    with pytest.raises(Malformed):
        next_step(Course(), name, {}, NOW)


@pytest.mark.parametrize("course", [{}, {"number": 3}])
def test_an_execution_of_an_older_definition_gets_the_result_alone(monkeypatch: pytest.MonkeyPatch,
                                                                   course: dict[str, Any]) -> None:
    monkeypatch.setenv("STEPS", "guard")
    monkeypatch.setattr(steps, "result_by", lambda module, event, context: {
        "ruling": "permitted", "guardrail": "", "reason": str(event.get("number"))})
    event = {"do": "guard", "incident": {}, "entered": NOW}
    assert steps.handler({**event, "number": 2}, None) == {"ruling": "permitted", "guardrail": "", "reason": "2"}
    answer = steps.handler({**event, "course": course}, None)
    assert answer["next"] == "Apply the remedy" and answer["result"]["reason"] == str(course.get("number", 1))


def test_each_steps_result_has_the_fields_that_decide_the_next_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real ones; the others are played in whole ways in test_incident.py."""
    deployment = Deployment((), {}, ())
    for module in (opening, diagnose):
        monkeypatch.setattr(module, "deployed", lambda name: deployment)
    monkeypatch.setattr(sns, "publish", lambda *given, **more: "m")
    monkeypatch.setattr(opening, "load", lambda name: shipped_service())
    monkeypatch.setattr(step, "load", lambda name: shipped_service())
    monkeypatch.setenv("STEPS", "open,confirm,isolate,diagnose,monitor")
    with mock_aws():
        records = timeline()
        for module in (opening, step):
            monkeypatch.setattr(module, "records", lambda: records)
        at = iso(time.time())
        answer = steps.handler({"do": "open", "entered": at, "started": at, "execution": "e", "course": {}, "input": {
            "service": "payment-gateway", "reason": "trying it", "started_by": "me"}}, None)
        assert answer["next"] == "Verify the symptoms"
        given = {"incident": answer["result"]["incident"], "entered": at, "answers": []}
        confirmation: dict[str, Any] = {}
        for module, state in ((confirm, "Wait to verify again"), (isolate, "Gather additional information"),
                              (diagnose, "Wait for the recovery"), (monitor, "Gather additional information")):
            name = module.__name__.rpartition(".")[2]
            answer = steps.handler({**given, "do": name, "course": answer["course"], "confirmation": confirmation},
                                   None)
            assert answer["next"] == state
            confirmation = confirmation or answer["result"]
