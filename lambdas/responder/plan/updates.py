"""How an incident stands: what happened, how bad it is, whether it is over, who must act, what comes next, and why.

It is worked out from the record alone, so that everybody who asks at the same moment gets the same words. A sentence
whose fact is not on record is not said.
"""

from __future__ import annotations

from collections.abc import Sequence

from responder.model.frozen import dataclass
from responder.model.incident import Incident, IncidentRecord
from responder.model.moment import epoch
from responder.model.remedy import Remedy, RemedyStatus
from responder.model.service import Person, Service
from responder.model.zone import zone
from responder.plan import mechanisms
from responder.plan.needs import TASK, asked_for, current, open_tasks
from responder.plan.refusals import by_hand, commands, deed, reasons
from responder.plan.symptom_now import impact
from responder.plan.wording import (
    bare,
    capital,
    channel_name,
    clock,
    duration,
    listed,
    moment,
    sentence,
    share,
    times,
    words,
)

_ROLES = {"code_bug": ("developer",), "network": ("network",), "database_connection": ("database", "developer"),
          "overload": ("developer",), "cluster_failure": ("platform",), "provider_outage": ()}
"""Who is called for a cause, beside the incident commander: the roles of the plan, and those that a team adds."""
_KINDS = {"high_error_rate": "high error rate", "loss_of_connectivity": "complete loss of connectivity",
          "degraded_latency": "slow answers", "declined_payments": "more payments declined than usual"}
_AUDIENCES = {"customers": "customers were told", "provider": "the provider's support was told",
              "network_team": "the network team was told"}
_MOST_SEEN = 3
_MOST_CHARACTERS = 1500
"""Of the longest sentence: a message has a limit."""


@dataclass(frozen=True)
class Update:
    """How it stands. Each part is one or more whole sentences; an empty one is not said."""

    what: str
    """What happened, since when, and whether it is over."""
    impact: str
    who: str
    """Who must act, and what there is to do."""
    responder: str
    """What the responder does just now, or next."""
    not_done: tuple[str, ...]
    """What it did not do, and why."""
    cause: str
    code: str
    """The commands that do by hand what it did not do, one a line."""

    def text(self) -> str:
        """As it is sent: the first things first."""
        parts = (("", self.what), ("Impact: ", self.impact), ("Who must act: ", self.who),
                 ("The responder: ", self.responder), *(("Not done: ", one) for one in self.not_done),
                 ("Cause: ", self.cause))
        return "\n".join(f"{label}{said[:_MOST_CHARACTERS]}" for label, said in parts if said)


def update(service: Service, record: IncidentRecord) -> Update:
    """Say how an incident stands."""
    incident = record.incident
    open_still = not incident.recovery_verified_at and incident.outcome != "false_alarm"
    left = by_hand(record) if open_still and (incident.outcome or service.mode == "observe") else []
    bad = impact(service, incident, record.evidence()) if open_still and incident.confirmed else ""
    isolated = incident.confirmed and open_still and _is_of_this_opening(incident, incident.isolated_at)
    suffering = f" Also affected: {listed(incident.suffering)}." if incident.suffering and isolated else ""
    following, who = _following(service, record)
    return Update(what(service, record), (sentence(bad) + suffering).strip(), sentence(who), sentence(following),
                  reasons(service, record) if open_still and incident.outcome else (), blamed(incident),
                  commands(left))


