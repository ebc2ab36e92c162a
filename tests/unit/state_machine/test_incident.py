"""Whole ways through the plan: the state machine as it is deployed, with its guardrails, remedy steps and records.

Only what is judged from evidence is made up, and what the remedies change: so that any plan, policy, answer, failure
and kill switch can meet any other.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from responder.actions import Action, ActionFailed, AnyAction, AnyPlan, Declined, Plan, RemediationContext
from responder.clients import gate
from responder.clients.failure import CallFailed
from responder.handlers import act, aftercare, approval, close, diagnose, guard, step, steps
from responder.model.incident import Cause, Signal
from responder.model.service import Deployment, Freeze, Service
from responder.people import sns
from responder.plan.guardrails import RELEASED
from responder.plan.remedies import Facts
from responder.records.table import Records, iso
from responder.records.tasks import Tasks
from tests.conftest import ROOT, shipped_service, timeline
from tests.machine import Machine, StatesError
from tests.remedies import Anything, remedy

ASL = json.loads((ROOT / "statemachines" / "incident_response.asl.json").read_text())
ACTIONS = ("rollback", "scale_up", "restart_pods")
REVERSIBLE = {"rollback": False, "scale_up": True, "restart_pods": False}
"""Whether it is taken back where it did not help."""


@dataclass
class Script:
    """What happens to one incident."""

    mode: Any = "auto"
    policy: dict[str, Any] = field(default_factory=lambda: dict.fromkeys(ACTIONS, "auto"))
    diagnoses: list[list[tuple[str, float, int]]] = field(default_factory=lambda: [[("rollback", 0.95, 2)]])
    """Per diagnosis the remedies: action, confidence, number of sources."""
    heals: frozenset[str] = frozenset({"rollback"})
    breaks: dict[str, str] = field(default_factory=dict)
    """Action to how it fails: ``refused`` (its own check), ``passes`` (the same, for once), ``failed``, ``dies`` (once
    after the deed), ``down``."""
    worse: frozenset[str] = frozenset()
    answers: list[str] = field(default_factory=list)
    """To each request for approval; none is left: nobody answers."""
    switched_off_after: int = 99
    """The kill switch is engaged from the so manieth reading on."""
    limit: int = 3
    frozen: bool = False
    temporary: bool = False
    tells: frozenset[str] = frozenset()
    """Which of them tell somebody and change nothing."""
    due: list[str] = field(default_factory=list)
    """What the length of the outage asks for while people work."""


class Incident:
    """One incident, played."""

    def __init__(self, script: Script, records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
        self.script, self.records = script, records
        shipped = shipped_service()
        self.service: Service = replace(
            shipped, mode=script.mode, policy=script.policy, guardrails=replace(
                shipped.guardrails, remedies_per_incident=script.limit, cooldown_seconds=0, freezes=(
                    Freeze(iso(time.time() - 60), iso(time.time() + 3600)),) if script.frozen else ()),
            recovery=replace(shipped.recovery, calm_seconds=0))
        self.in_place: list[str] = []
        """What remedies have changed, and is so now."""
        self.log: list[tuple[str, str, str]] = []
        """Deed, action, and the kill switch as it was when the guardrails or the remedy read it last."""
        self.readings, self.told, self.died = 0, 0, set[str]()
        self._action, self._watched = "", 0
        monkeypatch.setattr(act.remedy.actions, "find", lambda name: self._made(self._action or name))
        monkeypatch.setattr(aftercare, "find", lambda name: self._made(name).remedy)
        for module in (guard, act.remedy, aftercare):
            monkeypatch.setattr(module, "kill_switch", lambda service: self.switch())
        monkeypatch.setattr(step, "records", lambda: records)
        monkeypatch.setattr(close, "_AGAIN_SECONDS", 0.0)
        monkeypatch.setattr(step, "load", lambda name: self.service)
        monkeypatch.setattr(aftercare, "deployed", lambda name: SimpleNamespace(remedies=tuple(
            SimpleNamespace(action=name, function=f"action:{name}") for name in ACTIONS)))
        monkeypatch.setattr(close, "deployed", lambda name: SimpleNamespace(alarms=()))
        monkeypatch.setattr(sns, "publish", self._tell)
        monkeypatch.setattr(steps, "result_by", lambda module, event, context: (
            act.handler(event, context) if module == "act" else getattr(self, f"_{module}")(event)))
        monkeypatch.setenv("STEPS", "open,confirm,isolate,diagnose,guard,monitor,aftercare,assemble,approval,close,"
                                    "inform,remind,review")
        self.machine = Machine(ASL, self.invoke, time.time())

    def switch(self) -> str:
        self.readings += 1
        return RELEASED if self.readings <= self.script.switched_off_after else "engaged"

    @property
    def switch_now(self) -> str:
        return RELEASED if self.readings <= self.script.switched_off_after else "engaged"

    def _tell(self, *given: Any, **more: Any) -> str:
        self.told += 1
        return "m"

    def run(self, states: int = 2000) -> str:
        self.machine = Machine(ASL, self.invoke, self.machine.now, states)
        return self.machine.run({"service": "payment-gateway", "reason": "trying it", "started_by": "me"})

    def invoke(self, state: str, function: str, payload: dict[str, Any]) -> Any:
        if "incident" in payload and isinstance(payload["incident"], dict):
            payload["incident"].setdefault("execution", "e")
        if function.startswith("action:"):
            self._action = function.removeprefix("action:")
            try:
                return steps.remedy(payload, None)
            finally:
                self._action = ""
        if not function and "TopicArn" in payload:
            self.told += 1
            return {}
        return steps.handler(payload, None)

    def _open(self, payload: dict[str, Any]) -> dict[str, Any]:
        at = iso(time.time())
        self.records.open("payment-gateway", "i-1", "e", at, Signal(at, "person", "me", "k"))
        return {"result": "opened", "until": "", "number": self.records.next_number("i-1"), "warm": {}, "sources": {
            phase: [] for phase in ("confirm", "isolate", "diagnose", "watch", "aftercare")},
            "incident": {"id": "i-1", "service": "payment-gateway", "opened_at": at, "execution": "e"},
            "settings": {"attempts": 4, "look_wait_seconds": 15, "rounds": 3, "round_wait_seconds": 30,
                         "check_every_seconds": 30}}

    def _confirm(self, payload: dict[str, Any]) -> dict[str, Any]:
        self.records.update("i-1", confirmed=True, kind="high_error_rate", evidence_cutoff=iso(time.time()))
        return {"answer": "confirmed", "kind": "high_error_rate", "onset": None, "votes": {}, "verdicts": [],
                "late": False}

    def _isolate(self, payload: dict[str, Any]) -> dict[str, Any]:
        return {"culprits": ["payment-gateway"]}

    def _diagnose(self, payload: dict[str, Any]) -> dict[str, Any]:
        self._watched = 0
        tried = {item["action"] for item in self._actions() if item["status"] in (
            "applying", "applied", "verified", "reverted", "failed", "done")}
        wanted = self.script.diagnoses.pop(0) if self.script.diagnoses else []
        remedies = self._proposed(payload, [
            {"action": name, "cause": "code_bug", "mechanism": "bad_release", "component": "payment-gateway",
             "confidence": confidence, "facts": {}, "sources": ["newrelic", "splunk", "rollouts"][:sources]}
            for name, confidence, sources in wanted if name not in tried])
        return {"cause": "code_bug" if remedies else "unknown", "confidence": 0.9, "onset": None, "summary": "so it is",
                "unclear": False, "wait": False, "remedies": remedies}

    def _guard(self, payload: dict[str, Any]) -> dict[str, Any]:
        return guard.handler(payload, None)

    def _approval(self, payload: dict[str, Any]) -> dict[str, Any]:
        approval.handler(payload, None)
        answer = self.script.answers.pop(0) if self.script.answers else ""
        if answer:
            Tasks(self.records).answer("i-1", f"{int(payload['number']):02d}", answer, "ada")
            return {"decision": answer}
        raise StatesError("States.Timeout")

    def _monitor(self, payload: dict[str, Any]) -> dict[str, Any]:
        self._watched += 1
        well = bool(self.script.heals & set(self.in_place))
        answer = "recovered" if well else "worse" if self.script.worse & set(self.in_place) else (
            "not_helped" if self._watched > 2 else "waiting")
        if answer == "recovered":
            self.records.update("i-1", recovery_verified_at=iso(time.time()))
            for item in self._actions():
                if item["status"] == "applied":
                    self.records.judge_action("i-1", item["number"], status="verified")
        due = [name for name in self.script.due if payload["watching"] == "people"
               and name not in {item["action"] for item in self._actions()}]
        return {"answer": answer, "reason": "so it is", "error_rate": 0.5, "wait_seconds": 30, "remind": False,
                "number": self.records.next_number("i-1"), "due": self._proposed(payload, [
                    {"action": name, "cause": "unknown", "mechanism": "long_outage", "facts": {},
                     "component": "frontend", "confidence": 1.0, "sources": ["newrelic", "splunk"]} for name in due])}

    def _proposed(self, payload: dict[str, Any], proposals: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Put proposals on record, as the diagnosis does."""
        return [{"function": f"action:{p['action']}", "action": p["action"], "id": name, "cause": p["cause"],
                 "contested": False} for name, p in self.records.propose("i-1", payload["entered"], proposals)]

    def _aftercare(self, payload: dict[str, Any]) -> dict[str, Any]:
        return aftercare.handler(payload, None)

    def _inform(self, payload: dict[str, Any]) -> dict[str, Any]:
        return {}

    def _assemble(self, payload: dict[str, Any]) -> dict[str, Any]:
        return {}

    def _close(self, payload: dict[str, Any]) -> dict[str, Any]:
        return close.handler(payload, None)

    def _review(self, payload: dict[str, Any]) -> dict[str, Any]:
        return {}

    def _actions(self) -> list[dict[str, Any]]:
        return [item for item in self.records.everything("i-1") if item["sk"].startswith("ACTION#")]

    def _made(self, name: str) -> AnyAction:
        how = self.script.breaks.get(name, "")

        def plan(context: RemediationContext, facts: Facts) -> AnyPlan | Declined:
            passes = how == "passes" and name not in self.died
            self.died |= {name} if passes else set()
            if how == "refused" or passes:
                return Declined(f"deployment/{name}", name, "it may not be", transient=passes)
            return Plan(f"deployment/{name}", name, Anything(), Anything(), temporary=self.script.temporary)

        def apply(context: RemediationContext, plan: AnyPlan) -> str:
            if how == "failed":
                raise ActionFailed("it cannot be")
            if how == "down":
                raise CallFailed("unavailable", "nobody answers")
            if name not in self.in_place:
                gate.check(name)
                self.in_place.append(name)
                self.log.append(("apply", name, self.switch_now))
            if how == "dies" and name not in self.died:
                self.died.add(name)
                raise CallFailed("timeout", "it broke off after the deed")
            return "done"

        def revert(context: RemediationContext, plan: AnyPlan) -> str:
            if name in self.in_place:
                gate.check(name)
                self.in_place.remove(name)
                self.log.append(("revert", name, self.switch_now))
            return "taken back"

        rule = remedy(name, keep=not REVERSIBLE[name],
                      no_longer_needed=lambda service, record, evidence: "its reason is gone",
                      audience="network_team" if name in self.script.tells else "")
        return Action(rule, plan, apply, revert)


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> Iterator[Records]:
    monkeypatch.setenv("TOPIC", "t")
    monkeypatch.setenv("ACTION", "")
    with mock_aws():
        yield timeline()


