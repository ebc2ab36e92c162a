"""What holds for the diagnosis whatever the cause: order, missing and superfluous evidence, rivals, long outages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.model.evidence import Evidence, Finding
from responder.model.evidence.alarms import Alarms, AlarmState
from responder.model.evidence.auth_failures import AuthFailures
from responder.model.evidence.canary import Canary
from responder.model.fault_location import DATABASE, OWN
from responder.model.service import Service
from responder.plan.diagnose import Hypothesis, diagnose, rank
from responder.plan.failure_modes import FailureMode
from responder.plan.isolate import Isolation
from responder.plan.remedies.inform_customers import long_outage
from responder.plan.signals import Signal, kinds
from responder.plan.weights import shipped
from tests.conftest import shipped_service
from tests.diagnosis import (
    EXHAUSTED,
    ONSET,
    POLICY,
    PROVIDER,
    REFUSED,
    WINDOW,
    Found,
    changes,
    isolated,
    judged,
    rates,
    seen,
)


def test_without_evidence_no_cause_is_named(service: Service) -> None:
    for isolation in (Isolation(("payment-gateway",), (), {}, {}), Isolation((), (), {}, {})):
        assert diagnose(service, isolation, None, Evidence(), shipped()).cause == "unknown"


@given(st.integers(0, 3), st.sets(st.sampled_from(
    ["newrelic", "cloudwatch", "changes", "kubernetes", "provider", "rds"]), max_size=3))
def test_missing_evidence_never_makes_another_cause(which: int, missing: set[str]) -> None:
    cases: list[tuple[list[Found], str]] = [
        (PROVIDER, "provider_outage"), (REFUSED, "database_connection"), (EXHAUSTED, "database_connection"),
        (POLICY, "network")]
    findings, cause = cases[which]
    left = [finding for finding in findings if finding.source not in missing]
    assert judged(shipped_service(), left).cause in (cause, "unknown")


@given(st.permutations(range(len(EXHAUSTED))))
def test_the_order_of_the_findings_changes_nothing(order: list[int]) -> None:
    shuffled = [EXHAUSTED[place] for place in order]
    assert judged(shipped_service(), shuffled) == judged(shipped_service(), EXHAUSTED)


def test_alarms_canaries_and_failed_authentications_are_shown_and_change_nothing(service: Service) -> None:
    def refused(component: str, lines: float, a_minute: float, usual: float) -> Found:
        return Finding(source="splunk", component=component, window=WINDOW, value=a_minute, baseline=usual,
                       detail=AuthFailures(lines, usual * 60))

    shown: list[Found] = [
        Finding(source="cloudwatch", window=WINDOW, value=1.0, detail=Alarms((
            AlarmState("x-error-rate", "ALARM", ONSET, "Threshold Crossed"), AlarmState("x-latency", "OK", 1.0)))),
        Finding(source="cloudwatch", component="frontend", window=WINDOW, value=0.0, baseline=100.0, detail=Canary()),
        refused("frontend", 300, 200.0, 0.5), refused("backend", 9, 6.0, 4.0)]
    before, after = judged(service, PROVIDER), judged(service, [*PROVIDER, *shown])
    added = {signal.id: signal.sentence for signal in after.signals if signal not in before.signals}
    assert added == {"alarms_raised": "in ALARM: x-error-rate",
                     "canary_fails": "the canary succeeds in 0% of its runs; usual are 100%",
                     "auth_failures_above_baseline":
                     "200 failed authentications of callers a minute at frontend; usual are 0.5"}
    assert after.ranking == before.ranking


def test_an_unreadable_parameter_group_hides_no_other_change(service: Service) -> None:
    """Where RDS is silent, what the ledger knows of the cluster counts; where more is missing, it does not."""

    def told(*lacks: str) -> set[str]:
        return set(seen(service, "payment-gateway", changes(lacks=lacks)))

    assert told("DBParameterGroup") == {"nothing_changed"}
    assert told("ConfigMap") == told("times") == told("ConfigMap", "DBParameterGroup") == set()


def test_silence_goes_from_the_caller_to_the_called(service: Service) -> None:
    silent = Evidence(rates(name, 0.0, source=source, series=())
                      for name in ("frontend", "backend", "payment-gateway") for source in ("newrelic", "cloudwatch"))
    assert isolated(service, silent).faulty == ("frontend",)


IDS = sorted(kinds())


@given(st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from("abc")), max_size=8), st.sampled_from(IDS),
       st.sampled_from("abcd"))
def test_more_evidence_for_a_cause_never_lowers_it(found: list[tuple[str, str]], more: str, source: str) -> None:
    weights, part = shipped(), FailureMode("payment-gateway", OWN, 1.0)
    before = [Signal(name, who, "x") for name, who in found]
    one, other = (confidences(rank(part, all_of, weights))
                  for all_of in (before, [*before, Signal(more, source, "x")]))
    for cause in one:
        mine = [weights.of(more, name) for name, terms in weights.mechanisms.items() if terms.cause == cause]
        rest = [weights.of(more, name) for name, terms in weights.mechanisms.items() if terms.cause != cause]
        if min(mine) >= max(0.0, *rest):
            assert other[cause] >= one[cause] - 0.0011  # they are rounded to a thousandth


def confidences(ranked: list[Hypothesis]) -> dict[str, float]:
    return {hypothesis.cause: hypothesis.confidence for hypothesis in ranked}


def test_mechanisms_are_rivals_until_one_has_four_times_the_odds() -> None:
    part = FailureMode("payment-gateway", DATABASE, 1.0)
    fails = Signal("database_calls_fail", "newrelic", "calls")
    assert rank(part, [fails], shipped())[0].rivals
    told = rank(part, [fails, Signal("database_storage_full", "rds", "instance")], shipped())[0]
    assert (told.mechanism, told.rivals) == ("storage_full", ())


@pytest.mark.parametrize(("onset", "after_seconds", "told_before", "due"), [
    (1000.0, 0.0, [("rollback", "payment-gateway")], True), (1000.0, -1.0, [], False),
    (1000.0, 9e9, [("inform_customers", "frontend")], False), (None, 9e9, [], False)])
def test_customers_are_notified_of_a_long_outage_of_any_cause(service: Service, onset: float | None,
                                                              after_seconds: float, told_before: list[tuple[str, str]],
                                                              due: bool) -> None:
    votes = {"newrelic": "outage", "cloudwatch": "outage", "splunk": "healthy"}
    now = 1000.0 + service.recovery.long_outage_seconds + after_seconds
    found = long_outage(service, onset, now, votes, told_before)
    assert [(p.action, p.cause, p.sources) for p in found] == (
        [("inform_customers", "unknown", ("newrelic", "cloudwatch"))] if due else [])
    assert not long_outage(service, onset, now, {}, told_before)
