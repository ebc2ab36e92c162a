"""The cause ``overload``: more load than usual, one client that floods, and capacity that was taken away."""

from __future__ import annotations

import pytest

from responder.model.evidence import Finding
from responder.model.evidence.clients import Clients
from responder.model.fault_location import DATABASE, OWN
from responder.model.service import Service
from responder.plan.failure_modes import FailureMode
from tests.diagnosis import (
    NOW,
    ONSET,
    QUEUE,
    both,
    change,
    changes,
    clients,
    error_lines,
    field,
    judged,
    pods,
    proposed,
    rates,
    seen,
    signals,
)

IN_ITSELF = FailureMode("payment-gateway", OWN, 1.0)


def test_one_client_that_makes_the_surplus_is_a_flood_and_a_busy_one_is_not(service: Service) -> None:
    told = seen(service, "payment-gateway", clients(3600, 7200))["one_client_floods"]
    assert told == "one client (203.0.113.x) sends 50% of the requests; usual is 1.9%"
    assert seen(service, "payment-gateway", clients(3600, 7200), where=DATABASE) == {}
    assert seen(service, "payment-gateway", clients(1440, 3600, usual=1440.0)) == {}, "it always does"
    assert "one_client_floods" not in seen(service, "payment-gateway", clients(1200, 9000)), "others are more as well"
    assert seen(service, "payment-gateway", clients(1800, 3500)) == {}, "it is no more than usual in all"
    empty = Finding(source="splunk", status="empty", component="frontend", detail=Clients())
    assert seen(service, "payment-gateway", empty) == {}


@pytest.mark.parametrize(("total", "onset", "factor"), [
    # 40 a second are usual, over 90 s; what came beyond them came since the symptom.
    (2000 + 3600, ONSET, "2.2"), (2000 + 1600, ONSET, ""), (2000 + 2000, ONSET, ""),
    (900, ONSET, ""),  # the lines are late: that they are few says nothing
    (7200, NOW - 10, ""), (7200, None, ""), (7200, NOW - 200, "2.0")])
def test_request_lines_tell_of_more_load_and_never_of_less(service: Service, total: float, onset: float | None,
                                                           factor: str) -> None:
    found = signals(service, IN_ITSELF, [clients(72, total)], onset)
    assert [signal.sentence.split()[0] for signal in found if signal.id.startswith("load_")] == (
        [factor] if factor else [])


@pytest.mark.parametrize(("rows", "told"), [
    # By ten seconds: 400 are usual. The symptom began 40 s ago.
    ([(60, 400), (50, 400), (40, 1000), (30, 1000), (20, 1000), (10, 300)], "load_above_baseline"),
    ([(60, 400), (50, 400), (40, 590), (30, 600), (20, 600), (10, 100)], "load_above_baseline"),  # half more, counted
    ([(50, 400), (40, 700), (30, 900)], "load_above_baseline"),  # just risen, and not all is there yet
    ([(60, 400), (50, 400), (40, 410), (30, 390), (20, 400), (10, 30)], "load_is_usual"),
    ([(60, 400), (50, 400), (40, 540), (30, 530), (20, 540), (10, 540)], ""),  # between the two
    ([(90, 400), (80, 400), (70, 400), (60, 400)], ""),  # it is behind, and shows what was before
    ([(60, 400), (50, 400), (40, 90), (30, 0), (20, 0), (10, 0)], ""),  # and as New Relic fills what it lacks
    ([(40, 0), (30, 0)], "")])
def test_the_load_is_judged_by_the_requests_since_the_symptom(service: Service, rows: list[tuple[float, float]],
                                                              told: str) -> None:
    finding = rates("payment-gateway", 0.5, series=[(NOW - ago, requests, requests / 2) for ago, requests in rows])
    found = signals(service, IN_ITSELF, [finding])
    assert [signal.id for signal in found if signal.id.startswith("load_")] == ([told] if told else [])


@pytest.mark.parametrize(("others", "told"), [
    ([520.0], []),  # of the same requests one source counts 1.4 times the usual and may be short, one 1.3 times
    ([520.0, 590.0], ["load_above_baseline"] * 2), ([700.0], ["load_above_baseline"] * 2)])
def test_more_load_is_what_the_sources_that_count_the_same_requests_agree_on(service: Service, others: list[float],
                                                                             told: list[str]) -> None:
    sources = ("cloudwatch", "newrelic", "load_balancer")
    found = [rates("payment-gateway", 0.5, source=source, series=[
        (NOW - 10 * n, 400.0 if n > 4 else requests, 0.5 * requests) for n in range(7, 1, -1)])
             for source, requests in zip(sources, (570.0, *others), strict=False)]
    assert [signal.id for signal in signals(service, IN_ITSELF, found) if signal.id.startswith("load_")] == told


def test_a_flood_is_overload_only_with_the_load_itself(service: Service) -> None:
    assert judged(service, [*both("payment-gateway", 0.5), clients(3600, 7200)]).cause == "unknown"
    result = judged(service, [
        *both("payment-gateway", 0.5, per_second=160.0), error_lines(QUEUE), changes(), pods("payment-gateway"),
        clients(3600, 7200)])
    assert (result.cause, result.mechanism) == ("overload", "more_traffic")
    assert any("one client (203.0.113.x) sends 50% of the requests" in text for text in result.named[0].evidence_for)


_LIMIT = ("template", "spec", "containers", "payment-gateway", "resources", "limits")


@pytest.mark.parametrize(("path", "before", "after", "overload"), [
    ((*_LIMIT, "cpu"), "1", "250m", True), ((*_LIMIT, "cpu"), "250m", "1", False),
    ((*_LIMIT, "memory"), "512Mi", "480Mi", False)])
def test_a_lower_cpu_limit_reduces_capacity_and_is_restored(service: Service, path: tuple[str, ...], before: str,
                                                            after: str, overload: bool) -> None:
    lowered = change("Deployment", "payment-gateway", field(path, before, after))
    findings = [*both("payment-gateway", 0.5), error_lines(QUEUE), changes(lowered), pods("payment-gateway")]
    assert (judged(service, findings).cause == "overload") is overload
    if overload:
        remedy, = proposed(service, findings)
        assert (remedy.action, remedy.facts.changes[0].fields[0].path) == ("restore_configuration", tuple(path))