def play(script: Script, records: Records) -> Incident:
    with pytest.MonkeyPatch.context() as monkeypatch:
        incident = Incident(script, records, monkeypatch)
        incident.run()
    return incident


def deeds(incident: Incident) -> list[tuple[str, str]]:
    return [(deed, name) for deed, name, _ in incident.log]


def outcome(incident: Incident) -> Any:
    return (incident.records.incident("i-1") or {}).get("outcome")


@pytest.mark.parametrize("tells", [frozenset[str](), frozenset({"restart_pods"})])
def test_a_remedy_that_is_refused_for_now_is_checked_again_before_people_are_asked(records: Records,
                                                                                   tells: frozenset[str]) -> None:
    """Also where something else was done since, such as telling somebody."""
    remedies = [("rollback", 0.95, 2), *((name, 0.95, 2) for name in tells)]
    incident = play(Script(diagnoses=[remedies, [("rollback", 0.95, 2)]], breaks={"rollback": "passes"}, tells=tells),
                    records)
    assert deeds(incident) == [*(("apply", name) for name in tells), ("apply", "rollback")]
    assert outcome(incident) == "resolved"


def test_a_remedy_that_helps_ends_it(records: Records) -> None:
    incident = play(Script(), records)
    assert deeds(incident) == [("apply", "rollback")]
    assert outcome(incident) == "resolved"
    assert incident.machine.visited[-1] == "Incident closed"


