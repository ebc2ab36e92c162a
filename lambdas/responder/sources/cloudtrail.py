"""CloudTrail: who changed what in AWS around the service, from its event history.

Format: AWS's page "LookupEvents": one attribute a call, 50 events a page, two calls a second an account and region,
and events that show up some minutes late: what is not there yet is unknown, not unchanged.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.evidence import Finding
from responder.model.evidence.trail import Topic, Trail, TrailEvent
from responder.model.masking import mask, mask_all
from responder.sources import Query, Source, Statement

_BEFORE_SECONDS = 3600.0
_PAGES = 3
_EVENTS = 50
_APART_SECONDS = 0.55
_LATE_SECONDS = 300.0
_SOURCES = ("rds.amazonaws.com", "ec2.amazonaws.com", "secretsmanager.amazonaws.com", "eks.amazonaws.com")
_NETWORK = ("SecurityGroup", "Route", "NetworkAcl", "VpcEndpoint", "Subnet", "NatGateway", "InternetGateway")


def collect(query: Query) -> list[Finding[Trail]]:
    """Return ``trail``: the changes since an hour before the window, reads left out; raises CallFailed."""
    client = aws.client("cloudtrail", max(2, int(query.deadline - time.monotonic())))
    events: dict[str, TrailEvent] = {}
    notes = []
    for source in _SOURCES:
        try:
            if _lookup(client, query, source, events):
                notes.append(f"{source}: cut after {_PAGES} pages")
        except CallFailed as failed:
            if not events and source == _SOURCES[0]:
                raise
            notes.append(f"{source}: {failed.note}")
            break
    ordered = sorted(events.values(), key=lambda event: event.at)
    return [Finding(
        source=SOURCE.name, status="partial" if notes else "ok", window=query.window, unit="changes",
        value=float(len(ordered)), note="; ".join(notes)[:300],
        query="aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventSource,AttributeValue=…",
        link="https://console.aws.amazon.com/cloudtrail/home#/events",
        detail=Trail(events=tuple(ordered[-_EVENTS:]), complete_until=query.window.end - _LATE_SECONDS))]


def _lookup(client: Any, query: Query, source: str, events: dict[str, TrailEvent]) -> bool:
    """Add the changes of one AWS service to ``events``, by their ids; return whether there are more."""
    arguments: dict[str, Any] = {
        "LookupAttributes": [{"AttributeKey": "EventSource", "AttributeValue": source}], "MaxResults": 50,
        "StartTime": datetime.fromtimestamp(query.window.start - _BEFORE_SECONDS, UTC),
        "EndTime": datetime.fromtimestamp(query.window.end, UTC)}
    for _ in range(_PAGES):
        if time.monotonic() + _APART_SECONDS > query.deadline:
            raise CallFailed("timeout", "CloudTrail allows two calls a second: the time was too short for all")
        with aws.failures("CloudTrail"):
            answer = client.lookup_events(**arguments)
        for item in answer.get("Events", []):
            event = _event(item)
            if event:
                events[str(item.get("EventId"))] = event
        time.sleep(_APART_SECONDS)
        if not answer.get("NextToken"):
            return False
        arguments["NextToken"] = answer["NextToken"]
    return True


def _event(item: dict[str, Any]) -> TrailEvent | None:
    """Reduce one event; None for a read."""
    name, source = str(item.get("EventName", "")), str(item.get("EventSource", ""))
    if item.get("ReadOnly") == "true" or name.startswith(("Describe", "List", "Get", "Lookup")):
        return None
    try:
        full = json.loads(item.get("CloudTrailEvent") or "{}")
    except ValueError:
        full = {}
    parameters = mask_all(full.get("requestParameters") or {})
    return TrailEvent(
        at=item["EventTime"].timestamp(), name=name[:80], source=source, topic=_topic(source, name),
        by=mask(str(item.get("Username", "")))[:100],
        resources=tuple([mask(str(r.get("ResourceName", "")))[:120] for r in item.get("Resources") or []][:10]),
        parameters=parameters if len(json.dumps(parameters, default=str)) < 1000 else {})


def _topic(source: str, name: str) -> Topic:
    if source.startswith("ec2") and any(word in name for word in _NETWORK):
        return "network"
    if source.startswith("secretsmanager") and "Rotat" in name:
        return "rotation"
    if source.startswith("rds"):
        return "database"
    return "cluster" if source.startswith("eks") else "other"


SOURCE = Source(
    name="cloudtrail",
    phases=frozenset({"diagnose"}),
    collect=collect,
    configured=lambda service: service.aws.cloudtrail,
    statements=lambda service: (Statement(("cloudtrail:LookupEvents",), ("*",), why_all=(
        "cloudtrail:LookupEvents knows no resources (Service Authorization Reference, AWS CloudTrail)")),),
)
