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
from responder.model.finding import Finding
from responder.model.service import Service
from responder.records.table import Records, iso, seconds
from responder.sources import Query, Source, Statement

_BEFORE_SECONDS = 24 * 3600.0
_PAGES = 10


def collect(query: Query) -> list[Finding]:
    """Return ``service_events``: value is how many are open; detail ``events``, those of the service's own region.

    Each is {service, code, status, region, at, from}; ``elsewhere`` counts those of other services and regions.
    """
    account = query.service.aws
    region = os.environ.get("AWS_REGION", "us-east-1")
    found: dict[str, dict[str, Any]] = {}
    notes = []
    since = query.window.start - _BEFORE_SECONDS
    for item in Records(os.environ["TABLE"]).partition("HEALTH", iso(since)):
        kept = found.get(item["arn"])
        # The later word on an event holds.
        if kept is None or item["updated"] >= kept["updated"]:
            found[item["arn"]] = {key: item[key] for key in ("service", "code", "status", "region", "at", "updated")}
    if account.health_api:
        try:
            for event in _from_api(query, account.services, region, since):
                found[event["arn"]] = {key: value for key, value in event.items() if key != "arn"}
        except CallFailed as failed:
            if not found:
                raise
            notes.append(f"the AWS Health API: {failed.note}")
    events = sorted(found.values(), key=lambda event: event["at"])
    mine = [event for event in events if event["service"] in account.services
            and event["region"] in (region, "global")]
    return [Finding(
        SOURCE.name, "service_events", "partial" if notes else "ok", window=query.window, unit="open events",
        value=float(sum(event["status"] == "open" for event in mine)), note="; ".join(notes),
        query=f"aws health describe-events --filter regions={region},services={','.join(account.services)}",
        link="https://health.aws.amazon.com/health/home#/account/dashboard/open-issues",
        detail={"events": mine[-50:], "elsewhere": len(events) - len(mine)})]


def _from_api(query: Query, services: tuple[str, ...], region: str, since: float) -> list[dict[str, Any]]:
    health = aws.client("health", max(2, int(query.deadline - time.monotonic())), "us-east-1")
    arguments: dict[str, Any] = {"filter": {
        "services": list(services), "regions": [region, "global"],
        "startTimes": [{"from": datetime.fromtimestamp(since, UTC)}]}, "maxResults": 100}
    events = []
    for _ in range(_PAGES):
        with aws.failures("AWS Health"):
            answer = health.describe_events(**arguments)
        for item in answer.get("events", []):
            events.append({"arn": item["arn"], "service": item.get("service", ""),
                           "code": item.get("eventTypeCode", ""), "status": item.get("statusCode", ""),
                           "region": item.get("region", ""), "at": item["startTime"].timestamp(),
                           "updated": item.get("lastUpdatedTime", item["startTime"]).timestamp()})
        if not answer.get("nextToken"):
            break
        arguments["nextToken"] = answer["nextToken"]
    return events


def kept_event(event: dict[str, Any]) -> dict[str, Any]:
    """Return what is kept of an ``aws.health`` event from EventBridge; raises KeyError, ValueError where it has
    another form."""
    detail = event["detail"]
    at = _http_date(detail["startTime"])
    return {"pk": "HEALTH", "sk": f"{iso(at)}#{detail['eventArn']}#{detail.get('statusCode', 'open')}",
            "arn": str(detail["eventArn"]), "service": str(detail["service"]), "code": str(detail["eventTypeCode"]),
            "status": str(detail.get("statusCode", "open")),
            "region": str(detail.get("eventRegion") or event["region"]), "at": at,
            "updated": _http_date(detail.get("lastUpdatedTime") or event["time"])}


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
