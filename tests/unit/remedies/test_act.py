"""From plan to record: nothing is done without leave, nothing twice, and a step that dies leaves no doubt."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from moto import mock_aws

from responder.actions import Action, ActionFailed, AnyPlan, Plan, RemediationContext
from responder.clients import gate
from responder.clients.failure import CallFailed
from responder.handlers import act, approval, guard, step
from responder.model.incident import Signal
from responder.model.remedy import Remedy
from responder.model.service import Service
from responder.people import sns
from responder.plan.aftercare import in_place
from responder.plan.remedies import Facts
from responder.records.table import Records
from responder.records.tasks import Task, Tasks
from tests.conftest import timeline
from tests.remedies import Anything, remedy

PROPOSED = {"action": "rollback", "cause": "code_bug", "mechanism": "bad_release", "component": "payment-gateway",
            "confidence": 0.95, "sources": ["newrelic", "rollouts"], "facts": {}, "onset": None}
DIAGNOSED = "2026-11-25T00:00:00.500Z"
INCIDENT = {"id": "i-1", "service": "payment-gateway", "opened_at": "2026-11-25T00:00:00.000Z"}


class World:
    """What the remedy changes."""

    def __init__(self) -> None:
        self.version, self.applied, self.fails = "1.1.0", 0, [""]
        self.chosen: list[int | None] = []


class Stage:
    """An incident at its remedy."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, records: Records, service: Service) -> None:
        self.world, self.records, self.service = World(), records, service
        self.kill_switch: str | None = "released"
        self._entered, self.undo = 0, ""
        self.gone = "its reason is gone"
        action = Action(remedy("rollback", no_longer_needed=lambda service, record, evidence: self.gone,
                               incremental=True), self._plan, self._apply, self._revert)
        monkeypatch.setenv("ACTION", "rollback")
        monkeypatch.setattr(act.remedy.actions, "find", lambda name: action)
        monkeypatch.setattr(step, "records", lambda: records)
        monkeypatch.setattr(step, "load", lambda name: self.service)
        for module in (guard, act.remedy):
            monkeypatch.setattr(module, "kill_switch", lambda service: self.kill_switch)

    def _plan(self, context: RemediationContext, facts: Facts) -> AnyPlan:
        self.world.chosen.append(context.chosen)
        return Plan("deployment/payment-gateway", "roll it back", Anything({"version": self.world.version}), Anything(),
                    temporary=True)

    def _apply(self, context: RemediationContext, plan: AnyPlan) -> str:
        gate.check("patch the deployment")
        failure = self.world.fails.pop() if self.world.fails else ""
        if failure == "before":
            raise CallFailed("unavailable", "it broke off")
        self.world.applied += self.world.version != "1.0.0"
        self.world.version = "1.0.0"
        if failure == "after":
            raise CallFailed("timeout", "it broke off after the write")
        return "rolled back"

    def _revert(self, context: RemediationContext, plan: AnyPlan) -> str:
        gate.check("patch the deployment")
        if self.undo:
            raise ActionFailed(self.undo)
        self.world.version = plan.before.given["version"]
        return "taken back"

    def run(self, operation: str, incident: str = "i-1", **more: Any) -> dict[str, Any]:
        """Enter a state, as the state machine does; ``proposed`` is what another diagnosis proposes instead."""
        self._entered += 1
        (name, _), *_ = self.records.propose(incident, more.pop("diagnosed", DIAGNOSED),
                                             [PROPOSED | more.pop("proposed", {})])
        event = {"incident": INCIDENT | {"id": incident}, "entered": f"2026-11-25T00:{self._entered:02d}:00.000Z",
                 "operation": operation, "number": 1, "remedy": {"action": "rollback", "id": name, "function": "f"},
                 **more}
        return (guard.handler if operation == "guard" else act.handler)(event, None)

    def ruled(self, incident: str = "i-1", **more: Any) -> str:
        self.run("plan", incident)
        ruling: str = self.run("guard", incident, **more)["ruling"]
        return ruling


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, service: Service) -> Iterator[Stage]:
    with mock_aws():
        yield Stage(monkeypatch, timeline(), replace(service, mode="auto"))


def status(stage: Stage, incident: str = "i-1") -> str:
    record = stage.records.action(incident, 1)
    assert record is not None
    return str(record["status"])


def test_a_permitted_remedy_is_executed_and_recorded(stage: Stage) -> None:
    assert stage.ruled() == "permitted"
    assert stage.run("apply")["applied"]
    assert (stage.world.version, status(stage)) == ("1.0.0", "applied")
    assert [done.action for done in stage.records.executions("payment-gateway", 0.0)] == ["rollback"]


