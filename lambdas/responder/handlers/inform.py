"""Keep people informed: show the current state, call people for the cause that was found, and update customers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from responder.handlers.notify import message as told
from responder.handlers.notify import notify, record_notification
from responder.handlers.step import StepEvent, StepRun, step
from responder.model.frozen import dataclass
from responder.model.incident import Incident, IncidentRecord, Remedy, RemedyStatus
from responder.model.moment import epoch
from responder.people import Message
from responder.plan import customers, messages
from responder.plan.messages import Said
from responder.plan.updates import called, update


@dataclass(frozen=True)
class InformResult:
    """What this step returns."""

    informed: bool = True


@step("Keep people informed", StepEvent)
def handler(run: StepRun, event: StepEvent) -> InformResult:
    """Show the current state, call people who are needed, and update customers who had a message before."""
    record = run.records.load(run.incident)
    now = update(run.service, record)
    notify(run, told(run, record, "status", "", Said(now.what, now.text(), now.code)))
    call(run, record)
    _customers(run, record)
    return InformResult()


def call(run: StepRun, record: IncidentRecord) -> None:
    """Call the people for the cause that was found: by role, developers by the faulty component; each person once."""
    incident = record.incident
    cause = incident.cause.id if incident.cause else ""
    persons = called(run.service, cause, incident.affected)
    if not persons:
        return
    names = ", ".join(person.name for person in persons)
    message = told(run, record, "call", f"call-{incident.reopenings}-{names}", messages.call(
        run.service, record, persons))
    channels = notify(run, replace(message, persons=persons), 60)
    record_notification(run, f"called: {names}", "team", channels, 9)


def _customers(run: StepRun, record: IncidentRecord) -> None:
    """Tell customers who had a message about the outage that a remedy was applied."""
    remedies = record.remedies
    if not customers_know(remedies) or not any(remedy.status == RemedyStatus.APPLIED for remedy in remedies):
        return
    message = customer_message(record.incident, remedies, "monitoring")
    record_notification(run, f"customers are told: {message.text}", "customers", notify(run, message, 70), 2)


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
