"""Remedies by the switches that the configuration names: load is shed, retries are capped, a dependency is left out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder import actions
from responder.actions import ActionFailed, RemediationContext, cap_retries
from responder.actions.shed_load import apply as shed
from responder.clients import flags
from responder.clients.failure import CallFailed
from responder.clients.kubernetes import NotFound
from responder.model.evidence import Evidence, Finding
from responder.model.evidence.dependency_health import DependencyHealth
from responder.model.evidence.error_rate import ErrorRate
from responder.model.service import ProviderSwitch, Service, Switch
from responder.plan.remedies import find
from responder.plan.switches import Facts, Turn, Value
from stacks.switches import switches as checked
from tests.conftest import shipped_service
from tests.diagnosis import WINDOW
from tests.remedies import asked, planned, refusal

USUAL = {"cap_retries": ("retry cap", "3", ("1",)), "shed_load": ("load shedding", "0", ("80", "40")),
         "fail_open": ("fraud check", "required", ("skip",))}


@dataclass
class Place:
    """Where a switch stands, with all that was written there."""

    value: str
    owner: str = ""
    target: str = "configmap/payment-gateway-config"
    key: str = "KEY"
    written: list[str] = field(default_factory=list)
    changed: bool = False

    def read(self) -> flags.Reading:
        if not self.value:
            raise NotFound(self.key)
        return flags.Reading(self.value, self.owner)

    def write(self, old: str, new: str, manager: str) -> None:
        if self.changed or old != self.value:
            raise flags.Changed(self.target)
        self.value = new
        self.written.append(new)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    found = Place("")
    monkeypatch.setattr(cap_retries, "flag", lambda *given: found)
    monkeypatch.setattr(cap_retries, "connected", lambda *given: None)
    return found


def case(service: Service, name: str, seconds: float = 200.0) -> RemediationContext:
    return asked(service, "retry_storm", seconds=seconds)


@pytest.mark.parametrize("name", USUAL)
def test_a_switch_that_says_what_is_usual_is_turned_and_turned_back(service: Service, place: Place, name: str) -> None:
    switch, usual, values = USUAL[name]
    # With no time left nothing is waited for between the steps.
    place.value, action, asked_for = usual, actions.find(name), replace(case(service, name), deadline=0.0)
    plan = planned(action.plan(asked_for, Facts(switch)))
    assert (plan.before, plan.parameters) == (Value(usual), Turn(switch, values))
    assert not place.written
    action.apply(asked_for, plan)
    assert place.written == ([*values, usual] if name == "shed_load" else [*values])
    assert plan.temporary is (name != "shed_load")
    assert action.revert is not None
    action.revert(asked_for, plan)
    assert place.value == usual


@pytest.mark.parametrize("name", USUAL)
@pytest.mark.parametrize(("value", "owner", "why"), [
    ("somebody's", "", "somebody has turned it already"), ("", "", "there is no"),
    (None, "Argo CD application payments", "owns configmap/payment-gateway-config and would undo it")])
def test_a_switch_that_is_gone_or_turned_or_owned_is_left_alone(service: Service, place: Place, name: str,
                                                                value: str | None, owner: str, why: str) -> None:
    switch, usual, _ = USUAL[name]
    place.value, place.owner = usual if value is None else value, owner
    assert why in refusal(actions.find(name).plan(case(service, name), Facts(switch)))
    assert "no switch 'other'" in refusal(actions.find(name).plan(case(service, name), Facts("other")))
    assert not place.written


def test_what_somebody_sets_meanwhile_stays(service: Service, place: Place) -> None:
    place.value = "3"
    asked_for = case(service, "cap_retries")
    plan = planned(cap_retries.plan(asked_for, Facts("retry cap")))
    place.value = "2"
    with pytest.raises(ActionFailed, match="'2' by somebody else"):
        cap_retries.apply(asked_for, plan)
    with pytest.raises(ActionFailed, match="'2' by somebody else"):
        cap_retries.revert(asked_for, plan)
    place.value, place.changed = "3", True
    with pytest.raises(CallFailed, match="at the same moment"):
        cap_retries.apply(asked_for, plan)


def test_a_repeat_goes_on_at_the_step_that_it_finds_and_ends_with_the_usual_value(service: Service,
                                                                                  place: Place) -> None:
    place.value, waited = "0", list[float]()
    asked_for = case(service, "shed_load", 240.0)
    plan = planned(actions.find("shed_load").plan(asked_for, Facts("load shedding")))
    place.value = "40"  # as a try that was cut off has left it
    shed(asked_for, plan, None, waited.append)
    assert place.value == "0" and waited == [30.0, 30.0]


@given(st.floats(0, 400), st.lists(st.text("0123456789", min_size=1), min_size=1, max_size=5, unique=True))
def test_the_steps_always_fit_the_time_that_there_is(seconds: float, steps: list[str]) -> None:
    service = shipped_service()
    switch = replace(service.switches[1], values=tuple(f"s{step}" for step in steps), step_seconds=100.0)
    asked_for = replace(case(replace(service, switches=(switch,)), "shed_load", seconds))
    found, waited = Place(switch.usual), list[float]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cap_retries, "flag", lambda *given: found)
        patch.setattr(cap_retries, "connected", lambda *given: None)
        shed(asked_for, actions.Plan("t", "s", Value(switch.usual), Turn(switch.name, switch.values)), None,
             waited.append)
    assert sum(waited) <= max(0.0, seconds - 20) + 0.01
    assert found.value == switch.usual


def rate(component: str, share: float) -> Finding[Any]:
    return Finding(source="cloudwatch", component=component, window=WINDOW, value=share, detail=ErrorRate(
        requests=2000, errors=2000 * share))


@pytest.mark.parametrize(("found", "gone"), [
    ([rate("frontend", 0.004), rate("payment-gateway", 0.01)], True), ([rate("frontend", 0.004)], True),
    ([rate("frontend", 0.004), rate("payment-gateway", 0.3)], False), ([], False)])
def test_retries_are_capped_as_long_as_much_fails(service: Service, found: list[Finding[Any]], gone: bool) -> None:
    said = find("cap_retries").reason_gone(service, "configmap/c", "payment-gateway", {"value": "3"}, {
        "switch": "retry cap", "values": ["1"]}, Evidence(found))
    assert bool(said) is gone


@pytest.mark.parametrize(("values", "gone"), [([1.0], True), ([0.0], False), ([], False)])
def test_a_dependency_is_done_without_until_its_health_url_answers(service: Service, values: list[float],
                                                                   gone: bool) -> None:
    found = [Finding(source="dependencies", component="dependency:fraud-check", window=WINDOW, value=value,
                     detail=DependencyHealth()) for value in values]
    said = find("fail_open").reason_gone(service, "configmap/c", "payment-gateway", {"value": "required"}, {
        "switch": "fraud check", "values": ["skip"]}, Evidence(found))
    assert bool(said) is gone


def test_the_commands_by_hand_are_those_of_the_place(service: Service) -> None:
    from responder.plan.deeds import Site
    from responder.plan.remedies import OnRecord

    said = find("shed_load").deed(Site(service, "us-east-1"), OnRecord(
        "configmap/payment-gateway-config", "payment-gateway", Value("0"), Turn("load shedding", ("80", "40"))))
    assert said.title.startswith("Shed load at payment-gateway") and "from 0 to 80, then 40" in said.title
    assert len(said.by_hand) == 2 and "SHED_PERCENT" in said.by_hand[0]
    assert said.undo == (said.by_hand[0].replace("80", "0"),)


KEY = ProviderSwitch(config_map="c", key="K")


@pytest.mark.parametrize(("switch", "expected"), [
    (Switch("a", "cap_retries", "payment-gateway", KEY, "3", ("1",)), ""),
    (Switch("a", "cap_retries", "gateway", KEY, "3", ("1",)), "payment-gateway"),
    (Switch("a", "cap_retries", "backend", KEY, "3", ("1",), of="payment-gatewy"), "payment-gateway"),
    (Switch("a", "cap_retries", "backend", KEY, "3", ("3",)), "other than the usual one"),
    (Switch("a", "cap_retries", "backend", KEY, "3", ("2", "1")), "only load shedding has steps"),
    (Switch("a", "fail_open", "backend", KEY, "on", ("off",), of="payments-db"), "the dependency that is done without"),
    (Switch("a", "shed_load", "backend", KEY, "0", ("9", "5"), step_seconds=150), "for all steps together"),
    (Switch("a", "shed_load", "backend", ProviderSwitch(), "0", ("9",)), "one of them"),
    (Switch("a", "shed_load", "backend", ProviderSwitch(ssm_parameter="/x/kill-switch"), "0", ("9",)),
     "no kill switch")])
def test_a_switch_that_bears_on_nothing_is_refused_before_it_is_deployed(service: Service, switch: Switch,
                                                                         expected: str) -> None:
    said = " ".join(item[2] for item in checked(replace(service, switches=(switch,))))
    assert (expected in said) if expected else not said


