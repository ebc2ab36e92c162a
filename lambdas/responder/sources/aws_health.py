"""AWS Health: what AWS itself reports, by its API where the support plan has it, and by the events that were kept.

Formats: AWS's pages "DescribeEvents" and "DescribeAffectedEntities" (AWS Health API; its active endpoint is in
us-east-1) and "Reference: AWS Health events Amazon EventBridge schema" (an event with many affected entities comes in
pages). An event counts where it names a resource of the service; one that names others' is theirs, and of one that
names none nobody can tell. The events on EventBridge come in every account; ``handlers/health.py`` keeps them.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.codec import Foreign, Json, Malformed, decode, encode
from responder.model.evidence import Finding
from responder.model.evidence.service_events import ServiceEvent, ServiceEvents
from responder.model.frozen import dataclass
from responder.model.incident import KEYS
from responder.model.service import Service
from responder.records.table import Records, iso, seconds
from responder.sources import Query, Source, Statement

_BEFORE_SECONDS = 24 * 3600.0
_PAGES = 10
_EVENTS = 50
_ASKED_AT_ONCE = 10
_NAMED = 10
"""So many of an event's resources are put on record."""
_KEY_BYTES = 1000
"""DynamoDB takes 1,024 for a sort key."""
_KEPT = 100
"""So many of the resources that one page of an event names are kept."""


def collect(query: Query) -> list[Finding[ServiceEvents]]:
    """Return ``service_events``: those of the service's own Region and of the AWS services that it uses."""
    account = query.service.aws
    region = account.region or os.environ.get("AWS_REGION", "us-east-1")
    found: dict[str, ServiceEvent] = {}
    notes, failed = [], False
    since = query.window.start - _BEFORE_SECONDS
    for item in Records(os.environ["TABLE"]).partition("HEALTH", iso(since)):
        event = _kept(item)
        if query.past and max(event.at, event.updated) > query.window.end:
            continue
        before = found.get(event.arn)
        # Events come late, twice and in any order: the latest update counts, with the resources of all its pages.
        newest = event if before is None or event.updated >= before.updated else before
        found[event.arn] = replace(newest, entities=tuple(dict.fromkeys((
            *(before.entities if before else ()), *event.entities))))
    if account.health_api:
        try:
            found |= {event.arn: event for event in _from_api(query, account.services, region, since)}
        except CallFailed as error:
            if not found:
                raise
            failed = True
            notes.append(f"the AWS Health API: {error.note}")
    events = sorted(found.values(), key=lambda event: event.at)
    near = [event for event in events if event.service in account.services and event.region in (region, "global")]
    mine = [replace(event, whose=owner, entities=event.entities[:_NAMED]) for event in near
            if (owner := _whose(query.service, event))]
    unknown = sum(event.whose == "unknown" and event.status == "open" for event in mine)
    if unknown:
        notes.append(f"of {unknown} open events it is not known whether they concern this service: AWS names no "
                     "resource of its configuration")
    return [Finding(
        source=SOURCE.name, status="partial" if failed else "ok", window=query.window, unit="open events",
        value=float(sum(event.status == "open" and event.whose == "service" for event in mine)), note="; ".join(notes),
        query=f"aws health describe-events --filter regions={region},services={','.join(account.services)}",
        link="https://health.aws.amazon.com/health/home#/account/dashboard/open-issues",
        detail=ServiceEvents(events=tuple(mine[-_EVENTS:]), elsewhere=len(events) - len(mine)))]


def _whose(service: Service, event: ServiceEvent) -> Literal["", "service", "unknown"]:
    """Return whose an event is; empty: others'.

    Events on machines are never others' for sure: the nodes' instances come and go, and EC2 itself is asked for their
    status by the source ``eks``.
    """
    named = set(event.entities) - {"UNKNOWN", "AWS_ACCOUNT"}
    if any(name == own or name.endswith((f":{own}", f"/{own}")) for name in named for own in _names(service)):
        return "service"
    machines = any(name.rpartition("/")[2].startswith("i-") for name in named)
    return "" if named and not machines else "unknown"


