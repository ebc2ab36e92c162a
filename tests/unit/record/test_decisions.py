"""Confirm, isolate, diagnose, guardrails, recovery: decisions from findings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.long_incident import counted
from responder.handlers.ask import spans
from responder.model.evidence import Evidence, Finding, Window
from responder.model.evidence.error_rate import DayBefore
from responder.model.fault_location import OWN, Provider
from responder.model.service import Service
from responder.plan.confirm import Confirmation, confirm
from responder.plan.decide import DiagnosisInput, judge_cause
from responder.plan.isolate import isolate
from responder.plan.recovery import RARER, helped, judge, next_check, slow_until
from responder.plan.remedies.scale_up import throughput
from responder.plan.symptom import fading, verdicts
from responder.plan.weights import shipped
from tests.conftest import shipped_service
from tests.findings import observed

NOW = 1_800_000_000.0


def rates(source: str, component: str, series: list[tuple[float, float, float]], baseline: float = 0.004,
          per_second: float = 40.0) -> Finding[Any]:
    before = per_second * 3600
    return observed(source, "error_rate", component=component, window=Window(NOW - 180, NOW), detail={
        "series": [list(row) for row in series], "baseline_requests": before, "baseline_errors": before * baseline,
        "baseline_seconds": 3600.0, "requests": sum(r[1] for r in series), "errors": sum(r[2] for r in series)})


def steady(share: float, failing_for: float = 180.0, requests: float = 400.0) -> list[tuple[float, float, float]]:
    return [(NOW - 180 + 10 * n, requests, requests * (share if 180 - 10 * n <= failing_for else 0.004))
            for n in range(18)]


def test_two_sources_that_see_the_outage_confirm_it(service: Service) -> None:
    findings = [rates("newrelic", "frontend", steady(0.4, 30)), rates("cloudwatch", "frontend", steady(0.4, 30))]
    result = confirm(service, ["newrelic", "cloudwatch", "splunk"], Evidence(findings), NOW)
    assert (result.answer, result.kind) == ("confirmed", "high_error_rate")
    assert result.onset is not None and abs(result.onset - (NOW - 30)) <= 10


def test_a_source_that_is_down_counts_as_unknown(service: Service) -> None:
    down = observed("splunk", "answer", "unavailable", note="refused")
    healthy = [rates(source, "frontend", steady(0.004)) for source in ("newrelic", "cloudwatch")]
    all_three = confirm(service, ["newrelic", "cloudwatch", "splunk"], Evidence([*healthy, down]), NOW)
    assert all_three.answer == "false_alarm"
    one = confirm(service, ["newrelic", "cloudwatch", "splunk"], Evidence([healthy[0], down]), NOW)
    assert one.answer == "inconclusive"


def test_two_errors_in_three_requests_are_no_outage(service: Service) -> None:
    findings = [rates(s, "frontend", [(NOW - 10, 3, 2)], per_second=0.01) for s in ("newrelic", "cloudwatch")]
    assert confirm(service, ["newrelic", "cloudwatch"], Evidence(findings), NOW).answer == "inconclusive"


def test_no_traffic_where_there_was_some_is_an_outage(service: Service) -> None:
    findings = [rates(s, "frontend", []) for s in ("newrelic", "cloudwatch")]
    result = confirm(service, ["newrelic", "cloudwatch"], Evidence(findings), NOW)
    assert (result.answer, result.kind) == ("confirmed", "loss_of_connectivity")


def test_the_same_hour_of_the_day_before_shows_the_usual_level(service: Service) -> None:
    def with_day(finding: Finding[Any], requests: float, errors: float) -> Finding[Any]:
        return replace(finding, detail=replace(finding.detail, day_before=DayBefore(
            requests, errors, 180.0, hour_requests=144_000.0, hour_seconds=3600.0)))

    # The shop closes at this time, each day.
    silent = [rates(s, "frontend", [(NOW - 180, 20.0, 0.0)]) for s in ("newrelic", "cloudwatch")]
    assert confirm(service, ["newrelic", "cloudwatch"], Evidence(silent), NOW).answer == "confirmed"
    closing = [with_day(finding, 4.0, 0.0) for finding in silent]
    assert confirm(service, ["newrelic", "cloudwatch"], Evidence(closing), NOW).answer != "confirmed"
    # A nightly batch fails at this time, each day; and what fails far more than that is no habit.
    batch = [rates(s, "frontend", steady(0.2, 60)) for s in ("newrelic", "cloudwatch")]
    assert confirm(service, ["newrelic", "cloudwatch"], Evidence(batch), NOW).answer == "confirmed"
    assert confirm(service, ["newrelic", "cloudwatch"], Evidence([with_day(f, 7200.0, 1400.0) for f in batch]),
                   NOW).answer != "confirmed"
    more = [with_day(rates(s, "frontend", steady(0.7, 60)), 7200.0, 1400.0) for s in ("newrelic", "cloudwatch")]
    assert confirm(service, ["newrelic", "cloudwatch"], Evidence(more), NOW).answer == "confirmed"


@pytest.mark.parametrize("source", ["newrelic", "cloudwatch"])
def test_an_outage_that_fills_the_baseline_is_no_false_alarm(service: Service, source: str) -> None:
    """For an hour a fifth of the requests has failed; a day ago hardly any did."""
    def found(now: float, yesterday: float | None) -> list[Finding[Any]]:
        old = [rates(s, "frontend", steady(now, 180)) for s in ("newrelic", "cloudwatch")]
        day = None if yesterday is None else DayBefore(7200.0, 7200.0 * yesterday, 180.0, 144_000.0, 3600.0)
        return [replace(one, detail=replace(one.detail, baseline_requests=144_000.0, baseline_errors=144_000 * 0.205,
                                            day_before=day if one.source == source else None)) for one in old]

    def answer(now: float, yesterday: float | None) -> Confirmation:
        return confirm(service, ["newrelic", "cloudwatch"], Evidence(found(now, yesterday)), NOW)

    late = answer(0.2, 0.004)
    assert (late.answer, late.votes[source]) == ("inconclusive", "unknown")
    assert "0.4%" in late.reasons[source]
    # What fails as often each day at this hour, or hardly at all by now, is as usual.
    assert answer(0.2, 0.2).answer == answer(0.004, 0.004).answer == "false_alarm"
    # Where nobody knows of yesterday, the hour before is all that there is to compare with.
    assert answer(0.2, None).answer == "false_alarm"
    assert answer(0.7, 0.004).answer == "confirmed"


def test_a_log_without_errors_does_not_make_silence_a_delay(service: Service) -> None:
    silent = [rates(s, "frontend", [(NOW - 180, 20.0, 0.0)]) for s in ("newrelic", "cloudwatch")]
    calm = observed("splunk", "error_lines", component="frontend", value=0.5, baseline=0.4,
                   window=Window(NOW - 180, NOW),
                   detail={"series": []})
    found = confirm(service, ["newrelic", "cloudwatch", "splunk"], Evidence([*silent, calm]), NOW)
    assert (found.answer, found.kind) == ("confirmed", "loss_of_connectivity")


def test_failures_before_the_recovery_are_no_relapse(service: Service) -> None:
    """An alarm whose period reaches back to the outage comes a moment after it is over."""
    over = [rates(s, "frontend", [(t, n, n * (0.6 if t < NOW - 40 else 0.004)) for t, n, _ in steady(0)])
            for s in ("newrelic", "cloudwatch")]
    lines = observed("splunk", "error_lines", component="frontend", value=200.0, baseline=0.0, unit="/min",
                    window=Window(NOW - 60, NOW), detail={"series": [[NOW - 60, 400, 400], [NOW - 50, 250, 250]]})
    stale = replace(over[1], source="other", window=Window(NOW - 300, NOW - 50))
    sources, findings = ["cloudwatch", "newrelic", "splunk", "other"], [*over, lines, stale]
    result = confirm(service, sources, Evidence(findings), NOW, NOW - 40)
    assert result.answer == "false_alarm"
    assert (result.votes["splunk"], result.votes["other"]) == ("healthy", "unknown")
    again = [rates(s, "frontend", steady(0.6, 20)) for s in ("newrelic", "cloudwatch")]
    assert confirm(service, sources, Evidence(again), NOW, NOW - 40).answer == "confirmed"
    gone = [rates(s, "frontend", [row for row in steady(0.004) if row[0] < NOW - 70])
            for s in ("newrelic", "cloudwatch")]
    assert confirm(service, sources, Evidence(gone), NOW, NOW - 90).answer == "confirmed"


@pytest.mark.parametrize(("requests", "vote"), [(400.0, "healthy"), (8.0, "outage"), (0.0, "outage")])
def test_a_few_lines_of_many_requests_are_no_outage(service: Service, requests: float, vote: str) -> None:
    """A request that fails writes a line at least: fourteen lines in half a minute are 1 % of 40 requests a second."""
    lines = observed("splunk", "error_lines", component="frontend", value=28.0, baseline=0.4,
                    window=Window(NOW - 180, NOW), detail={"series": [[NOW - 10 * n, 5.0, 5.0] for n in (3, 2, 1)]})
    counted = [rates("cloudwatch", "frontend", steady(0.004, requests=requests))] if requests else []
    assert confirm(service, ["cloudwatch", "splunk"], Evidence([lines, *counted]), NOW).votes["splunk"] == vote


def test_a_log_without_errors_does_not_deny_slow_answers(service: Service) -> None:
    asked = ["newrelic", "cloudwatch", "splunk"]
    slow = observed("newrelic", "latency_p95_ms", component="frontend", value=4000.0, baseline=250.0,
                   window=Window(NOW - 180, NOW), detail={"requests": 7000})
    well = rates("cloudwatch", "frontend", steady(0.004))
    calm = observed("splunk", "error_lines", component="frontend", value=0.5, baseline=0.4,
                   window=Window(NOW - 180, NOW), detail={"series": []})
    assert confirm(service, asked, Evidence([slow, well, calm]), NOW).answer == "inconclusive"
    # What fails would have told of it, so there the log's silence counts.
    failing = rates("newrelic", "frontend", steady(0.4))
    assert confirm(service, asked, Evidence([failing, well, calm]), NOW).answer == "false_alarm"
    assert confirm(service, asked, Evidence([well, calm]), NOW).answer == "false_alarm"


def test_a_source_without_recent_data_is_behind_and_not_silent(service: Service) -> None:
    findings = [rates("newrelic", "frontend", []), rates("cloudwatch", "frontend", steady(0.004))]
    assert confirm(service, ["newrelic", "cloudwatch"], Evidence(findings), NOW).votes["newrelic"] == "unknown"


def test_a_fault_that_has_just_begun_is_not_called_healthy(service: Service) -> None:
    series = [*steady(0.004)[:-1], (NOW - 10, 400.0, 22.0)]
    findings = [rates(s, "frontend", series) for s in ("newrelic", "cloudwatch")]
    assert confirm(service, ["newrelic", "cloudwatch"], Evidence(findings), NOW).answer != "false_alarm"


def test_data_that_end_before_the_signal_do_not_call_it_false(service: Service) -> None:
    findings = [rates(s, "frontend", steady(0.004)[:-4]) for s in ("newrelic", "cloudwatch")]
    assert confirm(service, ["newrelic", "cloudwatch"], Evidence(findings), NOW).answer != "false_alarm"


@given(st.floats(0, 0.01), st.integers(200, 5000))
def test_background_errors_are_never_confirmed(share: float, requests: int) -> None:
    shipped = shipped_service()
    findings = [rates(s, "frontend", steady(share, requests=float(requests)), share, requests / 10)
                for s in ("newrelic", "cloudwatch")]
    assert confirm(shipped, ["newrelic", "cloudwatch"], Evidence(findings), NOW).answer == "false_alarm"


def test_a_component_whose_callee_fails_is_impacted(service: Service) -> None:
    found = confirm(service, ["newrelic"], Evidence([rates("newrelic", name, steady(0.4)) for name in
                                               ("frontend", "backend", "payment-gateway")]), NOW).verdicts
    result = isolate(service, found, Evidence([]))
    assert result.faulty == ("payment-gateway",)
    assert result.impacted == ("backend", "frontend")


def test_components_that_call_each_other_are_all_faulty(service: Service) -> None:
    components = tuple(replace(c, calls=("frontend",)) if c.name == "payment-gateway" else c
                       for c in service.components)
    looped = replace(service, components=components)
    found = confirm(looped, ["newrelic"], Evidence([rates("newrelic", c.name, steady(0.4)) for c in components]),
                       NOW).verdicts
    assert len(isolate(looped, found, Evidence([])).faulty) == 3


def bad_release(at: float) -> list[Finding[Any]]:
    return [
        observed("rollouts", "rollouts", component="payment-gateway", detail={"revisions": [
            {"revision": 2, "replica_set": "b", "images": ["r/x:1.1.0"], "created": at, "current": True},
            {"revision": 1, "replica_set": "a", "images": ["r/x:1.0.0"], "created": NOW - 9999, "current": False}]}),
        observed("newrelic", "error_rate_by_version", component="payment-gateway", detail={
            "window": {"1.1.0": [400, 180], "1.0.0": [400, 2]}, "baseline": {"1.0.0": [90000, 300]}}),
        observed("splunk", "error_signatures", detail={"signatures": [
            {"component": "payment-gateway", "text": "x", "count": 200, "versions": {"1.1.0": 199, "1.0.0": 1}}]})]


def test_recovery_needs_two_sources_for_the_whole_time(service: Service) -> None:
    quick = replace(service, recovery=replace(service.recovery, hold_seconds=60))
    well = [(NOW - 180 + 10 * n, 400.0, 160.0 if n < 8 else 2.0) for n in range(18)]
    both = [rates(s, c.name, well) for s in ("newrelic", "cloudwatch") for c in service.components]
    assert judge(quick, Evidence(both), NOW, NOW - 100, 900).answer == "recovered"
    late = [*both[:3], *(rates("cloudwatch", c.name, [*well[:-1], (NOW - 10, 400, 100)]) for c in service.components)]
    assert judge(quick, Evidence(late), NOW, NOW - 100, 900).answer == "waiting"
    bad = [rates(s, c.name, steady(0.4)) for s in ("newrelic", "cloudwatch") for c in service.components]
    assert judge(quick, Evidence(bad), NOW, NOW - 901, 900).answer == "not_helped"


def stepped(component: str, *shares: tuple[float, float], source: str = "newrelic") -> Finding[Any]:
    """Error rates as (from how many seconds ago, share)."""
    def share(ago: float) -> float:
        return next((value for since, value in reversed(shares) if ago <= since), 0.004)
    return rates(source, component, [(NOW - 180 + 10 * n, 400.0, 400.0 * share(180 - 10 * n)) for n in range(18)])


BOTH = ("newrelic", "cloudwatch")


def test_a_remedy_that_makes_another_component_worse_is_seen_by_two_sources(service: Service) -> None:
    sandboxed = replace(service, recovery=replace(service.recovery, give_up_seconds=60, hold_seconds=20))
    still = [stepped("payment-gateway", (110, 0.5), source=s) for s in BOTH]
    harmed = [stepped("backend", (70, 0.6), source=s) for s in BOTH]
    found = judge(sandboxed, Evidence([*still, *harmed]), NOW, NOW - 80, 600, changed=True)
    assert (found.answer, "backend" in found.reason) == ("worse", True)
    # Nobody did anything; only one source says so; or it had been as bad before.
    assert judge(sandboxed, Evidence([*still, *harmed]), NOW, NOW - 80, 600).answer == "waiting"
    one = [*still, harmed[0], stepped("backend", source="cloudwatch")]
    assert judge(sandboxed, Evidence(one), NOW, NOW - 80, 600, changed=True).answer == "waiting"
    before = [stepped("backend", (100, 0.6), source=s) for s in BOTH]
    assert judge(sandboxed, Evidence([*still, *before]), NOW, NOW - 80, 600, changed=True).answer == "waiting"


def test_a_component_that_is_still_slow_has_not_recovered(service: Service) -> None:
    quick = replace(service, recovery=replace(service.recovery, hold_seconds=30))
    well = [stepped(c.name, source=s) for s in BOTH for c in service.components]
    assert judge(quick, Evidence(well), NOW, NOW - 100, 900).answer == "recovered"
    slow = [observed(s, "latency_p95_ms", component="payment-gateway", value=2600.0, baseline=220.0,
                    window=Window(NOW - 60, NOW), detail={"requests": 400}) for s in BOTH]
    assert judge(quick, Evidence([*well, *slow]), NOW, NOW - 100, 900).answer == "waiting"
    assert judge(quick, Evidence([*well, *slow]), NOW, NOW - 901, 900).answer == "not_helped"


def test_a_component_that_was_slow_until_now_has_not_recovered_yet(service: Service) -> None:
    quick = replace(service, recovery=replace(service.recovery, hold_seconds=60))
    well = [stepped(c.name, source=s) for s in BOTH for c in service.components]
    assert judge(quick, Evidence(well), NOW, NOW - 100, 900, slow_until=NOW - 20).answer == "waiting"
    done = judge(quick, Evidence(well), NOW, NOW - 100, 900, slow_until=NOW - 61)
    assert (done.answer, done.well_since) == ("recovered", NOW - 61)
    looks = [observed("newrelic", "latency_p95_ms", component="backend", value=value, baseline=220.0,
                     window=Window(end - 60, end), detail={"requests": 400})
             for value, end in ((2600.0, NOW - 120), (2400.0, NOW - 90), (230.0, NOW - 60))]
    assert slow_until(quick, Evidence(looks)) == NOW - 90
    assert slow_until(quick, Evidence(looks[2:])) is None


def test_with_two_faults_the_shipped_times_show_which_remedy_helped(service: Service) -> None:
    opened, applied = NOW - 1000, NOW - 905
    window, baseline = spans(service, "watch", opened, NOW, opened, applied + 20)
    assert window.start <= applied - 60
    series = [(window.start + 10 * n, 400.0, 200.0 if window.start + 10 * n < applied + 30 else 1.0)
              for n in range(int(window.seconds / 10))]
    assert helped(service, Evidence([rates("newrelic", "payment-gateway", series)]), "payment-gateway", NOW, applied)
    assert baseline.end == opened - service.confirm.window_seconds
    # A relapse is compared with the time before the incident was first opened, not with its own first part.
    assert spans(service, "confirm", NOW, NOW, opened)[1] == baseline


def test_a_remedy_that_ended_a_silence_helped_although_another_fault_appeared(service: Service) -> None:
    """No pod served, and once they do every request fails at the database."""
    quick = replace(service, recovery=replace(service.recovery, hold_seconds=20))

    def found(before: float, after: float) -> list[Finding[Any]]:
        series = [(NOW - 180 + 10 * n, before if 180 - 10 * n > 60 else after) for n in range(18)]
        return [rates(s, "frontend", [(t, n, n) for t, n in series if n]) for s in BOTH]

    assert helped(quick, Evidence(found(20, 380)), "frontend", NOW, NOW - 60)
    assert not helped(quick, Evidence(found(20, 60)), "frontend", NOW, NOW - 60)
    assert not helped(quick, Evidence(found(0, 0)), "frontend", NOW, NOW - 60)
    assert not helped(quick, Evidence(found(390, 380)), "frontend", NOW, NOW - 60)
    assert not helped(quick, Evidence(found(20, 380)[:1] + found(20, 60)[1:]), "frontend", NOW, NOW - 60)
    assert not helped(quick, Evidence(found(20, 380)), "frontend", NOW, NOW - 10)


@pytest.mark.parametrize(("callees", "ends", "well"), [
    ({"api.fallback.example": (2400, 12)}, 0, True),
    ({"api.fallback.example": (2400, 12), "api.primary.example": (60, 40)}, 0, True),  # until the flag was read
    ({"api.fallback.example": (2400, 900)}, 0, False), ({"api.fallback.example": (3, 0)}, 0, False),
    ({"api.fallback.example": (2400, 12)}, 30, False), ({}, 0, False)])
def test_with_two_faults_in_one_component_each_remedy_is_judged_by_its_own_failure_mode(service: Service, callees: Any,
                                                                                        ends: float,
                                                                                        well: bool) -> None:
    """The load is too much as well, so that the component itself fails all the time."""
    window = Window(NOW - 60 - ends, NOW - ends)
    calls = observed("newrelic", "calls", component="payment-gateway", window=window, detail={
        "callees": {host: {"requests": requests, "errors": errors} for host, (requests, errors) in callees.items()}})
    findings = [*(rates(s, "payment-gateway", steady(0.5)) for s in BOTH), calls]
    assert helped(service, Evidence(findings), "payment-gateway", NOW, NOW - 60, Provider("primary")) is well
    assert not helped(service, Evidence(findings), "payment-gateway", NOW, NOW - 60, OWN)
    assert not helped(service, Evidence(findings), "payment-gateway", NOW, NOW - 60)


def test_an_outage_on_its_way_up_is_not_held_against_the_remedy(service: Service) -> None:
    sandboxed = replace(service, recovery=replace(service.recovery, give_up_seconds=60, hold_seconds=20))
    rising = [stepped("payment-gateway", (90, 0.55), source=s) for s in BOTH]
    assert judge(sandboxed, Evidence(rising), NOW, NOW - 80, 600, changed=True).answer == "waiting"


def test_with_two_faults_a_remedy_that_ended_its_own_fault_helped(service: Service) -> None:
    quick = replace(service, recovery=replace(service.recovery, hold_seconds=30))
    findings = [stepped("payment-gateway", (120, 0.5), (60, 0.004)), stepped("frontend", (120, 0.5))]
    assert helped(quick, Evidence(findings), "payment-gateway", NOW, NOW - 70)
    assert not helped(quick, Evidence(findings), "frontend", NOW, NOW - 70)
    assert not helped(quick, Evidence(findings), "backend", NOW, NOW - 70)
    slow = observed("cloudwatch", "latency_p95_ms", component="payment-gateway", value=1719.0, baseline=230.0,
                   window=Window(NOW - 60, NOW), detail={"requests": 4000})
    assert not helped(quick, Evidence([*findings, slow]), "payment-gateway", NOW, NOW - 70)


def test_a_load_that_has_just_risen_is_measured_at_its_height(service: Service) -> None:
    series = [(NOW - 90 + 10 * n, 400.0 if n < 6 else 1600.0, 2.0 if n < 6 else 800.0) for n in range(9)]
    pods = observed("kubernetes", "pods", component="payment-gateway", value=1.0, detail={"ready": 4, "wanted": 4})
    measured = throughput(Evidence([rates("newrelic", "payment-gateway", series), pods]), "payment-gateway")
    assert measured == (160.0, 20.0)
    # The same by the minute, as most metrics are: the newest minute is not whole yet.
    minutes = [(NOW - 270 + 60 * n, *row) for n, row in enumerate([(2400.0, 12.0)] * 2 + [(9600.0, 4800.0)] * 2
                                                                 + [(4800.0, 2400.0)])]
    assert throughput(Evidence([rates("cloudwatch", "payment-gateway", minutes), pods]), "payment-gateway") == measured


@given(st.floats(0, 20_000), st.one_of(st.none(), st.floats(0, 400)))
def test_looks_become_rarer_and_never_too_rare(elapsed: float, left: float | None) -> None:
    recovery = shipped_service().recovery
    wait = next_check(shipped_service(), elapsed, left)
    assert recovery.check_every_seconds <= wait <= recovery.check_at_most_every_seconds
    if left is not None:
        assert wait <= max(recovery.check_every_seconds, left + 2, RARER * elapsed + 1)


def test_four_hours_of_watching_take_few_looks() -> None:
    elapsed, looks = 0.0, 0
    while elapsed < 4 * 3600:
        elapsed += next_check(shipped_service(), elapsed, None)
        looks += 1
    assert looks < 35


def test_silence_is_no_recovery(service: Service) -> None:
    silent = [rates(s, c.name, [(NOW - 180, 400.0, 2.0)]) for s in ("newrelic", "cloudwatch")
              for c in service.components]
    assert judge(service, Evidence(silent), NOW, NOW - 100, 900).answer == "waiting"
    quick = replace(service, recovery=replace(service.recovery, hold_seconds=15))

    def until(ago: float, *more: tuple[float, float, float]) -> list[Finding[Any]]:
        series = [(NOW - 180 + 10 * n, 400.0, 2.0) for n in range(18) if NOW - 180 + 10 * n < NOW - ago]
        return [rates(s, c.name, [*series, *more]) for s in BOTH for c in service.components]

    # Silent for so short a time that the last requests are fresh: they came before anybody watched.
    assert judge(quick, Evidence(until(50)), NOW, NOW - 30, 900).answer == "waiting"
    # They come again, but for less than what must be held; then for long enough.
    assert judge(quick, Evidence(until(60, (NOW - 10, 400.0, 1.0))), NOW, NOW - 45, 900).answer == "waiting"
    longer = until(60, (NOW - 20, 400.0, 1.0), (NOW - 10, 400.0, 1.0))
    assert judge(quick, Evidence(longer), NOW, NOW - 45, 900).answer == "recovered"
    # A few of them are no customers that have come back.
    few = [(NOW - 50 + 10 * n, 9.0, 0.0) for n in range(5)]
    assert judge(quick, Evidence(until(60, *few)), NOW, NOW - 45, 900).answer == "waiting"


def test_a_single_source_decides_after_twice_the_time(service: Service) -> None:
    quick = replace(service, recovery=replace(service.recovery, hold_seconds=60))
    gone = [observed("newrelic", "error_rate", "empty", component=c.name) for c in service.components]

    def well_for(periods: int) -> list[Finding[Any]]:
        series = [(NOW - 180 + 10 * n, 400.0, 160.0 if n < 18 - periods else 2.0) for n in range(18)]
        return [*gone, *(rates("cloudwatch", c.name, series) for c in service.components)]

    stale = [rates("newrelic", c.name, [(NOW - 180 + 10 * n, 400.0, 160.0) for n in range(5)])
             for c in service.components]
    # What is behind cannot say that the symptom is still there.
    assert judge(quick, Evidence([*stale, *well_for(13)[3:]]), NOW, NOW - 150, 900).answer == "recovered"
    assert judge(quick, Evidence(well_for(8)), NOW, NOW - 100, 900).answer == "waiting"
    assert judge(quick, Evidence(well_for(13)), NOW, NOW - 150, 900).answer == "recovered"


def test_the_callee_that_a_slow_component_waits_for_is_at_fault(service: Service) -> None:
    def latencies(component: str, usual: float, now: float) -> Finding[Any]:
        start = NOW - 3600
        minutes = [[start + 60 * n, 2400.0, usual * (1 + 0.02 * (n % 3)) if n < 58 else now] for n in range(60)]
        return observed("cloudwatch", "latency_p95_ms", component=component, value=now, baseline=usual,
                       window=Window(NOW - 120, NOW), detail={"requests": 2400.0, "minutes": minutes})

    findings = [latencies("frontend", 480.0, 1700.0), latencies("backend", 420.0, 1450.0),
                latencies("payment-gateway", 230.0, 1250.0)]
    result = isolate(service, verdicts(service, Evidence(findings), NOW), Evidence(findings))
    assert result.faulty == ("payment-gateway",)
    assert result.impacted == ("frontend",)
    alone = [latencies("frontend", 480.0, 1700.0), latencies("backend", 420.0, 425.0),
             latencies("payment-gateway", 230.0, 232.0)]
    assert isolate(service, verdicts(service, Evidence(alone), NOW), Evidence(alone)).faulty == ("frontend",)


def test_a_long_incident_has_a_short_history_and_costs_little() -> None:
    events, dollars = counted()
    # Of 25,000; warming takes some eighty of them.
    assert events < 2200
    assert dollars < 0.05


def test_a_symptom_that_is_just_going_away_is_given_a_look_s_time(service: Service) -> None:
    def entry(*newest: tuple[float, float, float]) -> list[Finding[Any]]:
        series = [(NOW - 50 + 10 * n, 400.0, 200.0) for n in range(4)]
        return [rates(s, "frontend", [*series, *newest]) for s in BOTH]

    assert fading(service, Evidence(entry((NOW - 10, 150.0, 2.0))), NOW - 50)
    assert not fading(service, Evidence(entry((NOW - 10, 150.0, 70.0))), NOW - 50)
    assert not fading(service, Evidence(entry((NOW - 10, 5.0, 0.0))), NOW - 50)  # so few tell nothing
    # One source that sees it unabated is enough to go on, and with no onset nothing can be compared.
    mixed = [entry((NOW - 10, 150.0, 2.0))[0], entry((NOW - 10, 150.0, 80.0))[1]]
    assert not fading(service, Evidence(mixed), NOW - 50)
    assert not fading(service, Evidence(entry((NOW - 10, 150.0, 2.0))), None)
    gone = [*entry((NOW - 10, 150.0, 2.0)), *bad_release(NOW - 55)]
    first, second = (judge_cause(service, Evidence(gone), DiagnosisInput(NOW, NOW - 50, looks=looks), shipped())
                     for looks in (1, 2))
    assert first.proposed == () and first.fading and not second.fading
