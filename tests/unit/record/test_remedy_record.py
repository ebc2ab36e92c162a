"""A remedy's record: what comes back is what was written, by whom it was written, and the timeline is only added to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from responder.actions import Plan
from responder.handlers import timeline as writer
from responder.model.change import Change
from responder.model.incident import Proposed
from responder.model.remedy import Remedy, digest, merged, operands
from responder.model.shown import NotExact, hide, shown
from responder.plan.remedies.restore_configuration import Before, Parameters, Step
from responder.records.form import formed, plain
from responder.records.table import Records
from tests.conftest import timeline_in_aws

# Identifiers that look like card numbers, times, digests: whatever the APIs may give.
ODD = st.sampled_from(["4111111111111111", "3f2a8c1e-4111-4111-8111-111111111111", "1764100800123", "[masked]x",
                       "sha256:" + "4111" * 16, "a@b.example", "password=hunter2", "\u2028", "🦊", ""])
LEAVES = st.none() | st.booleans() | st.integers(-2**70, 2**70) | st.floats(allow_nan=False, allow_infinity=False) | (
    st.text(max_size=20)) | ODD
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
    st.text(max_size=8), inner, max_size=3), max_leaves=12)
CHANGE = Change("NetworkPolicy", "lock", "created", 90.0, 90.0)
OPERANDS = st.dictionaries(st.text(min_size=1, max_size=8), JSON, max_size=4)


@pytest.fixture(scope="module")
def records() -> Iterator[Records]:
    with mock_aws():
        yield timeline_in_aws()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(before=OPERANDS, parameters=OPERANDS)
def test_operands_come_back_from_the_table_exactly(records: Records, before: dict[str, Any],
                                                   parameters: dict[str, Any]) -> None:
    incident = f"i-{abs(hash(json.dumps([before, parameters])))}"
    record = records.plan_remedy(incident, Remedy(7, "rollback", before=before, parameters=parameters, target="t"))
    assert (record.before, record.parameters) == (before, parameters)
    # Types too: 1 is not 1.0, and a number of twenty digits keeps them all.
    assert json.dumps([record.before, record.parameters], sort_keys=True) == json.dumps(
        [before, parameters], sort_keys=True)


@given(facts=OPERANDS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_a_diagnosis_s_proposals_are_read_back_exactly(records: Records, facts: dict[str, Any]) -> None:
    incident = f"p-{abs(hash(json.dumps(facts)))}"
    kept, = records.keep_proposals(incident, "2026-11-25T00:00:00.000Z", [Proposed("", "rollback", facts=facts)])
    found = records.proposed(incident, kept.id)
    assert found is not None and found.facts == facts


@given(st.integers(-10**37, 10**37))
def test_whole_numbers_keep_their_digits_in_the_table(number: int) -> None:
    assert plain(formed({"n": number}))["n"] == number


@pytest.mark.parametrize("value", [("a", "b"), {1: "a"}, {"a": ("b",)}, {"a": {1: 2}}])
def test_a_value_that_json_would_change_is_no_operand(value: Any) -> None:
    with pytest.raises(TypeError):
        operands({"value": value}, {})


@pytest.mark.parametrize("part", ["before", "parameters"])
@pytest.mark.parametrize("value", [hide({"DB_PWD": "hunter22"}, b"k" * 32), "[card …1111]", shown("x")])
def test_a_plan_has_no_operand_that_is_hidden_or_shown(part: str, value: Any) -> None:
    operands = {"before": Before(), "parameters": Parameters()} | {
        part: Before((value,)) if part == "before" else Parameters((Step(CHANGE, live=value),))}
    with pytest.raises(NotExact):
        Plan("t", "s", **operands)  # type: ignore[arg-type]  # one of the two is replaced by name


def test_a_diff_of_any_text_is_no_diff() -> None:
    with pytest.raises(TypeError):
        Plan("t", "s", Before(), Parameters(), "- a\n+ b")  # type: ignore[arg-type]  # what the type checker refuses is what is tried


OWN = {"pk": "REMEDY#i", "sk": "ACTION#02", "rollback:status": "planned", "rollback:target": "d",
       "rollback:operands": "{}"}


@pytest.mark.parametrize(("own", "judged", "status", "reason"), [
    ({}, {}, "planned", ""),
    ({}, {"status": "waiting", "reason": "asked"}, "waiting", "asked"),
    ({"status": "applying"}, {"status": "permitted", "reason": "policy"}, "applying", "policy"),
    ({"status": "applied"}, {"status": "permitted", "reason": "policy"}, "applied", "policy"),
    ({"status": "applied"}, {"status": "verified", "reason": "gone"}, "verified", "gone"),
    ({"status": "failed", "kept": True, "reason": "stayed"}, {"status": "verified", "reason": "gone"}, "verified",
     "gone"),
    ({"status": "reverted", "reason": "no help"}, {"status": "verified", "reason": "gone"}, "reverted", "no help"),
    ({"status": "refused", "reason": "switch"}, {"status": "permitted", "reason": "policy"}, "refused", "switch"),
])
def test_the_last_writer_sets_the_status(own: dict[str, Any], judged: dict[str, Any], status: str, reason: str) -> None:
    record = merged({**OWN, **{f"rollback:{key}": value for key, value in own.items()},
                     **{f"judged:{key}": value for key, value in judged.items()}})
    assert (record["status"], record["reason"], record["number"]) == (status, reason, 2)
    assert status != "verified" or not record.get("kept")


def test_a_plan_that_another_function_wrote_under_the_number_is_seen() -> None:
    record = merged({**OWN, "scale_up:status": "planned"})
    assert record["disputed"] == ["rollback", "scale_up"]
    ruled = merged({**OWN, "scale_up:status": "applied", "judged:action": "rollback", "judged:status": "permitted"})
    assert (ruled["action"], ruled["status"]) == ("rollback", "permitted") and ruled["disputed"]


def test_a_record_of_an_older_schema_is_read_as_it_is() -> None:
    old = {"sk": "ACTION#01", "status": "verified", "action": "rollback", "before": {"a": 1}}
    assert merged(old) == old


@given(changed=st.sampled_from(["target", "summary", "diff", "before", "parameters", "proposal", "component"]))
def test_each_part_of_a_plan_counts_for_its_digest(changed: str) -> None:
    plan = {"action": "rollback", "target": "d", "summary": "s", "diff": "", "before": {},
            "parameters": {"revision": 1}, "proposal": "p", "component": "c"}
    assert digest(plan) == digest(dict(reversed(plan.items())))
    assert digest(plan) != digest(plan | {changed: "other"})
    assert digest(plan) == digest(plan | {"status": "applied", "applied_at": "now"})


ENTRY = {"incident": "i-1", "entered": "2026-11-25T00:00:00.000Z", "step": "Close", "what": "closed", "number": 0,
         "why": "", "by": "system", "kind": "step", "detail": {}}


def test_a_timeline_entry_is_added_once_and_stays(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "records", lambda: records)
    assert writer.handler(dict(ENTRY), None) == {"written": True}
    assert writer.handler(ENTRY | {"what": "never happened"}, None) == {"written": False}
    entry, = [item for item in records.everything("i-1") if item["sk"].startswith("TIMELINE#")]
    assert entry["what"] == "closed"


@pytest.mark.parametrize("wrong", [{"what": None}, {"number": -1}, {"number": True}, {"number": "1"}, {"detail": []},
                                   {"incident": 7}, {"by": {}}])
def test_an_invalid_entry_is_refused_with_its_field(records: Records, monkeypatch: pytest.MonkeyPatch,
                                                    wrong: dict[str, Any]) -> None:
    monkeypatch.setattr(writer, "records", lambda: records)
    with pytest.raises(writer.BadEntry, match=next(iter(wrong))):
        writer.handler(ENTRY | wrong, None)
