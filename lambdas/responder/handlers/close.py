"""Stand down, escalate, or leave the rest to people: record the outcome and notify people."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from responder import people
from responder.clients import alarm_states
from responder.clients.failure import CallFailed
from responder.handlers.customers import tell_the_end
from responder.handlers.inform import call
from responder.handlers.linking import leave
from responder.handlers.notify import message, notify, record_notification
from responder.handlers.step import StepEvent, StepRun, log, step
from responder.model.codec import Json, Malformed
from responder.model.evidence.alarms import AlarmState
from responder.model.facts import Undelivered
from responder.model.frozen import dataclass
from responder.model.incident import Cause, Incident, IncidentRecord, Outcome
from responder.model.moment import epoch
from responder.model.service import deployed
from responder.people import Message
from responder.plan import messages
from responder.plan.aftercare import in_place
from responder.plan.needs import ESCALATED, open_tasks
from responder.plan.updates import called
from responder.records.incidents import IncidentChange

_AGAIN_SECONDS = 3.0
_ON = 5
"""The place of the entry about alarms that are on among those of standing down."""
_FALSE_ALARM = Cause("none", confidence=1.0, summary="nothing was wrong")


def handler(event: Json, context: object) -> dict[str, Json]:
    """Escalate, stand down, or leave it to people, as ``operation`` says."""
    operation = event["operation"]
    if operation not in _OPERATIONS:
        raise Malformed("event.operation", f"one of {', '.join(_OPERATIONS)}", operation)
    return _OPERATIONS[operation](event, context)


@dataclass(frozen=True, kw_only=True)
class CloseEvent(StepEvent):
    """The input of each of the three operations."""

    operation: Literal["stand_down", "escalate", "left"]


@dataclass(frozen=True, kw_only=True)
class StandDownEvent(CloseEvent):
    """The input of standing down."""

    until: str = ""
    """The phase after which a person wanted to stop; empty: none."""
    force: bool = False
    """Whether to stand down although an alarm came after the evidence cutoff."""


@dataclass(frozen=True)
class StandDownResult:
    """The result of standing down."""

    newer: bool
    """Whether an alarm came after the evidence cutoff; it is examined first."""
    temporary: bool = False
    """Whether a temporary mitigation is in place."""
    outcome: Outcome | None = None
    wait_seconds: int = 0
    """After how many seconds to check whether a temporary mitigation can be restored."""


@step("Stand down", StandDownEvent)
def _stand_down(run: StepRun, event: StandDownEvent) -> StandDownResult:
    """Record the outcome and release the incident lock; a false alarm notifies nobody.

    If an alarm came after the evidence cutoff, it is examined first.
    """
    incident = run.records.require(run.incident)
    on = _alarms_on(run)
    if not event.force and (_newer(run, event, incident) or _went_on(on, incident)):
        run.note("an alarm came that has not been looked at", kind="step")
        return StandDownResult(newer=True)
    remedies = run.records.remedies_of(run.incident)
    outcome = _outcome(event, incident)
    temporary = outcome == "resolved" and bool(in_place(remedies))
    change: IncidentChange = {"outcome": outcome, "status": "closed", "closed_at": run.entered,
                              "cared_by": run.execution if temporary else None}
    cause = _cause(outcome, incident)
    if cause and cause != incident.cause:
        change |= {"cause": cause}
    run.records.update(run.incident, **change)
    run.note(f"stood down: {outcome.replace('_', ' ')}", kind="outcome",
               why=cause.summary if cause and outcome != "false_alarm" else "")
    if on:
        run.note(f"in ALARM as it stood down: {', '.join(alarm.name for alarm in on)}", number=_ON, kind="step",
                 why="the sweep looks again at an alarm that stays on")
    for remedy in remedies:
        if remedy.lease and not remedy.audience:
            run.records.release(remedy.lease, run.incident)
    run.records.close(run.service.service, run.incident, run.execution)
    # A false alarm notifies only the people who were called for it meanwhile.
    if outcome != "false_alarm" or any(key.startswith("page-") for channel in people.every()
                                       for key in run.records.delivery(run.incident, channel.name).sent):
        _tell_it_is_over(run, outcome)
    # Not before its customers are told: another incident might tell them of it anew.
    leave(run, incident, remedies)
    recovery = run.service.recovery
    return StandDownResult(False, temporary, outcome, max(
        recovery.check_every_seconds, min(recovery.calm_seconds, recovery.check_at_most_every_seconds)))


def _outcome(event: StandDownEvent, incident: Incident) -> Outcome:
    if incident.recovery_verified_at:
        return "resolved"
    if incident.confirmed is False:
        return "false_alarm"
    return "observed" if event.until else incident.outcome or "escalated"


def _cause(outcome: Outcome, incident: Incident) -> Cause | None:
    """Return the cause for the record.

    A symptom that came after a remedy had helped, and ended by itself, does not make the cause unknown.
    """
    if outcome == "false_alarm":
        return _FALSE_ALARM
    unknown = incident.cause is not None and incident.cause.id == "unknown"
    return incident.established_cause if outcome == "resolved" and incident.established_cause and unknown else (
        incident.cause)


def _newer(run: StepRun, event: StandDownEvent, incident: Incident) -> bool:
    """Whether an alarm came after the evidence cutoff, or while a person wanted only the first phases."""
    cutoff = incident.evidence_cutoff or "~"
    return any(signal.kind != "person" and (bool(event.until) or signal.at > cutoff)
               for signal in run.records.signals(run.incident))


def _alarms_on(run: StepRun) -> tuple[AlarmState, ...]:
    """Return the service's alarms that are on; CloudWatch sends no event while they stay.

    None where they cannot be read: the sweep looks again in any case.
    """
    try:
        return alarm_states.on(deployed(run.service.service).alarms)
    except CallFailed as failed:
        log(step="Stand down", incident=run.incident, failed=failed.note)
        return ()


def _went_on(on: Iterable[AlarmState], incident: Incident) -> bool:
    """Whether an alarm went on after the evidence cutoff: its event is late, or was lost."""
    cutoff = epoch(incident.evidence_cutoff)
    return cutoff is not None and any(alarm.since is not None and alarm.since > cutoff for alarm in on)


@dataclass(frozen=True, kw_only=True)
class EscalateEvent(CloseEvent):
    """The input of escalating."""

    why: str = ""
    observed: bool = False
    """Whether the responder only observes, and would have applied a remedy."""


@dataclass(frozen=True)
class EscalateResult:
    """The result of escalating."""

    outcome: Outcome


@step("Escalate", EscalateEvent)
def _escalate(run: StepRun, event: EscalateEvent) -> EscalateResult:
    """Send people all facts, and record that no automatic step is left."""
    why = event.why or "no automatic step is left"
    outcome: Outcome = "observed" if event.observed else "escalated"
    run.records.update(run.incident, outcome=outcome, status="waiting for people", escalated_at=run.entered,
                         recovery_verified_at=None, recovered_at=None)
    run.note(f"{'observed' if outcome == 'observed' else 'escalated to people'}: {why}", kind="outcome")
    record = run.records.load(run.incident)
    key = f"{ESCALATED}-{run.entered}"
    told = message(run, record, "told" if _woken(run, record, key) else "escalation", key,
                   messages.escalation(run.service, record, why))
    if told.kind == "escalation" and record.incident.places:
        # Who was just woken to see to this very cause is not woken for each service that it takes down.
        told = replace(told, need=f"take over {record.incident.places[0]}")
    _tell(run, replace(told, persons=tuple(person for person in run.service.team if person.role == "sre")))
    call(run, record)
    if not event.observed:
        _hotfix(run, record)
    return EscalateResult(outcome)


def _woken(run: StepRun, record: IncidentRecord, key: str) -> bool:
    """Whether people were woken before in this opening to take over, or for a task that is still open.

    Then what is left is news: nobody is woken twice for one need. ``key`` is that of this message, which a retry sends
    again.
    """
    tasks = tuple(f"task-{remedy.number:02d}m" for remedy in open_tasks(record))
    since = record.incident.last_reopened_at
    configured = [channel for channel in people.every() if channel.configured(run.service)]
    return any(sent != key and at >= since and sent.startswith((ESCALATED, *tasks))
               for channel in [one for one in configured if one.wakes] or configured
               for sent, at in run.records.delivery(run.incident, channel.name).sent.items())


def _hotfix(run: StepRun, record: IncidentRecord) -> None:
    """Give the developers the manual task for what the responder could not do; once per incident."""
    said, incident = messages.hotfix(run.service, record), record.incident
    persons = called(run.service, "code_bug", incident.affected)
    if said and persons:
        names = ", ".join(person.name for person in persons)
        record_notification(run, f"the hotfix is given to: {names}", "team", notify(run, replace(
            message(run, record, "call", f"hotfix-{incident.reopenings}", said), persons=persons)), 2)


@dataclass(frozen=True, kw_only=True)
class LeftEvent(CloseEvent):
    """The input of leaving it to people."""

    why: str = ""


@dataclass(frozen=True)
class LeftResult:
    """The result of leaving it to people."""

    left: bool = True


@step("Leave it to people", LeftEvent)
def _left(run: StepRun, event: LeftEvent) -> LeftResult:
    """Tell people which temporary mitigation is still in place, and why it was not restored."""
    why = event.why or "it could not be looked after any longer"
    run.note("left to people: a temporary change that is still in place", kind="outcome", why=why)
    record = run.records.load(run.incident)
    _tell(run, message(run, record, "told", f"left-{run.entered}", messages.left(run.service, record, why)))
    return LeftResult()


_OPERATIONS = {"stand_down": _stand_down, "escalate": _escalate, "left": _left}


def _tell_it_is_over(run: StepRun, outcome: Outcome) -> None:
    """Tell the team, resolve the page where the recovery is verified, and tell customers who were told before."""
    record = run.records.load(run.incident)
    incident, said = record.incident, messages.over(run.service, record)
    notify(run, message(run, record, "status", "", said), 40)
    record_notification(run, "the team is told", "team", notify(run, replace(
        message(run, record, "closed", f"closed-{incident.reopenings}", said),
        over=outcome in ("resolved", "false_alarm"))), 1)
    tell_the_end(run, record)


def _tell(run: StepRun, told: Message) -> None:
    channels = notify(run, told)
    if told.kind == "escalation" and set(channels.failed) & {one.name for one in people.every() if one.wakes}:
        # This step must go on, for people's work is watched after it: the channel that wakes is tried once more here.
        time.sleep(_AGAIN_SECONDS)
        channels = notify(run, told)
    record_notification(run, "the team is told", "team", channels, 1)
    if not channels:
        run.note("the team could not be told", number=1, kind="notification", fact=Undelivered("all channels"))
