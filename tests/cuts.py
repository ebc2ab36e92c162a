"""A recorded incident as it was on record at a moment: what was known, planned, done and verified by then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

from responder.model.incident import Cause, Incident, IncidentRecord, Remedy
from responder.model.remedy import RemedyStatus
from responder.model.service import Service, recorded_service
from responder.plan.decisions import Confirmed, Diagnosed, Watched
from responder.records.record import unpack
from tests.conftest import ROOT

RECORDS = sorted((ROOT / "tests" / "records").glob("*.json.gz"))


@cache
def read(path: Path) -> tuple[Service, IncidentRecord]:
    """The configuration and the record that a file holds."""
    value = unpack(path.read_bytes())
    return recorded_service(value["service"]), IncidentRecord.of(value["items"])


def moments(record: IncidentRecord) -> Iterator[str]:
    """When each entry of the timeline was written, in order."""
    yield from sorted({entry.at for entry in record.timeline})


def cut(record: IncidentRecord, at: str) -> IncidentRecord:
    """The record as it was when the entries up to ``at`` had been written."""
    timeline = tuple(entry for entry in record.timeline if entry.at <= at)
    before = replace(record, timeline=timeline, looked=tuple(look for look in record.looked if look.at <= at))
    return replace(before, incident=_incident(before, at), remedies=tuple(
        _remedy(remedy, at) for remedy in record.remedies if (remedy.planned_at or "~") <= at))


def _by(moment: str | None, at: str) -> str | None:
    return moment if moment and moment <= at else None


def _incident(record: IncidentRecord, at: str) -> Incident:
    incident = record.incident
    confirmed = [(entry, fact) for entry, fact in record.facts(Confirmed) if fact.answer != "inconclusive"]
    diagnosed = [fact for _, fact in record.facts(Diagnosed)]
    verified = _verified_at(record)
    closed = max((entry.at for entry in record.timeline if entry.step == "Stand down" and entry.kind == "outcome"),
                 default="")
    reopened = tuple(moment for moment in incident.reopened_at if moment <= at)
    first = confirmed[0][1] if confirmed else None
    return replace(
        incident, confirmed=None if first is None else first.answer == "confirmed", kind=first.kind if first else "",
        onset=first.onset if first else None, reopened_at=reopened,
        cause=Cause(diagnosed[-1].cause, diagnosed[-1].mechanism, diagnosed[-1].component) if diagnosed else None,
        recovery_verified_at=verified, recovered_at=incident.recovered_at if verified else None,
        escalated_at=_by(incident.escalated_at, at),
        status="closed" if closed > max(reopened, default="") else "open")


def _verified_at(record: IncidentRecord) -> str | None:
    """When the symptom was verified to be gone, where no later decision took that back."""
    found = None
    for entry in record.timeline:
        watched, confirmed = entry.stated(Watched), entry.stated(Confirmed)
        if watched and watched.answer == "recovered":
            found = entry.at
        elif (confirmed and confirmed.answer == "confirmed") or (entry.step == "Escalate" and entry.kind == "outcome"):
            found = None
    return found


def _remedy(remedy: Remedy, at: str) -> Remedy:
    """A remedy with the status that the moments on record give it."""
    status, times = RemedyStatus.PLANNED, {name: _by(moment, at) for name, moment in (
        ("applied_at", remedy.applied_at), ("verified_at", remedy.verified_at),
        ("rolled_back_at", remedy.rolled_back_at), ("restored_at", remedy.restored_at))}
    if times["applied_at"]:
        status = RemedyStatus.DONE if remedy.status is RemedyStatus.DONE else RemedyStatus.APPLIED
    if times["verified_at"]:
        status = RemedyStatus.VERIFIED
    if times["rolled_back_at"]:
        status = RemedyStatus.REVERTED
    return replace(remedy, status=status, kept=remedy.kept and bool(times["verified_at"] or times["rolled_back_at"]),
                   **times)
