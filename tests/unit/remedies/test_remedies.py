"""A named cause ends with a remedy, with waiting, or with a reason for each remedy that is not proposed."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from bench.diagnosis import Looks, recorded_drill, recorded_names
from bench.variants import denied, sources_of, without
from responder import actions
from responder.handlers import diagnose
from responder.model.evidence import Evidence
from responder.model.incident import IncidentRecord, evidence_of
from responder.plan import remedies as decisions
from responder.plan.decide import DiagnosisInput, Judgement, judge_cause
from responder.plan.diagnose import Diagnosis, Hypothesis
from responder.plan.remedies import PEOPLE, RISKS, WAIT, Remedies, propose
from responder.plan.replay import service_of
from responder.plan.signals import Signal
from responder.plan.updates import update
from responder.plan.weights import shipped
from responder.records.table import seconds
from tests.conftest import shipped_service, timeline
from tests.findings import observed
from tests.unit.state_machine.test_incident import Incident, Script, deeds, outcome

TABLE = shipped().mechanisms
BY_CAUSE: dict[str, list[str]] = {}
for _name, _mechanism in TABLE.items():
    BY_CAUSE.setdefault(_mechanism.cause, []).append(_name)
NOW = 1_800_000_000.0
CHANGES = {"bad_release": "rollout_just_before", "unfit_workload": "workload_changed",
           "dns_policy": "dns_policy_changed", "wrong_database_settings": "database_settings_changed"}


def of(mechanism: str, component: str = "backend", where: str = "payment-gateway", odds: float = 3.0,
       rivals: tuple[str, ...] = ()) -> Hypothesis:
    return Hypothesis(TABLE[mechanism].cause, mechanism, component, where, 0.99, odds, ("seen",), (),
                      ("kubernetes", "newrelic"), rivals)


def named(first: str, *rivals: str, seen: tuple[str, ...] = ()) -> Diagnosis:
    """One named cause whose likeliest mechanism is the first; ``seen`` are observations."""
    best = of(first, rivals=rivals)
    close = tuple(of(name, odds=2.9 - place / 10, rivals=(first,)) for place, name in enumerate(rivals))
    return Diagnosis(best.cause, first, best.component, best.confidence, "", (best,), (best,),
                     tuple(Signal(name, "changes", "changes") for name in seen), (), (), close)


def proposed(diagnosis: Diagnosis, findings: Any = (), tried: Any = (), **more: Any) -> Remedies:
    return propose(shipped_service(), diagnosis, NOW, Evidence(findings), shipped(), tried, **more)


def told(remedies: Remedies) -> dict[tuple[str, str], str]:
    return {(refusal.action, refusal.mechanism): refusal.reason for refusal in remedies.not_proposed}


def unaccounted(diagnosis: Diagnosis, remedies: Remedies) -> list[tuple[str, str]]:
    """Remedies of a named cause, or of a mechanism nearly as likely, of which nothing is said."""
    said = {(p.action, p.component) for p in remedies.proposed} | {
        (r.action, r.component) for r in remedies.not_proposed}
    actions_said = {action for action, _ in said}
    return [(h.mechanism, action) for h in (*diagnosis.named, *diagnosis.close)
            for action in TABLE[h.mechanism].remedies if action not in actions_said]


POLICY: dict[str, Any] = {"kind": "NetworkPolicy", "name": "lockdown", "what": "created", "earliest": NOW - 30,
                          "latest": NOW - 30, "by": "kubectl", "fields": []}


def test_the_remedies_of_two_almost_equally_likely_mechanisms_are_tried_in_turn() -> None:
    """The remedy of a DNS policy was dropped because a path below it has another one."""
    both = named("dns_policy", "path_below", seen=("dns_policy_changed",))
    found = proposed(both)
    # The task for people goes out beside the rollback; of the group no rule is known to be gone.
    assert [(p.action, p.mechanism, p.contested) for p in found.proposed] == [
        ("engage_network_team", "path_below", True), ("rollback", "dns_policy", True)]
    assert "no rule is known" in told(found)["restore_security_group", "path_below"]
    again = proposed(both, tried=[("rollback", "backend"), ("engage_network_team", "backend")])
    assert again.proposed == () and "carried out before" in told(again)["rollback", "dns_policy"]


def test_a_remedy_of_both_mechanisms_is_not_contested() -> None:
    found = proposed(named("bad_release", "unfit_workload", "bad_configuration",
                           seen=("rollout_just_before", "workload_changed")))
    assert [(p.action, p.mechanism, p.contested) for p in found.proposed] == [("rollback", "bad_release", True)]
    shared = proposed(named("bad_release", "unfit_workload"))
    assert [(p.action, p.contested) for p in shared.proposed] == [("rollback", False)]


CONFIGURED: dict[str, Any] = {"kind": "ConfigMap", "name": "settings", "what": "changed", "earliest": NOW - 60,
                              "latest": NOW - 60, "by": "kubectl", "fields": [
                                  {"path": ["data", "CURRENCY"], "before": "EUR", "after": "XXX"}]}


def test_which_of_two_changes_to_undo_is_known_of_neither_and_of_both_said() -> None:
    """A release and a ConfigMap were changed within minutes, and nothing told which of them it was."""
    found = proposed(named("bad_release", "bad_configuration", seen=("rollout_just_before", "configuration_changed")),
                     [observed("changes", "changes", detail={"changes": [CONFIGURED]})])
    assert [(p.action, p.either_change) for p in found.proposed] == [
        ("rollback", True), ("restore_configuration", True)]
    assert all(p.on_record(NOW, "error_rate").either_change for p in found.proposed)


def test_where_one_mechanism_alone_has_a_change_to_undo_it_is_no_choice_between_two() -> None:
    release = proposed(named("bad_release", "bad_configuration", seen=("rollout_just_before",)))
    below = proposed(named("dns_policy", "path_below", seen=("dns_policy_changed",)))
    assert [(p.action, p.contested, p.either_change) for p in (*release.proposed, *below.proposed)] == [
        ("rollback", True, False), ("engage_network_team", True, False), ("rollback", True, False)]


def test_irreversible_remedies_come_last_and_are_marked_as_contested() -> None:
    found = proposed(named("rejected_credentials", "wrong_database_settings", seen=("database_settings_changed",)))
    assert [(p.action, p.contested) for p in found.proposed] == [("rollback", True), ("restore_database", True)]
    alone = proposed(named("rejected_credentials", "refuses_connections"))
    assert [(p.action, p.contested) for p in alone.proposed] == [("restore_database", False)]


def test_a_rollback_that_may_be_the_wrong_remedy_needs_a_change_that_it_takes_back() -> None:
    found = proposed(named("rejected_credentials", "wrong_database_settings"))
    assert [p.action for p in found.proposed] == ["restore_database"]
    assert "no change of the workload was seen" in told(found)["rollback", "wrong_database_settings"]


def test_a_mechanism_that_heals_by_itself_is_waited_for_and_the_rival_remedy_is_refused_by_name() -> None:
    for first, second in (("refuses_connections", "failing_over"), ("failing_over", "refuses_connections")):
        found = proposed(named(first, second))
        assert [p.action for p in found.proposed] == [WAIT]
        assert "failing over, which heals by itself" in told(found)["restore_database", "refuses_connections"]


def test_a_remedy_that_would_make_the_rival_worse_is_refused_by_name() -> None:
    found = proposed(named("unschedulable", "nodes_down", "preemption", "stuck_pods"))
    assert found.proposed == ()
    assert "make it worse if it is unschedulable" in told(found)["restart_pods", "nodes_down"]
    assert {action for action, _ in told(found)} == {"restart_pods", "cycle_deployment", PEOPLE}


def test_before_one_of_two_is_acted_upon_it_is_looked_at_once_more() -> None:
    both = named("dns_policy", "network_policy", seen=("dns_policy_changed",))
    first = proposed(both, early=True)
    assert first.proposed == () and "gathered once more" in told(first)["rollback", "dns_policy"]
    assert [p.action for p in proposed(both).proposed] == ["rollback"]
    assert "no change was seen" in told(proposed(both))["restore_configuration", "network_policy"]
    # What is meant for both need not wait.
    assert [p.action for p in proposed(named("bad_release", "unfit_workload"), early=True).proposed] == ["rollback"]


def risk(action: str) -> tuple[bool, int]:
    remedy = decisions.find(action)
    return not remedy.reversible, RISKS.index(remedy.risk)


def test_each_remedy_is_a_decision_and_an_action_of_the_same_name_and_each_mechanism_names_known_ones() -> None:
    names = {remedy.name for remedy in decisions.every()}
    assert names == {*decisions.names()} == {action.name for action in actions.every()} | {WAIT, PEOPLE}
    assert all(decisions.find(name).name == name for name in names)
    for mechanism in TABLE.values():
        assert {*mechanism.remedies, *mechanism.worsened_by} <= names


def test_each_remedys_declarations_agree_with_each_other() -> None:
    for action in actions.every():
        assert bool(action.audience) is (action.message is not None)
        assert not action.remedy.task_for or action.audience
        # A temporary mitigation that may be insufficient is judged by whether it is still needed, and can be reverted.
        assert not action.remedy.incremental or action.remedy.no_longer_needed
        assert not action.remedy.rolled_back or action.revert
        assert not action.remedy.no_longer_needed or action.revert


@given(st.data())
def test_nothing_that_a_named_cause_asks_for_is_passed_over_in_silence(data: st.DataObject) -> None:
    cause = data.draw(st.sampled_from(sorted(BY_CAUSE)))
    mechanisms = data.draw(st.lists(st.sampled_from(BY_CAUSE[cause]), min_size=1, max_size=4, unique=True))
    seen = data.draw(st.lists(st.sampled_from(sorted(CHANGES.values())), unique=True))
    names = sorted({action for mechanism in TABLE.values() for action in mechanism.remedies} - {WAIT, PEOPLE})
    tried = [(action, "backend") for action in data.draw(st.lists(st.sampled_from(names), unique=True))]
    findings = [finding for finding in (
        observed("kubernetes", "nodes", detail={"names": ["a"], "not_ready": ["a"], "unschedulable": []}),
        observed("changes", "changes", detail={"changes": [POLICY]})) if data.draw(st.booleans())]
    diagnosis = named(*mechanisms, seen=tuple(seen))
    found = proposed(diagnosis, findings, tried, early=data.draw(st.booleans()))
    assert unaccounted(diagnosis, found) == []
    assert all(refusal.reason and not refusal.reason.endswith(".") for refusal in found.not_proposed)
    assert not {(p.action, p.component) for p in found.proposed} & set(tried)
    if any(WAIT in TABLE[name].remedies for name in mechanisms):
        assert [p.action for p in found.proposed] == [WAIT]
    if len(mechanisms) > 1:
        risks = [risk(p.action) for p in found.proposed]
        assert risks == sorted(risks)
        assert all(p.contested is any(p.action not in TABLE[name].remedies for name in mechanisms)
                   for p in found.proposed if p.action != WAIT)


def judgements(record: dict[str, Any], reader: Looks | None = None) -> list[Judgement]:
    service, found, looked = service_of(record), [], (reader or Looks()).of(record)
    items = sorted(record["items"], key=lambda item: str(item["sk"]))
    opened = seconds(next(item for item in items if item["sk"] == "INCIDENT")["opened_at"])
    for item in items:
        if item["sk"].startswith("TIMELINE#") and item.get("step") == "Diagnose the root cause" and (
                item.get("kind") == "decision"):
            detail = item["detail"]
            for looks in {0, int(detail.get("looks", 1)), 2}:
                found.append(judge_cause(
                    service, evidence_of(looked, last=item["sk"].split("#")[1]), DiagnosisInput(
                        detail.get("opened_at", opened), detail.get("onset"),
                        [tuple(pair) for pair in detail.get("tried", ())], looks), shipped()))
    return found


@pytest.mark.parametrize("name", recorded_names())
def test_no_recorded_cause_ends_without_a_remedy_or_a_reason(name: str) -> None:
    for judgement in judgements(recorded_drill(name)[2]):
        assert unaccounted(judgement.diagnosis, Remedies(judgement.proposed, judgement.not_proposed)) == []


@pytest.mark.parametrize("name", ["secret-overwritten-then-restart", "batch-preempts-payments", "backend-dns-policy",
                                  "rds-event-unseen-by-rds", "two-nodes-gone-third-cordoned"])
def test_no_false_evidence_leads_two_close_mechanisms_to_a_forbidden_remedy(name: str) -> None:
    """A source that fails or lies, at a look so late that what is contested is tried."""
    _, drill, record = recorded_drill(name)
    service, reader = service_of(record), Looks()
    for source in sources_of(record):
        for varied in (without(record, source), denied(record, source)):
            for judgement in judgements(varied, reader):
                contested = {p.action for p in judgement.proposed if p.contested and service.policy.get(
                    p.action) == "auto"}
                assert not contested & set(drill.expect.never or ())


def test_people_are_notified_of_each_remedy_that_was_not_done_and_why() -> None:
    refusal = {"action": "rollback", "component": "payment-gateway", "cause": "network", "mechanism": "dns_policy",
               "reason": "it was carried out before, and the symptom stayed or came back"}
    other = refusal | {"action": "restore_security_group", "reason": "no rule is known to be gone"}
    record = IncidentRecord.of([
        {"sk": "INCIDENT", "id": "i", "service": "s", "opened_at": "2026-11-25T03:00:10.000Z",
         "outcome": "escalated", "cause": {"id": "network", "confidence": 0.99, "summary": "s"},
         "not_proposed": [refusal, other]},
        {"sk": "ACTION#01", "action": "rollback", "component": "payment-gateway", "status": "rejected",
         "summary": "roll deployment/payment-gateway back", "reason": "nobody decided within 30 s"}])
    # Of a remedy that was planned its own reason is told, and not that of a later diagnosis.
    assert [line for line in update(shipped_service(), record).text().splitlines() if line.startswith("Not done")] == [
        "Not done: roll deployment/payment-gateway back: nobody decided within 30 s.",
        "Not done: restore of the security group of payment-gateway: no rule is known to be gone."]


def test_a_symptom_that_goes_away_by_itself_is_a_reason_as_well() -> None:
    found = proposed(named("more_traffic")).withheld("it goes away")
    assert found.proposed == () and told(found)["scale_up", "more_traffic"] == "it goes away"
    assert replace(found) == found


class Contested(Incident):
    """An incident whose remedies are of two mechanisms of one cause."""

    def _diagnose(self, payload: dict[str, Any]) -> dict[str, Any]:
        found = super()._diagnose(payload)
        for remedy in found["remedies"]:
            remedy["contested"] = remedy["action"] != "restart_pods"
        return found


@pytest.mark.parametrize(("breaks", "heals", "expected"), [
    # The second is tried only where the first did not help, and then the first is taken back before.
    ({}, "rollback", [("apply", "scale_up"), ("revert", "scale_up"), ("apply", "rollback")]),
    ({}, "scale_up", [("apply", "scale_up")]),
    # One that may not be done holds the other up in no way.
    ({"scale_up": "refused"}, "rollback", [("apply", "rollback")])])
def test_contested_remedies_are_watched_one_at_a_time(monkeypatch: pytest.MonkeyPatch, breaks: dict[str, str],
                                                      heals: str, expected: list[tuple[str, str]]) -> None:
    monkeypatch.setenv("TOPIC", "t")
    monkeypatch.setenv("ACTION", "")
    wanted = [("scale_up", 0.99, 2), ("rollback", 0.99, 2)]
    with mock_aws():
        incident = Contested(Script(diagnoses=[wanted, wanted], breaks=breaks, heals=frozenset({heals})), timeline(),
                             monkeypatch)
        incident.run()
        assert deeds(incident) == expected
        assert outcome(incident) == "resolved"


def test_an_uncontested_remedy_is_applied_beside_a_remedy_of_another_component(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOPIC", "t")
    monkeypatch.setenv("ACTION", "")
    with mock_aws():
        incident = Contested(Script(diagnoses=[[(name, 0.99, 2) for name in ("scale_up", "rollback", "restart_pods")]],
                                    heals=frozenset({"restart_pods"})), timeline(), monkeypatch)
        incident.run()
        assert deeds(incident) == [("apply", "scale_up"), ("apply", "restart_pods")]


class Refused(Incident):
    """An incident whose cause is named, and nothing is proposed for it."""

    said = ""

    def _diagnose(self, payload: dict[str, Any]) -> dict[str, Any]:
        found = super()._diagnose(payload)
        self.records.update("i-1", not_proposed=[{
            "action": "switch_provider", "component": "payment-gateway", "cause": "provider_outage",
            "mechanism": "provider_fails", "reason": "no other provider is known to be up"}])
        return found

    def _tell(self, *given: Any, **more: Any) -> str:
        self.said += f"{given} {more}"
        return super()._tell(*given, **more)


def test_an_escalation_lists_the_remedies_that_were_not_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOPIC", "t")
    monkeypatch.setenv("ACTION", "")
    with mock_aws():
        incident = Refused(Script(diagnoses=[[]]), timeline(), monkeypatch)
        incident.run()
        assert outcome(incident) == "escalated"
        assert "Not done: switch of the provider of payment-gateway: no other provider is known to be up" in (
            incident.said)


def test_a_remedy_that_the_service_does_not_have_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnose, "deployed", lambda name: SimpleNamespace(remedies=()))
    run: Any = SimpleNamespace(service=shipped_service())
    found = proposed(named("bad_release")).proposed
    refused, = diagnose._not_deployed(run, found)
    assert (refused.action, refused.reason) == ("rollback", "it is not deployed for this service")
    # What is waited for, or left to people anyway, needs no remedy.
    assert diagnose._not_deployed(run, proposed(named("failing_over")).proposed) == []
    assert diagnose._not_deployed(run, proposed(named("preemption")).proposed) == []


def test_a_rollback_can_be_undone_though_it_stays_and_a_reboot_cannot() -> None:
    assert decisions.can_be_undone("rollback") and not decisions.find("rollback").rolled_back
    assert not decisions.can_be_undone("restore_database")
    assert not decisions.can_be_undone("no-such-remedy")


def waited_in_vain(*entry: Any) -> str:
    """Why a release is not rolled back whose requests waited for room in vain; empty where it is."""
    found = proposed(named("bad_release", seen=("rollout_just_before", "kind_queue")), entry)
    return "" if found.proposed else told(found)["rollback", "bad_release"]


def counted(seconds: float, errors: float) -> Any:
    """The entry's requests up to so many seconds since the symptom."""
    return observed("newrelic", "error_rate", component="frontend", detail={
        "requests": 4000, "errors": errors, "baseline_requests": 144_000, "baseline_errors": 500,
        "series": [[NOW - 60 + 10 * n, 400, errors if n >= 6 else 1] for n in range(6 + int(seconds / 10))]})


def test_a_release_is_not_rolled_back_for_want_of_room_before_anybody_counted_what_fails() -> None:
    """A rush began as a good release came, and New Relic was behind, or showed the time of another clock."""
    for unseen in (counted(0, 0), counted(40, 1)):
        assert "shows none of the requests that fail" in waited_in_vain(unseen)
    assert waited_in_vain(counted(40, 200)) == ""
    # Where nobody counts them at all, it is no better known.
    assert "no source counts the requests of frontend" in waited_in_vain()