def test_the_chosen_value_reaches_the_remedy_that_plans(stage: Stage) -> None:
    stage.run("plan", value=6)
    stage.run("plan", "i-2")
    assert stage.world.chosen == [6, None]


def test_without_a_ruling_nothing_is_done(stage: Stage) -> None:
    stage.run("plan")
    with pytest.raises(ActionFailed, match="no guardrail"):
        stage.run("apply")
    assert stage.world.applied == 0


@pytest.mark.parametrize("operation", ["plan", "apply", "revert"])
def test_a_recorded_plan_is_not_executed_by_another_remedy(stage: Stage, monkeypatch: pytest.MonkeyPatch,
                                                           operation: str) -> None:
    """A number that was given twice: a ruling for the one is none for the other, nor is its text for others' eyes."""
    stage.ruled()
    other_diagnosis = {"proposed": {"component": "backend"}, "diagnosed": "2026-11-25T00:00:01.000Z"}
    if operation != "revert":  # it names no diagnosis: what is taken back is what is on record
        with pytest.raises(ActionFailed, match="on record as rollback of payment-gateway"):
            stage.run(operation, **other_diagnosis)
    mine = act.remedy.actions.find("rollback")
    other = replace(mine, remedy=replace(mine.remedy, name="inform_customers"))
    monkeypatch.setattr(act.remedy.actions, "find", lambda name: other)
    with pytest.raises(ActionFailed, match="on record"):
        stage.run(operation)
    assert stage.world.applied == 0


@pytest.mark.parametrize("kill_switch", ["engaged", None])
def test_the_kill_switch_is_read_at_each_decision(stage: Stage, kill_switch: str | None) -> None:
    assert stage.ruled() == "permitted"
    stage.kill_switch = kill_switch
    assert stage.ruled() == "refused"
    with pytest.raises(ActionFailed):
        stage.run("apply")
    assert stage.world.applied == 0


@pytest.mark.parametrize("failure", ["before", "after"])
def test_a_step_that_died_is_tried_again_and_does_it_once(stage: Stage, failure: str) -> None:
    stage.world.fails = ["", failure]
    stage.ruled()
    with pytest.raises(act.TryAgain):
        stage.run("apply")
    assert status(stage) == "applying"  # it may have happened: who takes over does not do it again
    assert [done.action for done in stage.records.executions("payment-gateway", 0.0)] == ["rollback"]
    assert stage.run("apply")["applied"]
    assert (stage.world.applied, status(stage)) == (1, "applied")


def test_a_repeat_changes_neither_the_world_nor_when_it_was(stage: Stage) -> None:
    stage.ruled()
    stage.run("apply")
    first = stage.records.action("i-1", 1)
    stage.run("apply")
    again = stage.records.action("i-1", 1)
    assert first is not None and again is not None
    assert (again["applied_at"], stage.world.applied) == (first["applied_at"], 1)
    assert len(stage.records.executions("payment-gateway", 0.0)) == 1


def test_the_state_before_is_the_state_that_the_first_plan_saw(stage: Stage) -> None:
    stage.ruled()
    stage.run("apply")
    stage.run("plan")  # a repeat after the change must not take the new state for the old one
    stage.run("revert")
    assert (stage.world.version, status(stage)) == ("1.1.0", "reverted")
    stage.world.version = "1.2.0"
    assert not stage.run("revert")["reverted"]
    assert stage.world.version == "1.2.0"


def test_an_insufficient_remedy_stays_and_is_extended(stage: Stage) -> None:
    """It is put back as one in the end, and no cooldown lies between the two."""
    stage.ruled()
    stage.run("apply")
    stage.gone = ""
    assert stage.run("revert", why="it made something else worse")["reverted"]
    stage.records.set_action("i-1", 1, "rollback", status="applied")
    stage.world.version = "1.0.0"
    assert not stage.run("revert")["reverted"]
    first = stage.records.action("i-1", 1) or {}
    assert (stage.world.version, first["status"], first["too_little"], first["kept"]) == ("1.0.0", "failed", True, True)
    stage.run("plan", number=2)
    assert stage.run("guard", number=2)["ruling"] == "permitted"
    assert stage.run("apply", number=2)["applied"]
    actions = stage.records.actions("i-1")
    assert [item["before"]["given"]["version"] for item in actions] == ["1.1.0", "1.1.0"]
    assert [remedy.number for remedy in in_place(Remedy.of(item) for item in actions)] == [2]
    # Another incident has its cooldown all the same, and so has another remedy after one that helped.
    stage.records.release(first["lease"], "i-1")
    assert stage.ruled("i-2") == "refused"
    assert (stage.records.action("i-2", 1) or {})["guardrail"] == "cooldown"
    stage.run("plan", number=3)
    assert stage.run("guard", number=3)["guardrail"] == "cooldown"


