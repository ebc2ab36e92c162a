"""PagerDuty wakes people. The responder triggers, and resolves when the recovery is verified; it never acknowledges.

Formats: PagerDuty's pages "Send an Alert Event" (Events API v2) and "Create a responder request for an incident" (REST
API). A trigger with the same ``dedup_key`` adds to the alert that is open, so that it may be sent again; it notifies
nobody once the incident is acknowledged, nor before ("Event Management"). So whatever needs a person anew (an approval,
a task, taking over) is an alert with a key of its own, which needs the routing key alone; it is resolved when it is
decided, or over. A responder request would need a REST key, and cannot reach who is on call by a schedule alone.

Incidents of several services that one team is woken for share an alert by the same key: the first trigger that arrives
wakes, the others add to it, and it is resolved with the last of them. If somebody has resolved it meanwhile, the next
trigger opens it again.

A service on which PagerDuty groups alerts by time adds such an alert to the open incident and notifies nobody
("Time-Based Alert Grouping"): it must be off there.
"""

from __future__ import annotations

import json
import time
from dataclasses import field, replace
from urllib.parse import quote

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.codec import Json
from responder.model.frozen import dataclass
from responder.model.masking import mask
from responder.model.service import PagerDuty, Service
from responder.people import Alerting, Channel, Message

_SUMMARY = 1024
_DETAIL = 20_000
_SECONDS = 8.0
_KEY = 255


@dataclass(frozen=True)
class Alert:
    """What is remembered of an incident."""

    rounds: int = 0
    """How often its alert was resolved; a reopened incident gets another alert."""
    key: str = ""
    """The alert's ``dedup_key``; empty where none is open."""
    needs: tuple[str, ...] = ()
    """The keys of the messages whose own alerts are open."""
    joined: dict[str, str] = field(default_factory=dict)
    """Of these, the keys of alerts that another incident has opened."""


def _deliver(service: Service, message: Message, state: Alert) -> Alert | None:
    settings = service.pagerduty
    if settings is None:
        raise CallFailed("unavailable", "PagerDuty is not configured")
    match message.kind:
        case "page":
            key = message.alert or _opens(message, state)
            _trigger(service, settings, message, key)
            return replace(state, key=key)
        case "escalation" | "question":
            _trigger(service, settings, message, message.alert or _opens(message, state))
            return replace(state, needs=(*(need for need in state.needs if need != message.key), message.key),
                           joined=state.joined | ({message.key: message.alert} if message.joins else {}))
        case "status" | "closed":
            return _met(settings, message, state)
        case _:
            return _call(settings, message, state)


def _key(message: Message, state: Alert, need: str = "") -> str:
    """Return the alert's key: the incident's own, or that of one need."""
    return f"{message.incident}/{state.rounds}{f'/{need}' if need else ''}"[:_KEY]


def _opens(message: Message, state: Alert) -> str:
    """Return the key of the alert that a message opens."""
    return _key(message, state, "" if message.kind == "page" else message.key)


def _ended(message: Message, state: Alert) -> tuple[str, ...]:
    """Return the keys of the alerts whose need is met, and of the incident's own where it is over."""
    if message.kind not in ("status", "closed"):
        return ()
    left = _left(message, state)
    keys = [state.joined.get(need) or _key(message, state, need) for need in state.needs if need not in left]
    return (*keys, *([state.key] if _is_over(message) and state.key else []))


def _left(message: Message, state: Alert) -> tuple[str, ...]:
    """Return the needs for a person that are there still."""
    return () if _is_over(message) else tuple(need for need in state.needs if need.startswith(message.needs))


def _is_over(message: Message) -> bool:
    return message.kind == "closed" and message.over


def _trigger(service: Service, settings: PagerDuty, message: Message, key: str) -> None:
    _event(settings, {"event_action": "trigger", "dedup_key": key, "payload": {
        "summary": mask(message.subject)[:_SUMMARY], "source": service.service,
        "severity": settings.severity.of(service.mode),
        "component": ", ".join(message.affected)[:255] or service.entry, "group": service.service,
        "class": "payment outage", "custom_details": {
            "text": mask(message.text)[:_DETAIL], "incident": message.incident,
            **({"commands": mask(message.code)[:_DETAIL]} if message.code else {})}}, **_pages(message)})