def _names(service: Service) -> tuple[str, ...]:
    database, metrics = service.database, service.metrics
    return tuple(name for name in (
        *(database.identifiers if database else ()), service.cluster.name, metrics.load_balancer,
        metrics.network_load_balancer,
        *service.aws.security_groups, *service.aws.resources, *(service.network.subnets if service.network else ()))
        if name)


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
            if query.past and item["startTime"].timestamp() > query.window.end:
                continue
            events.append(ServiceEvent(
                arn=item["arn"], service=item.get("service", ""), code=item.get("eventTypeCode", ""),
                status=_status(item, query), region=item.get("region", ""), at=item["startTime"].timestamp(),
                updated=item.get("lastUpdatedTime", item["startTime"]).timestamp()))
        if not answer.get("nextToken"):
            break
        arguments["nextToken"] = answer["nextToken"]
    return _with_entities(health, events)


def _status(item: dict[str, Any], query: Query) -> str:
    """Return an event's status; at a past time it was open until it ended."""
    if query.past and item.get("statusCode") == "closed" and "endTime" in item and (
            item["endTime"].timestamp() > query.window.end):
        return "open"
    return str(item.get("statusCode", ""))


def _with_entities(health: Any, events: list[ServiceEvent]) -> list[ServiceEvent]:
    """Return the events with the resources that each affects; ten events a call."""
    affected: dict[str, list[str]] = {}
    for first in range(0, len(events), _ASKED_AT_ONCE):
        arguments: dict[str, Any] = {"filter": {
            "eventArns": [event.arn for event in events[first:first + _ASKED_AT_ONCE]]}, "maxResults": 100}
        for _ in range(_PAGES):
            with aws.failures("AWS Health"):
                answer = health.describe_affected_entities(**arguments)
            for item in answer.get("entities", []):
                affected.setdefault(item["eventArn"], []).append(str(item.get("entityValue", "")))
            if not answer.get("nextToken"):
                break
            arguments["nextToken"] = answer["nextToken"]
    return [replace(event, entities=tuple(affected.get(event.arn, ()))) for event in events]


@dataclass(frozen=True)
class _Affected(Foreign):
    entity_value: str = ""


@dataclass(frozen=True)
class _Told(Foreign):
    event_arn: str
    service: str
    event_type_code: str
    start_time: str
    last_updated_time: str | None = None
    status_code: str = "open"
    event_region: str | None = None
    page: str | int = "1"
    affected_entities: tuple[_Affected, ...] | None = ()


@dataclass(frozen=True)
class _HealthEvent(Foreign):
    """EventBridge's "AWS Health Event"."""

    detail: _Told
    time: str = ""
    region: str = ""


def kept_event(event: Json) -> dict[str, Json]:
    """Return what is kept of an ``aws.health`` event from EventBridge; raises Malformed."""
    given = decode(_HealthEvent, event, "event")
    detail = given.detail
    kept = ServiceEvent(
        arn=detail.event_arn, service=detail.service, code=detail.event_type_code, status=detail.status_code,
        region=detail.event_region or given.region, at=_http_date(detail.start_time),
        updated=_http_date(detail.last_updated_time or given.time),
        entities=tuple(item.entity_value[:200] for item in detail.affected_entities or ())[:_KEPT])
    key = "#".join((iso(kept.at), kept.arn, kept.status, *([str(detail.page)] if str(detail.page) != "1" else [])))
    if len(key.encode()) > _KEY_BYTES:
        raise Malformed("event.detail", "an ARN, a status and a page", key)
    return {"pk": "HEALTH", "sk": key, **encode(kept)}


def _http_date(text: str) -> float:
    from email.utils import parsedate_to_datetime

    try:
        return seconds(text) if text[:4].isdigit() else parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError) as error:
        raise Malformed("event.detail", "a time", text) from error


def _statements(service: Service) -> tuple[Statement, ...]:
    if not service.aws.health_api:
        return ()
    return (
        Statement(("health:DescribeEvents",), ("*",), why_all=(
            "health:DescribeEvents knows no resources (Service Authorization Reference, AWS Health)")),
        Statement(("health:DescribeAffectedEntities",), ("arn:{partition}:health:*::event/*/*/*",), why_all=(
            "which events there will be is not known before; their ARNs name no account")))


SOURCE = Source(
    name="aws_health",
    phases=frozenset({"diagnose"}),
    collect=collect,
    statements=_statements,
    reads="HEALTH",
)
