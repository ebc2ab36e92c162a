"""The page behind a signed link: GET shows the question, POST decides it once. Slack's buttons arrive here as well.

Format: AWS's page "Invoking Lambda function URLs" (payload version 2.0). A link scanner that follows the link sees the
page and decides nothing. Each use checks the record and the configuration anew for whether the link may be used.
"""

from __future__ import annotations

import html
import time
from urllib.parse import parse_qs

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.handlers import environment, pressed
from responder.handlers.decide import decide
from responder.handlers.request import Request, Response
from responder.handlers.step import log, records
from responder.model.codec import Json
from responder.model.incident import Cause, Remedy
from responder.model.moment import iso
from responder.model.service import UnknownService, load
from responder.plan import approvals, wording
from responder.plan.approvals import NotAllowed
from responder.records.links import BadLink, Link, read
from responder.records.table import Records
from responder.records.tasks import NotPossible, Task, Tasks

_BODY_BYTES = 4096
_FORM = "application/x-www-form-urlencoded"
_HEADERS = {
    "content-type": "text/html; charset=utf-8", "cache-control": "no-store", "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff", "x-robots-tag": "noindex",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
                               "base-uri 'none'; frame-ancestors 'none'"}
_STYLE = """
:root{color-scheme:light dark;--ink:#1a1d21;--paper:#fff;--soft:#5a6472;--line:#d5dae1;--yes:#0b6b35;--no:#a4262c}
@media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--paper:#15181c;--soft:#a5afbb;--line:#39414b;--yes:#1e7d46;--no:#c0393f}}
body{font:1.05rem/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:40rem;margin:0 auto;
padding:1rem}
h1{font-size:1.35rem;line-height:1.3}dt{color:var(--soft);font-size:.9rem;margin-top:.75rem}dd{margin:0}
pre{border:1px solid var(--line);border-radius:.4rem;padding:.75rem;overflow:auto;font-size:.9rem;white-space:pre-wrap;
overflow-wrap:anywhere}
form{display:flex;gap:.75rem;flex-wrap:wrap;margin:1.5rem 0}
button{flex:1 1 10rem;min-height:3.2rem;font:inherit;font-weight:600;color:#fff;border:0;border-radius:.5rem;
background:var(--yes)}button.no{background:var(--no)}
button:focus-visible{outline:3px solid var(--ink);outline-offset:2px}
.told{border-left:.3rem solid var(--yes);padding-left:.75rem}
"""


def handler(event: Json, context: object) -> Json:
    """Answer one request."""
    request, table = Request.of(event), records()
    if request.method == "POST" and "x-slack-signature" in request.headers:
        return pressed.answer(request, table).wire
    return _answer(request, table).wire


def _answer(request: Request, table: Records) -> Response:
    if request.method not in ("", "GET", "HEAD", "POST"):
        return _page(405, "Not allowed", "<p>This address takes GET and POST.</p>")
    try:
        fields = _form(request) if request.method == "POST" else request.query
        link = read(fields, _key())
        task = Tasks(table).get(link.incident, link.task)
        if task is None:
            raise BadLink("there is no such question")
        voter = _holder(table, task, link)
    except CallFailed as failed:
        log(step="approve", failed=failed.note)
        return _page(503, "Not now", "<p class=told>Nothing was decided: the link cannot be checked just now. "
                                     "Try again, or answer by IAM.</p>")
    except (BadLink, NotAllowed, UnknownService) as error:
        log(step="approve", refused=str(error))
        return _page(403, "This link cannot be used", f"<p>{html.escape(str(error))}.</p>")
    if request.method != "POST":
        return _question(table, task, link)
    try:
        task = decide(table, link.incident, link.task, fields.get("decision", ""), voter)
    except (NotPossible, NotAllowed) as error:
        return _page(409, "Nothing was decided", f"<p class=told>{html.escape(str(error))}.</p>")
    said = {"approve": "Approved", "reject": "Rejected", "done": "Marked as done"}.get(task.decision, "Answered")
    return _page(200, said, f"<p class=told>{said} at {html.escape(task.decided_at)}. You may close this page.</p>")


