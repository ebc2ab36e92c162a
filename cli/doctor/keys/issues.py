"""The tokens by which improvements are filed as issues.

Sources: GitHub's REST API, "Get a repository"; Jira Cloud's REST API v3, "Get my permissions".
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

from cli.doctor.keys import Key, Open, Wrong, mapping
from responder.clients.failure import CallFailed
from responder.model.service import Service
from responder.model.service.issues import GitHub, Jira

_NEEDED = ("BROWSE_PROJECTS", "CREATE_ISSUES", "ADD_COMMENTS")


def _github(settings: GitHub, open_client: Open, value: str) -> Iterator[Wrong]:
    client = open_client({"Authorization": f"Bearer {value}", "Accept": "application/vnd.github+json"})
    try:
        found = mapping(client.json("GET", f"{settings.api.rstrip('/')}/repos/{settings.repository}"))
    except CallFailed as failed:
        if failed.http_status != 404:
            raise
        yield Wrong(f"GitHub has no repository {settings.repository} for this token",
                    "github.repository, or a token with access to it")
        return
    if found.get("has_issues") is False:
        yield Wrong(f"{settings.repository} has no issues", "switch issues on in the repository's settings")


def _jira(settings: Jira, open_client: Open, value: str) -> Iterator[Wrong]:
    token = base64.b64encode(f"{settings.email}:{value}".encode()).decode()
    client = open_client({"Authorization": f"Basic {token}", "Accept": "application/json"})
    try:
        found = client.json("GET", f"{settings.site.rstrip('/')}/rest/api/3/mypermissions",
                            params={"projectKey": settings.project, "permissions": ",".join(_NEEDED)})
    except CallFailed as failed:
        if failed.http_status != 404:
            raise
        yield Wrong(f"Jira has no project {settings.project} for {settings.email}", "jira.project in the configuration")
        return
    allowed = mapping(mapping(found).get("permissions"))
    missing = [name for name in _NEEDED if not mapping(allowed.get(name)).get("havePermission")]
    if missing:
        yield Wrong(f"{settings.email} lacks {', '.join(missing)} in the project {settings.project}",
                    "the project's permission scheme in Jira")


def keys(service: Service) -> Iterator[Key]:
    """Yield the tokens of GitHub and Jira."""
    if github := service.github:
        yield Key("GitHub", github.secret, "github.secret", "a token that may write issues",
                  trial=lambda open_client, value: _github(github, open_client, value))
    if jira := service.jira:
        yield Key("Jira", jira.secret, "jira.secret", "an API token",
                  trial=lambda open_client, value: _jira(jira, open_client, value))
