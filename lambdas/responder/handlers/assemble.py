"""Assemble the incident response team: told at once, without holding up the rest."""

from __future__ import annotations

from typing import Any

from responder import people
from responder.handlers.notify import notify, told
from responder.handlers.step import Step, step
from responder.model.incident import Incident, IncidentRecord
from responder.people import Message
from responder.plan.updates import reopenings, update


class NotPaged(Exception):
    """Whoever is on call may not have been woken; who has been is not told again."""


@step("Assemble the team")
def handler(visit: Step) -> dict[str, Any]:
    """Page whoever is on call, and open the place where the team reads how it goes; once for each time it is opened."""
    items = visit.records.everything(visit.incident)
    incident = next((item for item in items if item["sk"] == "INCIDENT"), {})
    confirmation = visit.event["confirmation"]
    kind = (confirmation.get("kind") or "unclear symptom").replace("_", " ")
    line = f"{visit.service.service}: {kind}, {confirmation['answer'].replace('_', ' ')}"
    team = "\n".join(f"  {person.role}: {person.name}" for person in visit.service.team)
    text = (f"{line}.\nIncident {visit.incident}, opened at {visit.event['incident']['opened_at']}.\n"
            f"Mode: {visit.service.mode}. The responder isolates and diagnoses; you get word of what it does.\n\n"
            + update(visit.service, IncidentRecord.of(items)).text() + (f"\n\nThe team:\n{team}\n" if team else ""))
    channels = notify(visit, Message(
        "page", f"page-{reopenings(Incident.of(incident))}", visit.incident, line, text,
        persons=tuple(person for person in visit.service.team if person.role == "sre"),
        affected=tuple(incident.get("affected") or ()), topic=line))
    told(visit, "the incident response team is called", "team", channels)
    if not channels:
        visit.note("the team could not be told", kind="notification", detail={"failed": "all channels"})
    if not channels or set(channels.failed) & {channel.name for channel in people.every() if channel.wakes}:
        # Lambda tries again after a minute and after two more; in the end it is an alarm of the responder's own.
        raise NotPaged(f"the page was not taken by {', '.join(channels.failed) or 'any channel'}")
    return {"notified": ["team"]}
