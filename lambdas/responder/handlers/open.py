"""Open the incident: one per service, for any number of alarms; later signals are attached to it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import fields
from typing import Literal

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.handlers import alarm_event, environment
from responder.handlers.decide import DoneByExecution, by_execution
from responder.handlers.settings import InForce, newest_lately, pin
from responder.handlers.step import IncidentRef, Spans, event_of, log, records
from responder.model.codec import Json, Malformed, decode, encode
from responder.model.facts import Opened
from responder.model.frozen import dataclass
from responder.model.incident import IncidentRecord, Remedy, RemedyStatus, Signal
from responder.model.masking import mask
from responder.model.moment import iso, iso_of
from responder.model.outside_signal import OutsideSignal, OutsideStart
from responder.model.service import Asked, Service, UnknownService, deployed, load, names
from responder.plan import promise, warming
from responder.plan.answers import Opening
from responder.plan.approvals import Decision, NotAllowed, commands
from responder.plan.course import Done, Settings, Until
from responder.plan.customers.facts import last_message
from responder.records import incidents
from responder.records.tasks import NotPossible

_REASON, _NAME, _WHY = 500, 200, 3000
_PHASES = ("confirm", "isolate", "diagnose", "watch", "aftercare")
"""The phase after which a person wants to stop; empty: none."""


class BadInput(ValueError):
    """The input of a start is invalid."""


@dataclass(frozen=True)
class OpenEvent:
    """What this step is given."""

    execution: str
    """The execution's ARN."""
    started: str
    """The execution's start, ISO 8601 in UTC."""
    entered: str
    """When the step's state was entered, ISO 8601 in UTC."""
    input: Json = None
    """The execution's input: EventBridge's "CloudWatch Alarm State Change", ``OutsideStart``, ``PersonStart``,
    ``DoneByExecution`` or ``ReportAnew``."""
    do: str = ""

    @property
    def key(self) -> str:
        """Distinguishes this start from others of the same moment."""
        return hashlib.sha256(self.execution.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class PersonStart:
    """A person's start of an incident."""

    service: str
    reason: str = "no reason was given"
    started_by: str = "somebody"
    until: Until = ""
    take_over: bool = False
    """Whether to continue the incident of an execution that no longer runs."""


@dataclass(frozen=True)
class ReportAnew:
    """A person's request for a new report, after review.md was put beside it."""

    incident: str
    report: Literal[True]


@dataclass(frozen=True, kw_only=True)
class OpenResult:
    """What this step returns."""

    result: Opening
    reason: str | None = None
    """The reason for declining or refusing."""
    incident: IncidentRef | None = None
    decision: Decision | None = None
    """The decision."""
    until: Until | None = None
    number: int | None = None
    """The number of the incident's next remedy."""
    sources: dict[str, tuple[Asked, ...]] | None = None
    """Phase to the functions that it queries."""
    warm: dict[str, tuple[str, ...]] | None = None
    """Phase to the functions that are started beside its questions, before they are needed."""
    settings: Settings | None = None
    changed: tuple[Done, ...] = ()
    """What an execution that ended early applied, and nobody has judged yet."""
    changed_since: str = ""
    """Since when that is watched, ISO 8601 in UTC; empty: there is none."""
    told_over: bool = False
    """Whether the last that customers heard is that it is over."""
    more_by: str = ""
    """When customers were told before that they hear more, ISO 8601 in UTC; empty: nothing is promised."""


def handler(event: Json, context: object) -> Json:
    """Take a start of the state machine."""
    given = event_of(OpenEvent, event)
    person = given.input if isinstance(given.input, dict) else {}
    if "report" in person:
        result = _report(person)
    elif "task" in person:
        result = _decided(person, given.execution)
    else:
        result = _start(given)
    return encode(result)


@dataclass(frozen=True)
class _Start:
    """An alarm or a person's start, read."""

    signal: Signal
    until: Until = ""
    take_over: bool = False


def _start(event: OpenEvent) -> OpenResult:
    try:
        start = _read(event)
        in_force = newest_lately(load(start.signal.service))
    except (BadInput, UnknownService) as error:
        reason = mask(str(error)[:_WHY])
        records().refuse(event.started, event.key, reason, event.input)
        log(step="open", refused=reason)
        return OpenResult(result="refused", reason=reason)
    service = in_force.service
    running = _take_over(event, start, service)
    if running:
        records().refuse(event.started, event.key, running, event.input)
        return OpenResult(result="declined", reason=running)
    incident = f"{service.service}-{event.started[:19].replace('-', '').replace(':', '')}Z-{event.key[:4]}"
    opened = records().open(service.service, incident, event.execution, event.started, start.signal,
                            service.recovery.relapse_seconds, service.lease_seconds)
    log(step="open", service=service.service, incident=opened.incident, new=opened.new, signal=start.signal.name)
    if not opened.new:
        return OpenResult(result="attached",
                          incident=IncidentRef(opened.incident, service.service, opened.opened_at))
    return _opened(event, start, in_force, opened)


def _opened(event: OpenEvent, start: _Start, in_force: InForce, opened: incidents.Opened) -> OpenResult:
    """Record the opening, and return what the state machine needs."""
    signal, service = start.signal, in_force.service
    pin(records(), opened.incident, in_force)
    if in_force.problem:
        log(step="open", incident=opened.incident, configuration=in_force.problem)
    records().note(opened.incident, event.entered, "Open the incident",
                   f"opened {'again ' if opened.reopened else ''}by {signal.kind} {signal.name}",
                   why="; ".join(part for part in (signal.reason, in_force.said) if part),
                   by=signal.started_by or "system", fact=Opened(service.mode, signal.at, opened.reopened))
    found, item = deployed(service.service), records().find(opened.incident)
    record = records().load(opened.incident) if opened.reopened else None
    told, unjudged = (last_message(record), _unjudged(record)) if record else (None, [])
    functions = {remedy.action: remedy.function for remedy in found.remedies}
    return OpenResult(
        result="opened", until=start.until, number=records().next_number(opened.incident),
        incident=IncidentRef(opened.incident, service.service, opened.opened_at, event.execution,
                             item.opened_at if item else opened.opened_at, in_force.version,
                             Spans(service.confirm.window_seconds, service.confirm.baseline_seconds,
                                   service.recovery.hold_seconds)),
        sources={phase: found.sources.get(phase, ()) for phase in _PHASES},
        warm=warming.needed(service, found, start.until), settings=_settings(service),
        changed=tuple(Done.of(remedy, functions[remedy.action]) for remedy in unjudged if remedy.action in functions),
        changed_since=_since(service, unjudged),
        told_over=told is not None and "works_again" in told.said, more_by=told.more_by if told else "")


def _unjudged(record: IncidentRecord) -> list[Remedy]:
    """Return what was applied since the incident was last closed, and is not known yet to help or not."""
    return [remedy for remedy in record.remedies if remedy.status is RemedyStatus.APPLIED
            and (remedy.applied_at or "") > (record.incident.closed_at or "")]


def _since(service: Service, unjudged: Sequence[Remedy]) -> str:
    """Return since when it is watched: where its time is up by now, what is well at last still has the time to hold."""
    applied = max((remedy.applied_at or "" for remedy in unjudged), default="")
    return applied and max(applied, iso(time.time() - service.recovery.give_up_seconds))


def _settings(service: Service) -> Settings:
    # One question of the state machine waits for the longest time that any service allows.
    asked = max(load(name).approval.wait_seconds for name in {*names(), service.service}) + (
        promise.APPROVAL_MARGIN_SECONDS)
    return Settings(
        service.confirm.looks, service.confirm.look_wait_seconds, service.confirm.rounds,
        service.confirm.round_wait_seconds, service.recovery.check_every_seconds,
        promise.update_seconds(service.customers.update_seconds, asked, service.guardrails.remedies_per_incident),
        asked)


def _take_over(event: OpenEvent, start: _Start, service: Service) -> str:
    """Allow taking over the incident of an execution that no longer runs, if a person asks for it or the lease expired.

    Returns why a person's request to take it over is impossible; else an empty text.
    """
    held = records().lock(service.service)
    if held is None or held.execution == event.execution or (not start.take_over and held.lease_until >= time.time()):
        return ""
    running = _still_running(held.execution)
    if start.take_over and running:
        return running
    if running:
        # The execution is slow to renew its lease, but still runs.
        records().renew(service.service, held.execution, service.lease_seconds)
    elif start.take_over:
        records().expire(service.service, held.execution)
    return ""


def _still_running(execution: str) -> str:
    """Return a sentence that says that an execution runs, or may run; empty where it does not."""
    try:
        with aws.failures("Step Functions"):
            status = aws.client("stepfunctions").describe_execution(executionArn=execution)["status"]
    except CallFailed as failed:
        # Step Functions forgets an execution after ninety days, so it no longer runs.
        return "" if failed.code == "ExecutionDoesNotExist" else f"whether it still runs is not known: {failed.note}"
    return f"the execution {execution} still runs: stop it first" if status == "RUNNING" else ""


def _decided(given: Json, execution: str) -> OpenResult:
    """Take a person's statement that a task is done; decline an approval or a rejection and explain how to give it."""
    try:
        done = decode(DoneByExecution, given)
    except Malformed as error:
        return _declined('a task is marked as done by {"incident": "…", "task": "01m", "decision": "done", '
                         f'"by": "…"}}; {error}')
    if done.decision in ("approve", "reject"):
        return _declined(
            "an execution decides nothing: whoever may start one need not be able to approve. Decide as yourself, by "
            "a button in Slack, or so.\n" + commands(
                environment.answer_url(), environment.region(), done.incident[:200], str(done.task)[:8], "approval",
                # All services of a deployment have its one prefix.
                *(load(name).prefix for name in names()[:1])))
    try:
        task = by_execution(records(), done, execution)
    except (NotPossible, NotAllowed) as error:
        return _declined(str(error))
    log(step="open", result="decided", decision=task.decision)
    return OpenResult(result="decided", decision=task.decision or None,
                      incident=IncidentRef(task.incident, task.service, ""))


def _declined(reason: str) -> OpenResult:
    reason = mask(reason[:_WHY])
    log(step="open", result="declined", reason=reason)
    return OpenResult(result="declined", reason=reason)


def _report(given: Json) -> OpenResult:
    """Take a person's request for a new report."""
    how = 'a report is written anew by {"incident": "…", "report": true}'
    try:
        wish = decode(ReportAnew, given)
    except Malformed:
        return _declined(how)
    item = records().find(wish.incident)
    if item is None:
        return _declined(f"{how}; there is no incident {wish.incident[:80]!r}")
    return OpenResult(result="report", incident=IncidentRef(item.id, item.service, item.opened_at))


def _outside(given: OutsideSignal, event: OpenEvent) -> Signal:
    """Return an alert of another system; what it was called there is not trusted to be clean."""
    return Signal(iso_of(given.at, event.started), given.kind, mask(given.name)[:_NAME], event.key, given.service,
                  mask(given.reason)[:_REASON])


def _read(event: OpenEvent) -> _Start:
    """Read an alarm's event or a person's start; raises BadInput."""
    given = event.input
    if not isinstance(given, dict):
        raise BadInput("the input must be an object with a service")
    if given.get("detail-type") == alarm_event.DETAIL_TYPE:
        try:
            return _Start(alarm_event.signal(given, event.started, event.key))
        except (alarm_event.NobodysAlarm, Malformed) as error:
            raise BadInput(str(error)) from error
    if "signal" in given:
        try:
            return _Start(_outside(decode(OutsideStart, given).signal, event))
        except Malformed as error:
            raise BadInput(str(error)) from error
    if not given.get("service"):
        raise BadInput('the input needs "service", the name of a service: {"service": "payment-gateway", '
                       '"reason": "…", "started_by": "…"}')
    try:
        start = decode(PersonStart, {key: value for key, value in given.items() if value is not None})
    except Malformed as error:
        raise BadInput(f"{error}; the input takes {', '.join(field.name for field in fields(PersonStart))}") from error
    person = mask(start.started_by)[:100]
    return _Start(Signal(event.started, "person", person, event.key, start.service, mask(start.reason)[:_REASON],
                         person), start.until, start.take_over)
