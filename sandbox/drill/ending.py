"""When a drill is over, from its file, the incidents on record and the time: a pure function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sandbox.drill.contract import Drill
from sandbox.drill.result import Item, put_back

GIVE_UP_SECONDS = 300.0
"""A drill without an outcome ends after this time."""
HEALED_SECONDS = 60.0
"""How long to wait for the recovery after the last event has healed by itself: then no source's window holds it."""
NO_INCIDENT_SECONDS = 75.0
"""How long to wait for an incident after the last event: longer than any alarm takes, the load balancer's included."""


@dataclass(frozen=True)
class Now:
    """How far a drill has got."""

    at: float
    """Seconds since 1970 (UTC)."""
    started: float
    """The first event."""
    last_event: float
    """When the last event begins or heals."""
    events_left: bool
    """Whether one is still to be brought about or healed."""
    answers_left: bool
    """Whether a person is still to answer."""
    items: Sequence[Item]
    """All items of the incidents so far."""


def is_over(drill: Drill, now: Now) -> bool:
    """Whether nothing more is to be expected, or the time is up."""
    if now.at - now.started > GIVE_UP_SECONDS:
        return True
    if now.events_left or now.at <= now.last_event:
        return False
    incidents = [item for item in now.items if item["sk"] == "INCIDENT"]
    if not incidents:
        return now.at > now.last_event + NO_INCIDENT_SECONDS
    return (all(item.get("outcome") and item.get("report") for item in incidents)
            and _answered(drill, now, incidents)
            and set(drill.expect.put_back or []) <= put_back(now.items)
            and not _may_reopen(now, incidents) and not _may_recover(drill, now, incidents))


def _answered(drill: Drill, now: Now, incidents: Sequence[Item]) -> bool:
    """Whether people have had the time to answer; a task that a person does by hand may still resolve the incident."""
    if any(person.answer == "done" for person in drill.people):
        return all(item.get("status") == "closed" for item in incidents)
    return not now.answers_left


def _may_reopen(now: Now, incidents: Sequence[Item]) -> bool:
    """Whether an event came after all incidents were closed, and still has the time to open one again."""
    return now.at < now.last_event + NO_INCIDENT_SECONDS and all(
        item.get("closed_at") and datetime.fromisoformat(item["closed_at"]).timestamp() < now.last_event
        for item in incidents)


def _may_recover(drill: Drill, now: Now, incidents: Sequence[Item]) -> bool:
    """Whether a fault that healed by itself may still be closed as resolved, even after people were called."""
    wanted = drill.expect.outcome or []
    heals = "resolved" in wanted and "escalated" not in wanted and any(event.lasts for event in drill.events)
    return heals and now.at < now.last_event + HEALED_SECONDS and any(
        item.get("status") != "closed" for item in incidents)
