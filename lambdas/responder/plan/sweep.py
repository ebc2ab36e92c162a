"""When an alarm that stays on is looked at again although no incident is open.

CloudWatch sends an event when an alarm's state changes, and none while it stays. So an incident that stood down while
its alarm was on, and an event that was lost, would leave an outage unseen. A sweep looks every few minutes. It never
floods: an alarm has rounds, each twice as long as the one before, and starts the plan at most once in each; of a
service at most one alarm starts it at a time, because all others would be attached to the same incident.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from responder.model.evidence.alarms import AlarmState

AFTER_SECONDS = 300.0
"""An alarm that is on for less has its own event under way."""
MOST_SECONDS = 4 * 3600.0
"""The longest round: an alarm that is on for days is looked at six times a day."""


class Start(NamedTuple):
    """A start of the plan for one alarm."""

    alarm: AlarmState
    since: float
    """When it went on, seconds since 1970 (UTC)."""
    round: int
    """Which round it is in; each starts the plan once."""


def round_of(on_seconds: float) -> int | None:
    """Return the round of an alarm that is on for so long, from 0; None: it is not looked at yet."""
    if on_seconds < AFTER_SECONDS:
        return None
    number, begins = 0, AFTER_SECONDS
    while begins < MOST_SECONDS:
        if on_seconds < 2 * begins:
            return number
        number, begins = number + 1, 2 * begins
    return number + int((on_seconds - begins) // MOST_SECONDS)


def starts(alarms: Iterable[AlarmState], incident_open: bool, now: float) -> Iterator[Start]:
    """Yield the starts to try, the alarm that is on for the longest first, until one of them is new.

    None while an incident is open: it looks after all alarms of the service. ``alarms`` are those in ALARM.
    """
    if incident_open:
        return
    for alarm in sorted(alarms, key=lambda alarm: (alarm.since or 0.0, alarm.name)):
        number = round_of(now - alarm.since) if alarm.since is not None else None
        if alarm.since is not None and number is not None:
            yield Start(alarm, alarm.since, number)