def test_a_remedy_that_did_not_help_is_rolled_back_and_the_next_one_follows(records: Records) -> None:
    incident = play(Script(diagnoses=[[("scale_up", 0.95, 2)], [("rollback", 0.95, 2)]]), records)
    assert deeds(incident) == [("apply", "scale_up"), ("revert", "scale_up"), ("apply", "rollback")]
    assert [item["status"] for item in incident._actions()] == ["reverted", "verified"]


@pytest.mark.parametrize("before", [
    {"diagnoses": [[]]}, {"tells": frozenset({"rollback"})}, {"breaks": {"rollback": "refused"}},
    {"breaks": {"rollback": "failed"}}, {"breaks": {"rollback": "down"}}])
def test_while_people_work_what_is_due_is_done_once_and_they_are_not_called_again(records: Records,
                                                                                  before: dict[str, Any]) -> None:
    incident = play(Script(**{"due": ["scale_up"], "heals": frozenset()} | before), records)
    assert deeds(incident)[-1:] == [("apply", "scale_up")] and deeds(incident).count(("apply", "scale_up")) == 1
    # What is due is a remedy of its own, with a plan of its own.
    assert [item["number"] for item in incident._actions()] == list(range(1, 1 + len(incident._actions())))
    planned, = (item for item in incident._actions() if item["action"] == "scale_up")
    assert planned["target"] == "deployment/scale_up" and planned["status"] in ("applied", "done")
    assert incident.machine.visited.count("Escalate") == 1
    visited = incident.machine.visited
    after = visited[len(visited) - 1 - visited[::-1].index("Apply the remedy"):]
    assert "Wait for the recovery" in after and "Check the guardrails" not in after


