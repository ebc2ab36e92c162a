"""Splunk's webhook alert action: it neither signs nor takes headers, so its token is the last part of the address.

A custom alert action, or Splunk Observability's webhook, may send the token as a bearer's instead. Source: Splunk's
page "Use a webhook alert action" (payload; the address must be on the allow list of ``alert_actions.conf``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from responder.handlers.signals.alert import Alert, Nothing, Vendor, same, token_of
from responder.model.codec import Foreign, Json, Malformed, decode
from responder.model.frozen import dataclass

_SEARCHED = re.compile(r"_at_([0-9]{10})(?:_|$)")
"""A search's id has the time for which it was scheduled."""


@dataclass(frozen=True)
class _Fired(Foreign):
    KEYS: ClassVar[Mapping[str, str]] = {"results_link": "results_link", "search_name": "search_name"}

    sid: str
    results_link: str | None = None
    search_name: str | None = None


def _genuine(headers: Mapping[str, str], body: bytes, token: tuple[str, ...], secrets: tuple[str, ...]) -> bool:
    return len(token) <= 1 and same(token[0] if token else token_of(headers), secrets)


def _read(body: Json, service: str) -> Alert | Nothing:
    fired = decode(_Fired, body, "body")
    if not fired.sid:
        raise Malformed("body.sid", "the search's id", fired.sid)
    at = _SEARCHED.search(fired.sid)
    return Alert(fired.sid, float(at[1]) if at else None, f"Splunk: {fired.search_name or 'an alert'}",
                 fired.results_link or "")


VENDOR = Vendor("splunk", _genuine, _read)
