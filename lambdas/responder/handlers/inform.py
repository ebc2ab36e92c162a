"""Keep people informed: show the current state, call people for the cause that was found, and update customers."""

from __future__ import annotations

from collections.abc import Iterable

from responder.handlers.notify import notify, record_notification
from responder.handlers.step import Step, StepEvent, step
from responder.model.frozen import dataclass
from responder.model.incident import Incident, IncidentRecord, Remedy, RemedyStatus
from responder.model.moment import epoch
from responder.people import Message
from responder.plan import customers
from responder.plan.updates import called, update


@dataclass(frozen=True)
class InformResult:
    """What this step returns."""

    informed: bool = True


@step("Keep people informed", StepEvent)
def handler(visit: Step, event: StepEvent) -> InformResult:
    """Show the current state, call people who are needed, and update customers who had a message before."""
    record = visit.records.load(visit.incident)
    now = update(visit.service, record)
    notify(visit, Message("status", "", visit.incident, now.what, now.text(), topic=now.what))
    call(visit, record)
    _customers(visit, record)
    return InformResult()


def call(visit: Step, record: IncidentRecord) -> None:
    """Call the people for the cause that was found: by role, developers by the faulty component; each person once."""
    incident = record.incident
    cause = incident.cause.id if incident.cause else ""
    persons = called(visit.service, cause, incident.affected)
    if not persons:
        return
    names = ", ".join(person.name for person in persons)
    channels = notify(visit, Message(
        "call", f"call-{incident.reopenings}-{names}", visit.incident,
        f"{visit.service.service}: {cause.replace('_', ' ')}, {names} needed",
        f"{names}: you are called for this incident.\n\n{update(visit.service, record).text()}", persons=persons,
        affected=incident.affected), 60)
    record_notification(visit, f"called: {names}", "team", channels, 9)


def _customers(visit: Step, record: IncidentRecord) -> None:
    """Tell customers who had a message about the outage that a remedy was applied."""
    remedies = record.remedies
    if not customers_know(remedies) or not any(remedy.status == RemedyStatus.APPLIED for remedy in remedies):
        return
    message = customer_message(record.incident, remedies, "monitoring")
    record_notification(visit, f"customers are told: {message.text}", "customers", notify(visit, message, 70), 2)


def customers_know(remedies: Iterable[Remedy]) -> bool:
    """Whether customers had a message about the incident, so that they need updates."""
    return any(remedy.action == "inform_customers" and remedy.status == RemedyStatus.DONE for remedy in remedies)


def customer_message(incident: Incident, remedies: Iterable[Remedy], phase: customers.Phase) -> Message:
    """The text for customers in a phase; see ``plan/customers.py``."""
    alternative = any(remedy.action == "switch_provider" and not remedy.restored_at
                      and remedy.status in (RemedyStatus.APPLIED, RemedyStatus.VERIFIED) for remedy in remedies)
    return Message(
        "customers", f"customers-{phase}-{incident.reopenings}", incident.id, customers.SUBJECT,
        customers.text(phase, incident.kind, incident.cause.id if incident.cause else "", epoch(incident.onset),
                       alternative=alternative, until=epoch(incident.recovered_at)),
        phase=phase, affected=incident.affected)
