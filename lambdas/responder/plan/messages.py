"""What each message to the team says, by the record alone: a subject, a text, and commands.

The first things come first: what happened, how bad it is, whether it is over, what there is to do. The reason follows.
"""

from __future__ import annotations

from collections.abc import Sequence

from responder.model.frozen import dataclass
from responder.model.incident import IncidentRecord
from responder.model.moment import epoch
from responder.model.remedy import Remedy, RemedyStatus
from responder.model.service import Person, Service
from responder.plan.aftercare import in_place
from responder.plan.confirm import said_by
from responder.plan.decisions import Confirmed
from responder.plan.needs import current
from responder.plan.refusals import commands, deed, reasons
from responder.plan.symptom_now import impact
from responder.plan.updates import commander, place, update
from responder.plan.wording import clock, duration, listed, sentence
from responder.plan.wrong_now import wrong_now

_STATES = {"high_error_rate": "is failing", "loss_of_connectivity": "is down", "degraded_latency": "is slow",
           "declined_payments": "declines payments"}
_AT_FAULT = {"code_bug": "code or configuration", "database_connection": "database connections",
             "overload": "overload", "cluster_failure": "the cluster", "network": "the network",
             "provider_outage": "the payment provider"}
_OF_MECHANISM = {"dependency_fails": "what it calls"}
"""Where the cause's own words would name somebody else."""
_REMEDIES_OF_CODE = frozenset({"rollback", "restore_configuration"})
_UNDONE = frozenset({RemedyStatus.REFUSED, RemedyStatus.REJECTED, RemedyStatus.OBSERVED, RemedyStatus.FAILED,
                     RemedyStatus.REVERTED})
_MOST_PROBLEMS = 4
_MOST_LINES = 40


@dataclass(frozen=True)
class Said:
    """One message."""

    subject: str
    text: str
    code: str = ""
    """Commands or a diff."""


def page(service: Service, record: IncidentRecord) -> Said:
    """Return the first message of an opening, which wakes people."""
    incident = record.incident
    now = update(service, record)
    team = "\n".join(f"  {person.role}: {person.name}" for person in service.team)
    opened = f"Incident {incident.id}, opened at {clock(incident.opened_at)} UTC, mode {service.mode}."
    return Said(_state(service, record), f"{now.text()}\n\n{opened}" + (f"\nThe team:\n{team}" if team else ""),
                now.code)


def joined(incident: str) -> str:
    """Return the sentence that nobody is woken anew, because the same people were just woken for another incident."""
    return f"The same people were just called for incident {incident}; nobody is called anew for this one."


def _state(service: Service, record: IncidentRecord) -> str:
    """Return in one line how bad it is: of a page's subject hardly more is read."""
    incident = record.incident
    if not incident.confirmed:
        return f"{service.service}: an alarm, not confirmed: {votes(record) or 'no source was asked yet'}"
    bad = impact(service, incident, record.evidence())
    name = place(service, incident)
    again = " again" if incident.reopenings else ""
    return f"{name} {_STATES.get(incident.kind, 'is disturbed')}{again}" + (f": {bad}" if bad else "")


def votes(record: IncidentRecord) -> str:
    """Say what the sources answered when they were last asked to confirm; empty where they were not."""
    found = [fact for _, fact in record.facts(Confirmed)]
    return said_by(found[-1].votes) if found else ""


def call(service: Service, record: IncidentRecord, persons: Sequence[Person]) -> Said:
    """Return the message by which people are called for the cause that was found."""
    incident, cause = record.incident, record.incident.cause
    now = update(service, record)
    name = (cause.component if cause else "") or listed(incident.affected) or service.service
    because = _OF_MECHANISM.get(cause.mechanism) or _AT_FAULT.get(cause.id, "") if cause else ""
    names = listed([person.name for person in persons])
    return Said(f"{name} {_STATES.get(incident.kind, 'is disturbed')}{f' ({because})' if because else ''}: "
                f"{names}, please join", now.text(), now.code)


def escalation(service: Service, record: IncidentRecord, why: str) -> Said:
    """Return the message by which people take over; ``why`` is the state machine's reason.

    It is told only where the record itself has no reason: that a step of the responder failed, say.
    """
    incident = record.incident
    now = update(service, record)
    if not incident.confirmed:
        subject = f"{service.service}: an alarm, and it cannot be confirmed: please look"
        reason = votes(record)
    else:
        subject = f"{service.service}: outage, " + (
            "mode observe: you must fix it" if incident.outcome == "observed" else "not mended: please take over")
        reason = "" if reasons(service, record) or (incident.cause and incident.cause.summary in why) else why
    missing = f"Sources that did not answer: {'; '.join(incident.missing) or 'none'}."
    return Said(subject, "\n".join(part for part in (
        now.text(), f"Why you: {sentence(reason)}" if reason else "", _in_the_cluster(service, record),
        missing if incident.cause else "", f"Incident {incident.id}.") if part), now.code or _diffs(record))


