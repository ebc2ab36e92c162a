"""The typed record of an incident: every record on file decodes, and an unknown name is an error that says where."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from responder.model import facts
from responder.model.codec import Malformed
from responder.model.incident import STORED, Incident, IncidentRecord, RemedyStatus
from responder.model.remedy import STORED as REMEDY_STORED
from responder.model.remedy import Remedy, digest, merged, operands
from responder.records.record import unpack

RECORDS = sorted((Path(__file__).parents[2] / "records").glob("*.json.gz"))
FACTS = tuple(kind for kind in vars(facts).values()
              if isinstance(kind, type) and issubclass(kind, facts.Fact) and kind is not facts.Fact)
INCIDENT = {"sk": "INCIDENT", "pk": "INCIDENT#i-1", "expires": 1, "id": "i-1", "service": "payment-gateway",
            "opened_at": "2026-11-25T14:00:00.000Z", "status": "open", "well_since": None}


@pytest.mark.parametrize("path", RECORDS, ids=[path.stem.partition(".")[0] for path in RECORDS])
def test_every_record_on_file_decodes(path: Path) -> None:
    items = unpack(path.read_bytes())["items"]
    record = IncidentRecord.of(items)
    named = {"SIGNAL": record.signals, "EVIDENCE": record.looked, "TIMELINE": record.timeline,
             "ACTION": record.remedies}
    for prefix, found in named.items():
        assert len(found) == sum(item["sk"].startswith(f"{prefix}#") for item in items)
    for remedy in record.remedies:
        assert remedy.digest == digest(next(item for item in items if item["sk"] == f"ACTION#{remedy.number:02d}")) or (
            not remedy.proposal)
    assert all(entry.stated(kind) for entry in record.timeline for kind in FACTS if entry.fact == kind.NAME)


def test_the_incident_is_read_by_its_stored_names() -> None:
    incident = Incident.of(INCIDENT | {"recovered_at": "2026-11-25T14:05:00.000Z",
                                       "well_since": "2026-11-25T14:04:00.000Z",
                                       "judged_until": "2026-11-25T14:06:00.000Z"})
    assert incident.recovered_at == "2026-11-25T14:04:00.000Z"
    assert incident.recovery_verified_at == "2026-11-25T14:05:00.000Z"
    assert incident.evidence_cutoff == "2026-11-25T14:06:00.000Z"


@pytest.mark.parametrize(("kind", "stored"), [(Incident, STORED), (Remedy, REMEDY_STORED)])
def test_renamed_fields_exist_and_hide_no_other(kind: type[Any], stored: dict[str, str]) -> None:
    names = {field.name for field in fields(kind)}
    assert set(stored) <= names
    assert not (set(stored.values()) & names) - set(stored)


@pytest.mark.parametrize(("item", "place"), [
    (INCIDENT | {"outcom": "resolved"}, "INCIDENT.outcom"), (INCIDENT | {"status": "opened"}, "INCIDENT.status"),
    (INCIDENT | {"outcome": "mended"}, "INCIDENT.outcome"), ({"sk": "SIGNAL#t#k"}, "INCIDENT"),
])
def test_an_unknown_name_or_value_is_an_error_that_says_where(item: dict[str, Any], place: str) -> None:
    with pytest.raises(Malformed, match=place):
        IncidentRecord.of([item])


def test_a_remedy_is_put_together_from_what_its_two_writers_said() -> None:
    item = {"pk": "REMEDY#i-1", "sk": "ACTION#02", "expires": 1, "rollback:status": "applied", "rollback:target": "d/x",
            "rollback:operands": operands({"revision": 1}, {}), "judged:action": "rollback",
            "judged:status": "permitted", "judged:fence": 3, "judged:put_back_tries": 2, "rollback:too_little": True}
    remedy = Remedy.of(item)
    assert (remedy.number, remedy.action, remedy.status, remedy.fence) == (2, "rollback", RemedyStatus.APPLIED, 3)
    assert (remedy.before, remedy.restore_attempts, remedy.insufficient) == ({"revision": 1}, 2, True)
    assert remedy.status.may_have_run
    assert not RemedyStatus.REFUSED.may_have_run
    assert Remedy.of(item | {"switch_provider:status": "planned"}).disputed == ("rollback", "switch_provider")


def test_the_digest_of_a_typed_remedy_is_that_of_its_record() -> None:
    item = {"sk": "ACTION#01", **{f"rollback:{name}": name for name in (
        "component", "target", "summary", "diff", "proposal")}, "rollback:operands": operands({"a": [1]}, {"b": None})}
    assert Remedy.of(item).digest == digest(merged(item))
    assert not Remedy.of(item).is_ruled_on
    assert Remedy.of(item | {"judged:ruled_on": digest(merged(item)), "judged:action": "rollback"}).is_ruled_on


def test_a_proposal_is_read_from_its_exact_text() -> None:
    item = {"sk": "PROPOSED#2026-11-25T14:00:09.000Z#00", "action": "rollback", "proposal": json.dumps(
        {"action": "rollback", "sources": ["newrelic"], "facts": {"healthy_versions": {}}, "confidence": 1})}
    record = IncidentRecord.of([item, INCIDENT])
    proposed = record.proposal("2026-11-25T14:00:09.000Z#00")
    assert proposed is not None
    assert (proposed.action, proposed.sources, proposed.facts) == ("rollback", ("newrelic",), {"healthy_versions": {}})


def test_an_old_question_states_what_was_asked() -> None:
    item = {"sk": "TIMELINE#2026-11-25T14:00:09.000Z#00#Ask for approval", "at": "2026-11-25T14:00:10.000Z",
            "step": "Ask for approval", "kind": "approval", "what": "approval is asked for: roll it back",
            "detail": {"task": "01", "asked": ["sre: Ada"], "expires": "2026-11-25T14:15:09.000Z"}}
    record = IncidentRecord.of([item, INCIDENT])
    (_, asked), = record.facts(facts.ApprovalAsked)
    assert (asked.summary, asked.asked) == ("roll it back", ("sre: Ada",))
