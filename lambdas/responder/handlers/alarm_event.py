"""An alarm's event, read as the signal that it is.

Format: AWS's page "Alarm events and EventBridge". A composite alarm's event names the alarms that set it off in
``state.reasonData``, which is JSON in a text. People are told of these, because they say what is bad.
"""

from __future__ import annotations

from responder.model.codec import Foreign, Json, Malformed, decode
from responder.model.frozen import dataclass
from responder.model.incident import Signal
from responder.model.masking import mask
from responder.model.moment import iso_of
from responder.model.plain_json import NotJson, parsed
from responder.model.service import deployed, names

DETAIL_TYPE = "CloudWatch Alarm State Change"
_REASON = 500
_MOST_NAMED = 5


class NobodysAlarm(ValueError):
    """No configured service has the alarm."""


@dataclass(frozen=True)
class _Child(Foreign):
    arn: str = ""


@dataclass(frozen=True)
class _ReasonData(Foreign):
    triggering_alarms: tuple[_Child, ...] = ()


@dataclass(frozen=True)
class _AlarmState(Foreign):
    timestamp: str = ""
    reason: str = ""
    reason_data: str = ""


@dataclass(frozen=True)
class _Configuration(Foreign):
    alarm_rule: str = ""
    """A composite alarm's rule; empty for others."""


@dataclass(frozen=True)
class _Alarm(Foreign):
    alarm_name: str = ""
    state: _AlarmState = _AlarmState()
    configuration: _Configuration = _Configuration()


@dataclass(frozen=True)
class _AlarmEvent(Foreign):
    """EventBridge's "CloudWatch Alarm State Change"."""

    time: str = ""
    detail: _Alarm = _Alarm()


def signal(event: Json, started: str, key: str) -> Signal:
    """Return the signal that an alarm's event is; raises NobodysAlarm and Malformed.

    ``started`` is when the execution started, in ISO 8601 (UTC), for an event that does not say when it was.
    """
    given = decode(_AlarmEvent, event, "event")
    name, state = given.detail.alarm_name, given.detail.state
    service = next((service for service in names()
                    if name in deployed(service).starting or name in deployed(service).alarms), None)
    if service is None:
        raise NobodysAlarm(f"nobody looks after the alarm {name!r}: no configured service has it")
    # CloudWatch writes +0000, which is not what the timeline sorts by.
    at = iso_of(state.timestamp or given.time, started)
    children = _children(state.reason_data) if given.detail.configuration.alarm_rule else ()
    if children:
        listed = ", ".join(children[:_MOST_NAMED])
        return Signal(at, "alarm", children[0], key, service, mask(f"{name}: in ALARM are {listed}")[:_REASON])
    return Signal(at, "alarm", name, key, service, mask(state.reason)[:_REASON])


def _children(reason_data: str) -> tuple[str, ...]:
    """Return the names of the alarms that set a composite alarm off, the newest first; none where it cannot be read."""
    try:
        data = decode(_ReasonData, parsed(reason_data or "{}"), "reasonData")
    except (Malformed, NotJson):
        # What set it off is worth knowing, and not worth refusing an outage for.
        return ()
    return tuple(dict.fromkeys(found for child in data.triggering_alarms
                               if (found := child.arn.partition(":alarm:")[2])))
