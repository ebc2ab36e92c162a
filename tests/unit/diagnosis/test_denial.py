"""A source that sees nothing is suspected before an outage is denied; two that measure that all is well deny it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from bench.diagnosis import RECORDS
from responder.model.evidence import Bucket, Evidence, Finding, Window
from responder.model.evidence.error_lines import ErrorLines
from responder.model.evidence.error_rate import ErrorRate
from responder.model.evidence.latency_p95_ms import LatencyP95
from responder.model.incident import IncidentRecord
from responder.model.moment import seconds
from responder.model.service import Service
from responder.plan.confirm import Vote, confirm
from responder.plan.decisions import Confirmed
from responder.plan.replay import service_of
from responder.records.record import unpack

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


# --- The same over all recorded outages ------------------------------------------------------------------------------

Change = Callable[[Finding[Any], float], Finding[Any]]


def _nothing(finding: Finding[Any], onset: float) -> Finding[Any]:
    return replace(finding, status="empty", detail=type(finding.detail)(), value=None)


def _malformed(finding: Finding[Any], onset: float) -> Finding[Any]:
    return replace(_nothing(finding, onset), status="malformed")


def _cut(finding: Finding[Any], onset: float) -> Finding[Any]:
    """Rows that stop when it begins."""
    detail = finding.detail
    series = tuple(period for period in detail.series if period.start < onset - 5)
    if isinstance(detail, ErrorLines):
        return replace(finding, detail=replace(detail, series=series, lines=sum(p.errors for p in series),
                                               newest=onset - 15, period_seconds=10.0))
    return replace(finding, detail=replace(detail, series=series))


def _errorless(finding: Finding[Any], onset: float) -> Finding[Any]:
    """Errors by another name, or in another case: none is recognised, and none ever was."""
    detail = finding.detail
    if isinstance(detail, ErrorLines):
        newest = finding.window.end - 10 if finding.window else None
        return replace(finding, value=0.0, baseline=0.0, detail=replace(
            detail, series=(), lines=0.0, baseline_lines=0.0, newest=newest, period_seconds=10.0))
    return replace(finding, value=0.0, baseline=0.0, detail=replace(
        detail, errors=0.0, baseline_errors=0.0, series=tuple(p._replace(errors=0.0) for p in detail.series)))


def _of_1970(finding: Finding[Any], onset: float) -> Finding[Any]:
    if not isinstance(finding.detail, ErrorLines):
        return _nothing(finding, onset)
    whole = sum(p.errors for p in finding.detail.series)
    return replace(finding, detail=replace(finding.detail, series=(Bucket(0.0, whole, whole),) if whole else (),
                                           newest=0.0, period_seconds=10.0))


def _thinned(finding: Finding[Any], onset: float) -> Finding[Any]:
    """A sample in which no error happens to be."""
    if not isinstance(finding.detail, ErrorRate):
        return _nothing(finding, onset)
    detail = finding.detail
    return replace(finding, detail=replace(
        detail, requests=detail.requests / 50, errors=0.0, baseline_requests=detail.baseline_requests / 50,
        baseline_errors=round(detail.baseline_errors / 50),
        series=tuple(Bucket(p.start, round(p.requests / 50), 0.0) for p in detail.series)))


CHANGES: tuple[Change, ...] = (_nothing, _malformed, _cut, _errorless, _of_1970, _thinned)


@cache
def outages() -> tuple[tuple[str, Service, Confirmed, Evidence, float], ...]:
    """Looks at which an outage was confirmed, of some of the recorded incidents."""
    files = random.Random("denial").sample(sorted(RECORDS.glob("*.json.gz")), 40)
    return tuple(found for file in files for found in _confirmed(file.name, unpack(file.read_bytes())))


def _confirmed(name: str, record: dict[str, Any]) -> Iterator[tuple[str, Service, Confirmed, Evidence, float]]:
    incident = IncidentRecord.of(record["items"])
    for entry, made in incident.facts(Confirmed):
        if made.answer == "confirmed" and made.well_since is None:
            yield (name, service_of(record), made, incident.at(entry.entered), seconds(incident.incident.opened_at))


@pytest.mark.parametrize("truth", ["cloudwatch", "newrelic", "splunk"])
def test_no_recorded_outage_ends_as_a_false_alarm_where_one_source_sees_it(truth: str) -> None:
    tried, chance = 0, random.Random(truth)
    for name, service, made, evidence, opened_at in outages():
        given = made.signal_at or opened_at
        alone = confirm(service, made.asked, evidence, given)
        if alone.votes.get(truth) != "outage":
            continue
        onset = next((v.onset for v in alone.verdicts if v.source == truth and v.state == "failing"), None) or given
        for _ in range(6):
            change = {source: chance.choice(CHANGES) for source in made.asked if source != truth}
            varied = Evidence(
                change[f.source](f, onset) if f.source in change and isinstance(f.detail, ErrorRate | ErrorLines)
                and f.usable else f for f in evidence.every
                if f.source not in change or isinstance(f.detail, ErrorRate | ErrorLines))
            found = confirm(service, made.asked, varied, given)
            assert found.answer != "false_alarm", (
                name, {source: one.__name__ for source, one in change.items()}, found.reasons)
            tried += 1
    assert tried > 100