def test_a_remedy_that_made_it_worse_is_rolled_back(records: Records) -> None:
    incident = play(Script(diagnoses=[[("scale_up", 0.95, 2)]], worse=frozenset({"scale_up"})), records)
    assert deeds(incident) == [("apply", "scale_up"), ("revert", "scale_up")]
    assert "Escalate" in incident.machine.visited


def test_a_step_that_crashed_after_applying_applies_once(records: Records) -> None:
    incident = play(Script(breaks={"rollback": "dies"}), records)
    assert deeds(incident) == [("apply", "rollback")]
    assert [item["status"] for item in incident._actions()] == ["verified"]


def test_the_kill_switch_in_the_middle_stops_the_next_remedy(records: Records) -> None:
    script = Script(diagnoses=[[("restart_pods", 0.95, 2)], [("rollback", 0.95, 2)]], switched_off_after=2)
    incident = play(script, records)
    assert deeds(incident) == [("apply", "restart_pods")]
    assert outcome(incident) == "escalated"


@pytest.mark.parametrize("readings", range(9))
def test_nothing_changes_from_the_moment_on_that_the_kill_switch_is_engaged(records: Records, readings: int) -> None:
    """Whichever reading it is that first sees it: of a ruling, a change, its repeat after a time-out, a rollback."""
    script = Script(diagnoses=[[("scale_up", 0.95, 2)], [("rollback", 0.95, 2)], [("restart_pods", 0.95, 2)]],
                    worse=frozenset({"scale_up"}), breaks={"scale_up": "dies"}, switched_off_after=readings)
    incident = play(script, records)
    assert all(switch == RELEASED for _, _, switch in incident.log)
    assert readings > 1 or not incident.log
    stopped = [item for item in incident._actions() if item["status"] == "refused"]
    assert all("kill switch" in item["reason"] for item in stopped) and (stopped or readings > 2)


@pytest.mark.parametrize(("answer", "done"), [("approve", True), ("reject", False), ("", False)])
def test_people_are_asked_and_their_word_holds(records: Records, answer: str, done: bool) -> None:
    incident = play(Script(mode="approve", answers=[answer] if answer else []), records)
    assert bool(incident.log) is done
    assert outcome(incident) == ("resolved" if done else "escalated")


