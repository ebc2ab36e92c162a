"""A source that sees nothing is suspected before an outage is denied; two that measure that all is well deny it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest

from bench.blindness import BLINDINGS, Look, blinded, looks
from responder.model.evidence import Bucket, Evidence, Finding, Window
from responder.model.evidence.error_lines import ErrorLines
from responder.model.evidence.error_rate import ErrorRate
from responder.model.evidence.latency_p95_ms import LatencyP95
from responder.model.service import Service
from responder.plan.confirm import Vote, confirm

NOW = 1_800_000_000.0
WINDOW, BASELINE_REQUESTS = Window(NOW - 180, NOW), 144_000.0
GATEWAY = "payment-gateway"


def rate(source: str, share: float, since: float = NOW - 40, component: str = GATEWAY, *, until: float = NOW,
         thinned: float = 1.0, baseline: float = 0.004) -> Finding[Any]:
    """Requests of one component, of which a share fails from a moment on."""
    series = tuple(Bucket(start, 400 * thinned, round(400 * thinned * (share if start >= since else baseline)))
                   for start in (NOW - 180 + 10 * n for n in range(18)) if start < until)
    return Finding(source=source, component=component, window=WINDOW, detail=ErrorRate(
        requests=sum(p.requests for p in series), errors=sum(p.errors for p in series), series=series,
        baseline_requests=BASELINE_REQUESTS * thinned, baseline_errors=round(BASELINE_REQUESTS * thinned * baseline),
        period_seconds=10))


def lines(source: str = "splunk", errors: float = 0, *, newest: float = NOW - 10, baseline: float = 576,
          every: float = 900, component: str = GATEWAY, status: Any = "ok", starts: float = NOW - 40) -> Finding[Any]:
    """Log lines of one component; ``errors`` in each of the last periods."""
    series = tuple(Bucket(starts + 10 * n, errors, errors) for n in range(4)) if errors else ()
    return Finding(source=source, component=component, window=WINDOW, status=status,
                   note="" if status == "ok" else "cut", value=4 * errors / 3, baseline=baseline / 60,
                   detail=ErrorLines(
                       series=series, lines=4 * errors, baseline_lines=baseline, all_lines=every,
                       baseline_all_lines=18_000, newest=newest if every else None, period_seconds=10))


def voted(service: Service, *findings: Finding[Any]) -> tuple[str, dict[str, Vote]]:
    found = confirm(service, ("cloudwatch", "newrelic", "splunk"), Evidence(findings), NOW - 12)
    return found.answer, found.votes


FAILING = rate("cloudwatch", 0.4)
BLIND: dict[str, Finding[Any]] = {
    "no New Relic Transactions": Finding(source="newrelic", component=GATEWAY, window=WINDOW, status="empty",
                                         detail=ErrorRate()),
    "no error is recognised": rate("newrelic", 0.0, baseline=0.0),
    "data end before it began": rate("newrelic", 0.0, until=NOW - 40),
    "another component alone": rate("newrelic", 0.0, component="frontend"),
    "hardly any of the requests": rate("newrelic", 0.0, thinned=0.01),
    "no line": lines(every=0), "old lines": lines(newest=NOW - 70),
    "lines of 1970": lines(errors=150, starts=0.0), "errors in another case": lines(baseline=0),
    "a part of the lines": lines(status="partial"),
    "lines of another name": Finding(source="splunk", component=GATEWAY, window=WINDOW, status="empty",
                                     detail=ErrorLines())}


@pytest.mark.parametrize("newrelic", [name for name, one in BLIND.items() if one.source == "newrelic"])
@pytest.mark.parametrize("splunk", [name for name, one in BLIND.items() if one.source == "splunk"])
def test_two_sources_that_see_nothing_do_not_outvote_one_that_measures_failure(
        service: Service, newrelic: str, splunk: str) -> None:
    answer, votes = voted(service, FAILING, BLIND[newrelic], BLIND[splunk])
    assert (answer, votes["cloudwatch"], votes["newrelic"], votes["splunk"]) == (
        "inconclusive", "outage", "unknown", "unknown")


@pytest.mark.parametrize("others", [
    (rate("newrelic", 0.004), lines()), (rate("newrelic", 0.004, thinned=0.25), lines()),
    (rate("newrelic", 0.0, baseline=0.0, thinned=0.01), rate("application_signals", 0.004), lines())])
def test_two_sources_that_measure_it_going_well_deny_it(service: Service, others: Sequence[Finding[Any]]) -> None:
    assert voted(service, FAILING, *others)[0] == "false_alarm"
    # So they do where an error that nobody meets is in the logs again and again.
    assert voted(service, lines(errors=150), rate("newrelic", 0.004), rate("cloudwatch", 0.004))[0] == "false_alarm"


def test_slow_answers_are_denied_by_who_measures_latency(service: Service) -> None:
    def latency(source: str, value: float) -> Finding[Any]:
        return Finding(source=source, component=GATEWAY, window=WINDOW, value=value, baseline=200.0,
                       detail=LatencyP95(requests=2000))

    well = (rate("cloudwatch", 0.004), rate("newrelic", 0.004), lines())
    assert voted(service, *well, latency("newrelic", 4000.0))[1] == {
        "cloudwatch": "unknown", "newrelic": "outage", "splunk": "unknown"}
    votes = voted(service, *well, latency("newrelic", 4000.0), latency("cloudwatch", 210.0))[1]
    assert votes["cloudwatch"] == "healthy"


def test_what_is_new_is_not_denied_by_data_from_before(service: Service) -> None:
    just_begun = rate("cloudwatch", 0.4, since=NOW - 10)
    answer, votes = voted(service, just_begun, rate("newrelic", 0.0, until=NOW - 20), lines(newest=NOW - 30))
    assert answer == "inconclusive" and votes["newrelic"] == "unknown"


# --- The same over recorded outages ----------------------------------------------------------------------------------


@cache
def outages() -> tuple[Look, ...]:
    """Looks at which an outage was confirmed, of some of the recorded incidents; ``bench/blindness.py`` tries all."""
    return tuple(looks(40))


@pytest.mark.parametrize("truth", ["cloudwatch", "newrelic", "splunk"])
def test_no_recorded_outage_ends_as_a_false_alarm_where_one_source_sees_it(truth: str) -> None:
    tried, chance = 0, random.Random(truth)
    for look in outages():
        for _ in range(6):
            chosen = {source: chance.choice(BLINDINGS) for source in look.asked if source != truth}
            evidence = blinded(look, truth, chosen)
            if evidence is None:
                break
            found = look.confirm(evidence)
            assert found.answer != "false_alarm", (
                look.name, {source: one.__name__ for source, one in chosen.items()}, found.reasons)
            tried += 1
    assert tried > 100


@pytest.mark.parametrize("share", [0.5, 0.7, 1.0])
def test_what_failed_all_through_the_time_before_is_no_habit_that_denies_an_outage(service: Service, share: float,
                                                                                   ) -> None:
    """Who starts the responder an hour late compares the outage with itself."""
    long = [rate(source, share, since=NOW - 180, baseline=share) for source in ("cloudwatch", "newrelic")]
    answer, votes = voted(service, *long, lines(errors=400, baseline=400 * 360, starts=NOW - 40))
    assert answer == "inconclusive"
    assert (votes["cloudwatch"], votes["newrelic"]) == ("unknown", "unknown")


def test_what_was_down_before_and_works_again_is_well(service: Service) -> None:
    again = [rate(source, 0.0, since=NOW - 180, baseline=0.7) for source in ("cloudwatch", "newrelic")]
    assert voted(service, *again)[0] == "false_alarm"
