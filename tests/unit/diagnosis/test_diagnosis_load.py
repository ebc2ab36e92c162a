"""Load that failure makes: retries that keep an overload going, and what is done against them, and what is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.model.evidence import Evidence, Finding, Window
from responder.model.evidence.calls import Calls
from responder.model.evidence.cpu import Cpu
from responder.model.fault_location import OWN, Provider
from responder.model.service import Service
from responder.plan.failure_modes import FailureMode
from responder.plan.remedies import propose
from responder.plan.weights import shipped
from tests.conftest import shipped_service
from tests.diagnosis import (
    NOW,
    ONSET,
    QUEUE,
    WINDOW,
    Found,
    both,
    callee,
    changes,
    error_lines,
    judged,
    pods,
    proposed,
    rates,
    rollout,
    signals,
)

GATEWAY = "payment-gateway"
IN_ITSELF = FailureMode(GATEWAY, OWN, 1.0)


def storm(factor: float = 3.5, customers: float = 1.0, share: float = 0.5, before: float = 40.0) -> list[Found]:
    """The gateway gets so many times the requests that it usually gets, and the entry so many times its own."""
    return [rates(name, share, per_second=before * many, usual=before, source=source)
            for source in ("newrelic", "cloudwatch")
            for name, many in (("frontend", customers), ("backend", customers), (GATEWAY, factor))]


def cpu(share: float) -> Found:
    """Of the gateway's pods, of their limit."""
    return Finding(source="utilisation", component=GATEWAY, window=WINDOW, value=share, detail=Cpu(
        pods=4, used=4 * share, limit=4.0, container=GATEWAY))


def refused(service: Service, found: Sequence[Found]) -> dict[str, str]:
    """The remedies that are not proposed, each with the reason."""
    result = propose(service, judged(service, found), ONSET, Evidence(found), shipped(), ())
    return {refusal.action: refusal.reason for refusal in result.not_proposed}


STORM = [*storm(), error_lines(QUEUE), changes(), pods(GATEWAY), cpu(1.0)]


def ids(service: Service, found: Sequence[Found], mode: FailureMode = IN_ITSELF) -> set[str]:
    return {signal.id for signal in signals(service, mode, list(found))}


def test_more_attempts_than_customers_are_a_storm_and_no_demand(service: Service) -> None:
    result = judged(service, STORM)
    assert (result.cause, result.mechanism, result.component) == ("overload", "retry_storm", GATEWAY)
    assert any("payment-gateway gets 3.5 calls for each request of frontend; usual is 1.0" in text
               for text in result.named[0].evidence_for)


def test_load_is_shed_and_neither_pods_nor_the_release_are_touched(service: Service) -> None:
    assert [remedy.action for remedy in proposed(service, STORM)] == ["shed_load"]
    reasons = refused(service, STORM)
    assert "backend make one attempt for each call of payment-gateway" in reasons["cap_retries"]
    assert "a switch ends them" in reasons["scale_up"]


def test_where_shedding_was_tried_and_the_storm_goes_on_more_pods_are_left(service: Service) -> None:
    tried = [("shed_load", GATEWAY)]
    assert [remedy.action for remedy in proposed(service, STORM, tried)] == ["scale_up"]


def test_without_any_switch_more_pods_are_all_that_is_left(service: Service) -> None:
    bare = replace(service, switches=())
    assert [remedy.action for remedy in proposed(bare, STORM)] == ["scale_up"]
    reasons = refused(bare, STORM)
    assert "refuse four of five requests at payment-gateway until its queue is empty" in reasons["shed_load"]


def test_while_customers_still_ask_for_too_much_nothing_is_shed(service: Service) -> None:
    rush = [*storm(factor=9.0, customers=3.0), error_lines(QUEUE), changes(), pods(GATEWAY), cpu(1.0)]
    found = ids(service, rush)
    assert "attempts_multiply" in found and not {"load_is_retries", "surge_is_over"} & found
    # More pods serve what customers ask for, and the retries with it.
    assert [remedy.action for remedy in proposed(service, rush)] == ["scale_up"]


