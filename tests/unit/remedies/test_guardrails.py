"""Each guardrail refuses what it is for, and nothing that policy forbids is ever permitted."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder import actions
from responder.model.service import Freeze, Remedy, Service
from responder.plan.guardrails import RELEASED, GuardrailRequest, RecentRemedy, Situation, in_order, rule, within
from responder.plan.remedies import Candidate, Facts
from tests.conftest import shipped_service

NOW = datetime.fromisoformat("2026-11-27T19:00:00Z").timestamp()  # a Friday
GOOD = GuardrailRequest("rollback", "deployment/x", 0.95, ("newrelic", "rollouts"))
CALM = Situation(NOW, RELEASED)
LAST = RecentRemedy(NOW - 60, "rollback", "deployment/x")


def acting(**limits: Any) -> Service:
    shipped = shipped_service()
    return replace(shipped, mode="auto", guardrails=replace(shipped.guardrails, **limits))


@pytest.mark.parametrize(("proposal", "situation", "limits", "guardrail"), [
    ({}, {"kill_switch": None}, {}, "kill_switch"),
    ({}, {"kill_switch": "engaged"}, {}, "kill_switch"),
    ({"refusal": "no earlier revision"}, {}, {}, "precondition"),
    ({"action": "dance"}, {}, {}, "policy"),
    ({"confidence": 0.5}, {}, {}, "minimum_confidence"),
    ({"sources": ("newrelic",)}, {}, {}, "minimum_sources"),
    ({}, {"done": ("rollback", "scale_up", "restart_pods")}, {}, "remedies_per_incident"),
    ({}, {"recent": tuple(replace(LAST, target=f"deployment/{n}") for n in range(6))}, {}, "remedies_per_hour"),
    ({}, {"recent": (LAST,)}, {}, "cooldown"),
    ({}, {"held_by_another": True}, {}, "lease"),
    ({}, {}, {"freezes": (Freeze("fri 18:00", "mon 06:00", "weekend"),)}, "freeze"),
    ({}, {}, {"freezes": (Freeze("2026-11-27T00:00:00Z", "2026-11-28T00:00:00Z"),)}, "freeze"),
])
def test_each_guardrail_refuses(proposal: dict[str, Any], situation: dict[str, Any], limits: dict[str, Any],
                                guardrail: str) -> None:
    assert rule(acting(), GOOD, CALM).ruling == "permitted"
    decision = rule(acting(**limits), replace(GOOD, **proposal), replace(CALM, **situation))
    assert (decision.ruling, decision.guardrail) == ("refused", guardrail)
    assert decision.reason


def test_limits_end_where_they_end() -> None:
    assert rule(acting(), GOOD, replace(CALM, recent=(replace(LAST, at=NOW - 901),))).ruling == "permitted"
    assert rule(acting(), GOOD, replace(CALM, recent=(replace(LAST, target="deployment/y"),))).ruling == "permitted"
    old = tuple(replace(LAST, target=f"deployment/{n}", at=NOW - 3601) for n in range(6))
    assert rule(acting(), GOOD, replace(CALM, recent=old)).ruling == "permitted"
    allows = Freeze("fri 18:00", "mon 06:00", allows=("rollback",))
    assert rule(acting(freezes=(allows,)), GOOD, CALM).ruling == "permitted"


@pytest.mark.parametrize(("start", "end", "moment", "inside"), [
    ("fri 18:00", "mon 06:00", "2026-11-27T17:59:59Z", False),
    ("fri 18:00", "mon 06:00", "2026-11-27T18:00:00Z", True),
    ("fri 18:00", "mon 06:00", "2026-11-29T12:00:00Z", True),
    ("fri 18:00", "mon 06:00", "2026-11-30T06:00:00Z", False),
    ("mon 09:00", "mon 10:00", "2026-11-30T09:30:00Z", True),
    ("2026-12-24T00:00:00+01:00", "2026-12-27T00:00:00+01:00", "2026-12-23T23:30:00Z", True),
])
def test_freezes_by_week_and_by_date(start: str, end: str, moment: str, inside: bool) -> None:
    assert within(Freeze(start, end), datetime.fromisoformat(moment).timestamp()) is inside


def test_the_shipped_configuration_only_observes(service: Service) -> None:
    assert rule(service, GOOD, CALM).ruling == "observe"


@pytest.mark.parametrize(("answer", "ruling"), [
    ("", "approval"), ("approve", "permitted"), ("reject", "rejected"), ("none", "rejected")])
def test_a_remedy_that_needs_approval_waits_for_it_or_does_nothing(answer: str, ruling: str) -> None:
    service = replace(acting(), mode="approve")
    decision = rule(service, GOOD, replace(CALM, answer=answer, answered_by="holder of the link sent to sre"))
    assert decision.ruling == ruling
    assert decision.decided_by == ("holder of the link sent to sre" if answer in ("approve", "reject") else "policy")


def test_an_approval_does_not_lead_around_the_kill_switch() -> None:
    service = replace(acting(), mode="approve")
    assert rule(service, GOOD, replace(CALM, answer="approve", kill_switch="engaged")).guardrail == "kill_switch"


def test_limits_on_changes_do_not_hold_up_notifications() -> None:
    telling = replace(GOOD, action="engage_network_team", tells=True)
    full = replace(CALM, done=("a", "b", "c"))
    assert rule(acting(), telling, full).ruling == "permitted"
    assert rule(acting(), telling, replace(full, kill_switch="engaged")).ruling == "refused"


def test_what_another_incident_tells_for_the_same_cause_is_not_told_twice() -> None:
    telling = replace(GOOD, action="inform_customers", tells=True)
    elsewhere = replace(CALM, held_by_another=True, held_by="i-2")
    found = rule(acting(), telling, elsewhere)
    assert (found.ruling, found.guardrail) == ("refused", "lease") and "incident i-2" in found.reason
    # Nobody would have been told: what would be done is worth knowing all the same.
    assert rule(replace(acting(), mode="observe"), telling, elsewhere).ruling == "observe"


proposals = st.builds(
    GuardrailRequest, st.sampled_from(["rollback", "scale_up", "restore_database", "dance"]),
    st.sampled_from(["deployment/x", "deployment/y"]), st.floats(0, 1),
    st.lists(st.sampled_from(["a", "b", "c"]), unique=True).map(tuple), st.sampled_from(["", "no"]), st.booleans())
situations = st.builds(
    Situation, st.just(NOW), st.sampled_from([None, RELEASED, "engaged", ""]),
    st.lists(st.just("rollback"), max_size=5).map(tuple),
    st.lists(st.builds(lambda at, target: replace(LAST, at=NOW - at, target=target), st.floats(0, 7200),
                       st.sampled_from(["deployment/x", "deployment/y", "deployment/z"])), max_size=9).map(tuple),
    st.booleans(), st.sampled_from(["", "approve", "reject", "none"]), st.just("somebody"))


@given(proposals, situations, st.sampled_from(["auto", "approve", "observe"]),
       st.dictionaries(st.sampled_from(["rollback", "scale_up", "restore_database"]),
                       st.sampled_from(["auto", "approve", "off"])), st.booleans())
def test_nothing_that_is_forbidden_is_ever_permitted(proposal: GuardrailRequest, situation: Situation, mode: Any,
                                                     policy: dict[str, Any], frozen: bool) -> None:
    freezes = (Freeze("fri 18:00", "mon 06:00"),) if frozen else ()
    service = replace(acting(freezes=freezes), mode=mode, policy=policy)
    limits, decision = service.guardrails, rule(service, proposal, situation)
    assert decision.guardrail or decision.ruling == "permitted"
    if decision.ruling != "permitted":
        return
    given_policy = policy.get(proposal.action, "off")
    assert situation.kill_switch == RELEASED
    assert mode != "observe"
    assert given_policy != "off"
    assert proposal.refusal == ""
    assert proposal.confidence >= limits.minimum_confidence
    assert len(proposal.sources) >= limits.minimum_sources
    if given_policy == "approve" or mode == "approve":
        assert situation.answer == "approve"
    if not proposal.tells:
        assert not frozen
        assert not situation.held_by_another
        assert len(situation.done) < limits.remedies_per_incident
        assert sum(NOW - item.at < 3600 for item in situation.recent) < limits.remedies_per_hour
        assert not any((item.action, item.target) == (proposal.action, proposal.target)
                       and NOW - item.at < limits.cooldown_seconds for item in situation.recent)


REMEDIES = {action.name: Remedy(action.name, "", action.risk, action.remedy.remediates)
            for action in actions.every()}


@given(st.lists(st.sampled_from(sorted(REMEDIES)), max_size=8))
def test_the_least_risky_remedy_is_tried_first_and_messages_come_last(names: list[str]) -> None:
    proposed = [Candidate(name, "network", "path_below", f"component-{place}", 0.9, ("a", "b"), Facts())
                for place, name in enumerate(names)]
    ordered = in_order(proposed, REMEDIES)
    ranks = [(not REMEDIES[p.action].mends, ["low", "medium", "high"].index(REMEDIES[p.action].risk)) for p in ordered]
    assert ranks == sorted(ranks) and sorted(p.component for p in ordered) == sorted(p.component for p in proposed)
    for action in set(names):
        # Of equal ones the cause of most failures stays first.
        assert [p for p in ordered if p.action == action] == [p for p in proposed if p.action == action]


def test_a_path_is_given_to_the_network_team_before_anything_is_changed() -> None:
    proposed = [Candidate(name, "", "", "", 0.9, (), Facts()) for name in (
        "inform_customers", "restore_security_group", "engage_network_team", "restore_database")]
    assert [p.action for p in in_order(proposed, REMEDIES)] == [
        "engage_network_team", "restore_security_group", "restore_database", "inform_customers"]


@pytest.mark.parametrize(("proposal", "situation", "why"), [
    ({}, {"attack": ("57 % of what fails is of one client",)}, "one client"),
    ({}, {"failed_before": "rollback did not help against bad release of x once"}, "did not help"),
    ({"contested": True, "reversible": False}, {}, "nearly as likely"),
    ({"contested": True, "either_change": True}, {}, "two changes"),
])
def test_a_guardrail_that_requires_approval_gives_a_reason(proposal: dict[str, Any], situation: dict[str, Any],
                                                           why: str) -> None:
    decision = rule(acting(), replace(GOOD, **proposal), replace(CALM, **situation))
    assert (decision.ruling, decision.guardrail) == ("approval", "approval") and why in decision.reason
    approved = replace(CALM, answer="approve", answered_by="Ada", **situation)
    assert rule(acting(), replace(GOOD, **proposal), approved).ruling == "permitted"
    assert rule(acting(), replace(GOOD, **proposal), replace(approved, kill_switch="engaged")).ruling == "refused"


def test_signs_of_an_attack_hold_up_what_takes_a_change_back_and_not_more_pods() -> None:
    attacked = replace(CALM, attack=("a flood",))
    assert rule(acting(), replace(GOOD, action="scale_up"), attacked).ruling == "permitted"
    assert rule(acting(), replace(GOOD, contested=True), CALM).ruling == "permitted"  # it can be undone


@pytest.mark.parametrize("switch", [None, "engaged", "released"])
def test_in_mode_observe_the_switch_hides_nothing_of_what_would_be_done(switch: str | None) -> None:
    service = replace(acting(), mode="observe")
    assert rule(service, GOOD, replace(CALM, kill_switch=switch)).ruling == "observe"
