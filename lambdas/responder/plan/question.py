"""What somebody who decides on a remedy reads: the deed, how bad it is, what may go wrong, how to undo it.

The page, Slack and the mail say the same, from the record alone. Each sentence stands on a fact of the record, and one
whose fact is not there is not said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from responder.model.frozen import dataclass
from responder.model.incident import IncidentRecord
from responder.model.remedy import Remedy, RemedyStatus
from responder.model.service import Service
from responder.model.zone import zone
from responder.plan import remedies
from responder.plan.approvals import person_asked
from responder.plan.choices import Chosen, Other, choice_of, is_as_chosen, offered, said
from responder.plan.symptom_now import impact
from responder.plan.updates import blamed
from responder.plan.wording import capital, clock, duration, listed, moment

_KINDS = {"high_error_rate": "its error rate is high", "loss_of_connectivity": "it cannot be reached",
          "degraded_latency": "its answers are slow", "declined_payments": "it declines more payments than usual"}


@dataclass(frozen=True)
class Asked:
    """Who was asked, and until when."""

    persons: tuple[str, ...]
    expires_at: float
    """Seconds since 1970 (UTC)."""
    needed: int = 1
    """How many people must approve."""
    approved: int = 0
    """How many have."""
    otherwise: str = ""
    """What follows where nobody answers, in a sentence without a capital; empty where it is not known."""


@dataclass(frozen=True)
class Line:
    """One thing to know: a name and its text."""

    name: str
    text: str
    code: str = ""
    """Commands, one a line."""


@dataclass(frozen=True)
class Question:
    """A question as people read it."""

    title: str
    """The deed, as a question."""
    lead: str
    """What happened and how bad it is, in one line."""
    diff: str
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """All but the diff and the commands, as a message has it."""
        return "\n".join([self.lead, *(f"{line.name}: {line.text}" for line in self.lines if line.text)])

    @property
    def code(self) -> str:
        """The diff, then the commands, each under a comment that says what they are for."""
        parts = [self.diff, *(f"# {line.name}:\n{line.code}" for line in self.lines if line.code)]
        return "\n\n".join(part for part in parts if part)


def question(service: Service, record: IncidentRecord, remedy: Remedy, asked: Asked, now: float,
             instead: Sequence[Other] = ()) -> Question:
    """Return what people are asked about a remedy; ``now`` is in seconds since 1970 (UTC).

    ``instead`` are the remedies that may come first.
    """
    lines = tuple(_lines(record, remedy, asked, now, instead))
    return Question(f"{deed(remedy)}?", happened(service, record), remedy.diff, lines)


def deed(remedy: Remedy) -> str:
    """Return what a remedy does as an order; of records from before that was kept, its summary."""
    told = remedy.deed or remedy.summary or f"{remedies.phrase(remedy.action)} of {remedy.component or remedy.target}"
    return capital(told)


def happened(service: Service, record: IncidentRecord) -> str:
    """Say what happened and how bad it is, by the newest answers of the sources where they tell."""
    incident = record.incident
    bad = capital(impact(service, incident, record.evidence())) or (
        f"{listed(incident.affected) or service.service}: {_KINDS.get(incident.kind, 'something is wrong')}")
    return f"{bad}, since {moment(incident.onset or incident.opened_at, zone(service.reports.time_zone))}."


def _lines(record: IncidentRecord, remedy: Remedy, asked: Asked, now: float,
           instead: Sequence[Other]) -> Iterator[Line]:
    known = remedies.find(remedy.action) if remedy.action in remedies.names() else None
    if remedy.summary and remedy.summary != remedy.deed:
        yield Line("The change", f"{remedy.summary}.")
    yield Line("Cause", blamed(record.incident) or "not known.")
    hazard = (known.hazard if known else "") or ("" if not remedy.audience else (
        "nothing is changed, but what was sent cannot be taken back"))
    yield Line("Risk", (remedy.risk or "not known, and so high") + (f": {hazard}" if hazard else "") + ".")
    if not remedy.audience:
        yield Line("If it does not help", if_it_does_not_help(remedy))
    yield Line("If nobody answers", unanswered(asked, now))
    yield Line("You may choose", offered(choice_of(remedy), instead))
    yield Line("Why you are asked", f"{remedy.reason.removesuffix(': people are asked')}." if remedy.reason else "")
    several = f" {asked.needed} people must approve, each as themselves; {asked.approved} so far."
    persons = listed([person_asked(name) for name in asked.persons])
    yield Line("Asked", f"{persons}." + (several if asked.needed > 1 else ""))
    if remedy.undo:
        yield Line("To undo it", "", remedy.undo)
    elif remedy.deed and not remedy.audience:
        yield Line("To undo it", "no command is known that undoes it.")


def if_it_does_not_help(remedy: Remedy) -> str:
    """Say what becomes of a remedy that does not help, by its own rules."""
    known = remedies.find(remedy.action) if remedy.action in remedies.names() else None
    if remedy.reversible:
        return "it is undone by the responder" + (
            "; where there was too little of it, it stays and more is added." if known and known.incremental else ".")
    return "it stays" + (f" ({known.stays})." if known and known.stays else ".")


def unanswered(asked: Asked, now: float) -> str:
    """Say until when it may be answered, and what follows then."""
    left = asked.expires_at - now
    return f"the question expires at {clock(asked.expires_at)} UTC" + (f", in {minutes(left)}" if left > 0 else "") + (
        f"; then {asked.otherwise}." if asked.otherwise else ".")


def minutes(seconds: float) -> str:
    """Return how long is left: whole minutes, and seconds in the last two."""
    return duration(seconds - seconds % 60 if seconds >= 120 else max(1, round(seconds)))


def became(record: IncidentRecord, remedy: Remedy, chosen: Chosen) -> str:
    """Say what was chosen with a yes, and what became of it: with another value it was planned anew."""
    words = said(remedy, record, chosen)
    if chosen.value is None:
        return outcome(remedy)
    planned = next((later for later in record.remedies if later.number > remedy.number
                    and is_as_chosen(remedy, chosen.value, later)), None)
    return f"They {words}. " + (outcome(planned) if planned else "It has not been planned yet.")


def outcome(remedy: Remedy) -> str:
    """Say what became of a remedy after it was decided on."""
    applied = f"It was done at {clock(remedy.applied_at)} UTC" if remedy.applied_at else "It was done"
    match remedy.status:
        case RemedyStatus.PLANNED | RemedyStatus.WAITING | RemedyStatus.PERMITTED:
            return "It has not been done yet: the guardrails are asked again first."
        case RemedyStatus.APPLYING:
            return "It is being done."
        case RemedyStatus.APPLIED if remedy.kept or remedy.insufficient:
            return f"{applied}, {'was too little' if remedy.insufficient else 'did not help'}, and stays as it is."
        case RemedyStatus.APPLIED:
            return f"{applied}; whether it helps is being watched."
        case RemedyStatus.VERIFIED:
            return f"{applied}, and it helped."
        case RemedyStatus.REVERTED:
            return f"{applied}, did not help, and was undone" + (
                f" at {clock(remedy.rolled_back_at)} UTC." if remedy.rolled_back_at else ".")
        case RemedyStatus.FAILED:
            return f"It was not done, or only in part: {remedy.reason}." if remedy.reason else "It was not done."
        case RemedyStatus.REFUSED:
            return f"It was not done; the guardrails refused it: {remedy.reason}."
        case RemedyStatus.DONE:
            return f"{applied}."
        case _:
            return "It was not done."


def since(record: IncidentRecord, number: int, after: str) -> tuple[str, ...]:
    """Say what has happened since a remedy was decided on, or the question expired: later remedies, how it stands.

    ``after`` is that moment (ISO 8601 in UTC).
    """
    incident = record.incident
    told = [f"{deed(remedy)}. {outcome(remedy)}" for remedy in record.remedies if remedy.number > number]
    if incident.escalated_at and incident.escalated_at > after:
        told.append(f"People were paged to take over at {clock(incident.escalated_at)} UTC.")
    if incident.recovery_verified_at:
        told.append(f"The symptom is gone since {clock(incident.recovered_at or incident.recovery_verified_at)} UTC.")
    elif incident.status != "closed":
        told.append("The symptom is not known to be gone.")
    if incident.closed_at and incident.status == "closed":
        told.append(f"The incident was closed at {clock(incident.closed_at)} UTC.")
    return tuple(told)
