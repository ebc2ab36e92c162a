"""AWS Health: what AWS itself reports, by its API where the support plan has it, and by the events that were kept.

Formats: AWS's pages "DescribeEvents" (AWS Health API; its active endpoint is in us-east-1) and "Reference: AWS Health
events Amazon EventBridge schema". The events on EventBridge come in every account; ``handlers/health.py`` keeps them.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import Any

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.codec import decode, encode
from responder.model.evidence import Finding
from responder.model.evidence.service_events import ServiceEvent, ServiceEvents
from responder.model.incident import KEYS
from responder.model.service import Service
from responder.records.table import Records, iso, seconds
from responder.sources import Query, Source, Statement

_BEFORE_SECONDS = 24 * 3600.0
_PAGES = 10
_EVENTS = 50


def collect(query: Query) -> list[Finding[ServiceEvents]]:
    """Return ``service_events``: those of the service's own Region and of the AWS services that it uses."""
    account = query.service.aws
    region = account.region or os.environ.get("AWS_REGION", "us-east-1")
    found: dict[str, ServiceEvent] = {}
    notes = []
    since = query.window.start - _BEFORE_SECONDS
    for item in Records(os.environ["TABLE"]).partition("HEALTH", iso(since)):
        event = _kept(item)
        before = found.get(event.arn)
        # The latest update of an event counts.
        if before is None or event.updated >= before.updated:
            found[event.arn] = event
    if account.health_api:
        try:
            found |= {event.arn: event for event in _from_api(query, account.services, region, since)}
        except CallFailed as failed:
            if not found:
                raise
            notes.append(f"the AWS Health API: {failed.note}")
    events = sorted(found.values(), key=lambda event: event.at)
    mine = [event for event in events if event.service in account.services and event.region in (region, "global")]
    return [Finding(
        source=SOURCE.name, status="partial" if notes else "ok", window=query.window, unit="open events",
        value=float(sum(event.status == "open" for event in mine)), note="; ".join(notes),
        query=f"aws health describe-events --filter regions={region},services={','.join(account.services)}",
        link="https://health.aws.amazon.com/health/home#/account/dashboard/open-issues",
        detail=ServiceEvents(events=tuple(mine[-_EVENTS:]), elsewhere=len(events) - len(mine)))]


def _kept(item: dict[str, Any]) -> ServiceEvent:
    """Return an event as ``kept_event`` wrote it; raises Malformed."""
    return decode(ServiceEvent, {key: value for key, value in item.items() if key not in KEYS}, "HEALTH")


def _endpoint_region(region: str) -> str:
    """Return the Region in which a partition's AWS Health is asked (AWS: "AWS Health endpoints and quotas")."""
    return "cn-northwest-1" if region.startswith("cn-") else "us-gov-west-1" if region.startswith("us-gov-") else (
        "us-east-1")


def _from_api(query: Query, services: tuple[str, ...], region: str, since: float) -> list[ServiceEvent]:
    health = aws.client("health", max(2, int(query.deadline - time.monotonic())), _endpoint_region(region))
    arguments: dict[str, Any] = {"filter": {
        "services": list(services), "regions": [region, "global"],
        "startTimes": [{"from": datetime.fromtimestamp(since, UTC)}]}, "maxResults": 100}
    events = []
    for _ in range(_PAGES):
        with aws.failures("AWS Health"):
            answer = health.describe_events(**arguments)
        for item in answer.get("events", []):
            events.append(ServiceEvent(
                arn=item["arn"], service=item.get("service", ""), code=item.get("eventTypeCode", ""),
                status=item.get("statusCode", ""), region=item.get("region", ""), at=item["startTime"].timestamp(),
                updated=item.get("lastUpdatedTime", item["startTime"]).timestamp()))
        if not answer.get("nextToken"):
            break
        arguments["nextToken"] = answer["nextToken"]
    return events


def kept_event(event: dict[str, Any]) -> dict[str, Any]:
    """Return what is kept of an ``aws.health`` event from EventBridge; raises KeyError, ValueError where it has
    another form."""
    detail = event["detail"]
    kept = ServiceEvent(
        arn=str(detail["eventArn"]), service=str(detail["service"]), code=str(detail["eventTypeCode"]),
        status=str(detail.get("statusCode", "open")), region=str(detail.get("eventRegion") or event["region"]),
        at=_http_date(detail["startTime"]), updated=_http_date(detail.get("lastUpdatedTime") or event["time"]))
    return {"pk": "HEALTH", "sk": f"{iso(kept.at)}#{kept.arn}#{kept.status}", **encode(kept)}


def _http_date(text: str) -> float:
    from email.utils import parsedate_to_datetime

    return seconds(text) if text[:4].isdigit() else parsedate_to_datetime(text).timestamp()


def _statements(service: Service) -> tuple[Statement, ...]:
    return (Statement(("health:DescribeEvents",), ("*",), why_all=(
        "health:DescribeEvents knows no resources (Service Authorization Reference, AWS Health)")),
            ) if service.aws.health_api else ()


SOURCE = Source(
    name="aws_health",
    phases=frozenset({"diagnose"}),
    collect=collect,
    statements=_statements,
    reads="HEALTH",
)
