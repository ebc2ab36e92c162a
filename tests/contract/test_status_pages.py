"""Status pages of each make, as their vendors document them, and what the service makes of them.

Sources: Atlassian Statuspage, "Status API"; Instatus, "Publicly available Data"; Better Stack, "JSON API status";
incident.io, "Widget"; OpenStatus, "Public Status Widget".
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.clients.http import Http
from responder.model.evidence import Finding, Window
from responder.model.evidence.health import ProviderHealth
from responder.model.evidence.status_page import StatusPage
from responder.model.service import Provider, Service
from responder.sources import Query, provider
from sandbox.platform.state import World
from sandbox.vendors.gate import Gates
from sandbox.vendors.statuspage import StatusPages

NOW = time.time()


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(NOW + seconds))


def _statuspage(indicator: str = "none", cards: str = "operational", web: str = "operational",
                maintenance: str = "") -> dict[str, Any]:
    web_part = {"id": "w1", "name": "Web", "status": web, "group": False}
    return {
        "page": {"id": "p", "name": "Pay", "url": "https://status.pay.example", "updated_at": "2025-10-09T08:00:00Z"},
        "status": {"indicator": indicator, "description": "?"},
        "components": [{"id": "c1", "name": "Cards", "status": cards, "group": False}, web_part,
                       {"id": "g1", "name": "All", "status": "major_outage", "group": True}],
        "incidents": [] if web == "operational" else [{
            "name": "Web is slow", "status": "investigating", "impact": "minor", "components": [web_part]}],
        "scheduled_maintenances": [{"name": "New cards", "status": maintenance, "impact": "maintenance",
                                    "components": [{"id": "c1", "name": "Cards"}]}] if maintenance else []}


def _instatus(status: str, impact: str = "", maintenance: str = "") -> dict[str, Any]:
    started = "Sat Jun 11 2022 18:55:50 GMT+0000 (Coordinated Universal Time)"
    return {"page": {"name": "Pay", "url": "https://pay.instatus.com", "status": status},
            "activeIncidents": [{"name": "API issue", "started": started, "status": "INVESTIGATING", "impact": impact,
                                 "url": "https://pay.instatus.com/incident/1"}] if impact else [],
            "activeMaintenances": [{"name": "Database", "start": started, "status": maintenance, "duration": "60",
                                    "url": "https://pay.instatus.com/maintenance/1"}] if maintenance else []}


def _better_stack(state: str, cards: str = "operational", **report: Any) -> dict[str, Any]:
    return {"data": {"id": "165", "type": "status_page", "attributes": {
                "company_name": "Pay", "aggregate_state": state, "updated_at": "2025-02-16T14:20:00.000Z"}},
            "included": [
                {"id": "1", "type": "status_page_section", "attributes": {"name": "Payments", "position": 0}},
                {"id": "7", "type": "status_page_resource", "attributes": {
                    "resource_id": 9, "resource_type": "Monitor", "public_name": "Cards", "status": cards,
                    "availability": 0.999, "status_history": [{"day": "2025-02-16", "status": "downtime"}]}},
                {"id": "8", "type": "status_page_resource", "attributes": {"public_name": "Web", "status": "downtime"}},
                *([{"id": "3", "type": "status_report", "attributes": report}] if report else [])]}


def _asked(service: Service, page: Any, **settings: Any) -> Finding[StatusPage]:
    """What is found on a page, asked as the source asks it; a mapping of paths is a site."""
    site = page if isinstance(page, dict) and all(key.startswith("/") for key in page) else {"/status.json": page}
    made = Provider("a", status_page="https://a.example/status.json", **settings)

    def answer(request: httpx.Request) -> httpx.Response:
        found = site.get(request.url.path)
        return httpx.Response(404) if found is None else httpx.Response(200, json=found)

    query = Query(replace(service, providers=(made,)), "diagnose", Window(NOW - 60, NOW), Window(NOW - 660, NOW - 60),
                  time.monotonic() + 10)
    found, = provider.collect(query, Http(time.monotonic() + 10, transport=httpx.MockTransport(answer)))
    assert isinstance(found.detail, StatusPage)
    return found  # type: ignore[return-value]


@pytest.mark.parametrize(("page", "settings", "value", "maintenance"), [
    (_statuspage(), {}, 0.0, ()),
    ({"page": {"updated_at": "2025-10-09T08:00:00Z"}, "components": [{"name": "Cards", "status": "under_maintenance"}],
      "status": {"indicator": "maintenance", "description": "Service Under Maintenance"}}, {}, 1.0, ("Cards",)),
    ({"page": {"id": "x"}, "status": {"indicator": "none", "description": "All Systems Operational"}}, {}, 0.0, ()),
    (_statuspage("minor", web="degraded_performance"), {}, 1.0, ()),
    (_statuspage("critical", cards="major_outage"), {}, 3.0, ()),
    # What is not used is none of ours, whatever the page says of all.
    (_statuspage("critical", web="major_outage"), {"status_components": ("cards",)}, 0.0, ()),
    (_statuspage("minor", cards="partial_outage"), {"status_components": ("c1",)}, 2.0, ()),
    (_statuspage("maintenance", cards="under_maintenance"), {}, 1.0, ("Cards",)),
    (_statuspage("maintenance", cards="under_maintenance"), {"status_components": ("Web",)}, 0.0, ()),
    (_statuspage("none", maintenance="in_progress"), {"status_components": ("Cards",)}, 1.0, ("New cards",)),
    (_statuspage("none", maintenance="in_progress"), {"status_components": ("Web",)}, 0.0, ()),
    (_statuspage("none", maintenance="scheduled"), {"status_components": ("Cards",)}, 0.0, ()),
    (_instatus("UP"), {}, 0.0, ()), (_instatus("HASISSUES", "MAJOROUTAGE"), {}, 3.0, ()),
    (_instatus("UNDERMAINTENANCE", "", "INPROGRESS"), {}, 1.0, ("Database",)),
    (_instatus("UP", "", "NOTSTARTEDYET"), {}, 0.0, ()),
    ({"/status.json": _instatus("HASISSUES", "PARTIALOUTAGE"),
      "/v2/components.json": {"components": [{"id": "1", "name": "Cards", "status": "OPERATIONAL", "group": None},
                                             {"id": "2", "name": "Web", "status": "PARTIALOUTAGE", "group": None}]}},
     {"status_components": ("Cards",)}, 0.0, ()),
    (_better_stack("operational"), {}, 0.0, ()), (_better_stack("degraded"), {}, 1.0, ()),
    (_better_stack("downtime"), {"status_components": ("Cards",)}, 0.0, ()),
    (_better_stack("downtime", "downtime"), {"status_components": ("7",)}, 3.0, ()),
    (_better_stack("maintenance", "maintenance", title="Move", report_type="maintenance", starts_at=_iso(-60),
                   ends_at=_iso(86_400), aggregate_state="maintenance",
                   affected_resources=[{"status_page_resource_id": "7", "status": "maintenance"}]),
     {"status_components": ("Cards",)}, 1.0, ("Move",)),
    (_better_stack("operational", title="Old", report_type="manual", starts_at=_iso(-9000), ends_at=_iso(-6000),
                   aggregate_state="downtime", affected_resources=[{"status_page_resource_id": "7"}]),
     {"status_components": ("Cards",)}, 0.0, ()),
    ({"page_title": "Pay", "ongoing_incidents": [], "in_progress_maintenances": [], "scheduled_maintenances": []}, {},
     0.0, ()),
    ({"page_title": "Pay", "ongoing_incidents": [{"name": "x", "status": "investigating", "affected_components": [],
                                                  "current_worst_impact": "full_outage"}]}, {}, 3.0, ()),
    ({"status": "operational"}, {}, 0.0, ()), ({"status": "partial_outage"}, {}, 2.0, ()),
    ({"result": [{"state": {"code": 100}}]}, {"status_path": "result.0.state.code", "status_well": ("100",)}, 0.0, ()),
    ({"result": [{"state": {"code": 500}}]}, {"status_path": "result.0.state.code", "status_well": ("100",)}, 2.0, ()),
    ({"ok": True}, {"status_path": "ok"}, 0.0, ()), ({"ok": False}, {"status_path": "ok"}, 3.0, ())])
def test_a_page_of_each_make_says_how_the_provider_is(service: Service, page: Any, settings: dict[str, Any],
                                                      value: float, maintenance: tuple[str, ...]) -> None:
    found = _asked(service, page, **settings)
    assert (found.status, found.value, found.detail.maintenance) == ("ok", value, maintenance), found


@pytest.mark.parametrize(("page", "settings", "said"), [
    (_statuspage("purple"), {}, "'purple'"), (_statuspage(), {"status_components": ("Payouts",)}, "'Payouts'"),
    ({"hello": "world"}, {}, "another form"), ([1], {}, "another form"),
    ({"state": "fine-ish"}, {"status_path": "state"}, "'fine-ish'"),
    ({"state": {}}, {"status_path": "state"}, "'state'"),
    ({"state": "up"}, {"status_path": "status.now"}, "another form"),
    (_instatus("UP"), {"status_components": ("Cards",)}, "lists no components")])
def test_what_cannot_be_read_is_malformed_and_says_what_it_is(service: Service, page: Any, settings: dict[str, Any],
                                                              said: str) -> None:
    found = _asked(service, page, **settings)
    assert found.status == "malformed" and said in found.note
    assert found.value is None


_WORDS = st.sampled_from(["operational", "degraded_performance", "partial_outage", "major_outage", "under_maintenance"])


@given(_WORDS, _WORDS, st.sampled_from(["none", "minor", "major", "critical", "maintenance"]))
def test_only_the_components_that_matter_decide(cards: str, web: str, indicator: str) -> None:
    made = Provider("a", status_components=("Cards",))
    ours, alone = (provider.pages.judged(provider.pages.read(
        _statuspage(indicator, cards, other), made, NOW), made) for other in (web, "operational"))
    assert ours == alone
    assert (ours[0] > 0) == (cards != "operational")
    assert bool(ours[1].maintenance) == (cards == "under_maintenance")


@pytest.mark.parametrize(("status", "value", "refusal"), [
    (200, 1.0, 0), (204, 1.0, 0), (401, 1.0, 401), (403, 1.0, 403), (429, 1.0, 429), (404, 0.0, 0), (500, 0.0, 0),
    (503, 0.0, 0)])
def test_who_refuses_us_is_up(service: Service, status: int, value: float, refusal: int) -> None:
    asked = replace(service, providers=(Provider("a", health_url="https://a.example/health"),))
    query = Query(asked, "diagnose", Window(NOW - 60, NOW), Window(NOW - 660, NOW - 60), time.monotonic() + 10)
    found, = provider.collect(query, Http(time.monotonic() + 10, transport=httpx.MockTransport(
        lambda _: httpx.Response(status, content=json.dumps({}).encode()))))
    assert isinstance(found.detail, ProviderHealth)
    assert (found.value, found.detail.refusal) == (value, refusal)


@pytest.mark.parametrize("make", ["api/v2/summary.json", "summary.json", "index.json"])
@pytest.mark.parametrize(("state", "value", "maintenance"), [
    ("operational", 0.0, ()), ("degraded", 1.0, ()), ("outage", 3.0, ()),
    ("maintenance", 1.0, ("Upgrade of the card processing",))])
@pytest.mark.parametrize(("component", "matters"), [("Payments API", True), ("Webhooks", False)])
def test_the_sandbox_s_pages_of_all_makes_say_the_same(
        service: Service, make: str, state: str, value: float, maintenance: tuple[str, ...], component: str,
        matters: bool) -> None:
    world = World()
    world.providers["primary"].status_page, world.providers["primary"].since = state, NOW - 60
    pages = StatusPages(lambda: world, Gates())

    def answer(request: httpx.Request) -> httpx.Response:
        said = pages.answer(request.method, request.url.path, {})
        return httpx.Response(said.status, content=said.body)

    for wanted in ((), (component,)):
        asked = replace(service, providers=(Provider(
            "primary", status_page=f"https://a.example/status/primary/{make}", status_components=wanted),))
        query = Query(asked, "diagnose", Window(NOW - 60, NOW), Window(NOW - 660, NOW - 60), time.monotonic() + 10)
        found, = provider.collect(query, Http(time.monotonic() + 10, transport=httpx.MockTransport(answer)))
        assert isinstance(found.detail, StatusPage) and found.status == "ok", found
        assert found.value == (value if matters or not wanted else 0.0)
        if matters and wanted and make != "summary.json":  # Instatus does not say of which component it is.
            assert found.detail.maintenance == maintenance
