"""Statuspage's API key, and the ids of the page's components. Source: Atlassian's "Statuspage API"."""

from __future__ import annotations

from collections.abc import Iterator

from cli.doctor.keys import Key, Open, Wrong, mapping
from responder.clients.failure import CallFailed
from responder.model.service import Service, Statuspage

_PAGE = 100
_PAGES = 10


def _trial(settings: Statuspage, open_client: Open, value: str) -> Iterator[Wrong]:
    client, known = open_client({"Authorization": f"OAuth {value}"}), dict[str, str]()
    for number in range(1, _PAGES + 1):
        try:
            found = client.json("GET", f"{settings.api}/pages/{settings.page}/components",
                                params={"page": number, "per_page": _PAGE})
        except CallFailed as failed:
            if failed.http_status != 404:
                raise
            yield Wrong(f"Statuspage has no page {settings.page} for this key", "statuspage.page in the configuration")
            return
        items = [mapping(item) for item in found] if isinstance(found, list) else []
        known |= {str(item.get("id")): str(item.get("name")) for item in items}
        if len(items) < _PAGE:
            break
    for component, name in settings.components.items():
        if name not in known:
            there = ", ".join(f"{one} ({said})" for one, said in sorted(known.items())[:8])
            yield Wrong(f"the page has no component {name}" + (f"; it has {there}" if there else ""),
                        f"statuspage.components.{component} in the configuration")


def keys(service: Service) -> Iterator[Key]:
    """Yield the key of Statuspage."""
    if settings := service.statuspage:
        yield Key("Statuspage", settings.secret, "statuspage.secret", "an API key",
                  trial=lambda open_client, value: _trial(settings, open_client, value))
