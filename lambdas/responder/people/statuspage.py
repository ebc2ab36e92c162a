"""Statuspage: where customers read what does not work, what does, and since when.

Format: Atlassian's "Statuspage API", incidents of a page. It has no idempotency key for creating one, so our
incident's id stands in the metadata, and the open incidents are searched for it before one is created. An update has
one body: where there are several languages it holds them one after the other.
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.codec import Json
from responder.model.frozen import dataclass
from responder.model.service import Service
from responder.people import Channel, Message

_SECONDS = 10.0
_PAGES = 5
_EACH = 100
_BODY = 25_000
_NAME = 255
_COMPONENT = {"all": "major_outage", "most": "partial_outage", "some": "partial_outage", "hardly": "partial_outage",
              "slow": "degraded_performance", "": "partial_outage"}
"""A component's status by how much fails. Statuspage's help ("Overview", "Component statuses"): major outage where it
is completely unavailable, partial outage where it is completely broken for a subset of customers, degraded performance
where it works but is slow. Where nobody can tell how much fails, that something does is confirmed."""
_OPERATIONAL = "operational"
_MARK = "incident_responder"


@dataclass(frozen=True)
class Posted:
    """What is remembered of an incident."""

    id: str = ""
    """The id of Statuspage's incident; empty where none is open."""


def _deliver(service: Service, message: Message, state: Posted) -> Posted | None:
    from responder.clients.http import Http

    settings = service.statuspage
    if settings is None:
        raise CallFailed("unavailable", "Statuspage is not configured")
    http = Http(time.monotonic() + _SECONDS, headers={"Authorization": f"OAuth {aws.secret(settings.secret)}"})
    root = f"{settings.api}/pages/{settings.page}/incidents"
    over = message.phase == "resolved"
    states = {**dict.fromkeys(message.also_fails, _COMPONENT[""]), **dict.fromkeys(message.also_works, _OPERATIONAL),
              **dict.fromkeys(settings.ids(message.affected), _OPERATIONAL if over or message.works
                              else _COMPONENT[message.extent])}
    told: Json = {"status": message.phase, "body": message.text[:_BODY]}
    if not over:
        # How bad it is may change. What has ended keeps the name under which people have read of it.
        told["name"] = message.subject[:_NAME]
    if states:
        told |= {"component_ids": list(states), "components": states}
    try:
        known = state.id or _open(http, root, message.incident)
        if known:
            http.json("PATCH", f"{root}/{quote(known, safe='')}", json={"incident": told})
        elif over:
            return None  # customers never got a message about a problem
        else:
            made = http.json("POST", root, repeatable=False, json={"incident": told | {
                "metadata": {_MARK: {"incident": message.incident}}}})
            known = str(made["id"])
    except CallFailed as failed:
        raise _named(failed) from failed
    except (KeyError, TypeError, AttributeError) as error:
        raise CallFailed("malformed", "Statuspage answered without an incident") from error
    finally:
        http.close()
    return Posted() if over else Posted(known)


def _open(http: Any, root: str, incident: str) -> str:
    """Return the id of the open incident that has our mark; empty where there is none."""
    for page in range(1, _PAGES + 1):
        found = http.json("GET", f"{root}/unresolved", params={"page": page, "per_page": _EACH})
        for item in found if isinstance(found, list) else []:
            if ((item.get("metadata") or {}).get(_MARK) or {}).get("incident") == incident:
                return str(item["id"])
        if not isinstance(found, list) or len(found) < _EACH:
            break
    return ""


def _named(failed: CallFailed) -> CallFailed:
    # Both numbers are a rate limit (Atlassian: "Upcoming rate limiting changes to Statuspage REST API").
    return CallFailed("throttled", failed.note, http_status=420) if failed.http_status == 420 else failed


def _secrets(service: Service) -> tuple[str, ...]:
    return (service.statuspage.secret,) if service.statuspage else ()


CHANNEL = Channel("statuspage", frozenset({"customers"}), _deliver, Posted,
                  lambda service: service.statuspage is not None, secrets=_secrets)
