"""PagerDuty's routing key and REST API key.

A ``resolve`` of an alert that does not exist is accepted and changes nothing, so it tells whether the routing key is
known. Sources: PagerDuty's pages "Send an Alert Event", "Get a user" and "List abilities".
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from cli.doctor.keys import Key, Open, Wrong, mapping
from responder.clients.failure import CallFailed
from responder.model.service import PagerDuty, Service

DEDUP_KEY = "incident-responder-doctor"
_LENGTH = 32


def _form(value: str) -> str:
    return "" if len(value) == _LENGTH else f"it has {len(value)} characters, and a routing key has {_LENGTH}"


def _event(settings: PagerDuty, open_client: Open, value: str) -> Iterator[Wrong]:
    answer = open_client({}).answer("POST", settings.events, json={
        "routing_key": value, "event_action": "resolve", "dedup_key": DEDUP_KEY})
    if answer.status_code == 400:
        yield Wrong(f"PagerDuty refuses the routing key: {_said(answer.content)}",
                    "the integration key of an Events API v2 integration; accounts in Europe: pagerduty.events")
    elif answer.status_code >= 300:
        raise CallFailed("unavailable", f"PagerDuty answered with status {answer.status_code}")


def _said(content: bytes) -> str:
    try:
        return "; ".join(map(str, mapping(json.loads(content)).get("errors") or []))[:200] or "invalid"
    except ValueError:
        return "invalid"


def _api(service: Service, settings: PagerDuty, open_client: Open, value: str) -> Iterator[Wrong]:
    client = open_client({"Authorization": f"Token token={value}",
                          "Accept": "application/vnd.pagerduty+json;version=2"})
    root = settings.api.rstrip("/")
    client.json("GET", f"{root}/abilities")
    people = {"pagerduty.requester": settings.requester} | {
        f"team ({person.name}).pagerduty": person.pagerduty for person in service.team}
    for field, user in people.items():
        if not user:
            continue
        try:
            client.json("GET", f"{root}/users/{user}")
        except CallFailed as failed:
            if failed.http_status != 404:
                raise
            yield Wrong(f"PagerDuty has no user {user}", f"{field} in the configuration: the id at the end of the "
                                                         "user's page")


def keys(service: Service) -> Iterator[Key]:
    """Yield the keys of PagerDuty."""
    if settings := service.pagerduty:
        yield Key("PagerDuty", settings.secret, "pagerduty.secret", "a routing key of 32 characters", _form,
                  lambda open_client, value: _event(settings, open_client, value))
        if settings.api_secret:
            yield Key("PagerDuty", settings.api_secret, "pagerduty.api_secret", "a REST API key",
                      trial=lambda open_client, value: _api(service, settings, open_client, value))
