"""The payment providers: what their status pages say, and whether their health URLs answer.

``pages.py`` reads the pages of all makes. What the callers see of a provider comes from the sources of requests and
logs; whether these agree with the page is judged by the plan.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from urllib.parse import urljoin

from responder.clients.background import Task
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.codec import decode, encode
from responder.model.evidence import Detail, Finding
from responder.model.evidence.health import ProviderHealth
from responder.model.evidence.status_page import StatusPage
from responder.model.frozen import dataclass
from responder.model.masking import mask
from responder.model.service import Provider
from responder.sources import Budget, Query, Source
from responder.sources.provider import pages

_EACH_SECONDS = 3.0
_REFUSALS = frozenset({401, 403, 407, 429})
"""Statuses by which somebody who is up refuses whoever asks, for the key or the number of the requests."""
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
        # What it says is the same for all who ask; which of its parts count is each service's own.
        answered = query.looks.once(_page_key(provider), query.window, lambda wide: encode(_asked(provider, http)),
                                    scope=provider.status_page, calls=1, deadline=_by(query))
        level, detail = pages.judged(decode(pages.Page, answered.value, provider.status_page), provider)
    except CallFailed as failed:
        return replace(unread, status=failed.status, note=failed.note)
    except pages.Unreadable as problem:
        return replace(unread, note=str(problem))
    # A page is touched only when something happens: an old one is no stale one.
    return replace(unread, status="ok", value=level, baseline=0.0, unit="0 operational to 3 critical", detail=detail)


def _page_key(provider: Provider) -> str:
    return f"status_page/{provider.status_page}#{provider.status_path}{'+parts' if provider.status_components else ''}"


def _health_key(provider: Provider) -> str:
    return f"health_url/{provider.health_url}"


def _by(query: Query) -> float:
    return min(query.deadline, time.monotonic() + _EACH_SECONDS)


def _asked(provider: Provider, http: Http) -> pages.Page:
    """Return what a provider's page says, with its components; raises CallFailed, Unreadable."""
    page = pages.read(http.json("GET", provider.status_page), provider, time.time())
    if provider.status_components and not page.parts:
        return replace(page, parts=_parts(provider, page, http))
    return page


def _parts(provider: Provider, page: pages.Page, http: Http) -> tuple[pages.Part, ...]:
    """Return the components of a page that has them elsewhere; raises CallFailed, Unreadable."""
    for place in page.parts_at:
        try:
            return pages.components(http.json("GET", urljoin(provider.status_page, place)))
        except CallFailed as failed:
            if failed.http_status != 404:
                raise
    raise pages.Unreadable("the status page lists no components; status_components cannot be looked at")


def _health(query: Query, provider: Provider, http: Http) -> Finding[ProviderHealth]:
    """Say whether the URL answers below 400, or refuses us alone, which only who is up can do."""
    unread: Finding[ProviderHealth] = Finding(
        source=SOURCE.name, detail=ProviderHealth(), component=f"provider:{provider.name}", window=query.window,
        query=f"GET {provider.health_url}", link=provider.health_url)
    try:
        answered = query.looks.once(_health_key(provider), query.window, lambda wide: encode(_reached(provider, http)),
                                    scope=provider.health_url, calls=1, deadline=_by(query))
    except CallFailed as failed:
        return replace(unread, status=failed.status, note=failed.note)
    found = decode(_Reached, answered.value, provider.health_url)
    return replace(unread, value=float(0 < found.status < 400 or found.status in _REFUSALS), unit="1 answers",
                   baseline=1.0, note=found.note, detail=ProviderHealth(
                       milliseconds=found.milliseconds, refusal=found.status if found.status in _REFUSALS else 0))


@dataclass(frozen=True)
class _Reached:
    """How a health URL answered."""

    status: int = 0
    """0: it did not answer."""
    milliseconds: int = 0
    note: str = ""


def _reached(provider: Provider, http: Http) -> _Reached:
    """Ask a health URL. No answer is what this question is about: it was observed that there is none."""
    started, status = time.monotonic(), 0
    try:
        status = http.status("GET", provider.health_url)
        note = f"it answered with status {status}" if status >= 400 else ""
    except CallFailed as failed:
        note = failed.note
    return _Reached(status, round((time.monotonic() - started) * 1000), mask(note))


SOURCE = Source(
    name="provider",
    phases=frozenset({"diagnose", "aftercare"}),
    collect=collect,
    configured=lambda service: any(item.status_page or item.health_url for item in service.providers),
    deadline_seconds=14.0,
    past=False,
    budget=Budget(
        "status pages and health URLs", 1.0, 1.0, "no number is documented for public pages; each address is asked on "
        "its own"),
    shared=lambda query: tuple(key for provider in query.service.providers for key in (
        _page_key(provider), _health_key(provider))),
)