@pytest.mark.parametrize("hindrance", ["switch", "lease", "somebody"])
def test_a_remedy_that_may_not_be_rolled_back_stays_and_the_record_says_so(stage: Stage,
                                                                           monkeypatch: pytest.MonkeyPatch,
                                                                           hindrance: str) -> None:
    stage.ruled()
    stage.run("apply")
    if hindrance == "switch":
        stage.kill_switch = "engaged"
    elif hindrance == "lease":
        stage.records.release((stage.records.action("i-1", 1) or {})["lease"], "i-1")
    else:
        monkeypatch.setattr(stage, "undo", "somebody else has changed it")
    assert not stage.run("revert")["reverted"]
    assert (stage.world.version, status(stage)) == ("1.0.0", "failed")
    assert "not taken back" in (stage.records.action("i-1", 1) or {})["reason"]


def test_another_incident_may_not_change_the_same_target(stage: Stage) -> None:
    stage.service = replace(stage.service, guardrails=replace(stage.service.guardrails, cooldown_seconds=0))
    assert stage.ruled() == "permitted"
    assert stage.ruled("i-2") == "refused"
    assert (stage.records.action("i-2", 1) or {})["guardrail"] == "lease"


def test_a_remedy_that_has_lost_the_lease_does_nothing(stage: Stage) -> None:
    stage.ruled()
    target = (stage.records.action("i-1", 1) or {})["lease"]
    stage.records.release(target, "i-1")
    assert stage.records.hold(target, "i-2", 60)
    assert not stage.run("apply")["applied"]
    assert (stage.world.applied, status(stage)) == (0, "failed")


def test_the_same_remedy_on_the_same_target_cools_down(stage: Stage) -> None:
    stage.ruled()
    stage.run("apply")
    stage.records.release((stage.records.action("i-1", 1) or {})["lease"], "i-1")
    assert stage.ruled("i-2") == "refused"
    assert (stage.records.action("i-2", 1) or {})["guardrail"] == "cooldown"


@pytest.mark.parametrize(("answer", "ruling", "done"), [
    ("approve", "permitted", 1), ("reject", "rejected", 0), ("", "rejected", 0)])
def test_approval_leads_to_it_and_nothing_else_does(stage: Stage, answer: str, ruling: str, done: int) -> None:
    stage.service = replace(stage.service, mode="approve")
    assert stage.ruled() == "approval"
    assert status(stage) == "waiting"
    with pytest.raises(ActionFailed):
        stage.run("apply")
    tasks = Tasks(stage.records)
    tasks.ask(Task("i-1", 1, "payment-gateway", "approval", time.time(), time.time() + 60, ("sre",)), "token")
    if answer:
        tasks.answer("i-1", "01", answer, "ada")
    assert stage.ruled(asked=True) == ruling
    if done:
        assert stage.run("apply")["applied"]
    else:
        with pytest.raises(ActionFailed):
            stage.run("apply")
    assert stage.world.applied == done


def test_an_answer_that_nobody_was_asked_for_permits_nothing(stage: Stage) -> None:
    stage.service = replace(stage.service, mode="approve")
    assert stage.ruled(asked=True) == "rejected"


def test_a_question_that_reaches_nobody_is_recorded(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: Any, **more: Any) -> str:
        raise CallFailed("unavailable", "SNS answered with an error")

    monkeypatch.setenv("TOPIC", "t")
    monkeypatch.setattr(sns, "publish", refuse)
    stage.service = replace(stage.service, mode="approve")
    stage.records.open("payment-gateway", "i-1", "e", INCIDENT["opened_at"], Signal(INCIDENT["opened_at"], "alarm", "a",
                                                                                    "k"))
    stage.ruled()
    with pytest.raises(approval.NobodyAsked):
        approval.handler({"incident": INCIDENT, "entered": "2026-11-25T01:00:00.000Z", "number": 1, "token": "t"}, None)
    told = [item["what"] for item in stage.records.everything("i-1") if item["sk"].startswith("TIMELINE#")]
    assert "nobody could be asked" in told


def test_no_input_of_the_state_machine_can_make_a_ruling(stage: Stage) -> None:
    """Whoever may invoke the functions can name a remedy by its number and its diagnosis by its id, and nothing else.
    """
    stage.run("plan", proposed={"confidence": 0.2})
    forged = {"plan": {"action": "rollback", "target": "x", "summary": "", "refusal": "", "tells": True},
              "remedy": PROPOSED | {"confidence": 1.0, "sources": ["a", "b", "c"]}, "confidence": 1.0}
    assert stage.run("guard", **forged)["guardrail"] == "minimum_confidence"
    with pytest.raises(ActionFailed, match="no guardrail"):
        stage.run("apply")
    with pytest.raises(ActionFailed, match="no diagnosis on record"):
        stage.run("plan", number=2, remedy={"action": "rollback", "id": "2026-11-25T09:00:00.000Z#00",
                                                "function": "f"})


