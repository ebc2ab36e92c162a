"""A remedy that was taken back for another fault's failures may be tried again, once that fault is remediated."""

from __future__ import annotations

from dataclasses import replace

import pytest

from responder.model.remedy import Remedy, RemedyStatus
from responder.plan.guardrails import GuardrailRequest, RecentRemedy, Situation, rule
from responder.plan.repeated import helped, judged_beside_another
from tests.unit.remedies.test_guardrails import CALM, GOOD, acting


def at(minute: int) -> str:
    return f"2026-11-27T00:{minute:02d}:00.000Z"


SWITCH = Remedy(1, "switch_provider", RemedyStatus.REVERTED, mechanism="provider_fails", target="configmap/c",
                applied_at=at(1), rolled_back_at=at(2))
RESTORED = Remedy(4, "restore_database", RemedyStatus.VERIFIED, mechanism="connections_exhausted",
                  target="deployment/export", applied_at=at(3), verified_at=at(5))


def test_what_another_fault_had_failed_is_not_held_against_it() -> None:
    assert judged_beside_another([SWITCH, RESTORED]) == {1}


@pytest.mark.parametrize("other", [
    replace(RESTORED, status=RemedyStatus.REVERTED), replace(RESTORED, status=RemedyStatus.APPLIED),
    replace(RESTORED, applied_at=at(1)), replace(RESTORED, mechanism="provider_fails"),
    replace(RESTORED, audience="customers")])
def test_without_another_fault_that_was_remediated_since_it_did_not_help(other: Remedy) -> None:
    assert judged_beside_another([SWITCH, other]) == frozenset()


def test_it_is_tried_again_once() -> None:
    second = replace(SWITCH, number=5, applied_at=at(6), rolled_back_at=at(7))
    assert judged_beside_another([SWITCH, RESTORED, second, replace(RESTORED, number=6, applied_at=at(8))]) == set()


def test_no_cooldown_is_between_the_two_tries_and_it_still_is_for_other_incidents() -> None:
    again: GuardrailRequest = replace(GOOD, tries_again="i-1")
    tried = RecentRemedy(CALM.now - 60, GOOD.action, GOOD.target, "i-1")
    once: Situation = replace(CALM, recent=(tried,))
    assert rule(acting(), again, once).ruling == "permitted"
    assert rule(acting(), GOOD, once).guardrail == "cooldown"
    assert rule(acting(), again, replace(CALM, recent=(tried, replace(tried, incident="i-0")))).guardrail == "cooldown"
    # The number of remedies is bounded as ever.
    assert rule(acting(), again, replace(once, done=("a",) * 9)).guardrail == "remedies_per_incident"


FAILED = Remedy(1, "restore_database", RemedyStatus.FAILED, "payment-gateway", mechanism="rejected_credentials",
                target="deployment/payment-gateway", applied_at=at(1))


def test_a_remedy_whose_effect_another_fault_hides_is_not_in_vain() -> None:
    assert helped([FAILED]) == []
    assert helped([FAILED], hidden=[1]) == [("restore_database", "payment-gateway", "rejected_credentials")]
    # One of the same action that did nothing, which is seen, is in vain.
    assert helped([FAILED, replace(FAILED, number=2, mechanism="refuses_connections")], hidden=[1]) == []
