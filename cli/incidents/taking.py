"""Take an incident over from the responder, and give it back, as the page of an open incident says it is done.

Taking over ends the execution. Giving back starts one that goes on with the same incident; it is refused while another
one runs (``handlers/open.py``). Source: the Step Functions API reference, "StopExecution", "StartExecution".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from cli.incidents.asking import asking
from cli.incidents.known import Held, open_ones
from cli.incidents.named import chosen
from cli.incidents.place import Place
from cli.incidents.standing import RUNNING, Execution, Standing, execution_of
from cli.output import NOT_WELL, WRONG_INPUT, Refused
from responder.model.frozen import dataclass
from responder.model.incident import IncidentRecord
from responder.model.masking import mask
from responder.model.remedy import RemedyStatus
from responder.model.service import Service
from responder.plan.question import deed, outcome

_ERROR = "TakenOver"
_CAUSE = 1000
STOP_RIGHT, START_RIGHT = "states:StopExecution", "states:StartExecution"


@dataclass(frozen=True)
class Taken:
    """An incident that was taken over, or given back."""

    incident: str
    execution: str
    """ARN of the execution that was ended, or started."""
    is_given_back: bool
    cause: str
    """What was said with it."""


def open_one(place: Place, services: Sequence[Service], incident: str) -> Held:
    """Return the open incident that is meant; raises Refused."""
    held = open_ones(place.records(), services)
    if not held:
        raise Refused("no incident is open", WRONG_INPUT)
    name = chosen(incident, [one.known for one in held], "open incident").id
    return next(one for one in held if one.lock.incident == name)


def take_lines(found: Standing, record: IncidentRecord) -> Iterator[str]:
    """Yield what taking over means just now: what ends, what stays, who was asked in vain."""
    yield f"{found.id}: {found.status}"
    yield "Taking over ends the responder's work on it: nothing more is looked at, applied, rolled back or told."
    for remedy in record.remedies:
        if remedy.status in (RemedyStatus.APPLYING, RemedyStatus.APPLIED, RemedyStatus.VERIFIED) and (
                not remedy.audience):
            yield f"Stays as it is: {deed(remedy)}. {outcome(remedy)}" + (
                f" To undo it: {remedy.undo}" if remedy.undo else "")
    for one in found.waiting:
        yield f"No longer asked: {one.deed}"


def take(place: Place, held: Held, who: str, reason: str) -> Taken:
    """End the execution of an open incident; raises Refused, also where none runs."""
    execution = execution_of(place, held.lock.execution)
    if execution.has_ended:
        raise Refused(f"nothing is to be taken over: {_ended(execution)}", NOT_WELL)
    cause = mask(f"{who} takes over" + (f": {reason}" if reason else ""))[:_CAUSE]
    with asking("take an incident over", STOP_RIGHT):
        place.client("stepfunctions").stop_execution(executionArn=execution.arn, error=_ERROR, cause=cause)
    return Taken(held.lock.incident, execution.arn, False, cause)


def give_back(place: Place, held: Held, who: str, reason: str) -> Taken:
    """Start an execution that goes on with an open incident; raises Refused, also where one runs."""
    execution = execution_of(place, held.lock.execution)
    if execution.status == RUNNING:
        raise Refused(f"the responder has {held.lock.incident} already: its execution runs", NOT_WELL)
    said = reason or f"{who} gives it back to the responder"
    given = {"service": held.service.service, "take_over": True, "started_by": who, "reason": said}
    with asking("give an incident back to the responder", START_RIGHT):
        started = place.client("stepfunctions").start_execution(
            stateMachineArn=place.outputs["Live"], input=json.dumps(given))["executionArn"]
    return Taken(held.lock.incident, str(started), True, said)


def taken_lines(found: Taken) -> Iterator[str]:
    """Yield what was done, and what can be done next."""
    if found.is_given_back:
        yield f"{found.incident} is the responder's again: it looks anew, and tries nothing a second time."
        return
    yield f"{found.incident} is yours. What the responder changed stays, and it does nothing more."
    yield f"To let it go on: responder take-over {found.incident} --give-back"


def _ended(execution: Execution) -> str:
    return f"the execution is {execution.status}" + (f" ({execution.cause})" if execution.cause else "")
