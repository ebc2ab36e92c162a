"""Keep people informed: show the current state, call people for the cause that was found, and update customers."""

from __future__ import annotations

from dataclasses import replace

from responder.handlers.customers import UpdateEvent, tell_news
from responder.handlers.notify import message as told
from responder.handlers.notify import notify, record_notification
from responder.handlers.step import StepRun, step
from responder.model.frozen import dataclass
from responder.model.incident import IncidentRecord
from responder.plan import messages
from responder.plan.messages import Said
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
    notify(run, told(run, record, "status", "", Said(now.what, now.text(), now.code)))
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
    message = told(run, record, "call", f"call-{incident.reopenings}-{names}", messages.call(
        run.service, record, persons))
    channels = notify(run, replace(message, persons=persons), 60)
    record_notification(run, f"called: {names}", "team", channels, 9)
