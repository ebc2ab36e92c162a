"""The states of the service's own alarms: shown to people, and no evidence."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class AlarmState:
    """One alarm's state."""

    name: str
    state: str = ""
    """``OK``, ``ALARM`` or ``INSUFFICIENT_DATA``."""
    since: float | None = None
    """Seconds since 1970 (UTC)."""
    reason: str = ""


@dataclass(frozen=True)
class Alarms(Detail):
    """The states of the service's own alarms: shown to people, and no evidence. ``value`` is how many are on."""

    alarms: tuple[AlarmState, ...] = ()


KIND = Alarms
