"""Which functions are warmed as an incident is opened, and that nothing depends on it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.model.service import Asked, Deployment, Remedy
from responder.plan.course import State
from responder.plan.warming import needed
from tests.conftest import ROOT, shipped_service
from tests.machine import BY_NAME, Machine

ASL = json.loads((ROOT / "statemachines" / "incident_response.asl.json").read_text())
WARM = ASL["States"][State.WARM]


def deployed(confirm: list[str], isolate: list[str], diagnose: list[str], *remedies: Remedy) -> Deployment:
    return Deployment((), {phase: tuple(Asked(name, f"f-{name}") for name in names) for phase, names in (
        ("confirm", confirm), ("isolate", isolate), ("diagnose", diagnose))}, remedies)


def test_what_confirms_is_asked_at_once_and_what_waits_for_people_is_not_hurried() -> None:
    service = replace(shipped_service(), mode="auto", policy={
        "rollback": "auto", "scale_up": "approve", "restart_pods": "off", "inform_provider": "auto"})
    found = deployed(["newrelic"], ["kubernetes"], ["kubernetes", "newrelic", "rds"], Remedy("rollback", "r"),
                     Remedy("scale_up", "s"), Remedy("restart_pods", "p"), Remedy("inform_provider", "i", mends=False))
    assert needed(service, found, "") == ("f-kubernetes", "f-rds", "r")
    assert needed(replace(service, mode="approve"), found, "") == ("f-kubernetes", "f-rds")
    assert needed(replace(service, mode="observe"), found, "") == ("f-kubernetes", "f-rds")
    assert needed(service, found, "diagnose") == ("f-kubernetes", "f-rds")
    assert needed(service, found, "isolate") == ("f-kubernetes",)
    assert needed(service, found, "confirm") == ()


NAMES = st.lists(st.sampled_from(["newrelic", "splunk", "eks", "rds", "network"]), max_size=5, unique=True)


@given(NAMES, NAMES, NAMES)
def test_each_source_that_comes_later_is_warmed_once(confirm: list[str], isolate: list[str],
                                                     diagnose: list[str]) -> None:
    found = needed(shipped_service(), deployed(confirm, isolate, diagnose), "")
    assert sorted(found) == sorted({f"f-{name}" for name in {*isolate, *diagnose} - set(confirm)})


class Warmed:
    """Plays the part of the state machine around the warming, and notes what is invoked."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.events: list[tuple[str, dict[str, Any]]] = []
        states = {State.WARM: WARM, State.VERIFY: {"Type": "Succeed"}}
        self.machine = Machine({"StartAt": State.WARM, "States": states}, self._invoke, 0.0)
        self.machine.variables = {"incident": {"service": "payment-gateway"}, "functions": BY_NAME}

    def _invoke(self, state: str, function: str, payload: dict[str, Any]) -> Any:
        self.events.append((function, payload))
        if self.fails:
            raise RuntimeError("throttled")
        return {}


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("functions", [[], ["f-eks"], ["f-eks", "r"]])
def test_the_incident_goes_on_whatever_becomes_of_the_warming(functions: list[str], fails: bool) -> None:
    warmed = Warmed(fails=fails)
    assert warmed.machine.run({"result": {"warm": functions}}) == State.VERIFY
    assert warmed.events == [(function, {"warm": True, "service": "payment-gateway"})
                             for function in (*functions, "${DecideFunction}")]


def test_functions_are_warmed_by_events_that_nobody_waits_for_and_that_name_no_step() -> None:
    """So that no event of this state could plan, rule on or apply anything: it has none of their fields."""
    task, = (state for state in WARM["ItemProcessor"]["States"].values() if state["Type"] == "Task")
    assert task["Arguments"]["InvocationType"] == "Event"
    assert set(task["Arguments"]["Payload"]) == {"warm", "service"}
    assert "Retry" not in task and task["TimeoutSeconds"] <= 5
    # Once: an incident that is verified again, or opened again, meets functions that are warm.
    before = {name for name, state in ASL["States"].items() if f'"Next": "{State.WARM}"' in json.dumps(state)}
    assert before == {"Is it a new incident?"}
