"""A flag is turned back where it explains the symptom, its former state is known, and nobody has switched it since."""

from __future__ import annotations

import time
from dataclasses import replace

import httpx
import pytest

from responder.actions import ActionFailed, Declined, Plan, RemediationContext, turn_flag_back
from responder.clients import gate
from responder.clients.http import Http
from responder.model.evidence import Evidence, Finding
from responder.model.evidence.foreign_changes import ForeignChanges
from responder.model.foreign_change import ForeignChange
from responder.model.service import Service
from responder.model.service.foreign_changes import ChangeFeeds, FlagService
from responder.plan.diagnose import diagnose
from responder.plan.remedies import propose
from responder.plan.remedies.turn_flag_back import Facts, Parameters, State
from responder.plan.weights import shipped
from sandbox.platform.foreign import Foreign
from sandbox.vendors.gate import Gates
from sandbox.vendors.launchdarkly import TOKEN, LaunchDarkly
from tests.diagnosis import ONSET, chain, changes, error_lines, isolated, of_gateway

GATEWAY = "payment-gateway"
FLAG = ForeignChange("flag new-tariff", "flag", ONSET - 40, "ada@shop.example", "new-tariff: turned on the flag",
                     component=GATEWAY, before="off", after="on")
FACTS = Facts("new-tariff", "off", "ada@shop.example")


@pytest.fixture
def shop(service: Service) -> Service:
    return replace(service, foreign_changes=ChangeFeeds(flags=FlagService(
        "read", "shop", write_secret="write", endpoint="http://flags")))


@pytest.fixture
def foreign() -> Foreign:
    made = Foreign(flags={"new-tariff": False})
    made.switch("new-tariff", True, "ada@shop.example")
    return made


@pytest.fixture
def http(foreign: Foreign) -> Http:
    vendor = LaunchDarkly(lambda: foreign, Gates())

    def serve(request: httpx.Request) -> httpx.Response:
        found = vendor.answer(request.method, f"/launchdarkly{request.url.raw_path.decode()}", {
            key.lower(): value for key, value in request.headers.items()}, request.content)
        return httpx.Response(found.status, content=found.body)

    return Http(time.monotonic() + 5, headers={"Authorization": TOKEN}, transport=httpx.MockTransport(serve))


def context(service: Service) -> RemediationContext:
    return RemediationContext(service, "i-1", 1, "code_bug", "foreign_change", GATEWAY, ONSET, time.monotonic() + 5)


def planned(service: Service, http: Http) -> Plan[State, Parameters]:
    found = turn_flag_back.plan(context(service), FACTS, http)
    assert isinstance(found, Plan)
    return found


def test_it_is_switched_and_switched_back(shop: Service, foreign: Foreign, http: Http) -> None:
    plan = planned(shop, http)
    with gate.opened(lambda: "") as opened:
        assert turn_flag_back.apply(context(shop), plan, http) == (
            "turn the flag new-tariff back off, which ada@shop.example switched")
        assert (foreign.flags["new-tariff"], opened.passed, opened.made) == (False, 1, 1)
        assert "done before" in turn_flag_back.apply(context(shop), plan, http)
        assert opened.passed == 1
        turn_flag_back.revert(context(shop), plan, http)
    assert foreign.flags["new-tariff"]


def test_a_closed_gate_holds_it_back(shop: Service, foreign: Foreign, http: Http) -> None:
    plan = planned(shop, http)
    with gate.opened(lambda: "the kill switch is engaged"), pytest.raises(gate.Stopped):
        turn_flag_back.apply(context(shop), plan, http)
    assert foreign.flags["new-tariff"]


def test_one_that_somebody_has_switched_since_is_declined(shop: Service, foreign: Foreign, http: Http) -> None:
    foreign.switch("new-tariff", False, "bob@shop.example")
    found = turn_flag_back.plan(context(shop), FACTS, http)
    assert isinstance(found, Declined)
    assert "somebody has switched it since" in found.reason


def test_one_that_is_gone_is_declined(shop: Service, foreign: Foreign, http: Http) -> None:
    del foreign.flags["new-tariff"]
    found = turn_flag_back.plan(context(shop), FACTS, http)
    assert isinstance(found, Declined)
    assert "there is no flag" in found.reason


def test_without_a_key_that_may_switch_nothing_is_done(shop: Service, http: Http) -> None:
    plan = planned(shop, http)
    without = replace(shop, foreign_changes=ChangeFeeds(flags=FlagService("read", "shop")))
    with pytest.raises(ActionFailed):
        turn_flag_back.apply(context(without), plan, http)


def proposed(service: Service, change: ForeignChange,
             line: str = "TariffError: no tariff") -> tuple[set[str], dict[str, str]]:
    """The remedies that are proposed, and why others are not, where the gateway fails in itself."""
    evidence = Evidence([
        *chain(of_gateway(), 0.5), Finding(source="foreign_changes", detail=ForeignChanges((change,))), changes(),
        error_lines(line)])
    diagnosis = diagnose(service, isolated(service, evidence), ONSET, evidence, shipped())
    found = propose(service, diagnosis, ONSET, evidence, shipped(), ())
    return {one.action for one in found.proposed}, {one.action: one.reason for one in found.not_proposed}


def test_it_is_proposed_for_a_flag_with_a_former_state(shop: Service) -> None:
    assert "turn_flag_back" in proposed(shop, FLAG)[0]


def test_it_is_not_proposed_where_the_former_state_is_not_known(shop: Service) -> None:
    names, refused = proposed(shop, replace(FLAG, before="", after=""))
    assert "turn_flag_back" not in names
    assert "is not known" in refused["turn_flag_back"]


def test_it_is_not_proposed_for_what_is_no_flag(shop: Service) -> None:
    pool = ForeignChange("shop/infra@c0ffee1", "infrastructure", ONSET - 60, "ada", "pool", ("terraform/pool.tf",),
                         "-worker_pool_size = 200\n+worker_pool_size = 2")
    names, refused = proposed(shop, pool, "worker pool exhausted: no worker became free")
    assert "turn_flag_back" not in names
    assert "is no flag" in refused["turn_flag_back"]


def test_it_is_not_proposed_without_a_key(service: Service) -> None:
    without = replace(service, foreign_changes=ChangeFeeds(flags=FlagService("read", "shop")))
    assert "no key" in proposed(without, FLAG)[1]["turn_flag_back"]
