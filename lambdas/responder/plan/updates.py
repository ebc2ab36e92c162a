"""What people are told while an incident lasts: what is so, what it means, what comes next, who must act.

It is worked out from the record alone, so that everybody who asks at the same moment gets the same words.
"""

from __future__ import annotations

from collections.abc import Sequence

from responder.model.frozen import dataclass
from responder.model.incident import Incident, IncidentRecord
from responder.model.remedy import Remedy, RemedyStatus
from responder.model.service import Person, Service
from responder.plan.refusals import not_done
from responder.plan.wording import clock, listed, share, words

_ROLES = {"code_bug": ("developer",), "network": ("network",), "database_connection": ("database", "developer"),
          "overload": ("developer",), "cluster_failure": ("platform",), "provider_outage": ()}
"""Who is called for a cause, beside the incident commander: the roles of the plan, and those that a team adds."""
_KINDS = {"high_error_rate": "high error rate", "loss_of_connectivity": "complete loss of connectivity",
          "degraded_latency": "slow answers"}
_NOBODY = "nobody: the responder acts by itself."
_MOST_CHARACTERS = 1500
"""Of the longest sentence: a message has a limit."""


@dataclass(frozen=True)
class Update:
    """How it stands, in four sentences."""

    what: str
    so_what: str
    next: str
    who: str

    def text(self) -> str:
        """As it is sent."""
        return f"What: {self.what}\nSo what: {self.so_what}\nNext: {self.next}\nWho must act: {self.who}"


def update(service: Service, record: IncidentRecord) -> Update:
    """Say how an incident stands."""
    incident = record.incident
    following, who = _following(service, record)
    return Update(_what(service, incident), _so_what(incident)[:_MOST_CHARACTERS], following, who)


def _what(service: Service, incident: Incident) -> str:
    affected = ", ".join(incident.affected) or service.service
    if incident.recovery_verified_at:
        return f"{affected}: the symptom is gone since {_at(incident.recovered_at or incident.recovery_verified_at)}."
    kind = _KINDS.get(incident.kind, "symptoms that are not confirmed")
    return f"{affected}: {kind} since {_at(incident.onset or incident.opened_at)}."


def _so_what(incident: Incident) -> str:
    cause, told = incident.cause, "Looking for the cause."
    if cause and cause.id == "unknown":
        told = f"No cause stands out: {cause.summary}"
    elif cause and cause.id != "none":
        told = f"Cause: {words(cause.id)} ({share(cause.confidence)}). {cause.summary}"
    return told + (f" Also affected: {', '.join(incident.suffering)}." if incident.suffering else "")


def _following(service: Service, record: IncidentRecord) -> tuple[str, str]:
    """Return what comes next, and who must act."""
    incident, remedies = record.incident, record.remedies
    commander = next((person.name for person in service.team if person.role == "sre"), "the SRE in command")
    if incident.status == "closed":
        return "The postmortem is written.", f"{commander}: read it, and what it proposes."
    if incident.recovery_verified_at:
        return "It is watched for a while, then closed.", _NOBODY
    if incident.outcome in ("escalated", "observed"):
        tasks = [remedy for remedy in remedies
                 if remedy.status is RemedyStatus.DONE and remedy.action == "engage_network_team"]
        if tasks:
            return f"The responder keeps watching. {tasks[-1].summary}.", "the person who was given the task."
        left = not_done(record)
        told = f" Not done: {'; '.join(left)}."[:1000] if left else ""
        return f"No automatic step is left. The responder keeps watching.{told}", f"{commander}: take over."
    if not remedies:
        return "Evidence is gathered from every source.", _NOBODY
    return _of_remedy(remedies[-1])


def _of_remedy(remedy: Remedy) -> tuple[str, str]:
    summary = remedy.summary or words(remedy.action)
    match remedy.status:
        case RemedyStatus.PLANNED:
            return f"The guardrails decide on: {summary}.", _NOBODY
        case RemedyStatus.PERMITTED | RemedyStatus.APPLYING:
            return f"Being done: {summary}.", _NOBODY
        case RemedyStatus.APPLIED:
            return f"Done: {summary}. Watching whether it helps.", _NOBODY
        case RemedyStatus.DONE:
            return _told(remedy), _NOBODY
        case RemedyStatus.VERIFIED:
            return f"It helped: {summary}.", _NOBODY
        case RemedyStatus.REVERTED:
            return f"It did not help and was rolled back: {summary}. The next hypothesis follows.", _NOBODY
        case RemedyStatus.WAITING:
            return f"A decision is needed: {summary}.", "one of the people who were asked for approval."
        case _:
            return f"Not done: {summary} ({remedy.reason or remedy.status}).", _NOBODY


_AUDIENCES = {"customers": "Customers were", "provider": "The provider's support was",
              "network_team": "The network team was"}
_CHANNELS = {"sns": "SNS", "slack": "Slack", "statuspage": "Statuspage", "pagerduty": "PagerDuty"}


def _told(remedy: Remedy) -> str:
    """Say who was told by a remedy that notifies somebody, and by which channels."""
    channels = listed([_CHANNELS.get(name, name) for name in remedy.told_by.split(", ") if name])
    return f"{_AUDIENCES.get(remedy.audience, 'They were')} told{f' ({channels})' if channels else ''}."


_REMEDIES_OF_CODE = frozenset({"rollback", "restore_configuration"})
_NOT_DONE = frozenset({RemedyStatus.REFUSED, RemedyStatus.REJECTED, RemedyStatus.FAILED, RemedyStatus.REVERTED})
_MOST_LINES = 40


def hotfix(record: IncidentRecord) -> str:
    """Return the developers' task where a code bug was not rolled back: what was not done, why, and what was found.

    Empty where there is none. Source: the plan, 3, "deploy a hotfix or rollback to the previous version".
    """
    cause = record.incident.cause
    if cause is None or cause.id != "code_bug":
        return ""
    tried = [remedy for remedy in record.remedies if remedy.action in _REMEDIES_OF_CODE]
    if any(remedy.status not in _NOT_DONE for remedy in tried):
        return ""
    why = [f"- {remedy.summary or words(remedy.action)}: {remedy.status}"
           + (f" ({remedy.reason})" if remedy.reason else "") for remedy in tried]
    ranked = next((hypothesis for hypothesis in record.incident.ranking if hypothesis.cause == "code_bug"), None)
    changed = [line for remedy in tried for line in remedy.diff.splitlines()][:_MOST_LINES]
    return "\n".join([
        f"A hotfix is needed in {cause.component or 'the service'}: it could not be rolled back by itself.",
        *(why or [f"- not done: {sentence}" for sentence in not_done(record)] or ["- no remedy was left to try"]),
        *(["What would roll it back:", *(f"  {line}" for line in changed)] if changed else []), "What was found:",
        *(f"- {sentence}" for sentence in (ranked.evidence_for if ranked else ()) or (cause.summary,)),
        *(f"- against it: {sentence}" for sentence in (ranked.evidence_against if ranked else ()))])


def called(service: Service, cause: str, affected: Sequence[str]) -> tuple[Person, ...]:
    """Return who is called once the cause is known: by their role, developers by what fails."""
    roles = _ROLES.get(cause, ())
    return tuple(person for person in service.team if person.role in roles
                 and (not person.components or set(person.components) & set(affected)))


def _at(moment: str) -> str:
    return f"{clock(moment)} UTC"
