"""Sampled, unmarked and missing spans leave more unknown; they never turn a diagnosis."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from bench.diagnosis import RECORDS
from bench.mutations import Decision, binomial, decided, mutated, sampled
from responder.model.evidence import Detail, Finding
from responder.model.evidence.calls import Calls
from responder.model.service import Service
from responder.records.record import unpack
from tests.diagnosis import NOW, callee, calls, modes, rates

GATEWAY, PRIMARY = "payment-gateway", "api.primary.example"
FEW = ("5 % of the spans", "5 %, how many is not told", "no spans", "no error.class, but a status",
       "no error.class and no status", "spans alone, 10 % of them")
A_TENTH = sorted(path.name.removesuffix(".json.gz") for path in RECORDS.glob("*.json.gz"))[::10]


def rows(requests: float, errors: float) -> list[tuple[float, float, float]]:
    return [(NOW - 60 + 10 * n, requests / 6, errors / 6) for n in range(6)]


def spans(requests: float, errors: float, text: str = "Read timed out", entries: float | None = None,
          failed: float | None = None) -> Finding[Calls]:
    found = calls(GATEWAY, {PRIMARY: callee({text: errors} if errors else {}, requests=requests, before=0.0)})
    return replace(found, detail=replace(found.detail, requests=entries, errors=failed))


@pytest.mark.parametrize(("entries", "failed"), [(None, None), (60, 24), (60, 0)])
def test_a_hundredth_of_the_spans_blames_the_provider_as_all_of_them_do(
        service: Service, entries: float | None, failed: float | None) -> None:
    found = modes(service, GATEWAY, [rates(GATEWAY, 0.4, series=rows(6000, 2400)),
                                     spans(60, 24, entries=entries, failed=failed)])
    assert [(mode.where, mode.share) for mode in found] == [("provider:primary", 1.0)]
    assert found[0].least_share is not None and 0.5 < found[0].least_share < 1.0


def test_a_sample_without_failed_calls_finds_the_fault_in_the_component(service: Service) -> None:
    found = modes(service, GATEWAY, [rates(GATEWAY, 0.4, series=rows(6000, 2400)), spans(60, 0, entries=60, failed=24)])
    assert [(mode.where, mode.sources) for mode in found] == [("own", ("newrelic",))]


@pytest.mark.parametrize("entries", [0.0, 2.0])
def test_too_few_spans_find_it_nowhere(service: Service, entries: float) -> None:
    found = modes(service, GATEWAY, [rates(GATEWAY, 0.4, series=rows(6000, 2400)),
                                     spans(entries, 0, entries=entries, failed=entries / 2)])
    assert [mode.sources for mode in found] == [()]


@pytest.mark.parametrize("entries", [20.0, 400.0])
def test_a_sample_that_lacks_the_calls_of_requests_that_got_on_shows_no_fault_of_the_component(
        service: Service, entries: float) -> None:
    """Half of the requests of the sample got on, each by a call, and the spans of hardly any call were kept."""
    found = modes(service, GATEWAY, [rates(GATEWAY, 0.5, series=rows(6000, 3000)),
                                     spans(2, 0, entries=entries, failed=entries / 2)])
    assert [mode.sources for mode in found] == [()]


def test_a_component_that_seldom_calls_anything_fails_by_itself_where_its_calls_surely_do_not(service: Service) -> None:
    found = modes(service, GATEWAY, [rates(GATEWAY, 0.5, series=rows(6000, 3000)),
                                     spans(100, 0, entries=400, failed=200)])
    assert [(mode.where, mode.sources) for mode in found] == [("own", ("newrelic",))]


def test_a_component_that_calls_nothing_fails_by_itself_in_a_sample_too(service: Service) -> None:
    nothing = calls(GATEWAY, {})
    found = modes(service, GATEWAY, [rates(GATEWAY, 0.5, series=rows(6000, 3000)), replace(
        nothing, detail=replace(nothing.detail, requests=60, errors=30))])
    assert [(mode.where, mode.sources) for mode in found] == [("own", ("newrelic",))]


def test_calls_of_a_failing_component_that_are_marked_as_nothing_are_no_success(service: Service) -> None:
    healthy = calls("backend", {GATEWAY: callee(requests=2400)})
    evidence: list[Finding[Detail]] = [rates("backend", 0.4, series=rows(2400, 960)), healthy]
    assert modes(service, "backend", evidence)[0].sources == ("newrelic",)
    failing = modes(service, "backend", [*evidence, rates(GATEWAY, 0.4, series=rows(2400, 960))])
    assert not any(mode.sources for mode in failing)


@pytest.mark.parametrize("drill", A_TENTH)
def test_a_thinner_record_turns_no_diagnosis_and_adds_no_remedy(drill: str) -> None:
    record = unpack((RECORDS / f"{drill}.json.gz").read_bytes())
    before = Decision(decided(record).cause, decided(record, every_look=True).remedies)
    chance = Random(drill)
    told = [mutated(record, drill, name) for name in FEW]
    thinned = mutated(record, drill, "no error.class, but a status") if chance.random() < 0.3 else unpack(
        (RECORDS / f"{drill}.json.gz").read_bytes())
    sampled(10 ** chance.uniform(-3, 0), told=chance.random() < 0.5)(thinned, chance)
    for other in (*told, thinned):
        after = decided(other)
        assert after.cause in (before.cause, "unknown") and after.remedies <= before.remedies


def test_what_is_kept_is_a_part() -> None:
    for count, share in ((0, 0.5), (10, 0.0), (10, 1.0), (5000, 0.05), (5000, 1.0)):
        assert 0 <= binomial(count, share, Random(1)) <= count
