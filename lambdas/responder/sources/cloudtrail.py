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
from responder.model.finding import Finding
from responder.model.masking import mask, mask_all
from responder.sources import Query, Source, Statement

_BEFORE_SECONDS = 3600.0
_PAGES = 3
_APART_SECONDS = 0.55
_LATE_SECONDS = 300.0
_SOURCES = ("rds.amazonaws.com", "ec2.amazonaws.com", "secretsmanager.amazonaws.com", "eks.amazonaws.com")
_NETWORK = ("SecurityGroup", "Route", "NetworkAcl", "VpcEndpoint", "Subnet", "NatGateway", "InternetGateway")


def collect(query: Query) -> list[Finding]:
    """Return ``trail``: value is how many changes there were since an hour before the window; raises CallFailed.

    Detail has ``events`` [{at, name, source, by, resources, topic, parameters}]; ``topic`` is ``network``,
    ``database``, ``rotation``, ``cluster`` or ``other``. Reads are left out. Detail ``complete_until`` is the time up
    to which nothing new is to be expected.
    """
    trail = aws.client("cloudtrail", max(2, int(query.deadline - time.monotonic())))
    events: dict[str, dict[str, Any]] = {}
    notes = []
    for source in _SOURCES:
        arguments: dict[str, Any] = {
            "LookupAttributes": [{"AttributeKey": "EventSource", "AttributeValue": source}], "MaxResults": 50,
            "StartTime": datetime.fromtimestamp(query.window.start - _BEFORE_SECONDS, UTC),
            "EndTime": datetime.fromtimestamp(query.window.end, UTC)}
        try:
            for page in range(_PAGES):
                if time.monotonic() + _APART_SECONDS > query.deadline:
                    raise CallFailed("timeout", "CloudTrail allows two calls a second: the time was too short for all")
                with aws.failures("CloudTrail"):
                    answer = trail.lookup_events(**arguments)
                for item in answer.get("Events", []):
                    kept = _event(item)
                    if kept:
                        events[str(item.get("EventId"))] = kept
                time.sleep(_APART_SECONDS)
                if not answer.get("NextToken"):
                    break
                arguments["NextToken"] = answer["NextToken"]
                if page == _PAGES - 1:
                    notes.append(f"{source}: cut after {_PAGES} pages")
        except CallFailed as failed:
            if not events and source == _SOURCES[0]:
                raise
            notes.append(f"{source}: {failed.note}")
            break
    ordered = sorted(events.values(), key=lambda event: event["at"])
    return [Finding(SOURCE.name, "trail", "partial" if notes else "ok", window=query.window, unit="changes",
                    value=float(len(ordered)), note="; ".join(notes)[:300],
                    query="aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventSource,AttributeValue=…",
                    link="https://console.aws.amazon.com/cloudtrail/home#/events",
                    detail={"events": ordered[-50:], "complete_until": query.window.end - _LATE_SECONDS})]


def _event(item: dict[str, Any]) -> dict[str, Any] | None:
    """Reduce one event; None for a read."""
    name = str(item.get("EventName", ""))
    if item.get("ReadOnly") == "true" or name.startswith(("Describe", "List", "Get", "Lookup")):
        return None
    try:
        full = json.loads(item.get("CloudTrailEvent") or "{}")
    except ValueError:
        full = {}
    source = str(item.get("EventSource", ""))
    topic = "other"
    if source.startswith("ec2") and any(word in name for word in _NETWORK):
        topic = "network"
    elif source.startswith("secretsmanager") and "Rotat" in name:
        topic = "rotation"
    elif source.startswith("rds"):
        topic = "database"
    elif source.startswith("eks"):
        topic = "cluster"
    parameters = mask_all(full.get("requestParameters") or {})
    return {"at": item["EventTime"].timestamp(), "name": name[:80], "source": source, "topic": topic,
            "by": mask(str(item.get("Username", "")))[:100],
            "resources": [mask(str(r.get("ResourceName", "")))[:120] for r in item.get("Resources") or []][:10],
            "parameters": parameters if len(json.dumps(parameters, default=str)) < 1000 else {}}


SOURCE = Source(
    name="cloudtrail",
    phases=frozenset({"diagnose"}),
    collect=collect,
    configured=lambda service: service.aws.cloudtrail,
    statements=lambda service: (Statement(("cloudtrail:LookupEvents",), ("*",), why_all=(
        "cloudtrail:LookupEvents knows no resources (Service Authorization Reference, AWS CloudTrail)")),),
)