def test_a_rush_without_retries_is_no_storm(service: Service) -> None:
    rush = [*storm(factor=3.0, customers=3.0), error_lines(QUEUE), changes(), pods(GATEWAY), cpu(1.0)]
    assert "attempts_multiply" not in ids(service, rush)
    assert judged(service, rush).mechanism == "more_traffic"


def test_a_release_that_fails_brings_retries_and_is_the_cause_all_the_same(service: Service) -> None:
    versions = {"1.0.1": 900.0}
    bad = [*storm(), changes(), pods(GATEWAY), rollout(ONSET - 5),
           error_lines("ERROR CardAuthorizer NullPointerException at <n>", versions=versions)]
    result = judged(service, bad)
    assert result.cause in ("code_bug", "unknown"), result.summary
    assert not {"shed_load", "scale_up"} & {remedy.action for remedy in proposed(service, bad)}


ROWS = [(90, 400), (80, 1200), (70, 1200), (60, 420), (50, 410), (40, 400), (30, 390), (20, 400), (10, 100)]


@pytest.mark.parametrize(("rows", "share", "over"), [
    (ROWS, 0.9, True), (ROWS, 0.001, False), (ROWS[:4], 0.9, False),
    ([(ago, 1200) for ago, _ in ROWS], 0.9, False), ([(ago, 400) for ago, _ in ROWS], 0.9, False)])
def test_a_surge_is_over_where_customers_are_as_many_as_ever_and_still_fail(
        service: Service, rows: list[tuple[float, float]], share: float, over: bool) -> None:
    finding = rates("frontend", share, series=[(NOW - ago, count, count * share) for ago, count in rows])
    assert ("surge_is_over" in ids(service, [finding])) is over


@given(st.floats(0.2, 3.0), st.floats(1.0, 3.0))
def test_as_many_calls_as_requests_are_never_retries(customers: float, before: float) -> None:
    found = storm(factor=customers, customers=customers, before=40 * before)
    assert "attempts_multiply" not in ids(shipped_service(), found)


def spans(each: float, kinds: dict[str, float]) -> Finding[Calls]:
    """Of 1,600 requests 1,200 fail, and each calls the provider so often; usual is once."""
    return Finding(source="newrelic", component=GATEWAY, window=Window(NOW - 60, NOW), detail=Calls({
        "payments-db": callee(requests=1600.0),
        "api.primary.example": callee(kinds, requests=1600.0 * each)}, requests=1600.0, errors=1200.0))


def test_attempts_at_what_is_called_are_told_by_spans(service: Service) -> None:
    mode = FailureMode(GATEWAY, Provider("primary"), 1.0)
    told = {signal.id: signal.sentence for signal in signals(service, mode, [spans(3.0, {"read timed out": 3600.0})])}
    assert told["attempts_multiply"] == (
        "primary gets 3.0 calls for each request of payment-gateway that fails; usual is 1.0")
    assert "attempts_multiply" not in ids(service, [spans(1.0, {"read timed out": 1200.0})], mode)


def test_more_pods_are_not_given_to_who_drowns_what_it_calls(service: Service) -> None:
    found = [*both("frontend", 0.8), *both("backend", 0.8), *both(GATEWAY, 0.8), spans(3.0, {"read timed out": 3600.0}),
             changes(), pods(GATEWAY), error_lines("call to api.primary.example failed: read timed out")]
    assert "scale_up" not in [remedy.action for remedy in proposed(service, found)]


def test_shedding_needs_two_sources_and_its_switch_to_say_what_is_usual(service: Service) -> None:
    alone = [finding for finding in STORM if finding.source == "newrelic"]
    assert not [remedy for remedy in proposed(service, alone) if remedy.action == "shed_load"]
