"""A bearer token of Prometheus. Source: Prometheus' page "HTTP API", "Expression queries"."""

from __future__ import annotations

from collections.abc import Iterator

from cli.doctor.keys import Key, Open, Wrong
from responder.model.service import Prometheus, Service


def _trial(settings: Prometheus, open_client: Open, value: str) -> Iterator[Wrong]:
    open_client({"Authorization": f"Bearer {value}"}).json(
        "GET", f"{settings.url.rstrip('/')}/api/v1/query", params={"query": "vector(1)"})
    yield from ()


def keys(service: Service) -> Iterator[Key]:
    """Yield the token of Prometheus, where one is sent."""
    if (settings := service.prometheus) and settings.secret:
        yield Key("Prometheus", settings.secret, "prometheus.secret", "a bearer token",
                  trial=lambda open_client, value: _trial(settings, open_client, value), source="prometheus")
