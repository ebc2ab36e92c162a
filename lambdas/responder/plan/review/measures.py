"""The plan's four preventive measures, each answered from the facts of this incident."""

from __future__ import annotations

from responder.model.evidence import Evidence
from responder.model.evidence.auth_failures import AuthFailures
from responder.model.incident import IncidentRecord
from responder.model.moment import epoch
from responder.model.remedy import RemedyStatus
from responder.plan.review.contents import PreventiveMeasure
from responder.plan.review.improvements import ANSWERED, changes_by_hand
from responder.plan.wording import duration, words


def measures(record: IncidentRecord, evidence: Evidence) -> tuple[PreventiveMeasure, ...]:
    """Return the plan's four preventive measures, each with what this incident says of it."""
    by_hand = any(changes_by_hand(record.incident, evidence))
    cause = record.incident.cause.id if record.incident.cause else ""
    changed = [said for said, seen in (("a change went out by hand", by_hand),
                                       ("a change failed in production", cause == "code_bug")) if seen]
    helped = [f"{words(remedy.action)} on {remedy.target}" for remedy in record.remedies
              if remedy.status is RemedyStatus.VERIFIED]
    return (
        PreventiveMeasure("Automated alerts for exceeding error rate thresholds", _alerts(record)),
        PreventiveMeasure("Regular load testing and vulnerability assessments", " ".join((
            "Load was the cause: what was tested was less than what came." if cause == "overload"
            else "Load was not the cause.", _logins(evidence)))),
        PreventiveMeasure(
            "A process for code reviews and change management",
            f"See below: {'; '.join(changed)}." if changed else "No change was found to be at fault."),
        PreventiveMeasure(
            "A disaster recovery plan for critical services",
            f"What recovered it: {', '.join(helped)}." if helped and record.incident.outcome == "resolved"
            else "No automatic way of recovery was proven by this incident."))


def _alerts(record: IncidentRecord) -> str:
    alarm = next((signal for signal in record.signals if signal.kind == "alarm"), None)
    if alarm is None:
        return "No alarm told of it: a person did."
    onset, opened = epoch(record.incident.onset), epoch(record.incident.opened_at)
    late = f", {duration(opened - onset)} after it began" if onset and opened and opened >= onset else ""
    return f"{alarm.name} told of it{late}."


def _logins(evidence: Evidence) -> str:
    asked = [finding for finding in evidence.asked(AuthFailures) if finding.status in ANSWERED]
    if not asked:
        return "Authentication failures were not looked at."
    if any((finding.value or 0.0) > (finding.baseline or 0.0) for finding in asked):
        return "Authentication failures were above what is usual: look at who tried."
    return "Nothing unusual was seen in authentication failures."
