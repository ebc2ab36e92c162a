"""An AWS Health event, in the API and on EventBridge."""

from __future__ import annotations

import hashlib
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from sandbox.account.events import HealthEvent
from sandbox.events.event import Event, Fields
from sandbox.places import ACCOUNT, REGION

if TYPE_CHECKING:
    from sandbox.parts import Sandbox


class AwsHealth(Fields):
    """The event, as AWS Health names it."""

    service: str = Field(min_length=1)
    code: str = Field(min_length=1)
    status: Literal["open", "closed"] = "open"
    region: str = "us-east-1"


def apply(sandbox: Sandbox, fields: AwsHealth) -> HealthEvent:
    """Publish the event."""
    region, now, service = fields.region or REGION, time.time(), fields.service.upper()
    with sandbox.lock:
        digest = hashlib.sha256(f"{service}{fields.code}{int(now)}{len(sandbox.world.health)}".encode()).hexdigest()
        arn = f"arn:aws:health:{region}::event/{service}/{fields.code}/{fields.code}_{digest[:12]}"
        event = HealthEvent(arn, service, fields.code, fields.status, region, now,
                            now if fields.status == "closed" else None)
        sandbox.world.health.append(event)
    _publish(sandbox, event, now)
    return event


def heal(sandbox: Sandbox, trace: HealthEvent) -> None:
    """Close the event."""
    now = time.time()
    with sandbox.lock:
        trace.status, trace.ended = "closed", now
    _publish(sandbox, trace, now)


def _publish(sandbox: Sandbox, event: HealthEvent, now: float) -> None:
    """Send it by EventBridge, in the form of AWS's page "Amazon EventBridge event schema for AWS Health"."""
    sandbox.engine.aws_event("AWS Health Event", "aws.health", {
        "eventArn": event.arn, "service": event.service, "eventTypeCode": event.code,
        "eventTypeCategory": "issue", "eventScopeCode": "PUBLIC", "communicationId": event.arn[-12:],
        "statusCode": event.status, "eventRegion": event.region, "lastUpdatedTime": _date(now),
        "startTime": _date(event.at), **({"endTime": _date(event.ended)} if event.ended else {}),
        "eventDescription": [{"language": "en_US", "latestDescription":
                              f"We are investigating an issue with {event.service} in {event.region}."}],
        "page": "1", "totalPages": "1", "affectedAccount": ACCOUNT})


def _date(seconds: float) -> str:
    return formatdate(seconds, usegmt=True)


EVENT = Event("aws_health", AwsHealth, apply, heal)
