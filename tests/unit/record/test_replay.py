"""A record is enough to make every decision again; what is recorded of the drills is decided well."""

from __future__ import annotations

import copy
import gzip
from dataclasses import replace
from typing import Any

import pytest

from bench.diagnosis import RECORDS, Case, Looks, judged, recorded_drill, recorded_names, summary, wilson
from bench.variants import denied, sources_of, variants, without
from responder.plan.replay import BadRecord, replay
from responder.plan.weights import shipped
from responder.records.record import pack, unpack


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    return {name: judged(*recorded_drill(name)) for name in recorded_names()}


@pytest.mark.parametrize("name", recorded_names())
def test_each_recorded_drill_is_decided_as_its_file_expects(cases: dict[str, Case], name: str) -> None:
    case = cases[name]
    assert case.verdict != "wrong" or not case.expected
    assert case.wrong == ()


@pytest.mark.parametrize("name", recorded_names())
def test_no_single_source_that_fails_or_lies_leads_to_a_harmful_remedy(name: str) -> None:
    half, drill, record = recorded_drill(name)
    looks = Looks()
    for source in sources_of(record):
        for told, varied in (("fails", without(record, source)), ("lies", denied(record, source))):
            case = judged(half, drill, varied, truth=record, looks=looks)
            assert (source, told, case.wrong) == (source, told, ())


@pytest.mark.parametrize("half", ["seen", "unseen"])
def test_few_recorded_drills_are_left_undecided(cases: dict[str, Case], half: str) -> None:
    found = summary([case for case in cases.values() if case.half == half])
    assert found["undecided"]["share"] <= 0.15
    assert found["right_of_decided"]["share"] >= 0.95


def one() -> dict[str, Any]:
    return unpack((RECORDS / "bad-release.json.gz").read_bytes())


def test_a_replay_comes_out_the_same_and_other_weights_are_seen_to_differ() -> None:
    record = one()
    decisions = replay(record)
    assert {decision.step for decision in decisions} == {
        "Confirm the incident", "Isolate the issue", "Diagnose the root cause", "Check the guardrails",
        "Monitor the recovery"}
    weights = replace(shipped(), prior=-9.0)
    other = [decision for decision in replay(record, weights) if decision.step == "Diagnose the root cause"]
    assert other[0].again["cause"] == "unknown"
    assert not other[0].same


def test_a_replay_with_another_policy_shows_what_it_would_have_refused() -> None:
    record = one()
    record["service"]["policy"]["rollback"] = "off"
    found = [decision for decision in replay(record) if decision.step == "Check the guardrails"]
    assert found[0].again["guardrail"] == "policy"
    assert not found[0].same


@pytest.mark.parametrize(("content", "told"), [
    (b"no json", "expected JSON"), (b"[]", "expected an object"), (b'{"schema": 7}', "schema: expected 1"),
    (gzip.compress(b"{", mtime=0)[:-3], "expected JSON")])
def test_an_invalid_record_is_refused_with_what_was_expected(content: bytes, told: str) -> None:
    with pytest.raises(BadRecord, match=told):
        unpack(content)


def test_a_record_without_its_incident_is_refused() -> None:
    record = one()
    record["items"] = [item for item in record["items"] if item["sk"] != "INCIDENT"]
    with pytest.raises(BadRecord, match="sk is INCIDENT"):
        replay(record)
    with pytest.raises(BadRecord, match="service"):
        replay({"items": []})


def test_packing_is_the_same_each_time(service: Any) -> None:
    items = [{"pk": "INCIDENT#i", "sk": "INCIDENT", "id": "i"}]
    assert pack(service, items) == pack(service, items)
    assert unpack(pack(service, items))["items"] == items


def test_variants_are_the_same_each_time_and_leave_the_record_alone() -> None:
    record = one()
    before = copy.deepcopy(record)
    first, second = ([told for told, _ in variants(record, "x", 20)] for _ in range(2))
    assert first == second
    assert len(set(first)) > 10
    for source in sources_of(record):
        assert (without(record, source) != before, denied(record, source).keys()) == (True, before.keys())
    assert record == before


def test_items_that_records_share_are_read_as_they_are_in_each() -> None:
    record, looks = one(), Looks()
    for varied in (record, *(change(record, source) for source in sources_of(record) for change in (without, denied))):
        assert looks.of(varied) == Looks().of(copy.deepcopy(varied))


def test_the_interval_holds_the_share() -> None:
    low, high = wilson(19, 20)
    assert low < 0.95 < high
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(20, 20)[1] == pytest.approx(1.0)
