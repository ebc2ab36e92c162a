"""When past incidents began: from the history of the alarms that start the responder, or from the times that a person
names.

An alarm that goes off again soon after it had ended is the same incident, as it would be for the responder.
Format: AWS's page "AlarmHistoryItem" (``HistoryData`` is JSON in a text, with ``newState.stateValue``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cli.backtest.outcome import Moment
from responder.model.moment import iso

ALARM_HISTORY_DAYS = 14
"""AWS's page "mon-describe-alarm-history": "for two weeks"."""


@dataclass(frozen=True)
class Turn:
    """One change of an alarm's state."""

    alarm: str
    at: float
    """Seconds since 1970 (UTC)."""
    state: str
    """``ALARM``, ``OK`` or ``INSUFFICIENT_DATA``."""
    reason: str = ""


def turn_of(alarm: str, at: float, data: str) -> Turn | None:
    """Return a change of state by an item of the alarm's history; None where it cannot be read."""
    try:
        state = json.loads(data)["newState"]
        return Turn(alarm, at, str(state["stateValue"]), str(state.get("stateReason", "")))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def moments(service: str, turns: Iterable[Turn], relapse_seconds: float) -> list[Moment]:
    """Return the beginnings of incidents, oldest first.

    While any alarm is in ALARM, and ``relapse_seconds`` after the last one has ended, a further one belongs to the same
    incident.
    """
    found: list[Moment] = []
    on: set[str] = set()
    quiet_since = float("-inf")
    for turn in sorted(turns, key=lambda one: (one.at, one.alarm)):
        if turn.state != "ALARM":
            quiet_since = turn.at if on == {turn.alarm} else quiet_since
            on.discard(turn.alarm)
            continue
        if not on and turn.at - quiet_since > relapse_seconds:
            found.append(Moment(service, iso(turn.at), turn.alarm, turn.reason))
        on.add(turn.alarm)
    return found


def named(service: str, times: Sequence[float]) -> list[Moment]:
    """Return the beginnings that a person names, in seconds since 1970 (UTC), oldest first."""
    return [Moment(service, iso(at), "") for at in sorted(set(times))]
