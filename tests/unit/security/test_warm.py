"""A function that is only warmed does nothing else: no call but the reading of its own secrets, and no change."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any, NoReturn

import botocore.client
import pytest

from responder import actions, sources
from responder.clients import aws, gate, targets
from responder.handlers import ask, steps, warm
from responder.model.service import Service
from stacks.workflow import GROUPS

EVENT = {"warm": True, "service": "payment-gateway"}
SOURCES, ACTIONS = [source.name for source in sources.all()], [action.name for action in actions.every()]


class World:
    """Notes what a function asks of it."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        """Operation and the name of the secret, or the host that was looked up."""
        self.clients: list[str] = []


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, service: Service) -> Iterator[World]:
    """A function's environment without a network; calls of AWS are noted and answered with a secret."""
    seen = World()
    made = targets.session(targets.HERE).create_client

    def call(self: Any, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        seen.calls.append((operation, str(given.get("SecretId", ""))))
        return {"SecretString": "a secret"}

    def client(name: str, **more: Any) -> Any:
        seen.clients.append(name)
        return made(name, **more)

    def no_way(*given: Any, **more: Any) -> NoReturn:
        seen.calls.append(("network", str(given)))
        raise OSError("no way out")

    for name, value in (("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("TABLE", "t"), ("BUCKET", "b")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    monkeypatch.setattr(targets.session(targets.HERE), "create_client", client)
    monkeypatch.setattr(socket, "getaddrinfo", no_way)
    monkeypatch.setattr(socket.socket, "connect", no_way)
    monkeypatch.setattr(gate, "opened", no_way)
    monkeypatch.setattr(warm, "load", lambda name: service)
    aws.made.cache_clear()
    aws._secret.cache_clear()
    yield seen
    aws.made.cache_clear()
    aws._secret.cache_clear()


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_reads_its_secrets_and_asks_nobody(
        world: World, monkeypatch: pytest.MonkeyPatch, service: Service, name: str) -> None:
    monkeypatch.setenv("SOURCE", name)
    assert ask.handler(EVENT, None) == {}
    source = sources.load(name)
    assert world.calls == [("GetSecretValue", secret) for secret in source.secrets(service)]
    wanted = {action.partition(":")[0] for item in source.statements(service) for action in item.actions}
    assert wanted <= set(world.clients)


@pytest.mark.parametrize("name", ACTIONS)
def test_a_remedy_changes_nothing_and_asks_nobody(
        world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("ACTION", name)
    assert steps.remedy(EVENT, None) == {}
    # Also where the rest of the event is a remedy to be applied.
    assert steps.remedy(EVENT | {"operation": "apply", "number": 1, "incident": {
        "id": "i-1", "service": "payment-gateway", "opened_at": "2026-11-26T00:00:00.000Z"},
        "entered": "2026-11-26T00:00:00.000Z", "remedy": {"id": "x"}}, None) == {}
    assert world.calls == []
    assert {"dynamodb", "lambda", "ssm"} <= set(world.clients)


def test_the_steps_are_loaded_and_none_is_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPS", ",".join(GROUPS["decide"].steps))
    assert steps.handler(EVENT | {"do": "open", "input": {"service": "payment-gateway"}}, None) == {}
    assert world.calls == []


def test_what_is_warm_already_is_left_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE", "newrelic")
    ask.handler(EVENT, None)
    made, called, began = list(world.clients), list(world.calls), time.process_time()
    for _ in range(20):
        ask.handler(EVENT, None)
    # A hundred times less than a cold start, on any machine.
    assert (time.process_time() - began) / 20 < 0.05
    assert (world.clients, world.calls) == (made, called)


def test_what_cannot_be_warmed_is_no_failure(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda would try an event that failed twice more, and count an error of a function that is needed soon."""
    monkeypatch.setenv("SOURCE", "newrelic")
    monkeypatch.setattr(warm, "load", lambda name: (_ for _ in ()).throw(LookupError(name)))
    assert ask.handler(EVENT, None) == {}
    monkeypatch.delenv("SOURCE")
    assert ask.handler(EVENT, None) == {}
    assert world.calls == []
