"""Flags and commits in the sandbox: what they do together, and how their vendors tell of them."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

from responder.clients.http import Http
from responder.model.service.foreign_changes import CodeHost, FlagService, Repository
from responder.sources.foreign_changes import github, launchdarkly
from sandbox.platform.foreign import Effect, Foreign
from sandbox.platform.state import Setting
from sandbox.vendors import deployments
from sandbox.vendors import launchdarkly as flags
from sandbox.vendors.gate import Gates

BAD = Setting(0.5, 0.0, "no tariff")


def http(stand_in: Any, headers: dict[str, str]) -> Http:
    def serve(request: httpx.Request) -> httpx.Response:
        found = stand_in(request.method, request.url.raw_path.decode(), {
            key.lower(): value for key, value in request.headers.items()}, request.content)
        return httpx.Response(found.status, content=found.body, headers={"content-type": found.kind})

    return Http(time.monotonic() + 5, headers=headers, transport=httpx.MockTransport(serve))


@pytest.fixture
def foreign() -> Foreign:
    return Foreign()


@pytest.mark.parametrize(("on", "own", "peers", "met"), [
    (True, "1.0.0", {"2.0.0"}, True), (True, "1.0.0", {"1.0.0", "2.0.0"}, True), (False, "1.0.0", {"2.0.0"}, False),
    (True, "1.1.0", {"2.0.0"}, False), (True, "1.0.0", {"1.0.0"}, False)])
def test_an_effect_needs_flag_version_and_peer_together(foreign: Foreign, on: bool, own: str, peers: set[str],
                                                        met: bool) -> None:
    foreign.effects.append(Effect("gateway", BAD, "tariff", True, {"gateway": "1.0.0", "backend": "2.0.0"}))
    foreign.switch("tariff", on, "ada@shop.example")
    assert foreign.settings("gateway", own, {"gateway": {own}, "backend": peers}) == ([BAD] if met else [])
    assert foreign.settings("backend", "2.0.0", {}) == []


def test_a_flag_that_is_switched_back_does_nothing_more(foreign: Foreign) -> None:
    foreign.effects.append(Effect("gateway", BAD, "tariff"))
    foreign.switch("tariff", True, "ada@shop.example")
    assert foreign.settings("gateway", "1.0.0", {})
    foreign.switch("tariff", False, "bob@shop.example")
    assert foreign.settings("gateway", "1.0.0", {}) == []
    assert [one.on for one in foreign.switched] == [True, False]


def test_the_responder_reads_the_audit_log_as_the_stand_in_writes_it(foreign: Foreign) -> None:
    foreign.flags["tariff"] = False
    foreign.switch("tariff", True, "ada@shop.example")
    log = flags.LaunchDarkly(lambda: foreign, Gates())
    client = http(lambda method, path, headers, body: log.answer(method, "/launchdarkly" + path, headers, body),
                  launchdarkly.headers(flags.TOKEN))
    now = time.time()
    [change] = launchdarkly.changes(FlagService("s", "shop", endpoint="http://x"), now - 60, now + 1, client)
    assert (change.id, change.by, change.before, change.after) == ("flag tariff", "Ada", "off", "on")


def test_the_responder_reads_commits_as_the_stand_in_writes_them(foreign: Foreign) -> None:
    foreign.commit("shop/backend", "tune\n\nbecause", "grace@shop.example", ("a.py", "b.py"), "-x = 1\n+x = 2")
    foreign.commit("shop/payment-gateway", "other", "bob@shop.example", ("c.py",), "")
    code = deployments.Deployments(lambda: foreign, Gates())
    client = http(lambda method, path, headers, body: code.answer(method, "/code" + path, headers), {
        **github.headers(deployments.TOKEN), "User-Agent": "x"})
    now = time.time()
    [change] = github.changes(CodeHost("s", (Repository("shop/backend", "backend"),), "http://x"), now - 60, now + 1,
                              client)
    assert (change.title, change.by, change.files) == ("tune", "grace", ("a.py", "b.py"))
    assert "-x = 1" in change.diff
    assert change.deployed[0].component == "backend"


def test_a_wrong_token_is_refused(foreign: Foreign) -> None:
    refused = flags.LaunchDarkly(lambda: foreign, Gates()).answer("GET", "/launchdarkly/api/v2/auditlog", {}, b"")
    assert (refused.status, json.loads(refused.body)["code"]) == (401, "unauthorized")
    code = deployments.Deployments(lambda: foreign, Gates())
    assert code.answer("GET", "/code/repos/a/b/deployments", {}).status == 401
