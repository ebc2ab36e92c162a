"""Settings are data: an incident keeps those that it began with, and what is made stricter holds at once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, get_args

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from responder.clients import settings as store
from responder.clients.failure import CallFailed
from responder.handlers import ask, guard, settings, step
from responder.handlers import open as opening
from responder.model.codec import decode, encode
from responder.model.incident import SourceAnswer
from responder.model.moment import iso
from responder.model.service import Deployment, Mode, Person, Policy, Remedy, Service
from responder.model.service.settings import (
    Stricter,
    needs_deployment,
    read_settings,
    settings_of,
    stricter,
    under,
    with_settings,
)
from responder.plan.guardrails import RELEASED, GuardrailRequest, Situation, rule
from responder.records.record import pack, unpack
from responder.records.table import Records
from stacks.settings import schema, text_of
from stacks.used import used_actions
from tests.conftest import shipped_service, timeline_in_aws

VERSION = "12 of 2026-11-26T07:12Z"
MODES: tuple[Mode, ...] = get_args(Mode)
POLICIES: tuple[Policy, ...] = get_args(Policy)
AUTO = replace(shipped_service(), mode="auto", policy={"rollback": "auto", "scale_up": "approve"})
REQUEST = GuardrailRequest("rollback", "deployment/x", 0.99, ("newrelic", "splunk"))


class Store:
    """What AppConfig holds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.held: Any = None
        monkeypatch.setattr(store, "read", self._read)
        monkeypatch.setenv("SETTINGS", "app")
        monkeypatch.setattr(settings, "LATELY_SECONDS", 1e-9)
        for module in (settings, opening, step, ask):
            monkeypatch.setattr(module, "load", lambda name: AUTO)
        for module in (settings, opening):
            monkeypatch.setattr(module, "names", lambda: ("payment-gateway",))
            monkeypatch.setattr(module, "deployed", lambda name: Deployment((), {}, (
                Remedy("rollback", "f"), Remedy("scale_up", "f"))))

    def _read(self, application: str, service: str) -> store.Stored:
        if isinstance(self.held, Exception):
            raise self.held
        return store.Stored(VERSION, self.held if isinstance(self.held, str) else text_of(settings_of(self.held)))


@pytest.fixture
def appconfig(monkeypatch: pytest.MonkeyPatch) -> Store:
    return Store(monkeypatch)


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> Iterator[Records]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with mock_aws():
        made = Records("timeline", timeline_in_aws()._client)
        for module in (opening, step):
            monkeypatch.setattr(module, "records", lambda: made)
        yield made


def opened(entered: float | None = None) -> dict[str, Any]:
    """Open an incident as a person does."""
    at = iso(entered or time.time())
    result: dict[str, Any] = opening.handler({"entered": at, "started": at, "execution": f"e-{at}", "input": {
        "service": "payment-gateway", "reason": "trying it", "started_by": "me"}}, None)
    assert result["result"] == "opened", result
    return result


def ran(incident: dict[str, Any]) -> Service:
    """The service as a later step of an incident has it."""
    seen: list[Service] = []

    @step.step("Look", step.StepEvent)
    def handler(run: step.StepRun, event: step.StepEvent) -> SourceAnswer:
        seen.append(run.service)
        return SourceAnswer("x", (), 0)

    handler({"incident": incident, "entered": iso(time.time())}, None)
    return seen[0]


def test_an_incident_keeps_the_settings_that_it_began_with(appconfig: Store, records: Records) -> None:
    appconfig.held = replace(AUTO, guardrails=replace(AUTO.guardrails, cooldown_seconds=60),
                             confirm=replace(AUTO.confirm, window_seconds=120))
    first = opened()["incident"]
    entry, = records.load(first["id"]).timeline
    assert entry.why == f"trying it; configuration {VERSION}"
    # A later change is for the next incident, and the record holds what this one has.
    appconfig.held = CallFailed("unavailable", "AppConfig could not be reached")
    assert ran(first).guardrails.cooldown_seconds == 60
    assert ran(first).cluster == AUTO.cluster
    records.pin_settings(first["id"], VERSION, iso(time.time()), json.dumps(encode(settings_of(AUTO))))
    settings._KNOWN.clear()
    assert ran(first).guardrails.cooldown_seconds == 60
    assert settings.of_incident(records, AUTO, first["id"]).guardrails.cooldown_seconds == 60
    # The sources' functions cannot read the record: what they need of it comes with the incident.
    asked = decode(ask.Asked, first)
    assert ask._as_opened(AUTO, asked.spans).confirm.window_seconds == 120
    # Its record file has them, and is as readable as one that has none.
    assert unpack(pack(ran(first), records.items(first["id"])))["service"]["guardrails"]["cooldown_seconds"] == 60


