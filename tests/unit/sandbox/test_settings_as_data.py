"""A drill that differs in settings alone is begun with them: as data, once no function keeps the ones of before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from responder.handlers.settings import LATELY_SECONDS
from sandbox import run
from sandbox.places import Ports, Up
from stacks.deployed import Refused


class Deployed(Exception):
    """The app was about to be deployed."""


class Stage:
    """A sandbox with something deployed, and AppConfig behind ``stacks/settings.py:change``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.refused, self.differs = False, True
        self.asked: list[str] = []
        self.waited: list[float] = []
        self.said: list[str] = []
        self.up = Up(Ports.planned(), {}, {"StateMachine": "arn"}, code="code", in_force="before")
        monkeypatch.setattr(run, "STATE", folder)
        monkeypatch.setattr("sandbox.places.STATE", folder)
        monkeypatch.setattr(run, "configuration", lambda ports, overrides: str(dict(overrides)))
        self.read = 0
        monkeypatch.setattr(run, "_code", self._code)
        monkeypatch.setattr(run.settings, "change", self._change)
        monkeypatch.setattr(run.time, "sleep", self.waited.append)
        monkeypatch.setattr(run, "_cdk", self._cdk)

    def _code(self) -> str:
        self.read += 1
        return "code"

    def _change(self, file: Path, clients: Any, say: Any) -> bool:
        if self.refused:
            raise Refused("needs a deployment: policy.rollback: its function is not deployed")
        self.asked.append(file.read_text())
        return self.differs

    def _cdk(self, *arguments: str) -> None:
        raise Deployed

    def ask(self, **overrides: str) -> Up:
        return run.ensure_deployed(self.up, overrides, lambda what, seconds: self.said.append(what))


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stage:
    return Stage(monkeypatch, tmp_path)


def test_settings_are_changed_as_data_and_no_function_keeps_the_ones_of_before(stage: Stage) -> None:
    found = stage.ask(mode="observe")
    assert found.code == "code" and found.in_force != stage.up.in_force
    assert stage.read == 1, "all code is read once"
    assert stage.asked == ["{'mode': 'observe'}"] and sum(stage.waited) >= LATELY_SECONDS
    assert Up.load() == found, "the next command finds what is in force"


def test_what_is_in_force_is_left_alone(stage: Stage) -> None:
    stage.up = stage.ask(mode="observe")
    assert stage.ask(mode="observe") == stage.up and len(stage.asked) == 1
    assert stage.ask(mode="auto").in_force != stage.up.in_force


def test_nothing_is_waited_for_where_nothing_differs(stage: Stage) -> None:
    stage.differs = False
    stage.ask(mode="auto")
    assert stage.waited == []


def test_what_needs_a_deployment_is_deployed(stage: Stage) -> None:
    stage.refused = True
    with pytest.raises(Deployed):
        stage.ask(policy="another")


def test_other_code_is_deployed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_code", lambda: "newer")
    with pytest.raises(Deployed):
        stage.ask(mode="observe")
    assert stage.asked == []
