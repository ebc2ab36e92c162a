"""The parts that all steps share: the parsed event, the incident, its records, and the log.

The state machine passes a step the incident, when its state was entered (the same for each retry), the sources'
answers, and the step's own input. Each step has a type for its event beside its handler.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

from responder.clients import aws, targets, telemetry
from responder.clients.failure import CallFailed
from responder.handlers import environment
from responder.handlers.settings import pinned
from responder.model.codec import Json, decode_known, encode
from responder.model.evidence import Evidence
from responder.model.facts import Fact
from responder.model.frozen import dataclass
from responder.model.incident import EntryKind, SourceAnswer
from responder.model.masking import mask_all
from responder.model.moment import seconds
from responder.model.service import Service, load
from responder.plan.own_metrics import of_answers
from responder.plan.times import RARER
from responder.records.answers import fetched
from responder.records.table import Records

_SHARED = 99
"""The place of the entry about shared look-ups among those of one step."""


@dataclass(frozen=True)
class Spans:
    """The lengths of time by which the sources are asked; see ``model/service/limits.py``."""

    window_seconds: int
    baseline_seconds: int
    hold_seconds: int


@dataclass(frozen=True)
class IncidentRef:
    """The incident in the state machine's data."""

    id: str
    service: str
    opened_at: str
    """ISO 8601 in UTC; for a reopened incident, the time of the last reopening."""
    execution: str | None = None
    """ARN of the execution that handles it; None for an execution whose signal was only attached."""
    first_opened_at: str | None = None
    settings: str = ""
    """The version of the settings under which it was opened; empty: as bundled."""
    spans: Spans | None = None
    """What the sources' functions, which cannot read the record, need of these settings."""


@dataclass(frozen=True, kw_only=True)
class StepEvent:
    """The input of each step of the state machine."""

    incident: IncidentRef
    entered: str
    """When the step's state was entered, ISO 8601 in UTC."""
    answers: tuple[SourceAnswer, ...] = ()
    """The sources' answers to this step's query."""
    do: str = ""
    """The step's module, where one function has several; see ``handlers/steps.py``."""


@dataclass(frozen=True)
class StepRun:
    """One run of a step: its incident, service, records and answers."""

    name: str
    """The step's title, as people read it."""
    incident: str
    service: Service
    opened_at: float
    """Seconds since 1970 (UTC)."""
    entered: str
    records: Records
    answers: tuple[SourceAnswer, ...] = ()
    execution: str = ""
    """ARN of the execution that handles the incident."""

    def note(self, what: str, *, number: int = 0, why: str = "", by: str = "system", kind: EntryKind = "step",
             fact: Fact | None = None) -> bool:
        """Write a timeline entry of this step; see ``Records.note``."""
        return self.records.note(self.incident, self.entered, self.name, what, number=number, why=why, by=by,
                                 kind=kind, fact=fact)

    def keep_evidence(self) -> None:
        """Record the sources' answers."""
        self.records.keep_evidence(self.incident, self.entered, self.name, self.answers)
        if shared := [sentence for answer in self.answers for sentence in answer.shared]:
            self.note("answers that were asked for by other incidents were used", number=_SHARED, why="; ".join(shared))
        telemetry.emit(environment.namespace(), of_answers(self.service.service, self.answers))

    @cached_property
    def evidence(self) -> Evidence:
        """The findings of all answers."""
        return Evidence(finding for answer in self.answers for finding in answer.findings)

    @cached_property
    def looks(self) -> Evidence:
        """The findings of all looks on record, read once."""
        return self.records.load(self.incident).evidence()


def kill_switch(service: Service) -> str | None:
    """Return the value of the service's kill switch, None where it cannot be read or was never set.

    It is read anew each time. No stack contains the parameter, so an update of a stack cannot set it.
    """
    try:
        with targets.at_home(), aws.failures("SSM"):
            value: str = aws.client("ssm").get_parameter(Name=service.kill_switch)["Parameter"]["Value"]
    except CallFailed:
        return None
    return value


def records() -> Records:
    """Return the timeline table of this deployment."""
    return Records(environment.table(), timeline=environment.timeline())


Handler = Callable[[Json, object], dict[str, Json]]
"""A Lambda handler: event and context to the result, all plain JSON."""
E = TypeVar("E", bound=StepEvent)
T = TypeVar("T")


def step(name: str, kind: type[E], *, renews: bool = True) -> Callable[[Callable[[StepRun, E], object]], Handler]:
    """Turn a function of a StepRun and its event into a Lambda handler that logs.

    ``kind`` is the event's type; see ``event_of``. The function's result is a dataclass. With ``renews`` it also renews
    the incident's lease. The functions of the remedies and of the report may not write the lease, and end long before
    it expires.
    """

    def wrap(function: Callable[[StepRun, E], object]) -> Handler:
        def handler(event: Json, context: object) -> dict[str, Json]:
            given = event_of(kind, event)
            incident, started = given.incident, time.monotonic()
            table = records()
            run = StepRun(name, incident.id, pinned(table, load(incident.service), incident.id, incident.settings),
                          seconds(incident.opened_at), given.entered, table,
                          fetched(environment.reports(), given.answers), incident.execution or "")
            if renews:
                # Looks become rarer with time, and the lease must outlast the longest wait.
                rarer = RARER * max(0.0, time.time() - run.opened_at)
                run.records.renew(run.service.service, run.execution, run.service.lease_seconds + rarer)
            with targets.aimed(run.service):
                result: dict[str, Json] = mask_all(result_of(function(run, given)))
            log(step=name, incident=run.incident, milliseconds=round((time.monotonic() - started) * 1000),
                result={key: value for key, value in result.items() if not isinstance(value, dict | list)})
            return result

        return handler

    return wrap


def event_of(kind: type[T], event: Json) -> T:
    """Return a step's event; raises Malformed.

    Unknown keys are ignored, because an execution that began before an update passes on the data of its own definition.
    """
    return decode_known(kind, event, "event")


def result_of(result: object) -> dict[str, Json]:
    """Return a step's result as plain JSON; a field that is None stays, because the state machine may read it."""
    return {name: encode(value) for name, value in vars(result).items()}


def log(**fields: object) -> None:
    """Write one line of JSON to the function's log, masked."""
    telemetry.write(mask_all(fields))
