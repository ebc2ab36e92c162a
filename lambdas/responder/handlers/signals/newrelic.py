"""New Relic's webhook destinations: they do not sign, but send a token along, by a header of the destination.

Sources: New Relic's pages "Notification integrations" (webhook: a bearer token, basic authorization, or headers of
one's own) and "Notification message templates" (the template that a webhook is offered with).
"""

from __future__ import annotations

from collections.abc import Mapping

from responder.handlers.signals.alert import Alert, Nothing, Vendor, same, token_of
from responder.model.codec import Foreign, Json, Malformed, decode
from responder.model.frozen import dataclass

_STARTS = frozenset({"ACTIVATED", "CREATED"})


@dataclass(frozen=True)
class _Issue(Foreign):
    id: str
    state: str
    title: str = ""
    issue_url: str = ""
    priority: str = ""
    created_at: float | None = None
    """Milliseconds since 1970 (UTC)."""
    updated_at: float | None = None


def _genuine(headers: Mapping[str, str], body: bytes, token: tuple[str, ...], secrets: tuple[str, ...]) -> bool:
    return not token and same(token_of(headers), secrets)


def _read(body: Json, service: str) -> Alert | Nothing:
    issue = decode(_Issue, body, "body")
    if issue.state.upper() not in _STARTS:
        return Nothing(issue.state[:60])
    if not issue.id:
        raise Malformed("body.id", "the issue's id", issue.id)
    updated = issue.updated_at or issue.created_at
    return Alert(issue.id, updated / 1000 if updated else None, f"New Relic: {issue.title}",
                 " ".join(part for part in (issue.priority, issue.issue_url) if part))


VENDOR = Vendor("newrelic", _genuine, _read)
