"""PagerDuty wakes people. The responder triggers, and resolves when the recovery is verified; it never acknowledges.

Formats: PagerDuty's pages "Send an Alert Event" (Events API v2) and "Create a responder request for an incident" (REST
API). A trigger with the same ``dedup_key`` adds to the alert that is open, so that it may be sent again.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.codec import Json
from responder.model.frozen import dataclass
from responder.model.masking import mask
from responder.model.service import PagerDuty, Service
from responder.people import Channel, Message

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


def _deliver(service: Service, message: Message, state: Alert) -> Alert | None:
    settings = service.pagerduty
    if settings is None:
        raise CallFailed("unavailable", "PagerDuty is not configured")
    key = f"{message.incident}/{state.rounds}"[:_KEY]
    if message.kind == "page":
        _event(settings, {"event_action": "trigger", "dedup_key": key, "payload": {
            "summary": mask(message.subject)[:_SUMMARY], "source": service.service, "severity": "critical",
            "component": ", ".join(message.affected)[:255] or service.entry, "group": service.service,
            "class": "payment outage", "custom_details": {
                "text": mask(message.text)[:_DETAIL], "incident": message.incident,
                **({"commands": mask(message.code)[:_DETAIL]} if message.code else {})}}, **_pages(message)})
        return replace(state, key=key)
    if message.kind == "closed":
        if not message.over or not state.key:
            return None
        _event(settings, {"event_action": "resolve", "dedup_key": state.key})
        return Alert(state.rounds + 1)
    return _call(settings, message, state)


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
        http.json("POST", f"{settings.api}/incidents/{incidents[0]['id']}/responder_requests", repeatable=False, json={
            "requester_id": settings.requester, "message": mask(message.subject)[:_SUMMARY],
            "responder_request_targets": [{"responder_request_target": {"id": user, "type": "user_reference"}}
                                          for user in asked]})
    except (KeyError, TypeError, AttributeError) as error:
        raise CallFailed("malformed", "PagerDuty answered with something else than incidents") from error
    finally:
        http.close()
    return state


def _secrets(service: Service) -> tuple[str, ...]:
    settings = service.pagerduty
    return tuple(filter(None, (settings.secret, settings.api_secret))) if settings else ()


CHANNEL = Channel("pagerduty", frozenset({"page", "call", "closed"}), _deliver, Alert,
                  lambda service: service.pagerduty is not None, wakes=True, secrets=_secrets)
