"""The page of an incident that is not over: what is known, what is being done, who is asked, what people can do.

It is worked out from the record alone, and read later than it was written. So what it says has the time at which it was
so, and what is expected has a time of day: when that has passed, a reader sees that the page is no longer kept up.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum

from responder.model.facts import Answered, Applied, ApprovalAsked, Delivered, Opened, Planned, Undelivered
from responder.model.frozen import dataclass
from responder.model.incident import Incident, IncidentRecord
from responder.model.moment import epoch, iso, seconds
from responder.model.remedy import Remedy, RemedyStatus
from responder.model.service import Service
from responder.model.timeline import Entry
from responder.plan.approvals import commands, person_asked
from responder.plan.decisions import Confirmed, Diagnosed, Isolated, Ruled, Watched
from responder.plan.needs import asked_for
from responder.plan.remedies import phrase
from responder.plan.updates import Update, update
from responder.plan.wording import clock, days_from, duration, listed, plural, words

LIVE_TAGS = "page=live"
"""The tag of these pages in S3, by which the bucket's lifecycle rule (``stacks/records.py``) knows them."""
_RELOADS = ((900.0, 15), (3600.0, 30), (21_600.0, 60))
"""Up to which age of the incident, in seconds, its page reloads how often."""
_RARELY_SECONDS = 300
_STEP_SECONDS = 300.0
"""A step and its retries take less."""
_GRACE_SECONDS = 120.0
_MOST_TOLD = 8
"""The newest notifications; the timeline has all."""


class Phase(StrEnum):
    """What the responder is doing."""

    VERIFYING = "verifying the symptoms"
    ISOLATING = "finding the components at fault"
    DIAGNOSING = "looking for the cause"
    CHOOSING = "choosing a remedy"
    CHECKING = "checking the guardrails"
    ASKING = "waiting for people to approve"
    APPLYING = "applying the remedy"
    WATCHING = "verifying whether the remedy helps"
    GOING_ON = "looking for what else can be done"
    PEOPLE = "people are needed"
    ENDING = "about to be closed"
    OVER = "closed"


@dataclass(frozen=True)
class Command:
    """What a person can do."""

    label: str
    text: str
    """A shell command, complete but for the person's name."""


@dataclass(frozen=True, kw_only=True)
class Live:
    """The top of the page."""

    title: str
    phase: Phase
    status: str
    """How long it has been open, and what is being done, in a sentence."""
    known: tuple[str, ...]
    """Sentences."""
    next: str
    who: str
    """Who must act."""
    asked: tuple[str, ...]
    """The questions that are open: to whom, and until when."""
    told: tuple[str, ...]
    """Who was told what, and which channel failed."""
    commands: tuple[Command, ...]
    written_at: str
    """ISO 8601 in UTC."""
    expected_by: str
    """By when something changes, as far as the responder runs; ISO 8601 in UTC."""
    reload_seconds: int


def version(record: IncidentRecord, read_at: str, *, final: bool = False) -> str:
    """Return a page's version; of two, the one that knows more is the greater text.

    ``read_at`` is when the reading of the record began (ISO 8601 in UTC). The final postmortem is newer than any other
    page of the same opening, and a later opening is newer than it.
    """
    return f"{record.incident.reopenings:04d}.{final:d}.{len(record.timeline):06d}.{read_at}"


def live(service: Service, record: IncidentRecord, now: float, *, execution: str = "", answer_url: str = "",
         region: str = "") -> Live:
    """Return what the page of an incident says at its top.

    ``now`` is in seconds since 1970 (UTC); ``execution`` is the ARN of the execution that handles the incident, empty
    where none does; ``answer_url`` is where people answer by IAM, and ``region`` the responder's AWS region.
    """
    with days_from(record.incident.opened_at):
        return _live(service, record, now, execution, answer_url, region)


def _live(service: Service, record: IncidentRecord, now: float, execution: str, answer_url: str, region: str) -> Live:
    record = _this_opening(record)
    incident, phase = record.incident, phase_of(record)
    said, age = update(service, record), max(now - seconds(incident.opened_at), 0.0)
    return Live(
        title=f"{service.service}: {words(incident.kind) or 'alarm, not confirmed'}"
              f"{', opened again' if incident.reopenings else ''}",
        phase=phase, status=_status(record, phase, age), known=tuple(_known(record, phase, said)),
        next=_next(record, phase) or said.responder, who=said.who, asked=tuple(_asked(record)),
        told=tuple(_told(record))[-_MOST_TOLD:], commands=tuple(_commands(
            service, record, execution, answer_url, region)),
        written_at=iso(now), expected_by=iso(_expected_by(service, record, phase, now)),
        reload_seconds=next((often for youngest, often in _RELOADS if age < youngest), _RARELY_SECONDS))