def what(service: Service, record: IncidentRecord) -> str:
    """Say what happened, since when, and whether it is over."""
    incident = record.incident
    affected = place(service, incident)
    began = incident.onset or incident.opened_at
    local = zone(service.reports.time_zone)

    def at(when: str | None) -> str:
        return moment(when, local)

    if incident.outcome == "false_alarm":
        return f"{affected}: a false alarm."
    if incident.recovery_verified_at:
        ended = incident.recovered_at or incident.recovery_verified_at
        lasted = (epoch(ended) or 0.0) - (epoch(began) or 0.0)
        again = f" It came back {times(incident.reopenings)} in between." if incident.reopenings else ""
        return (f"{affected}: the symptom is gone since {at(ended)}. It began at {at(began)}"
                + (f" and lasted {duration(lasted)}." if lasted > 0 else ".") + again)
    if not incident.confirmed:
        return f"{affected}: an alarm at {at(began)}. Whether there is an outage is not confirmed."
    kind = _KINDS.get(incident.kind, "symptoms")
    if incident.reopenings:
        # It may have ended for other reasons than that it was well: somebody took it over, and gave it back.
        return (f"{affected}: {kind}. The incident was opened again at {at(incident.last_reopened_at)}, and is not "
                f"over. It first began at {at(began)}.")
    return f"{affected}: {kind} since {at(began)}. It is not over."


def blamed(incident: Incident) -> str:
    """Say what the diagnosis blames, how likely it is, and by what evidence."""
    cause = incident.cause
    if cause is None or cause.id == "none":
        return "not known yet." if incident.confirmed and not incident.outcome else ""
    if cause.id == "unknown":
        return sentence(f"not known. {capital(cause.summary)}" if cause.summary else "not known")
    ranked = next((one for one in incident.ranking if one.cause == cause.id), None)
    seen = "; ".join(ranked.evidence_for[:_MOST_SEEN]) if ranked else cause.summary
    named = mechanisms.title(cause.mechanism) if cause.mechanism else words(cause.id)
    before = "" if _is_of_this_opening(incident, incident.diagnosed_at) else "not known yet. The last time it was: "
    told = f"{before}{named}{f' in {cause.component}' if cause.component else ''}, {share(cause.confidence)} likely."
    return f"{told} {sentence(f'Seen: {seen}')}" if seen else told


def place(service: Service, incident: Incident) -> str:
    """Return what is at fault, as it was found in this opening; the service before that."""
    return (listed(incident.affected) if _is_of_this_opening(incident, incident.isolated_at) else "") or service.service


def _is_of_this_opening(incident: Incident, moment: str | None) -> bool:
    """Whether what was found at a moment was found since the incident was opened, or opened again."""
    return (moment or "~") >= incident.last_reopened_at


def commander(service: Service) -> str:
    """Return who leads: the team's SRE by name, where the configuration names one."""
    return next((person.name for person in service.team if person.role == "sre" and person.name), "whoever is on call")


def standing_by(service: Service) -> str:
    """Say what the reader of a page has to do while the responder works, by the service's mode."""
    if service.mode == "observe":
        return "you. The responder only watches and will not change anything"
    if service.mode == "approve":
        return "you, as soon as it asks (about 1 min)"
    return "nobody yet. Stay near: you are asked or paged again if it cannot fix it"


def _following(service: Service, record: IncidentRecord) -> tuple[str, str]:
    """Return what comes next, and who must act."""
    incident, lead = record.incident, commander(service)
    if incident.outcome == "false_alarm":
        return "it has closed the incident", f"{lead}, only to see why the alarm went off"
    if incident.recovery_verified_at:
        closed = incident.status == "closed"
        return ("it writes the postmortem" if closed else "it closes the incident",
                f"{lead}, read the report, and what it proposes" if closed else f"{lead}, see that it stays well")
    if incident.outcome in ("escalated", "observed"):
        return _left_to_people(service, record, lead)
    mine = current(record)
    if not mine:
        return ("it gathers evidence from every source", standing_by(service)) if incident.confirmed else (
            "it changes nothing before an outage is confirmed", f"{lead}, look whether there is an outage")
    does, who = _of_remedy(service, record, _telling(mine))
    tasks = open_tasks(record)
    if tasks and not needs_answer(record):
        who = f"{_tasked(service, tasks[-1])}. Everybody else: stay near"
    return does, who


def needs_answer(record: IncidentRecord) -> bool:
    """Whether a remedy waits for an approval."""
    return any(remedy.status is RemedyStatus.WAITING for remedy in current(record))