def test_a_temporary_mitigation_is_restored_after_the_postmortem(records: Records) -> None:
    incident = play(Script(temporary=True), records)
    assert deeds(incident) == [("apply", "rollback"), ("revert", "rollback")]
    visited = incident.machine.visited
    assert visited.index("Write the postmortem") < visited.index("Restore what was there before")
    assert [item["status"] for item in incident._actions()] == ["verified"]


@pytest.mark.parametrize("hold", [{"mode": "observe"}, {"frozen": True}, {"switched_off_after": 0},
                                  {"policy": {}}, {"limit": 0}, {"breaks": {"rollback": "refused"}},
                                  {"diagnoses": [[("rollback", 0.7, 2)]]}, {"diagnoses": [[("rollback", 0.95, 1)]]}])
def test_each_guardrail_alone_stops_a_remedy_and_people_are_notified(records: Records, hold: dict[str, Any]) -> None:
    incident = play(Script(**hold), records)
    assert incident.log == []
    assert outcome(incident) in ("escalated", "observed")
    assert incident.told


@pytest.mark.parametrize(("status", "named"), [("verified", "database_connection"), ("reverted", "unknown")])
def test_a_cause_whose_remedy_helped_stays_the_cause_of_what_is_opened_again_and_heals(
        records: Records, monkeypatch: pytest.MonkeyPatch, status: str, named: str) -> None:
    at = iso(time.time())
    monkeypatch.setattr(step, "records", lambda: records)
    monkeypatch.setattr(step, "load", lambda name: shipped_service())
    monkeypatch.setattr(sns, "publish", lambda *given, **more: "m")
    monkeypatch.setattr(diagnose, "deployed", lambda name: SimpleNamespace(remedies=()))
    monkeypatch.setattr(close, "deployed", lambda name: Deployment((), {}, ()))
    records.open("payment-gateway", "i-1", "e", at, Signal(at, "alarm", "a", "k"))
    records.update("i-1", confirmed=True, evidence_cutoff=iso(time.time() + 1), cause=Cause(
        "database_connection", "failover", "payment-gateway", 0.99, "it failed over"))
    records.plan_action("i-1", 1, {"action": "restore_database", "cause": "database_connection", "status": status,
                                  "component": "payment-gateway", "target": "db/payments"})
    given = {"incident": {"id": "i-1", "service": "payment-gateway", "opened_at": at, "execution": "e"}, "entered": at}
    assert diagnose.handler(given | {"confirmation": {}, "answers": []}, None)["cause"] == "unknown"
    assert (records.incident("i-1") or {})["cause"]["id"] == "unknown"
    records.update("i-1", recovery_verified_at=at)
    assert close.handler(given | {"operation": "stand_down"}, None)["outcome"] == "resolved"
    assert (records.incident("i-1") or {})["cause"]["id"] == named


@pytest.mark.parametrize("script", [
    Script(diagnoses=[[("scale_up", 0.95, 2)], [("rollback", 0.95, 2)]]),
    Script(mode="approve", answers=["approve", "approve"], temporary=True), Script(breaks={"rollback": "dies"})])
def test_an_incident_that_is_taken_up_again_at_any_state_does_nothing_twice(script: Script) -> None:
    """Stopped after each state in turn, and started anew for the same incident: what RedriveExecution gives on AWS."""
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOPIC", "t")
        patch.setenv("ACTION", "")
        whole = play(copy.deepcopy(script), timeline())
        changing = [place for place, name in enumerate(whole.machine.visited, 1)
                    if name in ("Plan the remedy", "Check the guardrails", "Apply the remedy", "Roll one back",
                                "Monitor the recovery", "Stand down", "Restore one")]
        for place in changing:
            records = timeline()
            incident = Incident(copy.deepcopy(script), records, patch)
            with pytest.raises(RuntimeError, match="no end in sight"):
                incident.run(place)
            # Who takes it up diagnoses anew, and sees what was tried.
            incident.script.diagnoses = [*copy.deepcopy(script.diagnoses), [("rollback", 0.95, 2)]]
            incident.run()
            done = [name for deed, name, _ in incident.log if deed == "apply"]
            assert len(done) == len(set(done)), place
            assert (records.incident("i-1") or {})["status"] == "closed"
            for record in incident._actions():
                # What may have happened stays on record as that, and people are told.
                assert record["status"] != "applied" or "Escalate" in incident.machine.visited, (place, record)