def test_a_plan_that_changed_after_the_ruling_is_not_applied(stage: Stage) -> None:
    stage.ruled()
    stage.records.set_action("i-1", 1, "rollback", target="deployment/another")
    with pytest.raises(ActionFailed, match="not the one that was ruled on"):
        stage.run("apply")
    assert stage.world.applied == 0


def test_a_plan_that_changed_after_people_were_asked_is_refused(stage: Stage) -> None:
    stage.service = replace(stage.service, mode="approve")
    assert stage.ruled() == "approval"
    tasks = Tasks(stage.records)
    tasks.ask(Task("i-1", 1, "payment-gateway", "approval", time.time(), time.time() + 60, ("sre",)), "token")
    tasks.answer("i-1", "01", "approve", "ada")
    stage.records.set_action("i-1", 1, "rollback", summary="roll back something else")
    assert stage.run("guard", asked=True)["guardrail"] == "record"


def test_another_function_s_plan_under_the_same_number_is_refused(stage: Stage) -> None:
    stage.run("plan")
    stage.records.set_action("i-1", 1, "scale_up", status="planned", target="deployment/x")
    assert stage.run("guard")["guardrail"] == "record"


@pytest.mark.parametrize("hindrance", ["switch", "lease"])
def test_a_retry_after_all_was_done_says_so_whatever_has_happened_since(stage: Stage, hindrance: str) -> None:
    stage.ruled()
    stage.run("apply")
    if hindrance == "switch":
        stage.kill_switch = "engaged"
    else:
        stage.records.release((stage.records.action("i-1", 1) or {})["lease"], "i-1")
    assert stage.run("apply")["applied"]
    assert (stage.world.applied, status(stage)) == (1, "applied")


@pytest.mark.parametrize("hindrance", ["switch", "lease"])
def test_a_retry_that_is_hindered_leaves_no_doubt_that_it_may_have_happened(stage: Stage, hindrance: str) -> None:
    stage.world.fails = ["", "after"]
    stage.ruled()
    with pytest.raises(act.TryAgain):
        stage.run("apply")
    if hindrance == "switch":
        stage.kill_switch = "engaged"
    else:
        stage.records.release((stage.records.action("i-1", 1) or {})["lease"], "i-1")
    assert not stage.run("apply")["applied"]
    record = stage.records.action("i-1", 1) or {}
    assert record["status"] == "failed" and record["applied_at"] and "stays" in record["reason"]
    # A person stopped it, so nobody has seen that it does not help.
    assert stage.records.past_failures("payment-gateway", 0.0, "i-9") == []


def test_stopped_before_its_first_change_it_is_refused_and_nothing_has_happened(stage: Stage) -> None:
    stage.ruled()
    stage.kill_switch = "engaged"
    assert not stage.run("apply")["applied"]
    record = stage.records.action("i-1", 1) or {}
    assert (record["status"], record["guardrail"], stage.world.applied) == ("refused", "kill_switch", 0)
    assert not record.get("applied_at")


def test_a_remedy_that_failed_for_the_same_mechanism_is_not_repeated_without_approval(stage: Stage) -> None:
    stage.service = replace(stage.service, guardrails=replace(stage.service.guardrails, cooldown_seconds=0))
    stage.ruled()
    stage.run("apply")
    stage.run("revert")
    assert status(stage) == "reverted"
    stage.records.release((stage.records.action("i-1", 1) or {})["lease"], "i-1")
    stage.run("plan", "i-2")
    ruling = stage.run("guard", "i-2")
    assert ruling["ruling"] == "approval" and "did not help" in ruling["reason"] and "i-1" in ruling["reason"]
    stage.records.release((stage.records.action("i-2", 1) or {})["lease"], "i-2")
    # For another mechanism it is not known to fail, nor for another component.
    for number, other in enumerate(({"mechanism": "memory_leak"}, {"component": "backend"}), 3):
        stage.run("plan", f"i-{number}", proposed=other)
        assert stage.run("guard", f"i-{number}", proposed=other)["ruling"] == "permitted"
        stage.records.release((stage.records.action(f"i-{number}", 1) or {})["lease"], f"i-{number}")


def test_that_either_of_two_changes_may_have_brought_it_is_read_from_the_record(stage: Stage) -> None:
    stage.run("plan", proposed={"either_change": True})
    ruling = stage.run("guard", proposed={"either_change": True})
    assert ruling["ruling"] == "approval" and "nothing tells which of them brought it" in ruling["reason"]
