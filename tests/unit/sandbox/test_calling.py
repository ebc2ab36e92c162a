"""Attempts, time-outs and pools of the sandbox's platform: load that failure makes, second by second."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.platform.calling import Calling, Pools, late
from sandbox.platform.flow import Flow, Served
from sandbox.platform.reach import Snapshot
from sandbox.platform.spoken import Spoken
from sandbox.platform.state import Provider, Surge, World
from sandbox.platform.telemetry import Telemetry
from sandbox.platform.versions import Behaviour, Versions
from sandbox.vendors.newrelic_events import spans
from tests.unit.state_machine.test_flow import share, snapshot

__all__ = ["snapshot"]  # a fixture
RETRIES = {"backend": Calling(attempts=4, timeout_ms=1000)}


@dataclass
class Platform:
    """A platform whose components call others in some way."""

    snapshot: Snapshot
    calling: Mapping[str, Calling]
    world: World = field(default_factory=World)

    def __post_init__(self) -> None:
        versions = Versions()
        for name, calling in self.calling.items():
            versions.add(name, "1.0.0", Behaviour(calling=calling))
        versions.add("payment-gateway", "slow", Behaviour(latency_ms=3000))
        self.flow = Flow(versions, random.Random(1))

    def after(self, seconds: int) -> list[Served]:
        served: list[Served] = []
        for _ in range(seconds):
            served = self.flow.second(self.world, self.snapshot)
        return served

    def rush(self, factor: float, seconds: int) -> None:
        self.world.surges.append(Surge(factor))
        self.after(seconds)
        self.world.surges.clear()


def requests(served: list[Served], component: str) -> int:
    return sum(item.requests for item in served if item.component == component)


def test_retries_keep_the_platform_down_when_the_rush_is_over(snapshot: Snapshot) -> None:
    platform = Platform(snapshot, RETRIES)
    assert share(platform.after(20)) < 0.05
    platform.rush(3, 12)
    served = platform.after(60)
    assert share(served) > 0.5
    assert requests(served, "payment-gateway") > 2 * requests(served, "frontend")


def test_without_retries_the_platform_comes_back_by_itself(snapshot: Snapshot) -> None:
    platform = Platform(snapshot, {"backend": Calling(attempts=1, timeout_ms=1000)})
    platform.rush(3, 12)
    assert share(platform.after(20)) < 0.05


def test_shedding_most_requests_for_a_while_ends_the_storm(snapshot: Snapshot) -> None:
    platform = Platform(snapshot, RETRIES)
    platform.rush(3, 12)
    for percent in ("80", "40", "0"):
        snapshot.config["SHED_PERCENT"] = percent  # type: ignore[index]
        served = platform.after(10)
    assert share(served) < 0.05


def test_a_cap_on_attempts_holds_for_the_gateway_alone(snapshot: Snapshot) -> None:
    calling = {"payment-gateway": Calling(attempts=4)}
    for most, calls in (("3", 3), ("1", 1)):
        snapshot.config["MAX_ATTEMPTS"] = most  # type: ignore[index]
        platform = Platform(snapshot, calling, World(providers={"primary": Provider("down")}))
        served = platform.after(10)
        made = sum(item.calls["api.primary.example"].count for item in served if item.component == "payment-gateway")
        assert made == calls * requests(served, "payment-gateway")


def test_a_card_that_is_declined_is_not_tried_again(snapshot: Snapshot) -> None:
    platform = Platform(snapshot, {"payment-gateway": Calling(attempts=4)},
                        World(providers={"primary": Provider(error_rate=1.0)}))
    served = platform.after(10)
    made = sum(item.calls["api.primary.example"].count for item in served if item.component == "payment-gateway")
    assert made <= requests(served, "payment-gateway")


def test_a_slow_gateway_takes_the_backends_threads_and_the_backend_refuses(snapshot: Snapshot) -> None:
    platform = Platform(snapshot, {"backend": Calling(threads=12)})
    assert share(platform.after(20)) < 0.05
    for pod in snapshot.pods:
        if pod["metadata"]["labels"]["app"] == "payment-gateway":
            pod["spec"]["containers"][0]["image"] = "registry.example/payment-gateway:slow"
    served = platform.after(20)
    mine = [item for item in served if item.component == "backend"]
    assert any("task rejected" in why for item in mine for why in item.kinds)
    worked_on = sum(item.calls["payment-gateway"].count for item in mine)
    assert worked_on <= 3 * 12


def test_a_connection_pool_with_too_few_connections_is_told_as_such(snapshot: Snapshot) -> None:
    platform = Platform(snapshot, {"payment-gateway": Calling(connections=2)},
                        World(providers={"primary": Provider("slow")}))
    served = platform.after(20)
    assert any("Timeout waiting for connection from pool" in why for item in served for why in item.kinds)


@given(st.integers(1, 50), st.lists(st.tuples(st.integers(0, 80), st.floats(0, 8000)), max_size=30))
def test_no_pool_lets_more_in_than_it_has_places(size: int, seconds: list[tuple[int, float]]) -> None:
    pools = Pools()
    for second, (asked, milliseconds) in enumerate(seconds, 1):
        pools.tick()
        admitted = pools.admit("p", size, asked)
        assert 0 <= admitted <= asked
        pools.hold("p", size, admitted, milliseconds)
        # Whoever keeps a place beyond this second holds one of the pool's.
        assert sum(count for until, count in pools._taken.get("p", ()) if until >= second + 1) <= size


@pytest.mark.parametrize(("mean", "least", "most"), [(100, 0.0, 0.001), (1000, 0.49, 0.51), (3000, 0.99, 1.0)])
def test_the_longer_answers_take_the_more_of_them_come_too_late(mean: float, least: float, most: float) -> None:
    assert least <= late(mean, 1000.0) <= most
    assert late(mean, float("inf")) == 0.0


def test_spans_have_each_attempt_and_each_row_its_own_calls(snapshot: Snapshot) -> None:
    telemetry, platform = Telemetry(Versions()), Platform(snapshot, RETRIES)
    platform.rush(3, 12)
    telemetry.second(100.0, platform.after(30), random.Random(1))
    for spoken in (Spoken("whole"), Spoken("opentelemetry", "s")):
        rows = [row for item in telemetry.between(0, 200) if item.component == "backend"
                for row in spans(item, telemetry, spoken)]
        entered = sum(row.count for row in rows if row.attributes["span.kind"] == "server")
        called = sum(row.count for row in rows if row.attributes["span.kind"] == "client")
        assert called > 2 * entered > 0
