"""AWS Health: events, their descriptions, and which resources of the account they affect.

Formats: AWS's "AWS Health API Reference": DescribeEvents, DescribeEventDetails, DescribeAffectedEntities, Event.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from sandbox.account.events import HealthEvent
from sandbox.places import ACCOUNT, CLUSTER, DATABASE, REGION
from sandbox.platform.state import World
from sandbox.vendors import rds
from sandbox.vendors.gate import Answer, Gates
from sandbox.vendors.instances import INSTANCES
from sandbox.vendors.wire import Refused, json_answer, page


class Health:
    """The JSON endpoint."""

    def __init__(self, world: Callable[[], World], gates: Gates) -> None:
        self._world, self._gates = world, gates
        self.support_plan = True
        """Whether the account has a support plan that includes the API."""

    def answer(self, operation: str, body: bytes) -> Answer:
        """Answer one operation; raises Refused."""
        if not self.support_plan:
            raise Refused("SubscriptionRequiredException",
                          "AWS Premium Support Subscription is required to use this service.")
        request = json.loads(body or b"{}")
        operations = {"DescribeEvents": self._events, "DescribeEventDetails": self._details,
                      "DescribeAffectedEntities": self._entities}
        if operation not in operations:
            raise Refused("UnknownOperationException", f"Unknown operation {operation}")
        return json_answer(operations[operation](request))

    def _visible(self) -> list[dict[str, Any]]:
        if self._gates.fault("aws_health") == "empty":
            return []
        newest = self._gates.newest("aws_health", 0)
        return [_event(event, newest) for event in self._world().health if event.at <= newest]

    def _events(self, request: dict[str, Any]) -> dict[str, Any]:
        wanted = request.get("filter") or {}
        found = sorted((event for event in self._visible() if _matches(event, wanted)),
                       key=lambda event: -event["lastUpdatedTime"])
        return _paged("events", found, request)

    def _details(self, request: dict[str, Any]) -> dict[str, Any]:
        arns = request.get("eventArns") or []
        if not 1 <= len(arns) <= 10:
            raise Refused("ValidationException", "eventArns must have between 1 and 10 members")
        known = {event["arn"]: event for event in self._visible()}
        if self._gates.fault("aws_health") == "empty":
            return {"successfulSet": [], "failedSet": []}
        return {"successfulSet": [{"event": known[arn], "eventDescription": {"latestDescription": _said(known[arn])},
                                   "eventMetadata": {}} for arn in arns if arn in known],
                "failedSet": [{"eventArn": arn, "errorName": "EventNotFound", "errorMessage": "Event not found"}
                              for arn in arns if arn not in known]}

    def _entities(self, request: dict[str, Any]) -> dict[str, Any]:
        wanted = request.get("filter") or {}
        arns = wanted.get("eventArns") or []
        if not 1 <= len(arns) <= 10:
            raise Refused("ValidationException", "filter.eventArns must have between 1 and 10 members")
        found = [entity for event in self._visible() if event["arn"] in arns for entity in self._affected(event)
                 if entity["entityValue"] in wanted.get("entityValues", [entity["entityValue"]])
                 and entity["statusCode"] in wanted.get("statusCodes", [entity["statusCode"]])]
        return _paged("entities", found, request)

    def _affected(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        """The resources that an open event of their service and region really affects."""
        if event["statusCode"] != "open" or event["region"] != REGION:
            return []
        world, values = self._world(), []
        database = world.database
        if event["service"] == "RDS" and (database.down(time.time()) or database.fault == "refuses_connections"):
            values = [(DATABASE, rds.ARN)]
        if event["service"] == "EC2":
            values = [(INSTANCES[name], f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{INSTANCES[name]}")
                      for name in sorted(world.silent_nodes & set(INSTANCES))]
        if event["service"] == "EKS" and world.control_plane_down:
            values = [(CLUSTER, f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{CLUSTER}")]
        values += [(name, name) for item in world.health if item.arn == event["arn"] for name in item.entities]
        return [{"entityArn": arn, "eventArn": event["arn"], "entityValue": value, "awsAccountId": ACCOUNT,
                 "lastUpdatedTime": event["lastUpdatedTime"], "statusCode": "IMPAIRED"} for value, arn in values]


def _event(event: HealthEvent, newest: float) -> dict[str, Any]:
    """An event as it was known at a moment."""
    ended = event.ended if event.ended is not None and event.ended <= newest else None
    status = "open" if event.ended is not None and ended is None else event.status
    category = ("scheduledChange" if any(word in event.code for word in ("SCHEDULED", "MAINTENANCE", "RETIREMENT"))
                else "accountNotification" if event.code.endswith("NOTIFICATION") else "issue")
    return {"arn": event.arn, "service": event.service, "eventTypeCode": event.code, "eventTypeCategory": category,
            "region": event.region, "startTime": event.at, **({"endTime": ended} if ended is not None else {}),
            "lastUpdatedTime": ended if ended is not None else event.at, "statusCode": status,
            "eventScopeCode": "PUBLIC" if category == "issue" and not event.entities else "ACCOUNT_SPECIFIC"}


def _said(event: dict[str, Any]) -> str:
    what = event["service"] if event["eventTypeCategory"] == "issue" else event["eventTypeCode"]
    if event["statusCode"] == "closed":
        return f"The issue with {what} in the {event['region']} Region is resolved. The service is operating normally."
    return (f"We are investigating an issue with {what} in the {event['region']} Region and will say more as soon "
            "as we know more.")


def _matches(event: dict[str, Any], wanted: dict[str, Any]) -> bool:
    for name, field in (("eventArns", "arn"), ("eventTypeCodes", "eventTypeCode"), ("services", "service"),
                        ("regions", "region"), ("availabilityZones", "availabilityZone"),
                        ("eventTypeCategories", "eventTypeCategory"), ("eventStatusCodes", "statusCode")):
        if wanted.get(name) and event.get(field) not in wanted[name]:
            return False
    for name, field in (("startTimes", "startTime"), ("endTimes", "endTime"), ("lastUpdatedTimes", "lastUpdatedTime")):
        if wanted.get(name) and not any(field in event and time_range.get("from", 0.0) <= event[field]
                                        <= time_range.get("to", float("inf")) for time_range in wanted[name]):
            return False
    return True


def _paged(name: str, items: Sequence[dict[str, Any]], request: dict[str, Any]) -> dict[str, Any]:
    size = request.get("maxResults") or 100
    if not 1 <= size <= 100:
        raise Refused("ValidationException", "maxResults must be between 1 and 100")
    try:
        part, token = page(items, request.get("nextToken"), size)
    except ValueError as error:
        raise Refused("InvalidPaginationToken", "The specified pagination token is not valid.") from error
    return {name: list(part), **({"nextToken": token} if token else {})}
