"""Slack's bot token and signing secret.

Sources: Slack's pages "auth.test method", "conversations.info method", "Token types" and "Using the Slack Web API"
(the header X-OAuth-Scopes names the token's scopes).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from cli.doctor.keys import Key, Open, Wrong, begins, mapping
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.service import Service, Slack

_POSTING = {"chat:write"}
_OWN_CHANNELS = {"channels:manage", "channels:read"}
_TO_ONE = {"im:write"}


def _trial(service: Service, settings: Slack, open_client: Open, value: str) -> Iterator[Wrong]:
    client = open_client({"Authorization": f"Bearer {value}"})
    answer = client.answer("POST", f"{settings.api}/auth.test", json={})
    told = _answer(answer.status_code, answer.content)
    if not told.get("ok"):
        yield Wrong(f"Slack refuses the token: {told.get('error', 'no reason given')}",
                    "the Bot User OAuth Token of the app (OAuth & Permissions)")
        return
    if settings.team and told.get("team_id") and told["team_id"] != settings.team:
        yield Wrong(f"the token is of the workspace {told['team_id']}, and slack.team is {settings.team}",
                    "slack.team in the configuration, or a token of that workspace")
    scopes = {scope.strip() for scope in answer.headers.get("x-oauth-scopes", "").split(",") if scope.strip()}
    needed = _POSTING | (set() if settings.channel else _OWN_CHANNELS) | (
        _TO_ONE if any(person.slack for person in service.team) else set())
    if scopes and (missing := sorted(needed - scopes)):
        yield Wrong(f"the token lacks the scopes {', '.join(missing)}",
                    "add them to the app (OAuth & Permissions, Bot Token Scopes) and install it anew")
    if settings.channel:
        yield from _channel(client, settings)


def _channel(client: Http, settings: Slack) -> Iterator[Wrong]:
    answer = client.answer("GET", f"{settings.api}/conversations.info", params={"channel": settings.channel})
    told = _answer(answer.status_code, answer.content)
    if told.get("ok"):
        if mapping(told.get("channel")).get("is_member") is False:
            yield Wrong(f"the app is no member of the channel {settings.channel}, so it cannot post there",
                        "in that channel: /invite @APP")
    elif told.get("error") == "channel_not_found":
        yield Wrong(f"Slack has no channel {settings.channel} that the app sees",
                    "slack.channel in the configuration (an id such as C0123456789); in a private channel /invite @APP")


def _answer(status: int, content: bytes) -> Any:
    if status >= 300:
        raise CallFailed("throttled" if status == 429 else "unavailable", f"Slack answered with status {status}")
    try:
        return mapping(json.loads(content))
    except ValueError as error:
        raise CallFailed("malformed", "Slack answered without JSON") from error


def keys(service: Service) -> Iterator[Key]:
    """Yield the keys of Slack."""
    if settings := service.slack:
        yield Key("Slack", settings.secret, "slack.secret", "a bot token (xoxb-…)", begins("xoxb-"),
                  lambda open_client, value: _trial(service, settings, open_client, value))
        if settings.signing_secret:
            yield Key("Slack", settings.signing_secret, "slack.signing_secret", "the app's signing secret", _signing)


def _signing(value: str) -> str:
    return "it is a token, and the signing secret is another one (Basic Information, App Credentials)" if (
        value.startswith("xox")) else ""
