"""Keep people informed: show the current state, call people for the cause that was found, and update customers."""

from __future__ import annotations

from responder.handlers.customers import UpdateEvent, tell_news
from responder.handlers.notify import notify, record_notification
from responder.handlers.step import StepRun, step
from responder.model.frozen import dataclass
from responder.model.incident import IncidentRecord
from responder.people import Message
from responder.plan.updates import called, update


@dataclass(frozen=True)
class InformResult:
    """What this step returns."""

    informed: bool = True


@step("Keep people informed", UpdateEvent)
def handler(run: StepRun, event: UpdateEvent) -> InformResult:
    """Show the current state, call people who are needed, and update customers who had a message before."""
    record = run.records.load(run.incident)
    now = update(run.service, record)
    notify(run, Message("status", "", run.incident, now.what, now.text(), topic=now.what))
    call(run, record)
    tell_news(run, record, event.more_by)
    return InformResult()


def call(run: StepRun, record: IncidentRecord) -> None:
    """Call the people for the cause that was found: by role, developers by the faulty component; each person once."""
    incident = record.incident
    cause = incident.cause.id if incident.cause else ""
    persons = called(run.service, cause, incident.affected)
    if not persons:
        return
    names = ", ".join(person.name for person in persons)
    channels = notify(run, Message(
        "call", f"call-{incident.reopenings}-{names}", run.incident,
        f"{run.service.service}: {cause.replace('_', ' ')}, {names} needed",
        f"{names}: you are called for this incident.\n\n{update(run.service, record).text()}", persons=persons,
        affected=incident.affected), 60)
    record_notification(run, f"called: {names}", "team", channels, 9)