def _met(settings: PagerDuty, message: Message, state: Alert) -> Alert | None:
    """Resolve the alerts that a message ends, but for those that other incidents need; None where there was nothing."""
    ended = _ended(message, state)
    for key in ended:
        if key not in message.shared:
            _event(settings, {"event_action": "resolve", "dedup_key": key})
    if not ended:
        return None
    if _is_over(message):
        return Alert(state.rounds + 1)
    left = _left(message, state)
    return replace(state, needs=left, joined={need: key for need, key in state.joined.items() if need in left})


def _pages(message: Message) -> dict[str, Json]:
    """Return the pages to open; the first is the client's own."""
    pages = message.references
    return {"client": "Incident responder", "client_url": pages[0].url,
            "links": [{"href": page.url, "text": page.label} for page in pages]} if pages else {}


def _event(settings: PagerDuty, event: Json) -> None:
    """Send one event. A refused event is not retried, because it would be refused again."""
    from responder.clients.http import Http

    http = Http(time.monotonic() + _SECONDS)
    try:
        answer = http.json("POST", settings.events, json={"routing_key": aws.secret(settings.secret), **event})
    except CallFailed as failed:
        if failed.http_status == 400:
            raise CallFailed("unauthorized", "PagerDuty refused the event or its routing key (400)") from failed
        raise
    finally:
        http.close()
    if not isinstance(answer, dict) or answer.get("status") != "success":
        raise CallFailed("malformed", f"PagerDuty answered {mask(json.dumps(answer))[:200]}")


def _call(settings: PagerDuty, message: Message, state: Alert) -> Alert | None:
    """Ask further people to join the incident that the alert has opened."""
    from responder.clients.http import Http

    asked = [person.pagerduty for person in message.persons if person.pagerduty]
    if not asked or not settings.api_secret:
        return None
    if not state.key:
        raise CallFailed("empty", "PagerDuty has not been told of the incident yet")
    http = Http(time.monotonic() + _SECONDS, headers={
        "Authorization": f"Token token={aws.secret(settings.api_secret)}", "From": settings.requester_email,
        "Accept": "application/vnd.pagerduty+json;version=2"})
    try:
        found = http.json("GET", f"{settings.api}/incidents", params={
            "incident_key": state.key, "date_range": "all", "statuses[]": ["triggered", "acknowledged"]})
        incidents = found.get("incidents") if isinstance(found, dict) else None
        if not incidents:
            raise CallFailed("empty", "PagerDuty shows no incident for the alert yet")
        # A retry may ask twice; PagerDuty has no idempotency key here, and the message says so.
        known = quote(str(incidents[0]["id"]), safe="")
        http.json("POST", f"{settings.api}/incidents/{known}/responder_requests", repeatable=False, json={
            "requester_id": settings.requester, "message": mask(message.subject)[:_SUMMARY],
            "responder_request_targets": [{"responder_request_target": {"id": user, "type": "user_reference"}}
                                          for user in asked]})
    except (KeyError, TypeError, AttributeError) as error:
        raise CallFailed("malformed", "PagerDuty answered with something else than incidents") from error
    finally:
        http.close()
    return state


def _team(service: Service) -> str:
    """Return whom it wakes, and how urgently: an alert of low urgency may stand for none of a high one."""
    settings = service.pagerduty
    return f"{settings.events} {settings.secret} {settings.severity.of(service.mode)}" if settings else ""


def _secrets(service: Service) -> tuple[str, ...]:
    settings = service.pagerduty
    return tuple(filter(None, (settings.secret, settings.api_secret))) if settings else ()


CHANNEL = Channel("pagerduty", frozenset({"page", "escalation", "question", "call", "status", "closed"}), _deliver,
                  Alert, lambda service: service.pagerduty is not None, wakes=True, secrets=_secrets,
                  alerting=Alerting(_team, _opens, _ended))
