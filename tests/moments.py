"""An incident's record as it was at each of its moments: what the responder knew when it said something.

It is worked out from the timeline's facts and the times on record, for a record keeps the last state alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import get_args

from responder.model.facts import ApprovalAsked, Opened
from responder.model.incident import Cause, Entry, Incident, IncidentRecord, Outcome, Remedy, RemedyStatus
from responder.model.service import Service, recorded_service
from responder.plan.decisions import Confirmed, Diagnosed, Isolated, Ruled, Watched
from responder.records.record import unpack

RECORDS = sorted((Path(__file__).parent / "records").glob("*.json.gz"))
_RULINGS: Mapping[str, RemedyStatus] = {
    "permitted": RemedyStatus.PERMITTED, "approval": RemedyStatus.WAITING, "observe": RemedyStatus.OBSERVED,
    "refused": RemedyStatus.REFUSED, "rejected": RemedyStatus.REJECTED}


def recorded(path: Path) -> tuple[Service, IncidentRecord]:
    """Return the service and the record of a file."""
    content = unpack(path.read_bytes())
    return recorded_service(content["service"]), IncidentRecord.of(content["items"])


def moments(record: IncidentRecord) -> Iterator[tuple[Entry, IncidentRecord]]:
    """Yield each entry of the timeline with the record as it was once that entry was written."""
    incident = Incident(record.incident.id, record.incident.service, record.incident.opened_at,
                        execution=record.incident.execution)
    remedies: dict[int, Remedy] = {}
    for place, entry in enumerate(record.timeline, 1):
        at = entry.at
        for remedy in record.remedies:
            if remedy.number not in remedies and (remedy.planned_at or entry.at) <= at:
                remedies[remedy.number] = _planned(remedy)
        incident = _incident(incident, entry, record)
        for number, remedy in remedies.items():
            remedies[number] = _remedy(remedy, record.remedies[[r.number for r in record.remedies].index(number)],
                                       entry, remedies)
        yield entry, IncidentRecord(
            incident, tuple(signal for signal in record.signals if signal.at <= at),
            tuple(look for look in record.looked if look.at <= at), record.timeline[:place],
            tuple(remedies[number] for number in sorted(remedies)))


def _planned(remedy: Remedy) -> Remedy:
    return replace(remedy, status=RemedyStatus.PLANNED, reason="", guardrail="", decided_by="", applied_at=None,
                   verified_at=None, rolled_back_at=None, restored_at=None, left_to_people_at=None, result="",
                   told_by="", in_part=False, kept=False, insufficient=False)


def _incident(incident: Incident, entry: Entry, record: IncidentRecord) -> Incident:
    final = record.incident
    opened, confirmed = entry.stated(Opened), entry.stated(Confirmed)
    isolated, diagnosed, watched = entry.stated(Isolated), entry.stated(Diagnosed), entry.stated(Watched)
    if opened and (opened.reopened or incident.status == "closed"):
        return replace(incident, status="open", reopened_at=(*incident.reopened_at, max(
            (moment for moment in final.reopened_at if moment <= entry.at), default=entry.at)))
    if confirmed and confirmed.answer != "inconclusive":
        if incident.confirmed and confirmed.answer == "confirmed":
            return replace(incident, recovery_verified_at=None, recovered_at=None, outcome=None)
        if not incident.confirmed:
            return replace(incident, confirmed=confirmed.answer == "confirmed", kind=confirmed.kind,
                           confirmed_at=entry.at, onset=confirmed.onset)
    if isolated:
        return replace(incident, affected=isolated.culprits, suffering=isolated.victims, isolated_at=entry.at)
    if diagnosed:
        cause = Cause(diagnosed.cause, diagnosed.mechanism, diagnosed.component, diagnosed.confidence or 0.0, entry.why)
        return replace(incident, cause=cause, ranking=diagnosed.ranking, diagnosed_at=entry.at,
                       evidence=final.evidence, missing=diagnosed.missing,
                       not_proposed=diagnosed.not_proposed or ())
    if watched and watched.answer == "recovered":
        return replace(incident, recovery_verified_at=entry.at, recovered_at=final.recovered_at if (
            final.recovered_at and final.recovered_at <= entry.at) else None)
    if entry.kind == "outcome":
        return _ended(incident, entry)
    return incident


def _ended(incident: Incident, entry: Entry) -> Incident:
    if entry.what.startswith("stood down: "):
        named = entry.what.removeprefix("stood down: ").replace(" ", "_")
        return replace(incident, status="closed", closed_at=entry.at,
                       outcome=next(outcome for outcome in get_args(Outcome) if outcome == named))
    if entry.what.startswith(("escalated", "observed")):
        return replace(incident, outcome="observed" if entry.what.startswith("observed") else "escalated",
                       status="waiting for people", escalated_at=entry.at, recovery_verified_at=None, recovered_at=None)
    return incident


def _remedy(remedy: Remedy, final: Remedy, entry: Entry, all_of: Mapping[int, Remedy]) -> Remedy:
    at = entry.at
    ruled, asked = entry.stated(Ruled), entry.stated(ApprovalAsked)
    if ruled and (ruled.proposal.action, ruled.proposal.target) == (remedy.action, remedy.target) and (
            remedy.number == max(one.number for one in all_of.values()
                                 if (one.action, one.target) == (remedy.action, remedy.target))):
        return replace(remedy, status=_RULINGS[ruled.ruling], reason=entry.why, guardrail=ruled.guardrail,
                       decided_by=entry.by)
    if asked and asked.task == f"{remedy.number:02d}":
        return replace(remedy, status=RemedyStatus.WAITING)
    if remedy.status is RemedyStatus.PERMITTED and final.applied_at and final.applied_at <= at:
        done = RemedyStatus.DONE if final.status is RemedyStatus.DONE else RemedyStatus.APPLIED
        return replace(remedy, status=done, applied_at=final.applied_at, told_by=final.told_by, result=final.result)
    if final.verified_at and final.verified_at <= at and remedy.status is RemedyStatus.APPLIED:
        return replace(remedy, status=RemedyStatus.VERIFIED, verified_at=final.verified_at, reason=final.reason)
    if final.status is RemedyStatus.REVERTED and (
            final.rolled_back_at <= at if final.rolled_back_at else entry.what == f"{final.summary}: taken back"):
        return replace(remedy, status=RemedyStatus.REVERTED, rolled_back_at=final.rolled_back_at, reason=final.reason)
    if final.status in (RemedyStatus.FAILED, RemedyStatus.REFUSED) and remedy.status is RemedyStatus.PERMITTED and (
            entry.kind == "action"):
        return replace(remedy, status=final.status, reason=final.reason, applied_at=final.applied_at)
    if final.kept and entry.kind == "outcome" and remedy.status is RemedyStatus.APPLIED:
        return replace(remedy, kept=True, reason=final.reason)
    return replace(remedy, left_to_people_at=final.left_to_people_at if (
        final.left_to_people_at and final.left_to_people_at <= at) else None,
        restored_at=final.restored_at if final.restored_at and final.restored_at <= at else None)


def cut(record: IncidentRecord, at: str) -> IncidentRecord:
    """Return the record as it was when the entries up to a moment (ISO 8601 in UTC) had been written."""
    *_, (_, then) = ((entry, then) for entry, then in moments(record) if entry.at <= at)
    # Entries stand in the order of their states; one of an earlier state may have been written later.
    return replace(then, timeline=tuple(entry for entry in then.timeline if entry.at <= at))
