"""Who decides may choose another value within the bounds, or another proposed remedy first; and nothing else."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.handlers import guard, step
from responder.handlers.decide import ButtonValue
from responder.handlers.steps import inputs
from responder.model.codec import encode
from responder.model.incident import Incident, IncidentRecord, Remedy, RemedyStatus, Signal
from responder.model.moment import iso
from responder.model.service import Service
from responder.plan import choices
from responder.plan.choices import Chosen
from responder.plan.course import Course, RemedyRef, State
from responder.plan.left_to_try import others
from responder.plan.next_step import Ruled
from responder.plan.remedies import scale_up
from responder.records.table import Records
from responder.records.tasks import Task, Tasks
from tests.conftest import shipped_service
from tests.unit.people.test_approval import (
    ADA,
    BOB,
    KEY,
    TOKEN,
    Configure,
    Machine,
    called,
    configure,
    machine,
    records,
    signed,
    text,
)

__all__ = ["configure", "machine", "records"]
OPENED = "2026-11-25T00:00:00.000Z"
PROPOSED = [{"action": action, "cause": "overload", "mechanism": "more_traffic", "component": "backend",
             "confidence": 0.95, "sources": ["newrelic", "rollouts"], "facts": {}, "onset": None}
            for action in ("scale_up", "restart_pods", "switch_provider", "inform_provider")]


def scaling(replicas: int = 8, *, number: int = 1, now: int = 4, most: int = 10, **more: Any) -> Remedy:
    """Return a plan to scale up, of the first proposal."""
    return replace(Remedy(
        number, "scale_up", RemedyStatus.WAITING, "backend", "overload", "more_traffic", target="deployment/backend",
        summary="scale it", by_hand="kubectl scale", risk="low", reversible=True, proposal=f"{OPENED}#00",
        before=encode(scale_up.Before(now)),
        parameters=encode(scale_up.Parameters(replicas, "u", 20.0, now, most))), **more)


@pytest.fixture
def asked(records: Any) -> Tasks:
    """A question about four to eight pods, of which five to ten are allowed; other remedies may come first."""
    now = iso(time.time())
    records.open("payment-gateway", "i-2", "e", now, Signal(now, "alarm", "a", "k"))
    names = [name for name, _ in records.propose("i-2", OPENED, PROPOSED)]
    records.plan_remedy("i-2", scaling())
    tasks = Tasks(records)
    tasks.ask(Task("i-2", 1, "payment-gateway", "approval", time.time(), time.time() + 60, ("sre: Ada", "sre: Bob"),
                   others=tuple(names[1:3])), TOKEN)
    return tasks


def held(**fields: str) -> dict[str, str]:
    from responder.records.links import Link

    return Link("i-2", "01", "sre: Ada", int(time.time() + 60)).fields(KEY) | fields


def answered(tasks: Tasks) -> tuple[str, int | None, str]:
    task = tasks.get("i-2", "01")
    assert task is not None
    return task.decision, task.value, task.other


def by_iam(decision: str, arn: str = ADA, **more: Any) -> tuple[int, str]:
    status, said = signed(decision, arn, body={"incident": "i-2", "task": "01", "decision": decision, **more})
    return status, said["said"]


# --- the page, IAM and Slack ---------------------------------------------------------------------------------------

def test_the_page_offers_the_allowed_values_and_remedies_and_takes_one(asked: Tasks, machine: Machine,
                                                                       records: Records) -> None:
    page = called("GET", held())[1]
    assert [int(value) for value in re.findall(r'<option value="(\d+)"', page)] == [5, 6, 7, 8, 9, 10]
    assert re.findall(r'<option value="(\d+)" selected>', page) == ["8"]
    # The switch of the provider is of medium risk, and this link of low risk at most: the page does not offer it.
    assert re.findall(r"name=other value=\"([^\"]+)\"", page) == [f"{OPENED}#01"]
    assert called("POST", held(decision="approve", value="6"))[0] == 200
    assert answered(asked) == ("approve", 6, "") and machine.woken == [(TOKEN, "approve")]
    what = [entry["what"] for entry in records.everything("i-2") if entry["sk"].startswith("TIMELINE#")]
    assert what == ["scale_up on deployment/backend is approved: whoever holds the link sent to sre: Ada chose 6 pods "
                    "instead of 8 pods"]
    assert "They chose 6 pods instead of 8 pods. It has not been planned yet." in text(called("GET", held())[1])


def test_the_planned_value_is_no_choice_and_a_rejection_has_none(asked: Tasks, machine: Machine) -> None:
    assert called("POST", held(decision="approve", value="8"))[0] == 200
    assert answered(asked) == ("approve", None, "")


def test_a_rejection_with_the_forms_value_is_a_rejection(asked: Tasks, machine: Machine) -> None:
    assert called("POST", held(decision="reject", value="6"))[0] == 200
    assert answered(asked) == ("reject", None, "")


@pytest.mark.parametrize("fields", [
    {"decision": "approve", "value": value} for value in ("4", "11", "0", "-5", "6.0", "6 ", "9" * 12, "x")] + [
    {"decision": "approve", "other": f"{OPENED}#01"}, {"other": f"{OPENED}#00"}, {"other": f"{OPENED}#03"},
    {"other": "x"}, {"decision": "instead"}, {"decision": "instead", "other": ""},
    {"other": f"{OPENED}#02"}, {"decision": "dance", "value": "6"}, {"value": "6"}])
def test_what_is_not_offered_decides_nothing(asked: Tasks, machine: Machine, fields: dict[str, str]) -> None:
    """Out of bounds, no number, not proposed, not offered when people were asked, above the link's risk, forged."""
    status, page = called("POST", held(**fields))
    assert (status, machine.woken) == (409, []) and "Nothing was decided now:" in text(page)
    assert answered(asked) == ("", None, "")


