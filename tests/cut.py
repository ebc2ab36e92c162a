"""A record as it stood when one of its entries was written: what people saw while the incident lasted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from responder.model.facts import Fact
from responder.model.incident import Incident, IncidentRecord
from responder.model.remedy import Remedy, RemedyStatus
from responder.model.timeline import Entry
from responder.plan.decisions import Confirmed, Diagnosed, Isolated, Ruled, Watched

_RULED = {"permitted": RemedyStatus.PERMITTED, "approval": RemedyStatus.WAITING, "observe": RemedyStatus.OBSERVED,
          "refused": RemedyStatus.REFUSED, "rejected": RemedyStatus.REJECTED}


def cuts(record: IncidentRecord) -> Iterator[tuple[Entry, IncidentRecord]]:
    """Yield each entry in the order in which they were written, with the record of that moment."""
    for entry in sorted(record.timeline, key=lambda entry: entry.at):
        yield entry, cut(record, entry.at)


def cut(record: IncidentRecord, at: str) -> IncidentRecord:
    """Return what of a record was there at a moment (ISO 8601 in UTC).

    What was overwritten since is lost: an attribute is there from the moment on at which it was set last.
    """
    timeline = tuple(entry for entry in record.timeline if entry.at <= at)
    return replace(
        record, incident=_incident(record, at), timeline=timeline,
        signals=tuple(signal for signal in record.signals if signal.at <= at),
        looked=tuple(look for look in record.looked if look.at <= at),
        proposed=tuple(proposed for proposed in record.proposed if proposed.id <= at),
        remedies=tuple(_remedy(remedy, timeline, at) for remedy in record.remedies if (remedy.planned_at or "~") <= at))


def _incident(record: IncidentRecord, at: str) -> Incident:
    incident = record.incident

    def by(moment: str | None) -> str | None:
        return moment if moment and moment <= at else None

    def decided(fact: type[Fact], moment: str | None) -> str | None:
        """The moment, once the entry of the newest such decision is there: older records have it a little before."""
        entries = [entry.at for entry, _ in record.facts(fact)]
        return moment if not entries or entries[-1] <= at else None

    # Confirmed once, also where it was opened again.
    confirmed = incident.confirmed_at if any(
        entry.at <= at and fact.answer != "inconclusive" for entry, fact in record.facts(Confirmed)) else None
    isolated = decided(Isolated, incident.isolated_at)
    diagnosed, verified = decided(Diagnosed, incident.diagnosed_at), decided(Watched, incident.recovery_verified_at)
    escalated, closed = by(incident.escalated_at), by(incident.closed_at)
    young = Incident(incident.id, incident.service, incident.opened_at, incident.execution)
    reopened = tuple(moment for moment in incident.reopened_at if moment <= at)
    # An incident that is open again has the time at which it was closed before.
    is_closed = bool(closed) and closed >= max(reopened, default="")
    relapsed = len(reopened) < incident.reopenings
    return replace(
        incident, confirmed_at=confirmed, isolated_at=isolated, diagnosed_at=diagnosed, recovery_verified_at=verified,
        escalated_at=escalated, closed_at=closed, reported_at=by(incident.reported_at),
        reopened_at=reopened,
        confirmed=incident.confirmed if confirmed else None, kind=incident.kind if confirmed else "",
        onset=incident.onset if confirmed else None, recovered_at=incident.recovered_at if verified else None,
        status="closed" if is_closed else "waiting for people" if escalated else "open",
        outcome=("resolved" if relapsed else incident.outcome) if closed else "escalated" if escalated else None,
        report=incident.report if by(incident.reported_at) else {},
        **{name: getattr(incident if isolated or diagnosed else young, name) for name in ("affected", "suffering")},
        **{name: getattr(incident if diagnosed else young, name) for name in (
            "cause", "established_cause", "ranking", "evidence", "missing", "not_proposed", "attack_signs")})


def _remedy(remedy: Remedy, timeline: tuple[Entry, ...], at: str) -> Remedy:
    def by(moment: str | None) -> str | None:
        return moment if moment and moment <= at else None

    rulings = [fact for entry in timeline for fact in [entry.stated(Ruled)] if fact and entry.at >= (
        remedy.planned_at or "") and (fact.proposal.action, fact.proposal.target) == (remedy.action, remedy.target)]
    status = _RULED[rulings[-1].ruling] if rulings else RemedyStatus.PLANNED
    if by(remedy.applied_at):
        status = RemedyStatus.DONE if remedy.status is RemedyStatus.DONE else RemedyStatus.APPLIED
    if by(remedy.verified_at):
        status = RemedyStatus.VERIFIED
    elif by(remedy.rolled_back_at) or any(
            entry.step == "Roll the remedies back" and remedy.action in entry.what for entry in timeline):
        status = remedy.status
    now = status is remedy.status
    return replace(
        remedy, status=status, applied_at=by(remedy.applied_at), verified_at=by(remedy.verified_at),
        rolled_back_at=by(remedy.rolled_back_at), restored_at=by(remedy.restored_at),
        reason=remedy.reason if now else "", guardrail=remedy.guardrail if now else "",
        decided_by=remedy.decided_by if now else "", result=remedy.result if by(remedy.applied_at) else "")
