"""Find the question that somebody wants to answer, and show all that they need to know for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cli.incidents.known import Held, open_ones
from cli.incidents.named import Known, chosen
from cli.incidents.place import Place
from cli.incidents.standing import Standing, standing
from cli.incidents.waiting import Waiting, asked_about, others, values
from cli.output import WRONG_INPUT, Refused
from responder.model.frozen import dataclass
from responder.model.incident import IncidentRecord
from responder.model.service import Service
from responder.plan.wording import duration, stamp
from responder.records.tasks import NotPossible, id_of


@dataclass(frozen=True)
class Asked:
    """A question that is open, with its incident."""

    one: Waiting
    standing: Standing
    service: Service
    """With the settings of the incident."""
    record: IncidentRecord


def question_of(place: Place, services: Sequence[Service], incident: str, task: str, now: float) -> Asked:
    """Return the question that is meant; raises Refused where none is open, or several are and none is named."""
    held = _held(open_ones(place.records(), services), incident)
    found, service, record = standing(place, held, now)
    return Asked(_of(found, task), found, service, record)


def _held(held: Sequence[Held], incident: str) -> Held:
    if not held:
        raise Refused("no incident is open, so nothing waits for an answer", WRONG_INPUT)
    known: list[Known] = [one.known for one in held]
    name = chosen(incident, known, "open incident").id
    return next(one for one in held if one.lock.incident == name)


def _of(found: Standing, task: str) -> Waiting:
    if found.execution.has_ended:
        raise Refused(f"nothing waits for an answer: the execution of {found.id} is {found.execution.status}; "
                      f"`responder take-over {found.id} --give-back` lets the responder go on", WRONG_INPUT)
    if not found.waiting:
        raise Refused(f"{found.id} waits for no answer: {found.status}", WRONG_INPUT)
    listed = ", ".join(f"{one.task} ({one.deed})" for one in found.waiting)
    if not task:
        if len(found.waiting) > 1:
            raise Refused(f"{found.id} waits for several answers: name one with --task: {listed}", WRONG_INPUT)
        return found.waiting[0]
    try:
        wanted = id_of(task)
    except NotPossible as error:
        raise Refused(str(error), WRONG_INPUT) from error
    for one in found.waiting:
        if one.task == wanted:
            return one
    raise Refused(f"task {wanted} of {found.id} does not wait for an answer; open is {listed}", WRONG_INPUT)


def question_lines(asked: Asked, now: float) -> Iterator[str]:
    """Yield a question as whoever answers it reads it."""
    one = asked.one
    told = asked_about(asked.service, asked.record, one, now)
    open_for = duration(asked.standing.open_seconds)
    yield f"{asked.standing.id}, task {one.task}, open for {open_for}, until {stamp(one.until)} UTC"
    yield ""
    if one.kind == "manual":
        yield f"By hand: {one.deed}"
        yield told.lead
        return
    yield told.title
    yield from told.text.splitlines()
    if told.code:
        yield ""
        yield from told.code.splitlines()
    choice = values(asked.record, one)
    if choice:
        yield ""
        yield f"Other values (yes --value N): {', '.join(f'{each.value} ({each.words})' for each in choice.options)}"
    for other in others(asked.service, asked.record, one):
        yield f"First instead (no --instead '{other.id}'): {other.words}"
