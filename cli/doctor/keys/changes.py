"""The tokens of GitHub and LaunchDarkly by which changes made elsewhere are read, and flags switched.

Sources: GitHub's REST API, "List deployments"; LaunchDarkly's API, "List audit log entries".
"""

from __future__ import annotations

from collections.abc import Iterator

from cli.doctor.keys import Key, Open, Wrong
from responder.clients.failure import CallFailed
from responder.model.service import Service
from responder.model.service.foreign_changes import CodeHost, FlagService


def _code(settings: CodeHost, open_client: Open, value: str) -> Iterator[Wrong]:
    client = open_client({"Authorization": f"Bearer {value}", "Accept": "application/vnd.github+json"})
    for place, repository in enumerate(settings.repositories):
        try:
            client.json("GET", f"{settings.endpoint.rstrip('/')}/repos/{repository.name}/deployments",
                        params={"environment": repository.environment, "per_page": 1})
        except CallFailed as failed:
            if failed.http_status != 404:
                raise
            yield Wrong(f"GitHub has no repository {repository.name} for this token",
                        f"foreign_changes.code.repositories[{place}].name, or a token that may read it")


def _flags(settings: FlagService, open_client: Open, value: str) -> Iterator[Wrong]:
    open_client({"Authorization": value}).json(
        "GET", f"{settings.endpoint.rstrip('/')}/api/v2/auditlog", params={"limit": 1})
    yield from ()


def keys(service: Service) -> Iterator[Key]:
    """Yield the tokens of the systems in which changes are made."""
    feeds = service.foreign_changes
    if feeds and (code := feeds.code):
        yield Key("GitHub", code.secret, "foreign_changes.code.secret", "a token that reads deployments and contents",
                  trial=lambda open_client, value: _code(code, open_client, value), source="foreign_changes")
    if feeds and (flags := feeds.flags):
        for field in ("secret", "write_secret"):
            if name := getattr(flags, field):
                yield Key("LaunchDarkly", name, f"foreign_changes.flags.{field}", "an access token",
                          trial=lambda open_client, value: _flags(flags, open_client, value), source="foreign_changes")
