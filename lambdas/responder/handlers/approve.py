"""The page behind a signed link: GET shows the question, POST decides it once. Slack's buttons arrive here as well.

Format: AWS's page "Invoking Lambda function URLs" (payload version 2.0). A link scanner that follows the link sees the
page and decides nothing. Each use checks the record and the configuration anew for whether the link may be used.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from urllib.parse import parse_qs

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.handlers import environment, pressed
from responder.handlers.approval_page import Shown, message_page, question_page, result_page
from responder.handlers.decide import by_iam, decide, incident_record
from responder.handlers.observed import observed
from responder.handlers.request import Request, Response
from responder.handlers.settings import of_incident
from responder.handlers.step import log, records
from responder.model.codec import Foreign, Json, decode
from responder.model.frozen import dataclass
from responder.model.incident import IncidentRecord
from responder.model.service import Service, UnknownService, load
from responder.plan import approvals
from responder.plan.approvals import NotAllowed
from responder.plan.choices import Chosen, Other, choice_of, others
from responder.plan.links import references
from responder.plan.question import question
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
@observed()
def handler(event: Json, context: object) -> Json:
    """Answer one request."""
    request, table = Request.of(event), records()
    if request.method == "POST" and "x-slack-signature" in request.headers:
        return pressed.answer(request, table).wire
    return _answer(request, table).wire


def _answer(request: Request, table: Records) -> Response:
    if request.method not in ("", "GET", "HEAD", "POST"):
        return _said(405, "Not allowed", "This address takes GET and POST.")
    try:
        fields = _form(request) if request.method == "POST" else request.query
        key = _key()
        link = read(fields, key)
        task = Tasks(table).get(link.incident, link.task)
        if task is None:
            raise BadLink("there is no such question")
        voter = _holder(table, task, link)
    except CallFailed as failed:
        log(step="approve", failed=failed.note)
        return _said(503, "Not now", "Nothing was decided: the link cannot be checked just now.",
                     "Try again in a minute, or answer in Slack or by IAM; the message has the commands.")
    except (BadLink, NotAllowed, UnknownService) as error:
        log(step="approve", refused=str(error))
        return _said(403, "This link cannot be used", f"Nothing was decided: {error}.",
                     "Open the link of the newest message that you got, or answer in Slack or by IAM as the message in "
                     "the incident's channel says.")
    if request.method != "POST":
        return _question(table, task, link.fields(key), 200)
    try:
        said, chosen = _answered(fields)
        task = decide(table, link.incident, link.task, said, voter, chosen=chosen)
    except (NotPossible, NotAllowed) as error:
        return _question(table, Tasks(table).get(link.incident, link.task) or task, link.fields(key), 409,
                         f"Nothing was decided now: {error}.")
    return Response(200, _HEADERS, result_page(task, link.query(key)))


def _key() -> str:
    """Return the key that links are signed with; raises BadLink where links are not used, CallFailed."""
    name = environment.approval_key()
    if not name:
        raise BadLink("links are not used here")
    return aws.secret(name)


def _holder(table: Records, task: Task, link: Link) -> approvals.Voter:
    """Return the person who holds a link, if it may be used now; raises NotAllowed."""
    service, remedy = of_incident(table, load(task.service), task.incident), table.remedy(task.incident, task.number)
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


@dataclass(frozen=True)
class _Form(Foreign):
    """What a person sends by the page's form, beside the signed link."""

    decision: str = ""
    value: str = ""
    """Always there where there is one to choose; it counts with a yes alone."""
    other: str = ""
    """The button of another remedy."""


def _answered(fields: dict[str, str]) -> tuple[str, Chosen]:
    """Return the decision and what is chosen with it; raises NotPossible."""
    form = decode(_Form, fields)
    decision = form.decision or ("instead" if form.other else "")
    if decision != "approve" or not form.value:
        return decision, Chosen(other=form.other)
    if not re.fullmatch("[0-9]{1,9}", form.value):
        raise NotPossible("what was chosen is no number")
    return decision, Chosen(int(form.value), form.other)


def _question(table: Records, task: Task, fields: dict[str, str], status: int, told: str = "") -> Response:
    """The question with all facts for a decision, and what became of it where it is decided or has expired."""
    service, now = of_incident(table, load(task.service), task.incident), time.time()
    record = incident_record(table, task)
    remedy = record.remedy(task.number)
    asked, choice, instead = None, None, others(service, record, task.others)
    if remedy and task.kind == "approval":
        asked, choice = question(service, record, remedy, task.in_plan, now, instead), choice_of(remedy)
    pages, linked = references(service, record, environment.reports()), _by_link(service, record, instead)
    shown = Shown(task, record, remedy, asked, by_iam(service, task, choice, instead), pages, fields, choice, linked)
    return Response(status, _HEADERS, question_page(shown, now, told))


def _by_link(service: Service, record: IncidentRecord, instead: Iterable[Other]) -> tuple[Other, ...]:
    """Return the other remedies that a link may choose."""
    return tuple(other for other in instead if (found := record.proposal(other.id)) and not approvals.risk_refused(
        service, found.action))


def _said(status: int, title: str, *sentences: str) -> Response:
    return Response(status, _HEADERS, message_page(title, sentences))
