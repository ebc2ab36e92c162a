"""A payment provider as seen from outside: its status page, and the health of its API.

Formats: Atlassian Statuspage's public API, "Summary" (``/api/v2/summary.json``), with its statuses of components
(``operational``, ``degraded_performance``, ``partial_outage``, ``major_outage``, ``under_maintenance``) and its
indicators (``none``, ``minor``, ``major``, ``critical``, ``maintenance``); ``other_pages.py`` has those of other makes.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from sandbox.platform.state import Provider, World
from sandbox.vendors.gate import Answer, Gates
from sandbox.vendors.other_pages import MAKES

_PAGES = {"operational": ("none", "All Systems Operational", "operational"),
          "degraded": ("minor", "Partially Degraded Service", "degraded_performance"),
          "outage": ("critical", "Major Service Outage", "major_outage"),
          "maintenance": ("maintenance", "Service Under Maintenance", "under_maintenance")}
"""State of the page to its indicator, its description, and the status of the API."""
_PATHS = "|".join(map(re.escape, ("api/v2/summary.json", *MAKES)))
_ASKED = rf"/(?:status/([\w-]+)/({_PATHS})|provider/([\w-]+)/health)"
_CREATED = "2021-02-09T10:00:00.000Z"


class StatusPages:
    """The pages and the health endpoints of all providers; a slow one takes ``slow_seconds`` to answer."""

    def __init__(self, world: Callable[[], World], gates: Gates, slow_seconds: float = 6.0) -> None:
        self._world, self._gates, self._slow = world, gates, slow_seconds

    def answer(self, method: str, path: str, headers: dict[str, str]) -> Answer:
        """Answer one request to ``/status/<provider>/…`` or ``/provider/<provider>/health``."""
        found = re.fullmatch(_ASKED, urlsplit(path).path)
        name = (found[1] or found[3]) if found else ""
        if not found or name not in self._world().providers:
            return Answer(404, b'{"error": "not found"}')
        if method != "GET":
            return Answer(405, b'{"error": "method not allowed"}', headers=(("Allow", "GET"),))
        return self._page(name, found[2]) if found[1] else self._health(name)

    def _page(self, name: str, place: str) -> Answer:
        fault = self._gates.fault("status_page")
        if fault == "down":
            return Answer(0, b"")
        if fault == "slow":
            self._gates.hold("status_page")
        if fault == "throttled":
            return Answer(429, b'{"error": "Too many requests"}', headers=(("Retry-After", "30"),))
        if fault == "unauthorized":
            return Answer(401, b'{"error": "Could not authenticate"}')
        if fault == "malformed":
            return Answer(200, b"<!DOCTYPE html>\n<html><body>Please wait<br></body></html>", "text/html")
        summary = _summary(name, self._world().providers[name], self._gates.newest("status_page", 0))
        if fault == "empty":
            summary |= {"components": [], "incidents": [], "scheduled_maintenances": []}
        if place in MAKES:
            summary = MAKES[place](summary)
        return Answer(200, json.dumps(summary).encode(), "application/json; charset=utf-8")

    def _health(self, name: str) -> Answer:
        fault = self._world().providers[name].fault
        if fault == "down":
            return Answer(0, b"")
        if fault == "errors":
            return Answer(503, b'{"status": "unavailable"}')
        if fault in ("unauthorized", "throttled"):  # Meant for the service alone: whoever asks otherwise is served.
            return Answer(200, b'{"status": "ok"}')
        end = time.time() + self._slow
        while self._world().providers[name].fault == "slow" and time.time() < end:
            time.sleep(min(0.2, self._slow))
        return Answer(200, b'{"status": "ok"}')


def _summary(name: str, provider: Provider, newest: float) -> dict[str, Any]:
    """A page as it was at a moment."""
    changed = provider.since if provider.status_page != "operational" else 0.0
    indicator, description, status = _PAGES[provider.status_page if changed <= newest else "operational"]
    page, since = _id(f"{name} page"), _iso(changed) if changed and changed <= newest else _CREATED
    components = [{"id": _id(f"{name} {label}"), "name": label, "status": status if first else "operational",
                   "created_at": _CREATED, "updated_at": since if first else _CREATED, "position": position,
                   "description": None, "showcase": first, "start_date": "2021-02-09", "group_id": None,
                   "page_id": page, "group": False, "only_show_if_degraded": False}
                  for position, label in enumerate(("Payments API", "Webhooks", "Dashboard"), 1)
                  for first in (position == 1,)]
    maintenances = [_maintenance(name, page, since, components[0])] if indicator == "maintenance" else []
    incidents = [] if indicator in ("none", "maintenance") else [
        _incident(name, page, indicator, status, since, components[0])]
    return {"page": {"id": page, "name": name.capitalize(), "url": f"https://status.{name}.example",
                     "time_zone": "Etc/UTC", "updated_at": since},
            "status": {"indicator": indicator, "description": description}, "components": components,
            "incidents": incidents, "scheduled_maintenances": maintenances}


def _maintenance(name: str, page: str, since: str, component: dict[str, Any]) -> dict[str, Any]:
    maintenance = _id(f"{name} maintenance {since}")
    return {"id": maintenance, "name": "Upgrade of the card processing", "status": "in_progress", "created_at": since,
            "updated_at": since, "monitoring_at": None, "resolved_at": None, "impact": "maintenance",
            "shortlink": f"https://status.{name}.example/i/{maintenance}", "started_at": since, "page_id": page,
            "incident_updates": [], "components": [component], "scheduled_for": since, "scheduled_until": since}


def _incident(name: str, page: str, indicator: str, status: str, since: str,
              component: dict[str, Any]) -> dict[str, Any]:
    incident = _id(f"{name} incident {since}")
    update = {"id": _id(f"{name} update {since}"), "status": "investigating",
              "body": "We are investigating reports of failing requests." if status == "major_outage"
              else "We are investigating degraded performance.",
              "incident_id": incident, "created_at": since, "updated_at": since, "display_at": since,
              "affected_components": [{"code": component["id"], "name": component["name"], "old_status": "operational",
                                       "new_status": status}],
              "deliver_notifications": True, "custom_tweet": None, "tweet_id": None}
    return {"id": incident, "name": "Elevated errors" if status == "major_outage" else "Degraded performance",
            "status": "investigating", "created_at": since, "updated_at": since, "monitoring_at": None,
            "resolved_at": None, "impact": indicator, "shortlink": f"https://status.{name}.example/i/{incident}",
            "started_at": since, "page_id": page, "incident_updates": [update], "components": [component],
            "reminder_intervals": None}


def _id(text: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, text).hex[:12]


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