@pytest.mark.parametrize(("held", "said"), [
    (CallFailed("timeout", "AppConfig did not answer in time"), "AppConfig did not answer in time"),
    ("no JSON", "what AppConfig holds is invalid"),
    ('{"mode": "off"}', "what AppConfig holds is invalid"),
    ('{"mode": "auto", "moode": "auto"}', "what AppConfig holds is invalid"),
    (replace(AUTO, mode="observe", policy={"restart_pods": "auto"}), "policy.restart_pods: its function is not"),
])
def test_what_cannot_be_used_leaves_the_bundled_settings_in_force_and_is_said(
        appconfig: Store, records: Records, held: Any, said: str) -> None:
    appconfig.held = held
    incident = opened()["incident"]
    entry, = records.load(incident["id"]).timeline
    assert "configuration: as bundled, because" in entry.why and said in entry.why
    assert incident["settings"] == "" and ran(incident) == AUTO


def test_a_function_without_a_store_uses_what_is_bundled(
        appconfig: Store, records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SETTINGS")
    incident = opened()["incident"]
    assert records.load(incident["id"]).timeline[0].why == "trying it"
    assert ran(incident) == AUTO


@given(st.sampled_from(MODES), st.sampled_from(MODES), st.sampled_from(POLICIES), st.sampled_from(POLICIES))
def test_what_was_made_stricter_holds_at_once_and_what_was_made_looser_does_not(
        mode: Mode, newest_mode: Mode, policy: Policy, newest_policy: Policy) -> None:
    def of(wanted: Mode, about: Policy) -> Service:
        return replace(AUTO, mode=wanted, policy={"rollback": about})

    def ruling(service: Service, tightened: Stricter | None) -> str:
        return rule(service, REQUEST, Situation(0.0, RELEASED, stricter=tightened)).ruling

    pinned, newest = of(mode, policy), of(newest_mode, newest_policy)
    found = stricter(pinned, newest, "rollback", VERSION)
    weight = {"refused": 0, "observe": 1, "approval": 2, "permitted": 3}
    assert ruling(pinned, found) == ruling(under(pinned, "rollback", found), None)
    assert weight[ruling(pinned, found)] <= weight[ruling(pinned, None)]
    bound = under(pinned, "rollback", found)
    assert MODES.index(bound.mode) == min(MODES.index(mode), MODES.index(newest_mode))
    assert (found is None) == (bound == pinned)


def test_the_guardrails_read_the_newest_and_say_which_configuration_forbids(appconfig: Store) -> None:
    appconfig.held = replace(AUTO, mode="observe")
    found = guard._stricter(AUTO, "rollback")
    verdict = rule(AUTO, REQUEST, Situation(0.0, RELEASED, stricter=found))
    assert (verdict.ruling, verdict.reason) == (
        "observe", f"mode observe by the stricter configuration {VERSION}: nothing was changed")
    appconfig.held = CallFailed("unavailable", "no")
    assert guard._stricter(AUTO, "rollback") is None


def test_what_no_function_and_no_right_is_there_for_needs_a_deployment() -> None:
    bundled = replace(AUTO, approval=replace(AUTO.approval, links="none", wait_seconds=900))
    ada = Person("Ada", "sre", email="ada@example.com")
    wanted = settings_of(replace(
        bundled, policy={"rollback": "auto", "restart_pods": "auto", "scale_up": "off"}, team=(ada,),
        approval=replace(bundled.approval, links="low", wait_seconds=901)))
    assert [problem.partition(":")[0] for problem in needs_deployment(bundled, {"rollback"}, 900, wanted)] == [
        "policy.restart_pods", "approval.links", "approval.wait_seconds", "team"]
    assert list(needs_deployment(bundled, {"rollback", "scale_up"}, 900, settings_of(bundled))) == []


def test_settings_are_in_force_though_an_action_lacks_what_it_needs() -> None:
    """As shipped: flags may be turned back after asking, and no system with flags is configured."""
    bundled = shipped_service()
    there = {action.name for action in used_actions([bundled])}
    allowed = {name for name, policy in bundled.policy.items() if policy != "off"}
    assert allowed - there, "each action has a function: this tests nothing"
    longest = bundled.approval.wait_seconds
    assert list(needs_deployment(bundled, there, longest, settings_of(replace(bundled, mode="auto")))) == []


def test_settings_fit_the_schema_by_which_appconfig_checks_them_and_nothing_unknown_does() -> None:
    jsonschema.Draft4Validator.check_schema(schema())
    check = jsonschema.Draft4Validator(schema())
    text = text_of(settings_of(shipped_service()))
    check.validate(json.loads(text))
    assert with_settings(shipped_service(), read_settings(json.loads(text))) == shipped_service()
    for change in ({"mode": "atuo"}, {"moode": "auto"}, {"guardrails": {"cooldown": 5}},
                   {"policy": {"rollback": "yes"}}, {"recovery": {"hold_seconds": "5m"}}, {"team": [{"name": "Ada"}]}):
        assert not check.is_valid({**json.loads(text), **change}), change
    assert len(json.dumps(schema(), separators=(",", ":"))) < 32_768  # AppConfig's limit
