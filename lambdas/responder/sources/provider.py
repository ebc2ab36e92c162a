"""The payment providers: what their status pages say, and whether their health URLs answer.

Format: Atlassian Statuspage's public API, ``/api/v2/summary.json`` (``status.indicator`` is none, minor, major or
critical). What the callers see of a provider comes from the sources of requests and logs; whether these agree with the
page is judged by the plan.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from responder.clients.background import Task
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.finding import Finding
from responder.model.masking import mask
from responder.model.service import Provider
from responder.sources import Query, Source

_INDICATORS = {"none": 0.0, "minor": 1.0, "major": 2.0, "critical": 3.0}
_EACH_SECONDS = 3.0
_MARGIN_SECONDS = 0.5
"""A call ends by itself at its deadline; what is left is to judge what it said."""

_Judge = Callable[[Query, Provider, Http], Finding]


def collect(query: Query, http: Http | None = None) -> list[Finding]:
    """Return per provider ``status_page`` and ``health``, with ``component`` ``provider:NAME``.

    ``status_page``: value is 0 (operational) to 3 (critical); detail has ``indicator``, ``components`` {name: status}
    of those that are not operational and ``incidents`` [{name, status, impact}] that are open. ``health``: value is 1
    where the URL answers below 400, else 0.
    """
    limit = min(query.deadline, time.monotonic() + _EACH_SECONDS)
    # All at once, each with connections and a thread of its own: no provider takes another's time.
    asked = [(judge, provider, Task(partial(judge, query, provider, http or Http(limit))))
             for provider in query.service.providers
             for judge, url in ((_page, provider.status_page), (_health, provider.health_url)) if url]
    return [task.result(limit + _MARGIN_SECONDS) or _late(query, provider, judge)
            for judge, provider, task in asked]


def _late(query: Query, provider: Provider, judge: _Judge) -> Finding:
    name, url = ("status_page", provider.status_page) if judge is _page else ("health", provider.health_url)
    return Finding(SOURCE.name, name, "timeout", f"provider:{provider.name}", window=query.window,
                   query=f"GET {url}", link=url, note="its answer could not be read in time")


def _page(query: Query, provider: Provider, http: Http) -> Finding:
    common: dict[str, Any] = {"component": f"provider:{provider.name}", "window": query.window,
                              "query": f"GET {provider.status_page}", "link": provider.status_page}
    try:
        summary = http.json("GET", provider.status_page)
        status = summary["status"]
        indicator = str(status["indicator"])
        components = {mask(str(item["name"]))[:80]: str(item["status"])[:40]
                      for item in summary.get("components") or [] if item.get("status") != "operational"}
        incidents = [{"name": mask(str(item.get("name", "")))[:200], "status": str(item.get("status", ""))[:40],
                      "impact": str(item.get("impact", ""))[:40]} for item in summary.get("incidents") or []]
        updated = str(summary["page"]["updated_at"])[:40]
    except CallFailed as failed:
        return Finding(SOURCE.name, "status_page", failed.status, **common, note=failed.note)
    except (KeyError, TypeError, ValueError, AttributeError):
        return Finding(SOURCE.name, "status_page", "malformed", **common, note="the status page has another form")
    if indicator not in _INDICATORS:
        return Finding(SOURCE.name, "status_page", "malformed", **common,
                       note=f"the status page's indicator is {mask(indicator)[:40]!r}")
    # A page is touched only when something happens: an old one is no stale one.
    return Finding(SOURCE.name, "status_page", **common, value=_INDICATORS[indicator],
                   baseline=0.0, unit="0 operational to 3 critical",
                   detail={"indicator": indicator, "components": dict(list(components.items())[:20]),
                           "incidents": incidents[:10], "updated": updated})


def _health(query: Query, provider: Provider, http: Http) -> Finding:
    started = time.monotonic()
    note, well = "", 0.0
    try:
        status = http.status("GET", provider.health_url)
        well = float(status < 400)
        note = "" if well else f"it answered with status {status}"
    except CallFailed as failed:
        # No answer is what this question is about: it was observed that there is none.
        note = failed.note
    return Finding(SOURCE.name, "health", component=f"provider:{provider.name}", window=query.window, value=well,
                   unit="1 answers", baseline=1.0, query=f"GET {provider.health_url}", link=provider.health_url,
                   note=note, detail={"milliseconds": round((time.monotonic() - started) * 1000)})


SOURCE = Source(
    name="provider",
    phases=frozenset({"diagnose", "aftercare"}),
    collect=collect,
    configured=lambda service: any(item.status_page or item.health_url for item in service.providers),
    deadline_seconds=14.0,
)
