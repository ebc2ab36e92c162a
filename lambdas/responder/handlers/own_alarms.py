"""An alarm of the account went off that the responder does not know: start it where the alarm's tag says whose it is.

EventBridge's event of an alarm has no tags (AWS: "Alarm events and EventBridge"), so they are asked for. The
execution's name is made of the event's id, so an event that is delivered twice starts once.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import ClassVar

from responder.clients import aws, executions
from responder.handlers import environment
from responder.handlers.observed import observed
from responder.handlers.step import log
from responder.model.codec import Foreign, Json, Malformed, decode, encode
from responder.model.frozen import dataclass
from responder.model.moment import iso, iso_of
from responder.model.outside_signal import OutsideSignal, OutsideStart
from responder.model.service import Tag, load, names


@dataclass(frozen=True)
class _State(Foreign):
    reason: str = ""
    timestamp: str = ""


@dataclass(frozen=True)
class _Alarm(Foreign):
    alarm_name: str
    state: _State = _State()


@dataclass(frozen=True)
class _Event(Foreign):
    id: str
    time: str
    resources: tuple[str, ...]
    detail: _Alarm


@dataclass(frozen=True)
class _Given(Foreign):
    KEYS: ClassVar[Mapping[str, str]] = {"key": "Key", "value": "Value"}

    key: str
    value: str


@dataclass(frozen=True)
class _Tags(Foreign):
    """CloudWatch's answer to ListTagsForResource."""

    KEYS: ClassVar[Mapping[str, str]] = {"tags": "Tags"}

    tags: tuple[_Given, ...]


@observed()
def handler(event: Json, context: object) -> dict[str, bool]:
    """Return {service: whether the alarm started it}; raises CallFailed, and EventBridge then tries again.

    An event of another form raises Malformed.
    """
    given = decode(_Event, event, "event")
    if not given.resources:
        raise Malformed("event.resources", "the alarm's ARN", given.resources)
    tags = _tags(given.resources[0])
    mine = [name for name in names() if any(own.tag in tags for own in load(name).alarms.own if own.tag)]
    started = {name: _started(name, given) for name in mine}
    log(step="own_alarms", alarm=given.detail.alarm_name, started=started)
    return started


def _tags(arn: str) -> tuple[Tag, ...]:
    with aws.failures("CloudWatch"):
        answer = aws.client("cloudwatch").list_tags_for_resource(ResourceARN=arn)
    return tuple(Tag(tag.key, tag.value) for tag in decode(_Tags, answer, "answer").tags)


def _started(service: str, given: _Event) -> bool:
    # CloudWatch writes +0000, which is not what the timeline sorts by.
    at = iso_of(given.detail.state.timestamp or given.time, iso(time.time()))
    signal = OutsideSignal("alarm", service, given.id, at, given.detail.alarm_name, given.detail.state.reason)
    return executions.start(environment.state_machine(),
                            f"alarm-{service}-{executions.digest(f'{service}/{given.id}')}",
                            encode(OutsideStart(signal)))
