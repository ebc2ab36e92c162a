"""The address at which other systems report: a genuine alert starts the state machine, once, and nothing else does.

``POST /VENDOR/SERVICE``. Each vendor's module says how its requests prove themselves and what they say. A request is
believed only after its proof was checked over the bytes as they came; what it says is then data for the record, never a
command. The execution's name is made of the alert's id, and Step Functions keeps names for 90 days, so an alert that
comes again, repeated or replayed, starts nothing. Format: AWS's page "Invoking Lambda function URLs".
"""

from __future__ import annotations

import time

from responder.clients import aws, executions
from responder.clients.failure import CallFailed
from responder.handlers import environment
from responder.handlers.observed import observed
from responder.handlers.request import Request, Response, Unreadable
from responder.handlers.signals import newrelic, pagerduty, splunk
from responder.handlers.signals.alert import Alert, Nothing, Vendor
from responder.handlers.step import log
from responder.model.codec import Json, Malformed, encode
from responder.model.moment import iso
from responder.model.outside_signal import OutsideSignal, OutsideStart
from responder.model.plain_json import NotJson, parsed
from responder.model.service import Starter, UnknownService, load

_VENDORS: dict[str, Vendor] = {vendor.name: vendor for vendor in (pagerduty.VENDOR, newrelic.VENDOR, splunk.VENDOR)}
_BYTES = 262_144
"""Alerts have a few kB; Lambda itself takes 6 MB."""
_SECRET_CHARACTERS = 20
_OLD_SECONDS, _AHEAD_SECONDS = 3600.0, 300.0
"""An alert of an hour ago tells of nothing that other alarms do not; one of the future has a wrong clock."""
_TEXT = {"content-type": "text/plain; charset=utf-8", "cache-control": "no-store", "x-content-type-options": "nosniff"}


class Refused(Exception):
    """A request that starts nothing; ``status`` is HTTP's."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@observed()
def handler(event: Json, context: object) -> Json:
    """Answer one request."""
    try:
        said = _taken(Request.of(event))
        log(step="signals", result=said)
        return Response(200, _TEXT, said).wire
    except Refused as refused:
        status, why = refused.status, str(refused)
    except (Malformed, Unreadable) as error:
        status, why = 400, str(error)[:200]
    except CallFailed as failed:
        # The vendor tries again.
        status, why = 503, "not possible just now: try again"
        log(step="signals", failed=failed.note)
    log(step="signals", refused=why, status=status)
    return Response(status, _TEXT, why).wire


def _taken(request: Request) -> str:
    """Return what became of a request; raises Refused, Malformed, Unreadable and CallFailed."""
    if request.method != "POST":
        raise Refused(405, "this address takes POST")
    name, _, rest = request.path.strip("/").partition("/")
    service, *token = rest.split("/")
    vendor = _VENDORS.get(name)
    if vendor is None:
        raise Refused(404, f"the path is /VENDOR/SERVICE, and the vendor one of {', '.join(_VENDORS)}")
    starter = _starter(name, service)
    body = request.content(_BYTES)
    if not vendor.genuine(request.headers, body, tuple(token), _secrets(starter)):
        raise Refused(403, "refused: the request does not prove that it is genuine")
    alert = vendor.read(_json(body), service)
    if isinstance(alert, Nothing):
        return f"nothing to do: {alert.why}"
    return _started(OutsideSignal(vendor.name, service, alert.id, _time(alert), alert.name, alert.reason))


def _starter(vendor: str, service: str) -> Starter:
    try:
        starters = load(service).starters
    except UnknownService:
        starters = None
    found = {"pagerduty": starters.pagerduty, "newrelic": starters.newrelic,
             "splunk": starters.splunk}[vendor] if starters else None
    if found is None:
        raise Refused(404, f"no service called {service[:60]!r} takes alerts of {vendor}")
    return found


def _secrets(starter: Starter) -> tuple[str, ...]:
    """Return the secrets that prove a request; a short one is none, for it can be guessed."""
    found = tuple(line.strip() for line in aws.secret(starter.secret).splitlines())
    return tuple(one for one in found if len(one) >= _SECRET_CHARACTERS)


def _json(body: bytes) -> Json:
    try:
        return parsed(body)
    except NotJson as error:
        raise Refused(400, f"the body is {error}") from error


def _time(alert: Alert) -> str:
    """Return when the alert happened; raises Refused where that was not about now."""
    now = time.time()
    at = now if alert.at is None else alert.at
    if not now - _OLD_SECONDS <= at <= now + _AHEAD_SECONDS:
        raise Refused(400, "the alert is not of now")
    return iso(min(at, now))


def _started(signal: OutsideSignal) -> str:
    """Start the state machine, unless it was started by the same alert before."""
    digest = executions.digest(f"{signal.kind}/{signal.service}/{signal.id}")
    started = executions.start(environment.state_machine(), f"{signal.kind}-{signal.service}-{digest}",
                               encode(OutsideStart(signal)))
    return "started" if started else "taken before"