def _tasked(service: Service, task: Remedy) -> str:
    names = listed([person.name for person in service.team if person.role == "network" and person.name])
    return f"{names or 'the network team'} has the task to {deed(task)}"


def _left_to_people(service: Service, record: IncidentRecord, lead: str) -> tuple[str, str]:
    watching = ("it has stopped watching, and has not seen a recovery" if record.incident.status == "closed" else
                "it changes nothing more by itself, and keeps watching")
    ready = "; the commands are below" if commands(by_hand(record)) else ""
    tasks = open_tasks(record)
    if tasks:
        return watching, f"{_tasked(service, tasks[-1])}. {lead}, see that it is done"
    if not record.incident.confirmed:
        return watching, f"{lead}, look whether there is an outage"
    if record.incident.outcome == "observed":
        return watching, f"{lead}, you must fix it: the responder only watches{ready}"
    return watching, f"{lead}, take over{ready}"


def _telling(remedies: Sequence[Remedy]) -> Remedy:
    """Return the remedy to speak of: the one that waits for people, else the one that is watched, else the last."""
    for wanted in ((RemedyStatus.WAITING,), (RemedyStatus.APPLYING, RemedyStatus.APPLIED)):
        found = [remedy for remedy in remedies if remedy.status in wanted]
        if found:
            return found[-1]
    return remedies[-1]


def _of_remedy(service: Service, record: IncidentRecord, remedy: Remedy) -> tuple[str, str]:
    waits = standing_by(service)
    watched = waits if service.mode != "approve" else "stay near: you are asked or paged again if it does not help"
    match remedy.status:
        case RemedyStatus.PLANNED:
            return f"its guardrails decide on this: {deed(remedy)}", waits
        case RemedyStatus.PERMITTED | RemedyStatus.APPLYING:
            return f"it is doing this: {deed(remedy)}", watched
        case RemedyStatus.APPLIED:
            return f"it did this{_since(remedy)}: {deed(remedy)}. It watches whether that helps", watched
        case RemedyStatus.DONE:
            return told(remedy), watched
        case RemedyStatus.VERIFIED:
            return f"it did this, and it helped: {deed(remedy)}. It watches what is left", watched
        case RemedyStatus.REVERTED:
            return f"it undid this, which did not help: {deed(remedy)}. It tries what is likeliest next", watched
        case RemedyStatus.WAITING:
            asked, until = _asked(record, remedy)
            return (f"it waits for a decision on this: {deed(remedy)}",
                    f"{asked}, approve or reject it{f' by {until}' if until else ''}")
        case _:
            return f"it did not do this: {deed(remedy)} ({bare(remedy.reason) or remedy.status})", waits


def _since(remedy: Remedy) -> str:
    return f" at {_at(remedy.applied_at)}" if remedy.applied_at else ""


def _asked(record: IncidentRecord, remedy: Remedy) -> tuple[str, str]:
    """Return who was asked for approval of a remedy, and until when they can answer."""
    found = asked_for(record, remedy)
    if found is None:
        return "whoever was asked", ""
    _, asked = found
    return listed([name.partition(": ")[2] or name for name in asked.asked]) or "whoever was asked", _at(asked.expires)


def told(remedy: Remedy) -> str:
    """Say of a remedy that notifies somebody that they were notified, and by what."""
    by = listed([channel_name(name.strip()) for name in remedy.told_by.split(",") if name.strip()])
    audience = remedy.audience or ("network_team" if remedy.action == TASK else "")
    return f"{_AUDIENCES.get(audience, f'it did this: {deed(remedy)}')}{f' ({by})' if by else ''}"


def called(service: Service, cause: str, affected: Sequence[str]) -> tuple[Person, ...]:
    """Return who is called once the cause is known: by their role, developers by what fails."""
    roles = _ROLES.get(cause, ())
    return tuple(person for person in service.team if person.role in roles
                 and (not person.components or set(person.components) & set(affected)))


def _at(moment: str | None) -> str:
    return f"{clock(moment)} UTC"
