"""What customers are promised is kept on every way through the state machine: an update comes by then, or the end."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responder.model.codec import decode, encode
from responder.model.moment import iso, seconds
from responder.plan import promise
from responder.plan.course import Course, Done, Following, RemedyRef, Settings, State, Undo
from responder.plan.next_step import (
    AFTER_UPDATE,
    Applied,
    Confirmed,
    Diagnosed,
    Escalated,
    Isolated,
    Opened,
    Planned,
    Ruled,
    StoodDown,
    Watched,
    if_it_fails,
    next_step,
)
from tests.conftest import ROOT
from tests.machine import Machine, StatesError

ASL = json.loads((ROOT / "statemachines" / "incident_response.asl.json").read_text())
BEGAN = 1_795_000_000.0
DELIVERY_SECONDS = 120
"""A delivery that Lambda tries again a minute later."""
REMEDIES = tuple(RemedyRef(name, f"p-{name}", f"f-{name}", "provider_outage") for name in (
    "switch_provider", "inform_customers", "scale_up"))
ASKS = {"confirm", "isolate", "diagnose", "monitor"}


class Way:
    """One way through the state machine, on which every step may take as long as it can and find anything."""

    def __init__(self, seed: int, configured: int, approval_seconds: int, *, unanswered: bool = False) -> None:
        self._random, self._unanswered = random.Random(seed), unanswered
        self._settings = Settings(3, 15, 3, 30, 30, promise.update_seconds(configured, approval_seconds, 3),
                                  approval_seconds)
        self.promised: float | None = None
        self.updates: list[float] = []
        self.broken: list[str] = []
        """Promises that were not kept."""
        self.machine = Machine(ASL, self._invoke, BEGAN, 400)

    def run(self) -> list[str]:
        try:
            end = self.machine.run({"service": "payment-gateway"})
        except RuntimeError:
            end = "no end yet"
        assert end in ("no end yet", "Incident closed"), end
        return self.broken

    def _invoke(self, state: str, function: str, payload: dict[str, Any]) -> Any:
        step = payload.get("operation") or payload.get("do") or "page"
        if step == "customers":
            return self._update(payload)
        if step in ("inform", "remind", "assemble", "page"):
            return {}
        if step == "review":
            self._takes(promise.REPORT_SECONDS)
            self._check_in_time(0)
            return {}
        if step == "approval":
            return self._approval()
        self._takes(promise.STEP_SECONDS + (promise.ASK_SECONDS if step in ASKS else 0))
        if step == "revert":
            return {"reverted": True}
        return self._decided(step, payload)

    def _decided(self, step: str, payload: dict[str, Any]) -> dict[str, Any]:
        course = decode(Course, payload["course"])
        result = encode(self._result(step, course, payload))
        if step == "open":
            result |= {"incident": {"id": "i-1", "service": "payment-gateway", "opened_at": iso(BEGAN)}, "warm": {},
                       "sources": {
                phase: [] for phase in ("confirm", "isolate", "diagnose", "watch", "aftercare")}}
        following = next_step(course, step, result, iso(self.machine.now))
        if following.state in (State.REPORT, State.CLOSED):
            self._check_in_time(0)
            self.promised = None
        fallback = if_it_fails(following)
        return {"next": following.state.value, "course": encode(following.course), "result": result,
                "fallback": {"next": fallback.state.value, "course": encode(fallback.course)}}

    def _result(self, step: str, course: Course, payload: dict[str, Any]) -> object:
        choose = self._random.choice
        match step:
            case "open":
                return Opened("opened", settings=self._settings)
            case "confirm":
                return Confirmed(choose(["confirmed", "confirmed", "inconclusive"]), False)
            case "isolate":
                return Isolated()
            case "diagnose" if self._unanswered:
                return Diagnosed("provider_outage", "", False, False, (REMEDIES[1], REMEDIES[0], REMEDIES[2]))
            case "diagnose":
                return Diagnosed(choose(["unknown", "code_bug"]), "", choose([True, False]), choose([True, False]),
                                 tuple(self._random.sample(REMEDIES, self._random.randint(0, 3))))
            case "plan":
                return Planned(choose([True, False]))
            case "guard" if self._unanswered:
                return Ruled("permitted" if course.remedies[course.place] == REMEDIES[1] else "approval", "policy", "")
            case "guard":
                return Ruled(choose(["permitted", "approval", "approval", "refused"]), "policy", "")
            case "apply":
                return self._applied(course, payload)
            case "monitor":
                return Watched(choose(["waiting"] * 6 + ["recovered", "not_helped", "worse"]), "",
                               choose([1, 30, 900]), choose([True, False]),
                               choose([(), (), (REMEDIES[1],)]), course.number)
            case "escalate":
                return Escalated()
        return StoodDown(choose([True, False]) and course.again < 2, False)

    def _applied(self, course: Course, payload: dict[str, Any]) -> Applied:
        tells = course.remedies[course.place].action == "inform_customers"
        more_by = promise.promised(payload["entered"], self._settings.update_seconds) if tells else ""
        if more_by and self.promised is None:
            self.promised = seconds(more_by)
        elif more_by:
            return Applied(False, "they were told before", False)
        return Applied(True, "done", tells, False, more_by)

    def _approval(self) -> object:
        answer = not self._unanswered and self._random.choice([True, False])
        self._takes(self._settings.approval_seconds)
        if answer:
            return {"decision": "approve"}
        raise StatesError("States.Timeout")

    def _update(self, payload: dict[str, Any]) -> dict[str, Any]:
        course = decode(Course, payload["course"])
        self._check_in_time(DELIVERY_SECONDS)
        self.updates.append(self.machine.now)
        self.promised = seconds(course.more_by) if course.more_by else None
        return {}

    def _check_in_time(self, needed: float) -> None:
        if self.promised is not None and self.machine.now + needed > self.promised + 1:
            self.broken.append(f"at {self.machine.now - BEGAN:.0f} s, promised by {self.promised - BEGAN:.0f} s, by "
                               f"way of {self.machine.visited[-30:]}")

    def _takes(self, most: float) -> None:
        self.machine.now += self._random.choice([0.0, 0.5, 1.0]) * most


@settings(max_examples=60)
@given(st.integers(0, 10 ** 9), st.sampled_from([60, 1800, 3600]), st.sampled_from([40, 930, 3630]))
def test_on_every_way_customers_hear_by_the_time_that_they_were_told(seed: int, configured: int,
                                                                     approval_seconds: int) -> None:
    way = Way(seed, configured, approval_seconds)
    assert way.run() == []
    # And not again at once: an update is worth a person's reading.
    gaps = [later - earlier for earlier, later in zip(way.updates, way.updates[1:], strict=False)]
    assert all(gap >= promise.STEP_SECONDS for gap in gaps)


def broken(monkeypatch: pytest.MonkeyPatch, name: str, other: Callable[..., Any], *, unanswered: bool = False) -> bool:
    """Whether some way breaks its promise where a part of what keeps it is missing; with all of it none does."""
    with monkeypatch.context() as without:
        without.setattr(promise, name, other)
        seed = next(seed for seed in range(30) if Way(seed, 1800, 930, unanswered=unanswered).run())
    return Way(seed, 1800, 930, unanswered=unanswered).run() == []


def test_a_promise_is_broken_where_nothing_is_told_before_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = promise.longest
    assert broken(monkeypatch, "longest", lambda following: 0 if following.state is State.APPROVAL
                  else whole(following), unanswered=True)


def test_a_promise_is_broken_where_waits_are_not_shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    assert broken(monkeypatch, "_shortened", lambda following, now: following.course)


def test_a_promise_is_broken_where_nothing_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert broken(monkeypatch, "kept", lambda following, now: following)


states = st.sampled_from(AFTER_UPDATE)
courses = st.builds(
    Course, settings=st.just(Settings(3, 15, 3, 30, 30, promise.update_seconds(1800, 930, 3), 930)),
    undo=st.lists(st.just(Undo(1, REMEDIES[0], "", False)), max_size=3).map(tuple), wait=st.integers(1, 900),
    changed=st.lists(st.just(Done(1, REMEDIES[0])), max_size=1).map(tuple), told_over=st.booleans(),
    more_by=st.integers(0, 4000).map(lambda left: iso(BEGAN + left)) | st.just(""))


@given(states, courses)
def test_after_each_step_the_promise_outlasts_the_next_one_or_is_renewed(state: State, course: Course) -> None:
    came = promise.kept(Following(state, course), iso(BEGAN))
    goes_to = came.course.after if came.state is State.UPDATE else came.state
    assert goes_to is state
    if came.state is State.UPDATE:
        assert came.course.more_by == promise.promised(iso(BEGAN), course.settings.update_seconds)
        assert not came.course.told_over
    if came.course.more_by:
        waits = came.course.wait if state in (State.WATCH, State.WAIT_TO_VERIFY, State.INFORM) else 0
        needs = waits + promise.longest(Following(state, came.course)) + promise.SAY_SECONDS
        assert seconds(came.course.more_by) - BEGAN >= needs
    if not course.more_by and not (course.told_over and state is State.IDENTIFY):
        assert came == Following(state, course)


def test_customers_hear_of_a_relapse_once_it_is_confirmed() -> None:
    course = Course(Settings(update_seconds=1800), told_over=True)
    assert promise.kept(Following(State.WAIT_TO_VERIFY, course), iso(BEGAN)).state is State.WAIT_TO_VERIFY
    came = next_step(course, "confirm", {"answer": "confirmed", "late": False}, iso(BEGAN))
    assert (came.state, came.course.after, came.course.told_over) == (State.UPDATE, State.IDENTIFY, False)
    silent = next_step(replace(course, settings=Settings()), "confirm", {"answer": "confirmed", "late": False},
                       iso(BEGAN))
    # Where nothing is promised they hear of it all the same.
    assert (silent.state, silent.course.more_by) == (State.UPDATE, "")


def test_a_promise_of_an_execution_that_ended_early_is_kept_by_the_one_that_takes_over() -> None:
    opened = next_step(Course(), "open", {
        "result": "opened", "settings": encode(Settings(3, 15, 3, 30, 30, 1800, 930)), "told_over": False,
        "more_by": iso(BEGAN + 60)}, iso(BEGAN))
    assert (opened.state, opened.course.more_by) == (State.VERIFY, iso(BEGAN + 60))
    came = next_step(opened.course, "confirm", {"answer": "confirmed", "late": False}, iso(BEGAN + 20))
    assert (came.state, came.course.after) == (State.UPDATE, State.IDENTIFY)


def test_the_time_that_is_told_is_a_full_minute_and_nothing_is_promised_where_so_configured() -> None:
    assert promise.promised("2026-11-25T13:50:30.217Z", 1800) == "2026-11-25T14:21:00.000Z"
    assert promise.promised("2026-11-25T13:50:30.217Z", 0) == ""
    assert promise.update_seconds(0, 930, 3) == 0
    # Longer where people may be asked for longer.
    assert promise.update_seconds(1800, 930, 3) == 1800 < promise.update_seconds(1800, 3630, 3)


def _spent(name: str) -> float:
    """How long a state may take, by its time-outs, without waits: twice each, as the promise assumes."""
    state = ASL["States"][name]
    if state["Type"] == "Map":
        inner = state["ItemProcessor"]["States"]
        return sum(2 * each["TimeoutSeconds"] for each in inner.values() if each["Type"] == "Task")
    if state["Type"] != "Task" or state["Arguments"].get("InvocationType") == "Event":
        return 0
    return 2 * state["TimeoutSeconds"]


@pytest.mark.parametrize(("state", "then"), [
    *((state, None) for state in AFTER_UPDATE if state not in (State.APPROVAL, State.ROLL_BACK)),
    (State.ROLL_BACK, State.GATHER), (State.ROLL_BACK, State.ESCALATE)])
def test_how_long_a_state_takes_is_what_its_time_outs_say(state: State, then: State | None) -> None:
    """Until the next step has ended after which customers can be told more."""
    course = Course(undo=(Undo(1, REMEDIES[0], "", False),), then=then)
    name, spent = state.value, 0.0
    while True:
        spent += _spent(name)
        found = ASL["States"][name]
        decides = "Payload.next" in str(found.get("Assign", {}).get("next", ""))
        if decides and name not in ("Plan the remedy", "Check the guardrails", "Escalate"):
            break
        name = {"Check the guardrails": "Apply the remedy", "What is left to try?": str(then)}.get(
            name, found.get("Next", ""))
    assert spent <= promise.longest(Following(state, course))
