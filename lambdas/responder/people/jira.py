"""Jira Cloud: improvements as issues of a project; what comes up again is a comment on the issue that there is.

Format: Jira Cloud platform REST API v3, "Create issue", "Search for issues using JQL enhanced search"
(``/rest/api/3/search/jql``, whose ``fields`` must be named), "Add comment", and "Atlassian Document Format" for what is
written; basic authentication with an account's e-mail address and API token. An issue bears the improvement's mark as a
label, by which it is found, and an issue and its comments name the incident.
"""

from __future__ import annotations

import base64
import re
import time
from typing import Any

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.codec import Json
from responder.model.service import Service
from responder.people import Channel, Filed, Message

_SECONDS = 15.0
_SUMMARY, _TEXT = 255, 30_000
"""Jira refuses a longer summary, and a description of more than 32,767 characters."""
_COMMENTS = 100
_ISSUE = re.compile(r"[A-Z][A-Z0-9_]*-[0-9]{1,18}")


def _deliver(service: Service, message: Message, state: Filed) -> Filed | None:
    from responder.clients.http import Http

    settings = service.jira
    if settings is None:
        raise CallFailed("unavailable", "Jira is not configured")
    token = base64.b64encode(f"{settings.email}:{aws.secret(settings.secret)}".encode()).decode()
    http = Http(time.monotonic() + _SECONDS, headers={"Authorization": f"Basic {token}", "Accept": "application/json"})
    root = f"{settings.site}/rest/api/3"
    mark = f"{settings.label}-{message.mark}"
    try:
        key = _known(http, root, settings.project, mark)
        if not key:
            made = _call(http, "POST", f"{root}/issue", json={"fields": {
                "project": {"key": settings.project}, "issuetype": {"name": settings.issue_type},
                "summary": message.subject[:_SUMMARY], "labels": [settings.label, mark],
                "description": document(f"{message.text[:_TEXT]}\n\nIncident: {message.incident}")}})
            key = _key(made)
        elif not _told(http, root, key, message.incident):
            _call(http, "POST", f"{root}/issue/{key}/comment", json={"body": document(
                f"It came up again.\n\n{message.text[:_TEXT]}\n\nIncident: {message.incident}")})
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise CallFailed("malformed", "Jira answered without an issue") from error
    finally:
        http.close()
    return Filed(f"{settings.site}/browse/{key}")


def document(text: str) -> Json:
    """Return a text in Atlassian Document Format: its parts between empty lines are paragraphs."""
    return {"version": 1, "type": "doc", "content": [
        {"type": "paragraph", "content": [{"type": "text", "text": part.strip()}]}
        for part in text.split("\n\n") if part.strip()]}


def _known(http: Any, root: str, project: str, mark: str) -> str:
    """Return the key of the newest issue with a mark; empty where there is none."""
    found = _call(http, "POST", f"{root}/search/jql", json={
        "jql": f"project = {_quoted(project)} AND labels = {_quoted(mark)} ORDER BY created DESC", "maxResults": 1,
        "fields": ["key"]})
    return next((_key(issue) for issue in found["issues"]), "")


def _key(issue: Any) -> str:
    """Return an issue's key, which becomes a part of addresses; raises KeyError where it is none."""
    key = str(issue["key"])
    if not _ISSUE.fullmatch(key):
        raise KeyError(key)
    return key


def _quoted(text: str) -> str:
    """Return a text as JQL has it (Atlassian: "Advanced search reference - JQL", reserved characters)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _told(http: Any, root: str, key: str, incident: str) -> bool:
    """Whether an issue, or one of its newest comments, names the incident."""
    issue = _call(http, "GET", f"{root}/issue/{key}", params={"fields": "description"})
    comments = _call(http, "GET", f"{root}/issue/{key}/comment", params={
        "orderBy": "-created", "maxResults": _COMMENTS})
    return any(incident in _words(written) for written in (
        issue["fields"].get("description"), *(comment["body"] for comment in comments["comments"])))


def _words(node: Any) -> str:
    """Return the text of a document."""
    if not isinstance(node, dict):
        return ""
    return str(node.get("text") or "") + " ".join(map(_words, node.get("content") or ()))


def _call(http: Any, method: str, url: str, **arguments: Any) -> Any:
    """Return the JSON of one answer; raises CallFailed in the words of a status. Nothing is tried twice."""
    answer = http.answer(method, url, **arguments)
    code = answer.status_code
    if code == 429:
        raise CallFailed("throttled", f"Jira asks to come back later ({code})", http_status=code)
    if code in (401, 403):
        raise CallFailed("unauthorized", f"Jira refused the account or its token ({code})", http_status=code)
    if code == 400:
        raise CallFailed("malformed", f"Jira did not accept the issue ({code}): its project, type of issue or labels",
                         http_status=code)
    if code >= 300:
        raise CallFailed("unavailable", f"Jira answered with status {code}", http_status=code)
    try:
        return answer.json()
    except ValueError as error:
        raise CallFailed("malformed", "Jira answered with something that is not JSON") from error


def _secrets(service: Service) -> tuple[str, ...]:
    return (service.jira.secret,) if service.jira else ()


CHANNEL = Channel("jira", frozenset({"improvement"}), _deliver, Filed, lambda service: service.jira is not None,
                  secrets=_secrets)
