"""How one open incident stands: since when, what is being done, what is waited for and until when."""

from __future__ import annotations

from cli.incidents.asking import asking
from cli.incidents.known import TABLE_RIGHT, Held
from cli.incidents.place import Place
from cli.incidents.waiting import Waiting, waiting
from responder.handlers.settings import of_incident
from responder.model.frozen import dataclass
from responder.model.incident import IncidentRecord
from responder.model.moment import iso, seconds
from responder.model.service import Service
from responder.plan.review.live import live

RUNNING = "RUNNING"
UNKNOWN = "not known"


@dataclass(frozen=True)
class Execution:
    """The execution that handles an incident."""

    arn: str
    status: str
    """Step Functions' word: ``RUNNING``, ``ABORTED``, ``FAILED``, …; ``not known`` where it cannot be asked."""
    cause: str = ""
    """Why it ended."""
    ended_at: str = ""
    """ISO 8601 in UTC."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing handles the incident any more."""
        return self.status not in (RUNNING, UNKNOWN)


@dataclass(frozen=True)
class Standing:
    """An open incident."""

    id: str
    service: str
    mode: str
    """Under which it was opened."""
    opened_at: str
    """Of this opening, ISO 8601 in UTC."""
    open_seconds: float
    title: str
    status: str
    """How long it has been open and what is being done, in a sentence."""
    known: tuple[str, ...]
    """What is known, in sentences."""
    next: str
    """What comes next."""
    who: str
    """Who must act."""
    waiting: tuple[Waiting, ...]
    deadline: str
    """The next moment at which something ends or is expected, ISO 8601 in UTC."""
    deadline_of: str
    """What ends then."""
    execution: Execution


def standing(place: Place, held: Held, now: float) -> tuple[Standing, Service, IncidentRecord]:
    """Return how an open incident stands, with its service under its own settings and its record; raises Refused."""
    records, name = place.records(), held.lock.incident
    with asking(f"read incident {name}", TABLE_RIGHT, "read-only"):
        service, record = of_incident(records, held.service, name), records.load(name)
    return said(service, record, held, execution_of(place, held.lock.execution), now), service, record


def said(service: Service, record: IncidentRecord, held: Held, execution: Execution, now: float) -> Standing:
    """Return how an incident stands, from its record."""
    page, opened = live(service, record, now, execution=execution.arn), held.lock.opened_at
    open_questions = waiting(service, record)
    deadline, of = _deadline(open_questions, page.expected_by)
    return Standing(held.lock.incident, service.service, service.mode, opened, max(now - seconds(opened), 0.0),
                    page.title, page.status, page.known, page.next, page.who, open_questions, deadline, of, execution)


def execution_of(place: Place, arn: str) -> Execution:
    """Return how an execution stands; one that Step Functions has forgotten ended more than ninety days ago."""
    client = place.client("stepfunctions")
    with asking("see how the execution stands", "states:DescribeExecution", "read-only"):
        try:
            found = client.describe_execution(executionArn=arn)
        except client.exceptions.ExecutionDoesNotExist:
            return Execution(arn, "FORGOTTEN")
    ended = found.get("stopDate")
    return Execution(arn, found["status"], str(found.get("cause") or ""), iso(ended.timestamp()) if ended else "")


def _deadline(open_questions: tuple[Waiting, ...], expected_by: str) -> tuple[str, str]:
    if not open_questions:
        return expected_by, "something new is expected by then"
    first = min(open_questions, key=lambda one: one.until)
    return first.until, ("the question expires" if first.kind == "approval" else "the task is given up")
