"""What all steps share: the event, parsed once, whose incident it is, where its records are, and a log that says so.

A step's event is what the state machine passes on: the incident, when its state was entered (the same for each try),
what the sources answered, and what is the step's own. Each step has a type for it beside its handler.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import fields
from functools import cached_property
from typing import TypeVar

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.codec import Json, decode, encode
from responder.model.evidence import Evidence
from responder.model.facts import Fact
from responder.model.frozen import dataclass
from responder.model.incident import EntryKind, SourceAnswer
from responder.model.masking import mask_all
from responder.model.moment import seconds
from responder.model.service import Service, load
from responder.records.table import Records

_log = logging.getLogger()
_log.setLevel(logging.INFO)


@dataclass(frozen=True)
class IncidentRef:
    """The incident, as the state machine passes it on."""

    id: str
    service: str
    opened_at: str
    """ISO 8601 in UTC; of an incident that was opened again, when it was so last."""
    execution: str | None = None
    """ARN of the execution that looks after it; None where it was only attached to."""
    first_opened_at: str | None = None


@dataclass(frozen=True)
class RemedyRef:
    """A remedy that was proposed, as the state machine passes it on; what it is stands on record under its id."""

    action: str
    id: str
    """See ``Proposed.id``."""
    function: str = ""
    """The name of the function that carries it out."""
    cause: str = ""
    contested: bool = False


@dataclass(frozen=True, kw_only=True)
class StepEvent:
    """What each step of the state machine is given."""

    incident: IncidentRef
    entered: str
    """When the step's state was entered, ISO 8601 in UTC."""
    answers: tuple[SourceAnswer, ...] = ()
    """What the sources answered that were asked for this step."""
    do: str = ""
    """The step's module, where one function has several; see ``handlers/steps.py``."""


@dataclass(frozen=True)
class Step:
    """One visit of a state."""

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
    """ARN of the execution that looks after the incident."""

    def note(self, what: str, *, number: int = 0, why: str = "", by: str = "system", kind: EntryKind = "step",
             fact: Fact | None = None) -> bool:
        """Write a timeline entry of this visit; see ``Records.note``."""
        return self.records.note(self.incident, self.entered, self.name, what, number=number, why=why, by=by,
                                 kind=kind, fact=fact)

    def keep_evidence(self) -> None:
        """Put what the sources answered on record."""
        self.records.keep_evidence(self.incident, self.entered, self.name, self.answers)

    @cached_property
    def evidence(self) -> Evidence:
        """The findings of all answers."""
        return Evidence(finding for answer in self.answers for finding in answer.findings)


def kill_switch(service: Service) -> str | None:
    """Return the value of the service's kill switch, None where it cannot be read or was never set.

    It is read anew each time. No stack holds the parameter, so that no update of one can set it.
    """
    try:
        with aws.failures("SSM"):
            value: str = aws.client("ssm").get_parameter(Name=service.kill_switch)["Parameter"]["Value"]
    except CallFailed:
        return None
    return value


def records() -> Records:
    """Return the timeline table of this deployment."""
    return Records(os.environ["TABLE"], timeline=os.environ.get("TIMELINE", ""))


Handler = Callable[[Json, object], dict[str, Json]]
"""A Lambda handler: event and context to the result, all plain JSON."""
E = TypeVar("E", bound=StepEvent)


def step(name: str, kind: type[E], *, renews: bool = True) -> Callable[[Callable[[Step, E], object]], Handler]:
    """Turn a function of a Step and its event into a Lambda handler that logs.

    ``kind`` is the event's type; see ``event_of``. The function's result is a dataclass. With ``renews`` the incident's
    lease is renewed as well: the functions of the remedies and of the report may not write it, and end long before the
    lease does.
    """

    def wrap(function: Callable[[Step, E], object]) -> Handler:
        def handler(event: Json, context: object) -> dict[str, Json]:
            given = event_of(kind, event)
            incident = given.incident
            visit = Step(name, incident.id, load(incident.service), seconds(incident.opened_at), given.entered,
                         records(), given.answers, incident.execution or "")
            started = time.monotonic()
            if renews:
                visit.records.renew(visit.service.service, visit.execution, visit.service.lease_seconds)
            result: dict[str, Json] = mask_all(result_of(function(visit, given)))
            log(step=name, incident=visit.incident, milliseconds=round((time.monotonic() - started) * 1000),
                result={key: value for key, value in result.items() if not isinstance(value, dict | list)})
            return result

        return handler

    return wrap


def event_of(kind: type[E], event: Json) -> E:
    """Return a step's event; raises Malformed.

    Keys that the step does not know are left out: an execution that began before an update passes on what its own
    definition says.
    """
    known = {part.name for part in fields(kind)}
    return decode(kind, {key: value for key, value in event.items() if key in known}, "event")


def result_of(result: object) -> dict[str, Json]:
    """Return a step's result as plain JSON; a field that is None stays, for the state machine may read it."""
    return {name: encode(value) for name, value in vars(result).items()}


def log(**fields: object) -> None:
    """Write one line of JSON to the function's log, masked."""
    _log.info(json.dumps(mask_all(fields), default=str))
