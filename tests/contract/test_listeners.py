"""The ports of database and providers in the sandbox: what the responder's probes meet there."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from responder.model.evidence import Window
from responder.model.service import Probe, Service
from responder.sources import Query, network
from sandbox.platform.listeners import Listeners, state_of
from sandbox.platform.state import Broken, World

NOW = 1_800_000_000.0
"""An even second: a lossy path lets packets through."""


class Ports:
    """The listeners on free ports, and the responder's look at them."""

    def __init__(self, service: Service) -> None:
        names = ("database", "primary", "fallback")
        held = [socket.create_server(("127.0.0.1", 0)) for _ in names]
        ports = {name: item.getsockname()[1] for name, item in zip(names, held, strict=True)}
        for item in held:
            item.close()
        self.world, self.listeners = World(), Listeners(ports)
        self._service = replace(service, probes=(
            Probe("payments-db", "127.0.0.1", ports["database"], False),
            Probe("primary", "127.0.0.1", ports["primary"], False),
            Probe("fallback", "127.0.0.1", ports["fallback"], False)))

    def step(self, now: float = NOW) -> None:
        self.listeners.step(self.world, now)

    def look(self, seconds: float = 1.0) -> dict[str, str]:
        now = time.time()
        return {f.component: f.detail.kind or "ok" for f in network.collect(Query(
            self._service, "diagnose", Window(now - 60, now), Window(now - 3660, now - 60),
            time.monotonic() + seconds))}


@pytest.fixture
def ports(service: Service) -> Iterator[Ports]:
    found = Ports(service)
    yield found
    found.listeners.close()


WELL = {"database": "ok", "provider:primary": "ok", "provider:fallback": "ok"}


def test_all_get_through_while_all_is_well(ports: Ports) -> None:
    for _ in range(3):
        ports.step()
        assert ports.look() == WELL


def test_a_deaf_database_refuses_and_comes_back(ports: Ports) -> None:
    ports.world.database.set_fault("refuses_connections", NOW)
    ports.step()
    assert ports.look() == WELL | {"database": "refused"}
    ports.world.database.heal(NOW)
    ports.step()
    assert ports.look() == WELL


@pytest.mark.parametrize("fault", ["connections_exhausted", "storage_full", "slow", "rejects_credentials"])
def test_a_database_that_fails_later_takes_connections(fault: str) -> None:
    world = World()
    world.database.set_fault(fault, NOW)
    assert state_of(world, "database", NOW) == "open"


def test_a_failover_and_a_reboot_refuse() -> None:
    world = World()
    world.database.set_fault("failing_over", NOW)
    assert state_of(world, "database", NOW) == "refused"
    world = World()
    world.database.reboot(NOW, failover=False)
    assert state_of(world, "database", NOW) == "refused"
    world.database.step(NOW + 60, {})
    assert state_of(world, "database", NOW + 60) == "open"


def test_a_provider_that_is_down_refuses_and_one_that_errs_does_not(ports: Ports) -> None:
    ports.world.providers["primary"].fault = "down"
    ports.world.providers["fallback"].fault = "errors"
    ports.step()
    assert ports.look() == WELL | {"provider:primary": "refused"}


def test_a_blocked_path_is_silent_until_it_is_mended(ports: Ports) -> None:
    blocked = Broken("payment-gateway", "database", "blocked")
    ports.world.broken = [blocked, Broken("backend", "payment-gateway", "blocked")]
    for _ in range(3):
        ports.step()
    assert ports.look() == WELL | {"database": "timeout"}
    ports.world.broken = []
    ports.world.database.set_fault("refuses_connections", NOW)
    ports.step()
    assert ports.look() == WELL | {"database": "refused"}
    ports.world.broken = [blocked]
    ports.world.database.heal(NOW)
    ports.step()
    assert ports.look() == WELL | {"database": "timeout"}
    ports.world.broken = []
    ports.step()
    assert ports.look() == WELL


def test_a_lossy_path_loses_every_other_packet(ports: Ports) -> None:
    ports.world.broken = [Broken("payment-gateway", "provider", "lossy")]
    ports.step(NOW)
    assert ports.look() == WELL
    ports.step(NOW + 1)
    assert ports.look(0.8) == {"database": "ok", "provider:primary": "timeout", "provider:fallback": "timeout"}


def test_a_resolver_below_kubernetes_is_not_shown() -> None:
    world = World(broken=[Broken("payment-gateway", "database", "dns")])
    assert state_of(world, "database", NOW) == "open"