# Most are let through, or little would ever be done.
REMEDIES = st.tuples(st.sampled_from(ACTIONS), st.sampled_from([0.99, 0.9, 0.85, 0.5]),
                     st.sampled_from([2, 3, 2, 1]))
SCRIPTS = st.builds(
    Script, mode=st.sampled_from(["auto", "auto", "auto", "approve", "observe"]),
    policy=st.fixed_dictionaries({
        name: st.sampled_from(["auto", "auto", "auto", "approve", "off"]) for name in ACTIONS}),
    diagnoses=st.lists(st.lists(REMEDIES, min_size=1, max_size=3, unique_by=lambda remedy: remedy[0]), min_size=1,
                       max_size=4),
    heals=st.frozensets(st.sampled_from(ACTIONS), max_size=2),
    worse=st.frozensets(st.sampled_from(ACTIONS), max_size=1),
    breaks=st.dictionaries(st.sampled_from(ACTIONS), st.sampled_from(["refused", "passes", "failed", "dies", "down"]),
                           max_size=2),
    answers=st.lists(st.sampled_from(["approve", "reject"]), max_size=3),
    switched_off_after=st.sampled_from([99, 99, 99, 99, 0, 1, 2, 3, 4]), limit=st.integers(0, 3),
    frozen=st.sampled_from([False, False, False, False, True]),
    tells=st.frozensets(st.sampled_from(ACTIONS), max_size=1),
    due=st.lists(st.sampled_from(ACTIONS), max_size=1), temporary=st.booleans())


@given(SCRIPTS)
def test_no_way_leads_past_the_guardrails_and_none_ends_in_silence(script: Script) -> None:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("TOPIC", "t")
        patch.setenv("ACTION", "")
        incident = play(script, timeline())
        actions = incident._actions()
        approved = {record["action"] for record in actions
                    if (task := Tasks(incident.records).get("i-1", f"{record['number']:02d}"))
                    and task.decision == "approve"}
        end, item = outcome(incident), incident.records.incident("i-1") or {}
    applied = [name for deed, name, _ in incident.log if deed == "apply"]
    # What policy, mode, freeze or kill switch forbid is not done.
    for deed, name, switch in incident.log:
        assert switch == RELEASED
        # A freeze is of changes: what only tells somebody may be told.
        assert not script.frozen or name in script.tells, (deed, name)
        assert script.mode != "observe" and script.policy[name] != "off", (deed, name)
    assert {name for name in applied if script.mode == "approve" or script.policy[name] == "approve"} <= approved
    # Never above the limits, which bound what changes something, and never by too little evidence.
    assert len(set(applied) - script.tells) <= script.limit and len(applied) == len(set(applied))
    # Each is a remedy of its own, and what was done is what was planned.
    assert [record["number"] for record in actions] == list(range(1, 1 + len(actions)))
    assert all(record["target"] == f"deployment/{record['action']}" for record in actions)
    for record in actions:
        if record["action"] in applied and record["status"] not in ("refused", "observed", "rejected", "waiting"):
            assert record["guardrail"] == "" or record["status"] == "failed"
    # Each that was applied is verified, taken back, or kept with why; and where it may have been, people look.
    for record in actions:
        if record["action"] in applied and record.get("applied_at"):
            assert record["status"] in ("verified", "reverted", "done") or record.get("reason")
            # People know of temporary mitigations that are still in place.
            assert not (record.get("temporary") and record["status"] == "verified" and end == "resolved") or (
                record.get("put_back_at") or "Leave it to people" in incident.machine.visited)
        elif record["status"] == "applying":
            assert "Escalate" in incident.machine.visited
    assert item["status"] == "closed" and end in ("resolved", "escalated", "observed")
    assert incident.machine.visited[-1] == "Incident closed"
    # It is over, or people have been told.
    assert end == "resolved" or ("Escalate" in incident.machine.visited and incident.told)