def _this_opening(record: IncidentRecord) -> IncidentRecord:
    """Return the record without what an earlier opening of the incident left, for that is no longer so."""
    incident, start = record.incident, record.incident.last_reopened_at
    # The signal that opened it again is from before that, but from after it was closed.
    before = incident.closed_at or "" if start and incident.status != "closed" else ""

    def since(moment: str | None) -> str | None:
        return moment if moment and moment >= start else None

    rest = replace(record, signals=tuple(signal for signal in record.signals if signal.at >= before),
                   timeline=tuple(entry for entry in record.timeline if entry.entered >= start),
                   remedies=tuple(remedy for remedy in record.remedies if (remedy.planned_at or "~") >= start))
    confirmed = next((fact for _, fact in rest.facts(Confirmed) if fact.answer == "confirmed"), None)
    diagnosed, escalated, verified = map(since, (
        incident.diagnosed_at, incident.escalated_at, incident.recovery_verified_at))
    return replace(rest, incident=replace(
        incident, opened_at=start or incident.opened_at, kind=confirmed.kind if confirmed else "",
        onset=confirmed.onset if confirmed else None, diagnosed_at=diagnosed, escalated_at=escalated,
        recovery_verified_at=verified, recovered_at=incident.recovered_at if verified else None,
        outcome=incident.outcome if escalated or incident.status == "closed" else None,
        cause=incident.cause if diagnosed else None))


def phase_of(record: IncidentRecord) -> Phase:
    """Return what is being done, from a record of one opening."""
    incident = record.incident
    if incident.status == "closed":
        return Phase.OVER
    if incident.recovery_verified_at:
        return Phase.ENDING
    if incident.outcome in ("escalated", "observed"):
        return Phase.PEOPLE
    newest = _newest(record)
    if newest is None:
        return Phase.VERIFYING
    confirmed, watched = newest.stated(Confirmed), newest.stated(Watched)
    if confirmed:
        return {"confirmed": Phase.ISOLATING, "false_alarm": Phase.ENDING}.get(confirmed.answer, Phase.VERIFYING)
    if watched:
        return Phase.ENDING if watched.answer == "recovered" else Phase.GOING_ON
    return _BY_STEP.get(newest.fact) or (_BY_STATUS[record.remedies[-1].status] if record.remedies else Phase.CHOOSING)


def _next(record: IncidentRecord, phase: Phase) -> str:
    """Return what is being done where the phase says it; an empty text where it is the last remedy's state."""
    if phase is Phase.ENDING and not record.incident.onset:
        return "Nothing wrong was found. The incident is about to be closed."
    newest = _newest(record)
    if phase is Phase.GOING_ON and newest and newest.fact != Watched.NAME:
        # What became of the last remedy says more.
        return ""
    return _NEXT.get(phase, "")


_NEXT = {
    Phase.VERIFYING: "The sources are asked whether requests fail.",
    Phase.ISOLATING: "The pods, and what each component says of the others, are looked at.",
    Phase.DIAGNOSING: "Evidence is gathered from every source.",
    Phase.CHOOSING: "What follows from the cause is being worked out.",
    Phase.ASKING: "Nothing is changed until the question is answered.",
    Phase.GOING_ON: "The symptom is still there. What comes next is being decided.",
    Phase.ENDING: "The symptom is gone. The incident is about to be closed.",
    Phase.OVER: "The postmortem is being written. It takes the place of this page."}


def _newest(record: IncidentRecord) -> Entry | None:
    """Return the newest entry that says how far it has come."""
    return next((entry for entry in reversed(record.timeline) if entry.fact in _STEPS), None)


_STEPS = frozenset({Opened.NAME, Confirmed.NAME, Isolated.NAME, Diagnosed.NAME, Planned.NAME, Ruled.NAME,
                    ApprovalAsked.NAME, Answered.NAME, Applied.NAME, Watched.NAME})
"""The facts that say how far it has come."""
_BY_STEP = {Opened.NAME: Phase.VERIFYING, Isolated.NAME: Phase.DIAGNOSING, Diagnosed.NAME: Phase.CHOOSING}
_BY_STATUS = {
    RemedyStatus.PLANNED: Phase.CHECKING, RemedyStatus.PERMITTED: Phase.APPLYING, RemedyStatus.APPLYING: Phase.APPLYING,
    RemedyStatus.WAITING: Phase.ASKING, RemedyStatus.APPLIED: Phase.WATCHING, RemedyStatus.DONE: Phase.GOING_ON,
    RemedyStatus.VERIFIED: Phase.WATCHING, RemedyStatus.OBSERVED: Phase.GOING_ON, RemedyStatus.REFUSED: Phase.GOING_ON,
    RemedyStatus.REJECTED: Phase.GOING_ON, RemedyStatus.FAILED: Phase.GOING_ON, RemedyStatus.REVERTED: Phase.GOING_ON}


def _status(record: IncidentRecord, phase: Phase, age: float) -> str:
    incident = record.incident
    remedy = record.remedies[-1] if record.remedies else None
    if phase is Phase.OVER:
        closed = epoch(incident.closed_at)
        took = f" after {duration(max(closed - seconds(incident.opened_at), 0.0))}" if closed else ""
        ended = f": {words(incident.outcome)}" if incident.outcome else ""
        return f"Closed{took}{ended}. The postmortem follows at this address."
    return f"Open for {duration(age)}: {_doing(phase, incident, remedy)}."


