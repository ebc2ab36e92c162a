"""GitHub: improvements as issues of a repository; what comes up again is a comment on the issue that there is.

Format: GitHub REST API, "Create an issue", "List repository issues", "Create an issue comment", "List issue comments"
(version 2022-11-28), and "Rate limits for the REST API": an exceeded limit is 403 or 429 with ``retry-after`` or
``x-ratelimit-remaining: 0``. The issues of our label are listed rather than searched: GitHub's search knows a new issue
only after a while, and has a limit of its own.
"""

from __future__ import annotations

import re
import time
from typing import Any

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.frozen import dataclass
from responder.model.markdown import inline
from responder.model.service import Service
from responder.model.service.issues import GitHub
from responder.people import Channel, Filed, Message

_SECONDS = 15.0
_EACH, _PAGES = 100, 10
_TITLE, _BODY = 256, 60_000
"""GitHub refuses a longer title (422), and a body of more than 65,536 characters."""
_ADDRESS = re.compile(r"https://[^\s<>\"'`\\|()\[\]\x00-\x20]{1,500}", re.ASCII)
_CALLS = re.compile(r"([@#])(?=\w)")
"""What begins a mention or a reference ("Basic writing and formatting syntax", "Autolinked references and URLs")."""


@dataclass(frozen=True)
class _Known:
    """An issue that has a mark."""

    number: int
    address: str
    body: str


def _deliver(service: Service, message: Message, state: Filed) -> Filed | None:
    from responder.clients.http import Http

    settings = service.github
    if settings is None:
        raise CallFailed("unavailable", "GitHub is not configured")
    http = Http(time.monotonic() + _SECONDS, headers={
        "Authorization": f"Bearer {aws.secret(settings.secret)}", "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28", "User-Agent": "incident-responder"})
    root = f"{settings.api}/repos/{settings.repository}/issues"
    try:
        known = _known(http, root, settings, _mark(message.mark))
        if known is None:
            made = _call(http, "POST", root, json={
                "title": message.subject[:_TITLE], "labels": [settings.label],
                "body": f"{_body(message.text)}\n\n{_mark(message.mark)}\n{_mark(message.incident)}"})
            return Filed(_page(made))
        if not _told(http, root, known, _mark(message.incident)):
            _call(http, "POST", f"{root}/{known.number}/comments", json={
                "body": f"It came up again.\n\n{_body(message.text)}\n\n{_mark(message.incident)}"})
        return Filed(known.address)
    except (KeyError, TypeError, AttributeError) as error:
        raise CallFailed("malformed", "GitHub answered without an issue") from error
    finally:
        http.close()


def _body(text: str) -> str:
    """Return paragraphs of text as GitHub shows them: as they are, and without calling anybody or naming an issue.

    A backslash does not keep GitHub from a mention or a reference; a character without width after the sign does.
    """
    paragraphs = (_CALLS.sub(r"\1&#8203;", inline(part)) for part in text.split("\n\n"))
    return "\n\n".join(part for part in paragraphs if part)[:_BODY]


def _mark(name: str) -> str:
    """Return what GitHub keeps in a body and shows to nobody."""
    return f"<!-- incident-responder:{name} -->"


def _bears(body: object, mark: str) -> bool:
    """Whether a text has a mark as a line of its own, as we write it; within a sentence it is somebody's text."""
    return any(line.strip() == mark for line in str(body or "").splitlines())


def _known(http: Any, root: str, settings: GitHub, mark: str) -> _Known | None:
    """Return the newest issue with a mark, open or closed; None where there is none."""
    for page in range(1, _PAGES + 1):
        found = _call(http, "GET", root, params={
            "labels": settings.label, "state": "all", "per_page": _EACH, "page": page})
        for item in found:
            if _bears(item.get("body"), mark):
                return _Known(int(item["number"]), _page(item), str(item["body"]))
        if len(found) < _EACH:
            return None
    return None


def _page(issue: Any) -> str:
    """Return the issue's page, as reports may link to it; raises KeyError where the answer names none."""
    address = str(issue["html_url"])
    return address if _ADDRESS.fullmatch(address) else ""


def _told(http: Any, root: str, known: _Known, mark: str) -> bool:
    """Whether an issue, or one of its comments, is of this incident already."""
    if _bears(known.body, mark):
        return True
    for page in range(1, _PAGES + 1):
        comments = _call(http, "GET", f"{root}/{known.number}/comments", params={"per_page": _EACH, "page": page})
        if any(_bears(comment.get("body"), mark) for comment in comments):
            return True
        if len(comments) < _EACH:
            return False
    return False


def _call(http: Any, method: str, url: str, **arguments: Any) -> Any:
    """Return the JSON of one answer; raises CallFailed in the words of a status. Nothing is tried twice."""
    answer = http.answer(method, url, **arguments)
    code = answer.status_code
    limited = answer.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in answer.headers
    if code == 429 or (code == 403 and (limited or "rate limit" in answer.text)):
        raise CallFailed("throttled", f"GitHub asks to come back later ({code})", http_status=code)
    if code in (401, 403):
        raise CallFailed("unauthorized", f"GitHub refused the token ({code}): it needs write access to the "
                         "repository's issues", http_status=code)
    if code in (301, 404, 410):
        raise CallFailed("unavailable", f"GitHub has no issues for this token there ({code}): the repository was moved "
                         "or is not among the token's, or its issues are turned off", http_status=code)
    if code == 422:
        raise CallFailed("malformed", f"GitHub did not accept the issue ({code})", http_status=code)
    if code >= 300:
        raise CallFailed("unavailable", f"GitHub answered with status {code}", http_status=code)
    try:
        return answer.json()
    except ValueError as error:
        raise CallFailed("malformed", "GitHub answered with something that is not JSON") from error


def _secrets(service: Service) -> tuple[str, ...]:
    return (service.github.secret,) if service.github else ()


CHANNEL = Channel("github", frozenset({"improvement"}), _deliver, Filed, lambda service: service.github is not None,
                  secrets=_secrets)
