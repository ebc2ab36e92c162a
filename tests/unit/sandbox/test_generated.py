"""Generated incidents: what counts as a wrong remedy, how the worlds are drawn, and what is known of none."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random

import pytest

from bench.generated import decide, generate, originals, upper_bound
from bench.world_changes import CHANGES, change
from bench.wrong_remedy import Contract, JudgedRemedy, why_wrong
from responder.model.incident import IncidentRecord

GATEWAY = "payment-gateway"
RELEASE = Contract(
    never=frozenset({"scale_up"}), causes=frozenset({"code_bug"}), actions=frozenset({"rollback"}),
    targets=frozenset({GATEWAY}), helped=frozenset({("rollback", GATEWAY, "rollback")}))
STORAGE = Contract(causes=frozenset({"database_connection"}), actions=frozenset({"restore_database"}),
                   helped=frozenset({("restore_database", GATEWAY, "more storage")}))
CONFIGURED = Contract(actions=frozenset({"restore_configuration"}), restored=frozenset({"configmap/settings"}))


@pytest.mark.parametrize(("contract", "judged", "why"), [
    (RELEASE, JudgedRemedy("rollback", GATEWAY, "code_bug", "bad_release"), ""),
    (RELEASE, JudgedRemedy("rollback", "frontend", "code_bug", "bad_release"), "elsewhere"),
    (RELEASE, JudgedRemedy("rollback", GATEWAY, "overload", "lost_capacity"), "for another cause"),
    (RELEASE, JudgedRemedy("scale_up", GATEWAY, "code_bug", "bad_release"), "never"),
    (RELEASE, JudgedRemedy("restart_pods", GATEWAY, "code_bug", "bad_release"), "not foreseen"),
    (RELEASE, JudgedRemedy("inform_customers", GATEWAY, "provider_outage", "provider_fails"), ""),
    (STORAGE, JudgedRemedy("restore_database", GATEWAY, "database_connection", "storage_full"), ""),
    (STORAGE, JudgedRemedy("restore_database", GATEWAY, "database_connection", "slow_database"), "does something else"),
    (CONFIGURED, JudgedRemedy("restore_configuration", "backend", "code_bug", "bad_configuration",
                      frozenset({"configmap/settings"})), ""),
    (CONFIGURED, JudgedRemedy("restore_configuration", "backend", "code_bug", "bad_configuration",
                      frozenset({"configmap/newsletter"})), "elsewhere"),
    (replace(RELEASE, held=frozenset({("scale_up", GATEWAY)})), JudgedRemedy(
        "scale_up", GATEWAY, "code_bug", "bad_release"), ""),
    (Contract(), JudgedRemedy("rollback", GATEWAY, "code_bug", "bad_release"), "not foreseen")])
def test_a_remedy_is_held_against_the_drills_contract(contract: Contract, judged: JudgedRemedy, why: str) -> None:
    assert why_wrong(contract, judged) == why


@pytest.mark.parametrize(("wrong", "of", "bound"), [
    (0, 10_000, 0.00029953), (0, 59, 0.04951), (1, 100, 0.04656), (20, 10_000, 0.002904), (3, 3, 1.0)])
def test_the_upper_bound_is_that_of_clopper_and_pearson(wrong: int, of: int, bound: float) -> None:
    assert upper_bound(wrong, of) == pytest.approx(bound, rel=2e-3)


@pytest.mark.parametrize("kind", sorted(CHANGES))
def test_a_change_of_the_world_leaves_a_record_that_can_be_read(kind: str) -> None:
    original = originals()[0]
    record = json.loads(original.packed)
    assert CHANGES[kind](record, Random(kind))
    IncidentRecord.of(record["items"]).evidence()


def test_a_number_always_gives_the_same_incident() -> None:
    one, two = (json.loads(originals()[3].packed) for _ in range(2))
    assert change(one, "x/7") == change(two, "x/7")
    assert one == two
    assert generate(3) == generate(3)


def test_no_record_has_a_wrong_remedy_as_it_is() -> None:
    """Every tenth: ``make bench NAMES=generated`` goes through all of them."""
    for original in originals()[::10]:
        made = decide(original, original.record)
        assert [why_wrong(original.contract, judged) for judged in made.applied] == [""] * len(made.applied)
