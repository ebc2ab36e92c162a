"""The payment providers: what their status pages say, and whether their health URLs answer.

Format: Atlassian Statuspage's public API, ``/api/v2/summary.json`` (``status.indicator`` is none, minor, major or
critical). What the callers see of a provider comes from the sources of requests and logs; whether these agree with the
page is judged by the plan.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import Any

from responder.clients.background import Task
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.evidence import Detail, Finding
from responder.model.evidence.health import ProviderHealth
from responder.model.evidence.status_page import PageIncident, StatusPage
from responder.model.masking import mask
from responder.model.service import Provider
from responder.sources import Query, Source

_INDICATORS = {"none": 0.0, "minor": 1.0, "major": 2.0, "critical": 3.0}
_EACH_SECONDS = 3.0
_PARTS = 20
_INCIDENTS = 10
_MARGIN_SECONDS = 0.5
"""A call ends by itself at its deadline; what is left is to judge what it said."""


def collect(query: Query, http: Http | None = None) -> list[Finding[Detail]]:
    """Return per provider ``status_page`` and ``health``, with ``component`` ``provider:NAME``."""
    limit = min(query.deadline, time.monotonic() + _EACH_SECONDS)
    # All at once, each with connections and a thread of its own: no provider takes another's time.
    asked = [(kind, url, provider, Task(partial(judge, query, provider, http or Http(limit))))
             for provider in query.service.providers
             for kind, judge, url in ((StatusPage, _page, provider.status_page),
                                      (ProviderHealth, _health, provider.health_url)) if url]
    return [task.result(limit + _MARGIN_SECONDS) or _late(query, provider, kind, url)
            for kind, url, provider, task in asked]


def _late(query: Query, provider: Provider, kind: type[Detail], url: str) -> Finding[Detail]:
    return Finding(source=SOURCE.name, detail=kind(), status="timeout", component=f"provider:{provider.name}",
                   window=query.window, query=f"GET {url}", link=url, note="its answer could not be read in time")


def _page(query: Query, provider: Provider, http: Http) -> Finding[StatusPage]:
    unread: Finding[StatusPage] = Finding(
        source=SOURCE.name, detail=StatusPage(), status="malformed", component=f"provider:{provider.name}",
        window=query.window, query=f"GET {provider.status_page}", link=provider.status_page)
    try:
        page = _summary(http.json("GET", provider.status_page))
    except CallFailed as failed:
        return replace(unread, status=failed.status, note=failed.note)
    except (KeyError, TypeError, ValueError, AttributeError):
        return replace(unread, note="the status page has another form")
    if page.indicator not in _INDICATORS:
        return replace(unread, note=f"the status page's indicator is {mask(page.indicator)[:40]!r}")
    # A page is touched only when something happens: an old one is no stale one.
    return replace(unread, status="ok", value=_INDICATORS[page.indicator], baseline=0.0,
                   unit="0 operational to 3 critical", detail=page)


def _summary(summary: Any) -> StatusPage:
    """Read a summary; raises KeyError, TypeError, ValueError or AttributeError where it has another form."""
    components = {mask(str(item["name"]))[:80]: str(item["status"])[:40]
                  for item in summary.get("components") or [] if item.get("status") != "operational"}
    incidents = [PageIncident(mask(str(item.get("name", "")))[:200], str(item.get("status", ""))[:40],
                              str(item.get("impact", ""))[:40]) for item in summary.get("incidents") or []]
    return StatusPage(
        indicator=str(summary["status"]["indicator"]), components=dict(list(components.items())[:_PARTS]),
        incidents=tuple(incidents[:_INCIDENTS]), updated=str(summary["page"]["updated_at"])[:40])


def _health(query: Query, provider: Provider, http: Http) -> Finding[ProviderHealth]:
    """Say whether the URL answers below 400."""
    started = time.monotonic()
    note, well = "", 0.0
    try:
        status = http.status("GET", provider.health_url)
        well = float(status < 400)
        note = "" if well else f"it answered with status {status}"
    except CallFailed as failed:
        # No answer is what this question is about: it was observed that there is none.
        note = failed.note
    return Finding(
        source=SOURCE.name, component=f"provider:{provider.name}", window=query.window, value=well, unit="1 answers",
        baseline=1.0, query=f"GET {provider.health_url}", link=provider.health_url, note=note,
        detail=ProviderHealth(milliseconds=round((time.monotonic() - started) * 1000)))


SOURCE = Source(
    name="provider",
    phases=frozenset({"diagnose", "aftercare"}),
    collect=collect,
    configured=lambda service: any(item.status_page or item.health_url for item in service.providers),
    deadline_seconds=14.0,
)
