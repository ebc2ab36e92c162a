"""PagerDuty's webhooks (v3): signed over the body, with each secret that is valid while it is exchanged.

Sources: PagerDuty's pages "Webhooks: Overview" (payload) and "Verifying Signatures" (``X-PagerDuty-Signature``:
``v1=…,v1=…``, HMAC with SHA-256 in hexadecimal digits).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import ClassVar

from responder.handlers.signals.alert import Alert, Nothing, Vendor, same
from responder.model.codec import Foreign, Json, Malformed, decode
from responder.model.frozen import dataclass
from responder.model.moment import seconds

_HEADER = "x-pagerduty-signature"
_STARTS = frozenset({"incident.triggered", "incident.reopened"})
_MOST_SIGNATURES = 10


@dataclass(frozen=True)
class _Incident(Foreign):
    KEYS: ClassVar[Mapping[str, str]] = {"html_url": "html_url", "incident_key": "incident_key"}

    id: str = ""
    title: str = ""
    html_url: str | None = None
    incident_key: str | None = None


@dataclass(frozen=True)
class _Event(Foreign):
    KEYS: ClassVar[Mapping[str, str]] = {"event_type": "event_type", "occurred_at": "occurred_at"}

    id: str
    event_type: str
    occurred_at: str
    data: _Incident = _Incident()


@dataclass(frozen=True)
class _Payload(Foreign):
    event: _Event


def _genuine(headers: Mapping[str, str], body: bytes, token: tuple[str, ...], secrets: tuple[str, ...]) -> bool:
    given = [part.strip() for part in headers.get(_HEADER, "").split(",")][:_MOST_SIGNATURES]
    expected = [f"v1={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}" for secret in secrets]
    return not token and sum(same(one, expected) for one in given) > 0


def _read(body: Json, service: str) -> Alert | Nothing:
    event = decode(_Payload, body, "body").event
    if event.event_type not in _STARTS:
        return Nothing(event.event_type[:60])
    if (event.data.incident_key or "").startswith(f"{service}-20"):
        # The responder's own alert has its incident's id as key: it would start what it tells of.
        return Nothing("the responder's own alert")
    try:
        at = seconds(event.occurred_at)
    except ValueError as error:
        # An event that does not say when it was cannot be told from an old one.
        raise Malformed("body.event.occurred_at", "an ISO 8601 time", event.occurred_at) from error
    return Alert(event.id, at, f"PagerDuty: {event.data.title}",
                 f"{event.event_type} {event.data.html_url or event.data.id}")


VENDOR = Vendor("pagerduty", _genuine, _read)