def _in_the_cluster(service: Service, record: IncidentRecord) -> str:
    """Return what was wrong in the cluster by itself, and what would mend it; empty: nothing that is not a risk."""
    lines = [f"- {sentence(each.problem.sentence)}" + (f" To mend it: {sentence(each.problem.mend)}"
                                                       if each.problem.mend else "")
             for each in wrong_now(record.incident, record.evidence(), service.graph)
             if not each.causes and each.problem.severity != "risks"][:_MOST_PROBLEMS]
    return "\n".join(["Wrong in the cluster now, the likeliest first:", *lines]) if lines else ""


def _diffs(record: IncidentRecord) -> str:
    """Return what the remedies that were not carried out would change, where no command is known."""
    lines = [line for remedy in current(record) if remedy.status in _UNDONE and not remedy.audience
             for line in (f"# {deed(remedy)}", *remedy.diff.splitlines()) if remedy.diff]
    return "\n".join(lines[:_MOST_LINES])


def hotfix(service: Service, record: IncidentRecord) -> Said | None:
    """Return the developers' task where a code bug is still there: what was not done, why, and how to do it now.

    None where there is no such task. Source: the plan, 3, "deploy a hotfix or rollback to the previous version".
    """
    cause = record.incident.cause
    if cause is None or cause.id != "code_bug":
        return None
    tried = [remedy for remedy in current(record) if remedy.action in _REMEDIES_OF_CODE]
    if any(remedy.status not in _UNDONE for remedy in tried):
        return None
    where = cause.component or place(service, record.incident)
    now = update(service, record)
    lines = [f"Not done: {one}" for one in reasons(service, record)] or ["No remedy was left to try."]
    by_hand = commands([remedy for remedy in tried if remedy.status is not RemedyStatus.REVERTED])
    lines.append("To do it now, run the command below. A hotfix is needed only if you do not want that." if by_hand
                 else f"A hotfix is needed in {where}.")
    ranked = next((one for one in record.incident.ranking if one.cause == cause.id), None)
    lines += ["What was found:", *(f"- {one}" for one in (ranked.evidence_for if ranked else ()) or (cause.summary,)),
              *(f"- against it: {one}" for one in (ranked.evidence_against if ranked else ()))]
    subject = f"{where}: the bad version is still there" if by_hand else f"{where}: a hotfix is needed"
    return Said(subject, "\n".join((now.what, *([f"Impact: {now.impact}"] if now.impact else []), *lines)),
                by_hand or _diffs(record))


def over(service: Service, record: IncidentRecord) -> Said:
    """Return the message that an incident is closed, whether or not the symptom is gone."""
    incident = record.incident
    now = update(service, record)
    done = [remedy for remedy in record.remedies if remedy.status in (RemedyStatus.VERIFIED, RemedyStatus.APPLIED)
            and not remedy.audience and not remedy.restored_at]
    temporary = [deed(remedy) for remedy in in_place(record.remedies)]
    lines = [now.text()]
    if incident.recovery_verified_at:
        helped = [deed(remedy) for remedy in done if remedy.status is RemedyStatus.VERIFIED]
        if helped:
            lines.insert(1, f"What helped: {sentence('; '.join(helped))}")
        # A restart that only puts it off must not be taken for the end of it.
        lines += [f"Only a stop-gap: {sentence(follows)}" for follows in stop_gaps(done)]
        if temporary:
            lines.append("Still in place, and taken back when it is no longer needed: "
                         + sentence("; ".join(temporary)))
    elif incident.outcome == "false_alarm" and votes(record):
        lines.append(sentence(votes(record)))
    return Said(f"{service.service}: {_outcome(record)}", "\n".join((*lines, f"Incident {incident.id}.")), now.code)


def stop_gaps(remedies: Sequence[Remedy]) -> tuple[str, ...]:
    """Return what must follow the remedies that have helped and only put it off."""
    from responder.plan import mechanisms

    told = (mechanisms.stop_gap(remedy.mechanism, remedy.component) for remedy in remedies
            if remedy.status is RemedyStatus.VERIFIED)
    return tuple(dict.fromkeys(one for one in told if one))


def _outcome(record: IncidentRecord) -> str:
    incident = record.incident
    if incident.outcome == "false_alarm":
        return "false alarm, nothing is wrong"
    if incident.recovery_verified_at:
        began, ended = epoch(incident.onset), epoch(incident.recovered_at or incident.recovery_verified_at)
        return "over, well again" + (f" after {duration(ended - began)}" if began and ended and ended > began else "")
    return "the responder has stopped watching; not known to be over"


def left(service: Service, record: IncidentRecord, why: str) -> Said:
    """Return the message that temporary mitigations stay in place until people take them back."""
    kept = [remedy for remedy in record.remedies if remedy.left_to_people_at and not remedy.restored_at] or in_place(
        record.remedies)
    undo = "\n".join(f"# {deed(remedy)}\n{remedy.undo}" for remedy in kept if remedy.undo)
    what = "; ".join(deed(remedy) for remedy in kept)
    return Said(f"{service.service}: a temporary change is still in place", "\n".join(part for part in (
        f"Still in place: {sentence(what)}" if what else "", f"Why: {sentence(why)}",
        f"Who must act: {commander(service)}, undo it once it is no longer needed" + (
            "; the commands are below." if undo else "."), f"Incident {record.incident.id}.") if part), undo)