def _doing(phase: Phase, incident: Incident, remedy: Remedy | None) -> str:
    if phase is Phase.ENDING and incident.recovery_verified_at:
        return f"well since {clock(incident.recovered_at or incident.recovery_verified_at)} UTC, {phase}"
    if remedy is None:
        return str(phase)
    name = phrase(remedy.action)
    match phase:
        case Phase.CHECKING:
            return f"checking the guardrails for the {name}"
        case Phase.ASKING:
            return f"waiting for people to approve the {name}"
        case Phase.APPLYING:
            return f"applying the {name}"
        case Phase.WATCHING if remedy.status is RemedyStatus.APPLIED:
            return f"verifying whether the {name} helps"
    return str(phase)


def _known(record: IncidentRecord, phase: Phase, said: Update) -> Iterator[str]:
    yield said.what
    if record.incident.reopenings:
        yield f"It had been closed, and was opened again at {clock(record.incident.opened_at)} UTC."
    for signal in record.signals[:1]:
        more = f" {plural(len(record.signals) - 1, 'more signal')} since." if len(record.signals) > 1 else ""
        first = f"{'Started by' if signal.kind == 'person' else 'Alarm'} {signal.name} at {clock(signal.at)} UTC"
        yield first + (f": {signal.reason.rstrip('.')}." if signal.reason else ".") + more
    measured = [entry for entry, fact in record.facts(Confirmed) if fact.answer != "inconclusive"]
    if measured and measured[-1].why:
        yield f"Measured at {clock(measured[-1].at)} UTC: {measured[-1].why}"
    if said.impact:
        yield said.impact
    if phase not in (Phase.VERIFYING, Phase.ISOLATING):
        yield from filter(None, (said.cause, *said.not_done))


def _asked(record: IncidentRecord) -> Iterator[str]:
    for fact in _open_questions(record):
        votes = listed([entry.by for entry, vote in record.facts(Answered) if vote.task == fact.task])
        persons = listed([person_asked(name) for name in fact.asked])
        yield (f"{persons}: {fact.summary or 'a remedy'}? Asked until {clock(fact.expires)} UTC; no answer "
               f"by then counts as a no." + (f" Answered so far by {votes}." if votes else ""))


def _open_questions(record: IncidentRecord) -> Iterator[ApprovalAsked]:
    for remedy in record.remedies:
        found = asked_for(record, remedy) if remedy.status is RemedyStatus.WAITING else None
        if found:
            yield found[1]


def _told(record: IncidentRecord) -> Iterator[str]:
    for entry in record.timeline:
        told, failed = entry.stated(Delivered), entry.stated(Undelivered)
        if told:
            yield f"{clock(entry.at)} UTC: {entry.what}" + (f" (by {told.by})" if told.by else "")
        elif failed:
            yield f"{clock(entry.at)} UTC: {entry.what}" + (f" ({entry.why})" if entry.why else "")


def _commands(service: Service, record: IncidentRecord, execution: str, answer_url: str,
              region: str) -> Iterator[Command]:
    if record.incident.status == "closed":
        return
    for fact in _open_questions(record):
        yield Command("Answer the question", commands(answer_url, region, record.incident.id, fact.task, "approval",
                                                       service.prefix))
    here = f" --region {shlex.quote(region)}" if region else ""
    mine = shlex.quote(execution)
    if service.mode != "observe":
        yield Command("Stop every remedy (kill switch); evidence is still gathered, and people are still told",
                      f"aws ssm put-parameter --name {shlex.quote(service.kill_switch)} --type String "
                      "--value engaged --overwrite"
                      f"{here}")
    arn = execution.split(":")
    if len(arn) < 8:
        return
    machine = ":".join([*arn[:5], "stateMachine", arn[6]])
    again = json.dumps({"service": service.service, "take_over": True, "started_by": "YOUR NAME"})
    yield Command("Take over: the responder ends, what it changed stays",
                  f"aws stepfunctions stop-execution --execution-arn {mine} --cause 'YOUR NAME takes over'"
                  f"{here}")
    yield Command("Let the responder go on after that",
                  f"aws stepfunctions start-execution --state-machine-arn {shlex.quote(machine)} "
                  f"--input {shlex.quote(again)}"
                  f"{here}")
    yield Command("See whether the responder still runs",
                  f"aws stepfunctions describe-execution --execution-arn {mine} --query status{here}")


def _expected_by(service: Service, record: IncidentRecord, phase: Phase, now: float) -> float:
    newest = max((seconds(entry.at) for entry in record.timeline), default=now)
    match phase:
        case Phase.ASKING:
            return max((seconds(fact.expires) for fact in _open_questions(record)), default=newest) + _GRACE_SECONDS
        case Phase.WATCHING:
            return newest + service.recovery.give_up_seconds + _GRACE_SECONDS
        case Phase.PEOPLE:
            return newest + (service.recovery.watch_after_escalation_seconds
                             + service.recovery.check_at_most_every_seconds + _GRACE_SECONDS)
    return newest + _STEP_SECONDS
