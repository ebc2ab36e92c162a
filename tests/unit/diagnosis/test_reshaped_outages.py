"""The same outage told otherwise has the same answer, and with less to go by it is not told for sure."""

from __future__ import annotations

from functools import cache
from random import Random

import pytest

from bench.outages import FAULTS, outages
from bench.recordings import Case
from bench.reshaped import SAME, with_half_the_series
from responder.plan.origin import Points, Suspect, Symptom, rank
from responder.plan.sure import SURE

PERIOD, NORMAL, DURING = 60.0, 200, 4
ALARM = 1_800_000_000.0
Kinds = dict[str, list[tuple[float, float | None]]]


@cache
def _outages() -> tuple[Case, ...]:
    return tuple(outages(len(FAULTS), 99))


def said(case: Case) -> list[Suspect]:
    return rank(case.graph, case.series, case.symptom, case.views, certain=True)


@pytest.mark.parametrize("number", range(len(FAULTS)), ids=FAULTS)
def test_names_moments_and_units_change_no_answer(number: int) -> None:
    case = _outages()[number]
    usual = said(case)
    right = usual[0].component == case.cause
    for name, shape in SAME.items():
        changed = shape(case)
        found = said(changed)
        assert found[0].confidence == pytest.approx(usual[0].confidence, abs=0.002), name
        assert (found[0].component == changed.cause) == right, name
        assert found[0].shows == usual[0].shows, name


def test_of_half_the_series_nobody_innocent_is_named() -> None:
    for case in map(with_half_the_series, _outages()):
        first = rank(case.graph, case.series, case.symptom, case.views)[:1]
        assert not first or first[0].confidence < SURE or first[0].component == case.cause, case.name


def recorded(failing: dict[str, float], without: dict[str, set[str]],
             uncalled: str = "") -> dict[str, dict[str, Points]]:
    """A shop that calls a cart and a stock, some of whose requests fail since the alarm."""
    series: dict[str, dict[str, Points]] = {}
    for name in ("shop", "cart", "stock"):
        random = Random(name)
        times = [ALARM + PERIOD * (at - NORMAL) for at in range(NORMAL + DURING)]
        kinds: Kinds = {
            "latency": [(time, 0.1 * random.gauss(1, 0.02)) for time in times],
            "availability": [(time, 100 - random.random() * 0.1 - (failing.get(name, 0.0) if time >= ALARM else 0.0))
                             for time in times],
            "requests": [(time, 0.0 if name == uncalled else float(round(random.gauss(900, 15)))) for time in times]}
        series[name] = {kind: points for kind, points in kinds.items() if kind not in without.get(name, set())}
    return series


GRAPH = {"shop": ("cart", "stock"), "cart": (), "stock": ()}


def confidence(series: dict[str, dict[str, Points]]) -> float:
    found = rank(GRAPH, series, Symptom("shop", "availability", ALARM))
    assert found[0].component == "shop"
    return found[0].confidence


def test_failures_that_may_be_of_a_callee_whose_failures_nobody_counts_are_nobodys_for_sure() -> None:
    assert confidence(recorded({"shop": 12.0}, {})) > 0.9
    assert confidence(recorded({"shop": 12.0}, {"cart": {"availability"}})) < SURE
    assert confidence(recorded({"shop": 12.0}, {"cart": {"availability", "latency", "requests"}})) < SURE


def test_a_callee_that_is_not_called_takes_nothing_from_the_confidence() -> None:
    assert confidence(recorded({"shop": 12.0}, {"stock": {"availability"}}, uncalled="stock")) > 0.9
