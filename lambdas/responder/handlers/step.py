"""What all steps share: who the incident is, where its records are, and a log that says so.

A step's event is ``{"incident": {"id", "service", "opened_at"}, "entered": "…Z", …}``; ``entered`` is when its state
was entered, the same for each try.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.finding import Finding
from responder.model.masking import mask_all
from responder.model.service import Service, load
from responder.records.table import Records, seconds

_log = logging.getLogger()
_log.setLevel(logging.INFO)


@dataclass(frozen=True)
class Step:
    """One visit of a state."""

    name: str
    incident: str
    service: Service
    opened_at: float
    """Seconds since 1970 (UTC)."""
    entered: str
    records: Records
    event: dict[str, Any]

    def note(self, what: str, **more: Any) -> bool:
        """Write a timeline entry of this visit; see ``Records.note``."""
        return self.records.note(self.incident, self.entered, self.name, what, **more)

    @property
    def answers(self) -> list[dict[str, Any]]:
        """What the sources answered: [{source, findings, milliseconds}]."""
        return list(self.event.get("answers") or [])

    @property
    def findings(self) -> list[Finding]:
        """The findings of all answers."""
        return [Finding.from_json(finding) for answer in self.answers for finding in answer.get("findings", [])]


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


Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
"""A Lambda handler: event and context to the result."""


def step(name: str, renews: bool = True) -> Callable[[Callable[[Step], dict[str, Any]]], Handler]:
    """Turn a function of a Step into a Lambda handler that logs.

    With ``renews`` it renews the incident's lease as well. The functions of the remedies and of the report may not
    write it, and end long before the lease does.
    """

    def wrap(function: Callable[[Step], dict[str, Any]]) -> Handler:
        def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
            incident = event["incident"]
            visit = Step(name, incident["id"], load(incident["service"]), seconds(incident["opened_at"]),
                         event["entered"], records(), event)
            started = time.monotonic()
            if renews:
                visit.records.renew(visit.service.service, str(incident.get("execution", "")),
                                    visit.service.lease_seconds)
            result: dict[str, Any] = mask_all(function(visit))
            log(step=name, incident=visit.incident, milliseconds=round((time.monotonic() - started) * 1000),
                result={key: value for key, value in result.items() if not isinstance(value, dict | list)})
            return result

        return handler

    return wrap


def log(**fields: Any) -> None:
    """Write one line of JSON to the function's log, masked."""
    _log.info(json.dumps(mask_all(fields), default=str))