@pytest.mark.parametrize("more", [{"value": 4}, {"value": 11}, {"value": True}, {"value": "6"}, {"value": 6.5},
                                  {"other": f"{OPENED}#03"}, {"other": f"{OPENED}#01"}])
def test_by_iam_nothing_is_chosen_either_that_is_not_offered(asked: Tasks, machine: Machine, more: dict[str, Any],
                                                             ) -> None:
    assert by_iam("approve", **more)[0] in (400, 409)
    assert answered(asked) == ("", None, "") and machine.woken == []


def test_an_identified_person_may_choose_what_a_link_may_not(asked: Tasks, machine: Machine, records: Records) -> None:
    assert by_iam("instead", other=f"{OPENED}#02")[0] == 200
    assert answered(asked) == ("instead", None, f"{OPENED}#02")
    assert any("chose the switch of the provider of backend first" in str(entry.get("what"))
               for entry in records.everything("i-2"))


def test_a_remedy_whose_policy_is_off_by_now_cannot_be_chosen(asked: Tasks, machine: Machine, configure: Configure,
                                                              monkeypatch: pytest.MonkeyPatch) -> None:
    from responder.handlers import decide

    real = decide.load
    monkeypatch.setattr(decide, "load", lambda name: replace(real(name), policy={"scale_up": "approve"}))
    status, said = by_iam("instead", other=f"{OPENED}#01")
    assert status == 409 and "its policy is off" in said and answered(asked) == ("", None, "")


def test_of_two_browsers_at_once_the_first_decides_and_the_other_is_told_what(asked: Tasks, machine: Machine) -> None:
    assert called("POST", held(decision="approve", value="6"))[0] == 200
    for fields in ({"decision": "approve", "value": "7"}, {"other": f"{OPENED}#01"}, {"decision": "approve"}):
        status, page = called("POST", held(**fields))
        assert status == 409 and "chose 6 pods instead of 8 pods" in text(page)
        assert "Your answer decided nothing: it had been decided before." in text(page)
    status, said = by_iam("reject")
    assert status == 409 and "They chose 6 pods instead of 8 pods. It has not been planned yet." in said
    assert answered(asked) == ("approve", 6, "") and machine.woken == [(TOKEN, "approve")]


