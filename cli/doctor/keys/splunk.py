"""Splunk's authentication token. Source: Splunk's REST API reference, "authentication/current-context"."""

from __future__ import annotations

from collections.abc import Iterator

from cli.doctor.keys import Key, Open, Wrong, mapping
from responder.model.service import Service, Splunk


def _form(value: str) -> str:
    if len(value) == 36 and value.count("-") == 4:
        return ("it looks like a token of the HTTP Event Collector (a UUID), which may only send data; an "
                "authentication token is made in Settings > Tokens")
    return ""


def _trial(settings: Splunk, open_client: Open, value: str) -> Iterator[Wrong]:
    answer = open_client({"Authorization": f"Bearer {value}"}).json(
        "GET", f"{settings.url.rstrip('/')}/services/authentication/current-context", params={"output_mode": "json"})
    entries = mapping(answer).get("entry") or [{}]
    content = mapping(mapping(entries[0]).get("content"))
    capabilities = content.get("capabilities")
    if isinstance(capabilities, list) and "search" not in capabilities:
        yield Wrong(f"Splunk takes the token, but its user {content.get('username', '')} may not search",
                    "give the user a role with the capability search, and the indexes of splunk.search")


def keys(service: Service) -> Iterator[Key]:
    """Yield the token of Splunk."""
    if settings := service.splunk:
        yield Key("Splunk", settings.secret, "splunk.secret", "an authentication token", _form,
                  lambda open_client, value: _trial(settings, open_client, value), "splunk")
