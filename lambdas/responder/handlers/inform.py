"""Keep people informed: how it stands, who is called for the cause that was found, and what customers are told next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from responder.handlers.notify import notify, told
from responder.handlers.step import Step, step
from responder.model.incident import Incident, IncidentRecord
from responder.model.moment import epoch
from responder.people import Message
from responder.plan import customers
from responder.plan.updates import called, reopenings, update


@step("Keep people informed")
def handler(visit: Step) -> dict[str, Any]:
    """Show how it stands where that is edited in place; call who is needed; tell customers who were told before."""
    items = visit.records.everything(visit.incident)
    incident = next((item for item in items if item["sk"] == "INCIDENT"), {})
    now = update(visit.service, IncidentRecord.of(items))
    notify(visit, Message("status", "", visit.incident, now.what, now.text(), topic=now.what))
    call(visit, items)
    _customers(visit, items, incident)
    return {"informed": True}


def call(visit: Step, items: list[dict[str, Any]]) -> None:
    """Call who is needed for the cause that was found: by their role, developers by what fails; each once."""
    incident = next((item for item in items if item["sk"] == "INCIDENT"), {})
    cause = str((incident.get("cause") or {}).get("id") or "")
    affected = tuple(incident.get("affected") or ())
    persons = called(visit.service, cause, affected)
    if not persons:
        return
    names = ", ".join(person.name for person in persons)
    channels = notify(visit, Message(
        "call", f"call-{reopenings(Incident.of(incident))}-{names}", visit.incident,
        f"{visit.service.service}: {cause.replace('_', ' ')}, {names} needed",
        f"{names}: you are called for this incident.\n\n{update(visit.service, IncidentRecord.of(items)).text()}",
        persons=persons, affected=affected), 60)
    told(visit, f"called: {names}", "team", channels, 9)


def _customers(visit: Step, items: list[dict[str, Any]], incident: dict[str, Any]) -> None:
    """Who was told of the trouble is told that something was done about it."""
    actions = [item for item in items if item["sk"].startswith("ACTION#")]
    if not customers_know(actions) or not any(item["status"] == "applied" for item in actions):
        return
    message = customer_message(visit, incident, actions, "monitoring")
    told(visit, f"customers are told: {message.text}", "customers", notify(visit, message, 70), 2)


def customers_know(actions: Sequence[Mapping[str, Any]]) -> bool:
    """Whether customers were told of the incident, so that they are told how it goes on."""
    return any(item["action"] == "inform_customers" and item["status"] == "done" for item in actions)


def customer_message(visit: Step, incident: dict[str, Any], actions: list[dict[str, Any]],
                     phase: customers.Phase) -> Message:
    """What customers are told in a phase; see ``plan/customers.py``."""
    alternative = any(item["action"] == "switch_provider" and item["status"] in ("applied", "verified")
                      and not item.get("put_back_at") for item in actions)
    return Message(
        "customers", f"customers-{phase}-{reopenings(Incident.of(incident))}", visit.incident, customers.SUBJECT,
        customers.text(phase, str(incident.get("kind") or ""), str((incident.get("cause") or {}).get("id") or ""),
                       epoch(incident.get("onset")), alternative=alternative, until=epoch(incident.get("well_since"))),
        phase=phase, affected=tuple(incident.get("affected") or ()))
