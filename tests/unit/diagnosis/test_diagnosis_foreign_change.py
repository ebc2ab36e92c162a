"""The mechanism ``foreign_change``: a flag or another change made elsewhere, against a release, a provider, nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from responder.model.evidence import Finding
from responder.model.evidence.foreign_changes import ForeignChanges
from responder.model.foreign_change import Deployed, ForeignChange
from responder.model.service import Service
from tests.diagnosis import ONSET, Found, chain, changes, error_lines, judged, of_gateway, rollout

GATEWAY = "payment-gateway"
FLAG = ForeignChange("flag new-tariff", "flag", ONSET - 40, "ada@shop.example", "new-tariff: turned on the flag",
                     component=GATEWAY, before="off", after="on")
LOGS = ForeignChange("shop/gateway@beef", "commit", ONSET - 20, "bob", "say who asked", ("src/handler.py",),
                     "-log.info('asked')\n+log.info('asked by %s', who)", deployed=(Deployed(GATEWAY, ONSET - 15),))
LINE = "ERROR TariffCalculator: no tariff for the merchant"


def told(*items: ForeignChange) -> Found:
    return Finding(source="foreign_changes", detail=ForeignChanges(items))


def seen(*items: Found, line: str = LINE) -> Sequence[Found]:
    return [*chain(of_gateway(), 0.5), changes(), error_lines(line), *items]


def test_a_flag_that_explains_the_failures_is_named_with_its_author(service: Service) -> None:
    found = judged(service, seen(told(LOGS, FLAG)))
    assert (found.cause, found.mechanism) == ("code_bug", "foreign_change")
    assert any("ada@shop.example" in sentence for sentence in found.ranking[0].evidence_for)


@pytest.mark.parametrize("items", [(), (LOGS,)])
def test_without_a_change_that_can_do_it_none_is_named(service: Service, items: tuple[ForeignChange, ...]) -> None:
    assert judged(service, seen(told(*items))).mechanism != "foreign_change"


def test_a_flag_that_was_switched_after_the_symptom_is_none(service: Service) -> None:
    late = ForeignChange("flag new-tariff", "flag", ONSET + 200, "ada", "new-tariff", component=GATEWAY)
    assert judged(service, seen(told(late))).mechanism != "foreign_change"


def test_a_flag_of_long_ago_does_not_outweigh_a_release(service: Service) -> None:
    old = ForeignChange("flag other", "flag", ONSET - 20_000, "ada", "other", component=GATEWAY)
    found = judged(service, [*chain(of_gateway(), 0.5), told(old), rollout(ONSET - 20, "1.1.0"), changes(), error_lines(
        "ERROR NullPointerException: merchantId", 900.0, {"1.1.0": 899.0, "1.0.0": 1.0})])
    assert found.ranking[0].mechanism == "bad_release"
