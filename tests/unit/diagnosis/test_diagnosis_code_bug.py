"""The cause ``code_bug``: releases, told by when they came and by what their versions show."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.model.change import Change
from responder.model.evidence import Bucket, Evidence, Finding, Window
from responder.model.evidence.error_rate_by_version import P95, ErrorRateByVersion, Served
from responder.model.fault_location import OWN
from responder.model.service import Service
from responder.plan.diagnose import Diagnosis, diagnose
from responder.plan.failure_modes import FailureMode
from responder.plan.isolate import Isolation
from responder.plan.weights import shipped
from tests.conftest import shipped_service
from tests.diagnosis import (
    NOW,
    Found,
    callee,
    calls,
    change,
    changes,
    connections,
    error_lines,
    field,
    instance,
    of_gateway,
    pods,
    probe,
    rollout,
    signals,
)

ONSET = NOW - 30
Rows = list[tuple[float, float, float]]
"""Periods of 10 s: how many seconds ago, requests, errors."""


def totals(window: dict[str, Served]) -> Found:
    return Finding(source="newrelic", component="payment-gateway", detail=ErrorRateByVersion(
        window=window, baseline={"1.0.0": Served(90_000, 300)}))


def by_version(old: Rows, new: Rows) -> Found:
    """What both versions served, period by period."""
    series = {version: tuple(Bucket(NOW - ago, requests, errors) for ago, requests, errors in rows)
              for version, rows in (("1.0.0", old), ("1.1.0", new))}
    window = {version: Served(sum(row.requests for row in rows), sum(row.errors for row in rows))
              for version, rows in series.items()}
    return Finding(source="newrelic", component="payment-gateway", detail=ErrorRateByVersion(
        window=window, baseline={"1.0.0": Served(90_000, 300)}, series=series))


BESIDE = totals({"1.1.0": Served(400, 180), "1.0.0": Served(400, 2)})
LINES = error_lines("x", 200, {"1.1.0": 199.0, "1.0.0": 1.0})


def released(at: float = NOW - 35) -> Found:
    return rollout(at, "1.1.0")


def judged(service: Service, findings: Sequence[Found], onset: float = ONSET) -> Diagnosis:
    """The gateway is at fault."""
    return diagnose(service, Isolation(("payment-gateway",), (), {}, {}), onset, Evidence(findings), shipped())


def test_a_release_whose_version_alone_fails_is_named(service: Service) -> None:
    result = judged(service, [released(), BESIDE, LINES])
    assert (result.cause, result.mechanism) == ("code_bug", "bad_release")
    assert result.confidence > 0.9
    assert len(result.ranking[0].sources) >= 2


@pytest.mark.parametrize("findings", [
    [released()],  # a release alone
    [released(NOW - 7200), BESIDE, LINES],  # an old one
    [released(), totals({"1.1.0": Served(400, 180), "1.0.0": Served(400, 170)}), LINES]])  # the old version fails too
def test_a_release_that_is_not_known_to_fail_by_itself_is_not_named(service: Service, findings: list[Found]) -> None:
    assert judged(service, findings).cause == "unknown"


IMAGE = change("Deployment", "payment-gateway", field(
    ["template", "spec", "containers", "payment-gateway", "image"], "r/g:1.0.0", "r/g:1.1.0"), at=NOW - 35)
POLICY = change("NetworkPolicy", "no-egress", field(["egress"], "[]", "[{}]"), what="created", at=NOW - 32)
AROUND = [released(), instance(), connections(28.0), pods("payment-gateway")]
TIMED_OUT = "connection to server timed out"


@pytest.mark.parametrize(("changed", "kind", "ours", "versions", "named"), [
    # The database and the way to it are well, and only the new version does not get through.
    ([IMAGE], "Connection refused", "", {"1.1.0": 900.0}, "bad_release"),
    # Nobody gets through, whatever the release is.
    ([IMAGE], "Connection refused", "refused", {"1.1.0": 900.0}, ""),
    ([IMAGE], TIMED_OUT, "timeout", {"1.1.0": 900.0}, "path_below"),
    # Both versions say the same.
    ([IMAGE], "Connection refused", "", {"1.1.0": 400.0, "1.0.0": 500.0}, ""),
    # Something that binds the pods alone came as well.
    ([IMAGE, POLICY], TIMED_OUT, "", {"1.1.0": 900.0}, "")])
def test_a_release_that_asks_a_well_database_wrongly_is_told_from_what_keeps_all_away(
        service: Service, changed: list[Change], kind: str, ours: str, versions: dict[str, float], named: str) -> None:
    result = judged(service, [*AROUND, changes(*changed), of_gateway({kind: 1590.0}), probe("database", ours),
                              error_lines(f"connect to payments-db failed: {kind}", 900, versions)])
    assert result.mechanism == named


def test_a_version_that_worked_well_before_the_symptom_is_not_at_fault(service: Service) -> None:
    """The old version served before the symptom and the new one since: the totals compare two times, not two versions.
    """
    findings = [released(NOW - 60), by_version(
        [(70, 400, 2), (60, 300, 1)],
        [(60, 100, 0), (50, 400, 2), (40, 400, 1), (30, 400, 180), (20, 400, 190)]), LINES]
    changed = changes(change("ConfigMap", "payment-gateway-config", field(["data", "CURRENCY"], "EUR", "EURO"),
                             at=NOW - 31))
    result = judged(service, [*findings, changed, pods("payment-gateway")])
    assert (result.cause, result.mechanism) == ("code_bug", "bad_configuration")
    assert judged(service, findings).cause == "unknown"


def test_versions_that_serve_side_by_side_are_compared(service: Service) -> None:
    new: Rows = [(30, 200, 95), (20, 200, 90)]
    one = by_version([(50, 400, 2), (30, 200, 1), (20, 200, 0)], new)
    both = by_version([(50, 400, 2), (30, 200, 80), (20, 200, 90)], new)
    assert judged(service, [released(NOW - 40), one, LINES]).mechanism == "bad_release"
    assert judged(service, [released(NOW - 40), both]).cause == "unknown"


def test_while_what_they_call_failed_versions_are_not_compared(service: Service) -> None:
    """Two faults at once: the provider works again by now, and what is left is the new version's own."""

    def provider(ends: float, errors: float) -> Found:
        return calls("payment-gateway", {"api.primary.example": callee(
            {"503 Service Unavailable": errors}, requests=2000, before=9000)}, Window(ends - 60, ends))

    rows = [released(NOW - 40), LINES,
            by_version([(50, 400, 2), (40, 300, 200), (30, 100, 70)],
                       [(40, 100, 80), (30, 300, 220), (20, 400, 170), (10, 400, 165)])]
    assert judged(service, [*rows, provider(NOW, 4)], NOW - 40).cause == "unknown"
    result = judged(service, [*rows, provider(NOW - 22, 1200), provider(NOW, 4)], NOW - 40)
    assert (result.cause, result.mechanism) == ("code_bug", "bad_release")