def test_an_expired_question_takes_no_choice(asked: Tasks, machine: Machine, records: Records,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    later = time.time() + 120
    monkeypatch.setattr(time, "time", lambda: later)
    for fields in ({"decision": "approve", "value": "6"}, {"other": f"{OPENED}#01"}):
        status, page = called("POST", held(**fields))
        assert status == 409 and "Your answer decided nothing: it came too late." in text(page)
    status, said = by_iam("approve", value=6)
    assert status == 409 and "nobody had decided. To do it now, by hand: kubectl scale" in said
    assert answered(asked) == ("", None, "") and machine.woken == []


def test_the_words_for_iam_say_what_may_be_chosen(asked: Tasks, records: Records) -> None:
    said = text(called("GET", held())[1])
    assert "# To approve with another value (5 to 10 pods)" in said and '"value": 5' in said
    assert f'"instead", "other": "{OPENED}#01"' in said


def test_a_button_carries_another_remedy(asked: Tasks) -> None:
    value = ButtonValue("i-2", "01", "instead", f"{OPENED}#01")
    assert ButtonValue.of(value.text) == value
    assert ButtonValue.of(json.dumps({"incident": "i", "task": "01", "decision": "approve"})).other == ""


def test_the_functions_that_take_answers_read_only_what_their_roles_may(asked: Tasks, machine: Machine, records: Any,
                                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    """``stacks/approvals.py`` grants these partitions and no other: the timeline is another function's."""
    read: set[str] = set()
    for name in ("item", "partition"):
        real = getattr(records, name)
        monkeypatch.setattr(records, name, lambda pk, *more, real=real: (read.add(pk.partition("#")[0]), real(
            pk, *more))[1])
    called("GET", held())
    called("POST", held(other=f"{OPENED}#01"))
    by_iam("approve", value=6)
    called("GET", held())
    assert read == {"TASK", "ANSWER", "INCIDENT", "REMEDY"}


# --- two people ---------------------------------------------------------------------------------------------------

def test_two_people_must_choose_the_same(asked: Tasks, machine: Machine, configure: Configure) -> None:
    configure(two_person=("scale_up",))
    assert by_iam("approve", value=6)[0] == 200
    status, said = by_iam("approve", BOB, value=7)
    assert status == 200 and "not all have chosen the same" in said
    assert answered(asked) == ("", None, "") and machine.woken == []
    assert by_iam("approve", BOB, value=6)[0] == 200
    assert answered(asked) == ("approve", 6, "") and machine.woken == [(TOKEN, "approve")]
    task = asked.get("i-2", "01")
    assert task is not None and task.decided_by.count(" and ") == 1


def test_a_person_who_changes_their_mind_has_one_vote(asked: Tasks, machine: Machine, configure: Configure) -> None:
    configure(two_person=("scale_up",))
    for value in (6, 7, 6):
        by_iam("approve", value=value)
    assert by_iam("approve", BOB, value=7)[0] == 200
    assert answered(asked) == ("", None, "")
    assert by_iam("approve")[0] == 200  # as it was planned
    assert by_iam("approve", BOB)[0] == 200
    assert answered(asked) == ("approve", None, "") and machine.woken == [(TOKEN, "approve")]


# --- the guardrails -----------------------------------------------------------------------------------------------

class Guard:
    """The guardrails of a service in mode approve, asked about the remedies of one incident."""

    def __init__(self, table: Any, service: Service) -> None:
        self.table, self.service, self.switch = table, replace(service, mode="approve"), "released"

    def rule(self, number: int, **more: Any) -> dict[str, Any]:
        return guard.handler({"incident": {"id": "i-2", "service": "payment-gateway", "opened_at": OPENED},
                              "entered": iso(time.time()), "number": number, **more}, None)


@pytest.fixture
def ruling(monkeypatch: pytest.MonkeyPatch, asked: Tasks, records: Any, service: Service) -> Guard:
    made = Guard(records, service)
    monkeypatch.setattr(step, "records", lambda: records)
    monkeypatch.setattr(step, "load", lambda name: made.service)
    monkeypatch.setattr(guard, "kill_switch", lambda service: made.switch)
    return made


def test_a_yes_with_another_value_holds_for_the_plan_with_that_value_alone(ruling: Guard, machine: Machine,
                                                                           records: Any) -> None:
    assert ruling.rule(1)["ruling"] == "approval"
    by_iam("approve", value=6)
    result = ruling.rule(1, asked=True, question=1)
    assert (result["ruling"], result["value"]) == ("rejected", 6)
    assert "chose 6 pods instead of 8 pods" in result["reason"]
    records.plan_remedy("i-2", scaling(6, number=2))
    assert ruling.rule(2, asked=True, question=1)["ruling"] == "permitted"
    kept = records.remedy("i-2", 2)
    assert kept.is_ruled_on and kept.decided_by.endswith("who chose 6 pods instead of 8 pods")


@pytest.mark.parametrize("planned", [
    scaling(7, number=2), scaling(8, number=2), scaling(6, number=2, target="deployment/x"),
    scaling(6, number=2, proposal=f"{OPENED}#01"), scaling(6, number=2, component="x"),
    replace(scaling(6, number=2), parameters={"replicas": 6}),
    Remedy(2, "restart_pods", component="backend", target="deployment/backend", proposal=f"{OPENED}#01", risk="low")])
def test_a_yes_holds_for_no_other_plan(ruling: Guard, machine: Machine, records: Any, planned: Remedy) -> None:
    ruling.rule(1)
    by_iam("approve", value=6)
    records.plan_remedy("i-2", planned)
    for number in (0, 1, 2):
        assert ruling.rule(2, asked=True, question=number)["ruling"] in ("rejected", "refused")
    assert not records.remedy("i-2", 2).is_ruled_on or records.remedy("i-2", 2).status != RemedyStatus.PERMITTED


@pytest.mark.parametrize("decision", ["approve", "reject", ""])
def test_a_plain_answer_is_none_for_another_plan(ruling: Guard, machine: Machine, records: Any, decision: str) -> None:
    ruling.rule(1)
    if decision:
        by_iam(decision)
    records.plan_remedy("i-2", scaling(6, number=2))
    assert ruling.rule(2, asked=True, question=1)["ruling"] == "rejected"


def test_the_guardrails_are_asked_again_about_what_was_chosen(ruling: Guard, machine: Machine, records: Any) -> None:
    ruling.rule(1)
    by_iam("approve", value=6)
    records.plan_remedy("i-2", scaling(6, number=2))
    ruling.switch = "engaged"
    assert ruling.rule(2, asked=True, question=1)["guardrail"] == "kill_switch"
    ruling.switch = "released"
    ruling.service = replace(ruling.service, policy={**ruling.service.policy, "scale_up": "off"})
    assert ruling.rule(2, asked=True, question=1)["guardrail"] == "policy"


def test_another_remedy_first_rejects_this_one_and_permits_nothing(ruling: Guard, machine: Machine) -> None:
    ruling.rule(1)
    by_iam("instead", other=f"{OPENED}#01")
    result = ruling.rule(1, asked=True, question=1)
    assert (result["ruling"], result["other"]) == ("rejected", f"{OPENED}#01")


# --- the way through the plan -------------------------------------------------------------------------------------

REFS = tuple(RemedyRef(action, f"{OPENED}#{place:02d}", f"f-{action}", "overload")
             for place, action in enumerate(("scale_up", "restart_pods", "switch_provider")))


def test_the_chosen_value_is_planned_anew_and_the_yes_goes_with_it() -> None:
    course = Course(remedies=REFS, number=3, asked=True)
    following = Ruled("rejected", "approval", "chosen", value=6).follows(course, OPENED)
    after = following.course
    assert (following.state, after.number, after.place, after.value, after.question) == (State.PLAN, 4, 0, 6, 3)
    assert after.asked and after.is_as_chosen
    # Whatever comes of it, the next remedy has neither the value nor the yes.
    for result in (Ruled("rejected", "approval", "no"), Ruled("refused", "freeze", "no")):
        later = result.follows(after, OPENED).course
        assert not later.is_as_chosen and not later.asked
    # A value that comes twice does not go round in circles.
    assert Ruled("rejected", "approval", "no", value=7).follows(after, OPENED).course.place == 1


def test_a_choice_goes_to_the_plan_that_it_was_made_for_and_to_no_later_step() -> None:
    course = Course(remedies=REFS, number=4, asked=True, question=3, value=6)
    assert inputs("plan", course, OPENED)["value"] == 6 and inputs("guard", course, OPENED)["question"] == 3
    for number in (1, 2, 3, 5, 9):
        stale = replace(course, number=number)
        assert inputs("plan", stale, OPENED)["value"] is None
        assert inputs("guard", stale, OPENED)["question"] == number
    assert inputs("approval", Course(remedies=REFS), OPENED)["others"] == (REFS[1].id, REFS[2].id)


def test_the_chosen_remedy_comes_next_and_what_was_skipped_after_it() -> None:
    course = Course(remedies=REFS, asked=True)
    assert others(course) == (REFS[1].id, REFS[2].id)
    following = Ruled("rejected", "approval", "chosen", other=REFS[2].id).follows(course, OPENED)
    assert following.state == State.PLAN and not following.course.asked
    assert following.course.remedies[following.course.place] == REFS[2]
    assert following.course.remedies[following.course.place + 1:] == (REFS[1],)
    unknown = Ruled("rejected", "approval", "chosen", other="x").follows(course, OPENED)
    assert unknown.course.remedies == REFS and unknown.course.place == 1


# --- what may be chosen -------------------------------------------------------------------------------------------

@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(-5, 40))
def test_only_a_number_within_the_bounds_of_the_plan_can_be_chosen(now: int, replicas: int, most: int, value: int,
                                                                   ) -> None:
    plan, record = scaling(replicas, now=now, most=most), IncidentRecord(Incident("i", "s", OPENED))
    said = choices.objection(shipped_service(), plan, record, (), Chosen(value))
    bounds = (plan.parameters["now"] or now) + 1, most
    offered = bounds[1] > bounds[0] and bounds[0] <= replicas <= bounds[1]
    assert (said == "") == (offered and bounds[0] <= value <= bounds[1])


def test_a_plan_of_an_older_version_offers_nothing() -> None:
    assert choices.choice_of(replace(scaling(), parameters={"replicas": 8})) is None
    assert choices.choice_of(replace(scaling(), parameters={"x": 8})) is None
    assert choices.choice_of(Remedy(1, "gone")) is None
