"""CloudTrail: the event history of the account's management events.

Formats: AWS's "CloudTrail API Reference": LookupEvents; "CloudTrail record contents", "CloudTrail userIdentity element"
in its user guide.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from heapq import merge
from itertools import islice
from typing import Any

from sandbox.account.events import TrailEvent
from sandbox.account.trail import happened
from sandbox.places import ACCOUNT, DATABASE, REGION
from sandbox.platform.state import World
from sandbox.vendors import rds
from sandbox.vendors.gate import Answer, Gates
from sandbox.vendors.wire import Refused, json_answer, opened, sealed

CALLS_A_SECOND = 2
_KEYS = ("EventId", "EventName", "ReadOnly", "Username", "ResourceType", "ResourceName", "EventSource", "AccessKeyId")
_READS = ("Describe", "Get", "List", "Lookup", "AssumeRole", "Decrypt")
_ERRORS = {"Client.DryRunOperation": "Request would have succeeded, but DryRun flag is set."}
_DENIED = "You are not authorized to perform this operation."
_ARNS = {("AWS::RDS::DBInstance", DATABASE): rds.ARN}


class Trail:
    """The JSON endpoint; an event can be looked up ``delay_seconds`` after it happened."""

    def __init__(self, world: Callable[[], World], gates: Gates, delay_seconds: float,
                 world_at: Callable[[float], World] | None = None) -> None:
        self._gates, self._delay = gates, delay_seconds
        self._world_at = world_at or (lambda moment: world())
        self._calls: deque[float] = deque()
        self._lock = threading.Lock()

    def answer(self, operation: str, body: bytes) -> Answer:
        """Answer one operation; raises Refused."""
        if operation != "LookupEvents":
            raise Refused("UnknownOperationException", f"Unknown operation {operation}")
        with self._lock:
            now = time.monotonic()
            while self._calls and self._calls[0] <= now - 1:
                self._calls.popleft()
            if len(self._calls) >= CALLS_A_SECOND:
                raise Refused("ThrottlingException", "Rate exceeded")
            self._calls.append(now)
        return json_answer(self._lookup(json.loads(body or b"{}")))

    def _lookup(self, request: dict[str, Any]) -> dict[str, Any]:
        attributes = request.get("LookupAttributes") or []
        if len(attributes) > 1 or any(item.get("AttributeKey") not in _KEYS for item in attributes):
            raise Refused("InvalidLookupAttributesException", "One lookup attribute with a valid key can be specified.")
        size = request.get("MaxResults", 50)
        if not 1 <= size <= 50:
            raise Refused("InvalidMaxResultsException", "MaxResults must be between 1 and 50.")
        since, until = request.get("StartTime", 0.0), request.get("EndTime", float("inf"))
        if since > until:
            raise Refused("InvalidTimeRangeException", "The start time must be before the end time.")
        newest, skipped = self._gates.newest("cloudtrail", self._delay), 0.0
        if request.get("NextToken"):
            # A following page continues the same list, whatever has happened since.
            try:
                newest, skipped = (float(part) for part in opened(request["NextToken"]))
            except ValueError as error:
                raise Refused("InvalidNextTokenException", "The specified token is not valid.") from error
        nothing = self._gates.fault("cloudtrail") == "empty" or request.get("EventCategory")
        matching = (event for event in self._newest_first(since, min(until, newest)) if _matches(event, attributes))
        following = int(skipped) + size
        # One more than is shown tells whether there is another page.
        found = [] if nothing else list(islice(matching, int(skipped), following + 1))
        return {"Events": [_event(event) for event in found[:size]],
                **({"NextToken": sealed(str(newest), str(following))} if len(found) > size else {})}

    def _newest_first(self, since: float, until: float) -> Iterator[TrailEvent]:
        """The platform's events and the others', of which there are thousands: they are made as they are read."""
        world = self._world_at(until)
        own = sorted((event for event in world.trail if since <= event.at <= until), key=lambda event: -event.at)
        return merge(own, happened(world.account, since, until), key=lambda event: -event.at)


def _matches(event: TrailEvent, attributes: list[dict[str, str]]) -> bool:
    """Whether an event has the attribute that is asked for; decided before the record is written."""
    for item in attributes:
        key, value = item["AttributeKey"], item.get("AttributeValue", "")
        if key in ("ResourceType", "ResourceName"):
            if value not in [resource[key == "ResourceName"] for resource in event.resources]:
                return False
        elif value != {"EventName": event.name, "EventSource": event.source, "Username": _username(event),
                       "ReadOnly": str(_read_only(event)).lower()}.get(key) and (
                           key not in ("EventId", "AccessKeyId") or value != _event(event)[key]):
            return False
    return True


def _username(event: TrailEvent) -> str:
    return event.user.rpartition("/")[2]


def _read_only(event: TrailEvent) -> bool:
    return event.name.startswith(_READS)


def _event(event: TrailEvent) -> dict[str, Any]:
    identifier = str(uuid.uuid5(uuid.NAMESPACE_URL,
                                f"{event.at} {event.name} {event.source} {event.user} {event.number}"))
    identity, read_only = _identity(event.user), _read_only(event)
    itself = bool(event.additional) or (event.user == event.source and not event.parameters)
    record = {
        "eventVersion": "1.09", "userIdentity": identity,
        "eventTime": datetime.fromtimestamp(event.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "eventSource": event.source,
        "eventName": event.name, "awsRegion": REGION,
        "sourceIPAddress": event.user if event.user.endswith(".amazonaws.com") else "203.0.113.24",
        "userAgent": "aws-cli/2.17.20", "requestParameters": dict(event.parameters) or None, "responseElements": None,
        **({"additionalEventData": dict(event.additional)} if event.additional else {}),
        **({"errorCode": event.error, "errorMessage": _ERRORS.get(event.error, _DENIED)} if event.error else {}),
        "requestID": str(uuid.uuid5(uuid.NAMESPACE_URL, f"request {identifier}")), "eventID": identifier,
        "readOnly": read_only, "resources": [
            {"accountId": ACCOUNT, "type": kind, **({"ARN": arn} if (arn := _arn(kind, name)) else {})}
            for kind, name in event.resources],
        "eventType": "AwsServiceEvent" if itself else "AwsApiCall", "managementEvent": True,
        "recipientAccountId": ACCOUNT, "eventCategory": "Management"}
    return {"EventId": identifier, "EventName": event.name, "ReadOnly": str(read_only).lower(),
            "AccessKeyId": identity.get("accessKeyId", ""), "EventTime": event.at,
            "EventSource": event.source, "Username": _username(event),
            "Resources": [{"ResourceType": kind, "ResourceName": name} for kind, name in event.resources],
            "CloudTrailEvent": json.dumps(record)}


def _identity(user: str) -> dict[str, Any]:
    """The caller: a service, a role's session (``role/session``) or a user."""
    digest = uuid.uuid5(uuid.NAMESPACE_URL, user).hex.upper()
    if user.endswith(".amazonaws.com"):
        return {"type": "AWSService", "invokedBy": user}
    role, slash, session = user.partition("/")
    if slash:
        issuer = {"type": "Role", "principalId": f"AROA{digest[:17]}", "arn": f"arn:aws:iam::{ACCOUNT}:role/{role}",
                  "accountId": ACCOUNT, "userName": role}
        return {"type": "AssumedRole", "principalId": f"AROA{digest[:17]}:{session}",
                "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{user}", "accountId": ACCOUNT,
                "accessKeyId": f"ASIA{digest[:16]}", "sessionContext": {"sessionIssuer": issuer}}
    return {"type": "IAMUser", "principalId": f"AIDA{digest[:17]}", "arn": f"arn:aws:iam::{ACCOUNT}:user/{user}",
            "accountId": ACCOUNT, "accessKeyId": f"AKIA{digest[:16]}", "userName": user}


def _arn(kind: str, name: str) -> str:
    return name if name.startswith("arn:") else _ARNS.get((kind, name), "")
