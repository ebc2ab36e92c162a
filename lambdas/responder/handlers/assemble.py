"""Assemble the incident response team: told at once, without holding up the rest."""

from __future__ import annotations

import os
from typing import Any

from responder.clients.failure import CallFailed
from responder.handlers.step import Step, step
from responder.people import sns


@step("Assemble the team")
def handler(visit: Step) -> dict[str, Any]:
    """Publish to the incident topic."""
    confirmation = visit.event["confirmation"]
    kind = (confirmation.get("kind") or "unclear symptom").replace("_", " ")
    team = "\n".join(f"  {person.role}: {person.name}" for person in visit.service.team)
    try:
        sns.publish(
            os.environ["TOPIC"], f"{visit.service.service}: {kind}, {confirmation['answer']}",
            f"{visit.service.service}: {kind}, {confirmation['answer'].replace('_', ' ')}.\n"
            f"Incident {visit.incident}, opened at {visit.event['incident']['opened_at']}.\n"
            f"Mode: {visit.service.mode}. The responder isolates and diagnoses; you get word of what it does.\n"
            + (f"\nThe team:\n{team}\n" if team else ""), visit.incident)
    except CallFailed as failed:
        visit.note("the team could not be told", kind="notification", why=failed.note, detail={"failed": "sns"})
        return {"notified": []}
    # Told first, noted then: a step that dies in between tells twice, which is better than never.
    visit.note("the incident response team is called", kind="notification", detail={"to": "team", "by": "sns"})
    return {"notified": ["team"]}