def _key() -> str:
    """Return the key that links are signed with; raises BadLink where links are not used, CallFailed."""
    name = environment.approval_key()
    if not name:
        raise BadLink("links are not used here")
    return aws.secret(name)


def _holder(table: Records, task: Task, link: Link) -> approvals.Voter:
    """Return the person who holds a link, if it may be used now; raises NotAllowed."""
    service, remedy = load(task.service), table.remedy(task.incident, task.number)
    voter = approvals.held_link(service, link.to)
    approvals.check(service, task.kind, remedy, "", voter)
    return voter


def _form(request: Request) -> dict[str, str]:
    """Return the fields of this page's own form, sent by this page; raises BadLink."""
    kind = request.headers.get("content-type", _FORM).partition(";")[0].strip().lower()
    if kind != _FORM:
        raise BadLink("the request is not the form of this page")
    if not request.is_of_own_page:
        raise BadLink("the form was sent from another page")
    try:
        content = request.content(_BODY_BYTES).decode()
        return {key: values[0] for key, values in parse_qs(content, max_num_fields=12).items()}
    except ValueError as error:
        raise BadLink("the request cannot be read, or is too long") from error


def _question(table: Records, task: Task, link: Link) -> Response:
    """The facts for a decision: diagnosis, change, risk, reversal, and the other people who were asked."""
    remedy = table.remedy(task.incident, task.number)
    incident = table.find(task.incident)
    parts = [f"<p>{html.escape((remedy and remedy.summary) or 'A task')}.</p>"]
    if remedy and remedy.diff:
        parts.append(f"<pre tabindex=0>{html.escape(remedy.diff)}</pre>")
    facts = _facts(task, remedy, incident.cause if incident else None)
    parts.append("<dl>" + "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(value or '-')}</dd>"
                                  for name, value in facts) + "</dl>")
    if task.decision:
        parts.append(f"<p class=told>It is decided: {html.escape(task.decision)} by {html.escape(task.decided_by)} "
                     f"at {html.escape(task.decided_at)}.</p>")
    elif task.expires_at <= time.time():
        parts.append("<p class=told>It has expired.</p>")
    else:
        hidden = "".join(f'<input type=hidden name="{name}" value="{html.escape(value, quote=True)}">'
                         for name, value in link.fields(_key()).items())
        buttons = ('<button name=decision value=approve>Approve</button>'
                   '<button class=no name=decision value=reject>Reject</button>') if task.kind == "approval" else (
                   '<button name=decision value=done>Mark as done</button>')
        parts.append(f"<form method=post>{hidden}{buttons}</form>")
    target = remedy.target if remedy else task.service
    title = f"{remedy.action if remedy else 'task'} on {target}?" if task.kind == "approval" else f"Task: {target}"
    return _page(200, title, "".join(parts))


def _facts(task: Task, remedy: Remedy | None, cause: Cause | None) -> list[tuple[str, str]]:
    """The facts about a question: name and value."""
    found = [("Incident", task.incident), ("Cause", cause.summary if cause else "not known"),
             ("Confidence", f"{wording.share(cause.confidence if cause else 0)}")]
    if task.kind == "approval":
        found += [("Risk", remedy.risk if remedy else ""),
                  ("Taken back where it does not help",
                   "yes" if remedy and remedy.reversible else "no: it cannot be undone")]
    return [*found, ("Asked", ", ".join(task.asked)), ("Expires", iso(task.expires_at))]


def _page(status: int, title: str, body: str) -> Response:
    escaped = html.escape(title)
    return Response(status, _HEADERS, (
        f'<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport '
        f'content="width=device-width,initial-scale=1"><title>{escaped}</title><style>{_STYLE}</style></head>'
        f"<body><main><h1>{escaped}</h1>{body}</main></body></html>"))