@pytest.mark.parametrize(("window", "took", "told"), [
    ({"1.3.0": Served(400, 1)}, {"1.3.0": 2600.0}, "new_version_slower"),
    ({"1.3.0": Served(400, 1), "1.2.0": Served(400, 1)}, {"1.3.0": 2600.0, "1.2.0": 2500.0}, "old_version_slow_too"),
    ({"1.3.0": Served(400, 1)}, {"1.3.0": 500.0}, "")])
def test_a_slow_release_is_recognised_by_its_versions(service: Service, window: dict[str, Served],
                                                      took: dict[str, float], told: str) -> None:
    by_time = Finding(source="newrelic", component="payment-gateway", detail=ErrorRateByVersion(
        window=window, baseline={"1.2.0": Served(40_000, 100)}, p95_ms=P95(took, {"1.2.0": 220.0})))
    mode = FailureMode("payment-gateway", OWN, 1.0, {}, ("newrelic",), True)
    found = {signal.id for signal in signals(service, mode, [by_time, rollout(ONSET - 20, "1.3.0", "1.2.0")])}
    assert found & {"new_version_slower", "old_version_slow_too"} == ({told} if told else set())


@given(st.integers(0, 10**6))
def test_the_order_of_findings_changes_nothing(seed: int) -> None:
    findings = [released(), BESIDE, LINES]
    shuffled = findings[:]
    random.Random(seed).shuffle(shuffled)
    assert judged(shipped_service(), shuffled) == judged(shipped_service(), findings)
