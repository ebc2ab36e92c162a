"""LaunchDarkly: which flags were set, by its audit log.

Formats: LaunchDarkly's pages "List audit log entries" and "Using the LaunchDarkly API" (resource specifiers). An entry
names the actions and the resources ``proj/PROJECT:env/ENVIRONMENT:flag/KEY``; ``updateOn`` turns a flag on or off, and
which of both the entry says in words alone ("turned on the flag").
"""

from __future__ import annotations

from typing import Any

from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.foreign_change import ForeignChange
from responder.model.service.foreign_changes import FlagService

_MOST = 20
"""So many entries are in one answer at most."""
_MAINTENANCE = frozenset({"updateTags", "updateName", "updateDescription", "updateMaintainer", "createFlag",
                          "cloneFlag"})
"""Actions that change nothing of what a flag serves."""


def headers(token: str) -> dict[str, str]:
    """Return the credentials, which bear no scheme."""
    return {"Authorization": token}


def changes(settings: FlagService, since: float, until: float, http: Http) -> list[ForeignChange]:
    """Return the flags that were set between two times (seconds since 1970, UTC); raises CallFailed."""
    answer = http.json("GET", f"{settings.endpoint}/api/v2/auditlog", params={
        "after": int(since * 1000), "before": int(until * 1000), "limit": _MOST,
        "spec": f"proj/{settings.project}:env/{settings.environment}:flag/*"})
    if not isinstance(answer, dict) or not isinstance(answer.get("items"), list):
        raise CallFailed("malformed", "LaunchDarkly's audit log is not as documented")
    readers = {flag.key: flag.component for flag in settings.flags}
    found = [_change(settings, item, readers) for item in answer["items"] if isinstance(item, dict)]
    return [change for change in found if change and since <= change.at <= until]


def _change(settings: FlagService, item: dict[str, Any], readers: dict[str, str]) -> ForeignChange | None:
    prefix = f"proj/{settings.project}:env/{settings.environment}:flag/"
    done = [access for access in item.get("accesses") or () if isinstance(access, dict) and str(
        access.get("resource", "")).startswith(prefix) and access.get("action") not in _MAINTENANCE]
    if not done or not isinstance(item.get("date"), int | float):
        return None
    key = str(done[0]["resource"]).removeprefix(prefix).partition(";")[0]
    member = item.get("member") or {}
    # A name is told to people; an address would be masked.
    name = f"{member.get('firstName') or ''} {member.get('lastName') or ''}".strip()
    who = name or member.get("email") or (item.get("token") or {}).get("name") or ""
    said = f"{item.get('titleVerb') or ''} {item.get('shortDescription') or ''} {item.get('description') or ''}".lower()
    only_switched = {access.get("action") for access in done} == {"updateOn"}
    turned = "on" if "turned on" in said else "off" if "turned off" in said else ""
    after = turned if only_switched else ""
    return ForeignChange(
        id=f"flag {key}", kind="flag", at=item["date"] / 1000, by=str(who)[:80],
        title=f"{key}: {item.get('titleVerb') or item.get('name') or 'changed'}"[:120], component=readers.get(key, ""),
        before={"on": "off", "off": "on"}.get(after, ""), after=after)
