"""Which functions are warmed beside the questions of a phase, and that nothing depends on it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.handlers.ask import Ask
from responder.model.codec import decode
from responder.model.service import Asked, Deployment, Remedy
from responder.plan.course import State
from responder.plan.warming import needed
from tests.conftest import ROOT, shipped_service
from tests.machine import BY_NAME, Machine

ASL = json.loads((ROOT / "statemachines" / "incident_response.asl.json").read_text())
def deployed(confirm: list[str], isolate: list[str], diagnose: list[str], *remedies: Remedy) -> Deployment:
    return Deployment((), {phase: tuple(Asked(name, f"f-{name}") for name in names) for phase, names in (
        ("confirm", confirm), ("isolate", isolate), ("diagnose", diagnose))}, remedies)


def test_what_confirms_is_asked_at_once_and_what_waits_for_people_is_not_hurried() -> None:
    service = replace(shipped_service(), mode="auto", policy={
        "rollback": "auto", "scale_up": "approve", "restart_pods": "off", "inform_provider": "auto"})
    found = deployed(["newrelic"], ["kubernetes"], ["kubernetes", "newrelic", "rds"], Remedy("rollback", "r"),
                     Remedy("scale_up", "s"), Remedy("restart_pods", "p"), Remedy("inform_provider", "i", mends=False))
    sources = {"confirm": ("f-kubernetes", "f-rds")}
    assert needed(service, found, "") == sources | {"diagnose": ("r",)}
    assert needed(replace(service, mode="approve"), found, "") == sources | {"diagnose": ()}
    assert needed(replace(service, mode="observe"), found, "") == sources | {"diagnose": ()}
    assert needed(service, found, "diagnose") == sources | {"diagnose": ()}
    assert needed(service, found, "isolate") == {"confirm": ("f-kubernetes",), "diagnose": ()}
    assert needed(service, found, "confirm") == {"confirm": (), "diagnose": ()}


NAMES = st.lists(st.sampled_from(["newrelic", "splunk", "eks", "rds", "network"]), max_size=5, unique=True)


@given(NAMES, NAMES, NAMES)
def test_each_source_that_comes_later_is_warmed_once(confirm: list[str], isolate: list[str],
                                                     diagnose: list[str]) -> None:
    found = needed(shipped_service(), deployed(confirm, isolate, diagnose), "")["confirm"]
    assert sorted(found) == sorted({f"f-{name}" for name in {*isolate, *diagnose} - set(confirm)})


class Phase:
    """Plays the part of the state machine in which a phase's sources are asked, and notes what is invoked."""

    def __init__(self, state: State, *, warm: list[str], fails: str = "", again: bool = False) -> None:
        self.fails = fails
        self.calls: list[tuple[str, dict[str, Any]]] = []
        following = ASL["States"][state]["Next"]
        self.given: Any = None
        self.machine = Machine({"StartAt": state, "States": {state: ASL["States"][state], following: {
            "Type": "Task", "Resource": "", "Arguments": {"Payload": {"given": "{% $states.input %}"}}}}},
            self._invoke, 0.0)
        place = {State.VERIFY: "confirm", State.GATHER: "diagnose"}[state]
        self.machine.variables = {
            "incident": {"id": "i-1", "service": "payment-gateway", "opened_at": "2026-11-27T00:00:00.000Z"},
            "functions": BY_NAME,
            "course": {"round": 1 + again, "attempt": 1 + again}, "warm": {place: warm},
            "sources": {place: [{"source": "newrelic", "function": "f-newrelic"},
                                {"source": "splunk", "function": "f-splunk"}]}}

    def _invoke(self, state: str, function: str, payload: dict[str, Any]) -> Any:
        if "given" in payload:
            self.given = payload["given"]
            return {}
        self.calls.append((function, payload))
        if function == self.fails:
            raise RuntimeError("throttled")
        return {} if payload.get("warm") else {"source": function[2:], "findings": []}

    @property
    def warmed(self) -> list[str]:
        """The functions that were warmed."""
        return [function for function, payload in self.calls if payload | {"ahead": None} == {
            "warm": True, "service": "payment-gateway", "ahead": None}]

    @property
    def ahead(self) -> list[Any]:
        """What functions that were warmed were told of later questions."""
        return [payload["ahead"] for _, payload in self.calls if "ahead" in payload]


@pytest.mark.parametrize("state", [State.VERIFY, State.GATHER])
@pytest.mark.parametrize("fails", ["", "f-eks", "f-newrelic"])
@pytest.mark.parametrize("functions", [[], ["f-eks"], ["f-eks", "r"]])
def test_the_answers_are_those_of_the_sources_whatever_becomes_of_the_warming(state: State, functions: list[str],
                                                                              fails: str) -> None:
    asked = Phase(state, warm=functions, fails=fails)
    asked.machine.run({})
    assert [answer["source"] for answer in asked.given] == ["newrelic", "splunk"]
    assert bool(asked.given[0]["findings"]) is (fails == "f-newrelic")
    assert asked.warmed == [*functions, *(["${DecideFunction}"] if state is State.VERIFY else [])]
    # Each other event is a question to a source.
    assert [function for function, payload in asked.calls if "phase" in payload] == ["f-newrelic", "f-splunk"]
    assert len(asked.calls) == len(asked.warmed) + 2


def test_what_the_diagnosis_asks_first_is_told_while_the_incident_is_confirmed_and_never_again() -> None:
    first = Phase(State.VERIFY, warm=["f-eks"])
    first.machine.run({})
    assert len(first.ahead) == len(first.warmed)
    for asked in first.ahead:
        assert decode(Ask, asked, "ahead").phase == "diagnose"
        assert asked["incident"] == first.machine.variables["incident"]
    for later in (Phase(State.VERIFY, warm=["f-eks"], again=True), Phase(State.GATHER, warm=["r"])):
        later.machine.run({})
        assert later.ahead == []


@pytest.mark.parametrize("state", [State.VERIFY, State.GATHER])
def test_a_phase_that_is_gone_through_again_meets_functions_that_are_warm(state: State) -> None:
    asked = Phase(state, warm=["f-eks"], again=True)
    asked.machine.run({})
    assert asked.warmed == [] and len(asked.given) == 2


@pytest.mark.parametrize("state", [State.VERIFY, State.GATHER])
def test_nobody_waits_for_what_is_warmed(state: State) -> None:
    task, = (state for state in ASL["States"][state]["ItemProcessor"]["States"].values() if state["Type"] == "Task")
    assert task["Arguments"]["InvocationType"] == "{% $states.input.warm ? 'Event' : 'RequestResponse' %}"
