"""Dependencies of the sandbox's platform: what befalls them, what their callers see, and what AWS shows of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from responder.plan.error_kind import ErrorKind
from responder.plan.kinds import kind_of
from sandbox.drill.contract import Drill
from sandbox.events.dependency import EVENT
from sandbox.platform.calling import Calling
from sandbox.platform.dependencies import FAULTS, NAMES, Backlog, made, metric_data
from sandbox.platform.flow import Served
from sandbox.platform.reach import Snapshot
from sandbox.platform.state import World
from sandbox.vendors.dependency_health import DependencyHealth
from tests.unit.sandbox.test_calling import Platform, requests
from tests.unit.state_machine.test_flow import share, snapshot

__all__ = ["snapshot"]  # a fixture


class Lock:
    def __enter__(self) -> None:
        """Nobody else is here."""

    def __exit__(self, *why: object) -> None:
        """As above."""


def begin(world: World, name: str, fault: str) -> Callable[[], None]:
    """Bring a fault about as a drill does; returns what heals it."""
    sandbox = cast(Any, SimpleNamespace(world=world, lock=Lock()))
    return EVENT.begin(sandbox, {"name": name, "fault": fault})


def calls(served: list[Served], host: str) -> Counter[str]:
    """What the gateway's calls of a host ended with; an empty text where they got on."""
    found: Counter[str] = Counter()
    for item in served:
        if item.component == "payment-gateway" and host in item.calls:
            call = item.calls[host]
            found.update({"": call.count - call.failed, **call.kinds})
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_dependency_that_is_well_harms_nobody_and_is_asked_for_each_payment(snapshot: Snapshot, name: str) -> None:
    platform = Platform(snapshot, {}, World(dependencies=made([name])))
    served = platform.after(20)
    assert share(served) < 0.05
    assert calls(served, made([name])[name].host)[""] >= 0.9 * requests(served, "payment-gateway")


@pytest.mark.parametrize(("name", "fault", "kind"), [
    ("fraud-check", "down", ErrorKind.HTTP_5XX), ("fraud-check", "slow", ErrorKind.READ_TIMEOUT),
    ("three-d-secure", "throttled", ErrorKind.RATE_LIMIT), ("token-vault", "errors", ErrorKind.HTTP_5XX),
    ("token-cache", "down", ErrorKind.REFUSED), ("receipts", "throttled", ErrorKind.RATE_LIMIT)])
def test_a_fault_is_seen_in_the_calls_of_its_host_alone_and_ends_with_its_event(
        snapshot: Snapshot, name: str, fault: str, kind: ErrorKind) -> None:
    world = World(dependencies=made([name]), requests_per_second=60.0)
    platform, host = Platform(snapshot, {"payment-gateway": Calling(timeout_ms=1000)}, world), made([name])[name].host
    platform.after(5)
    heal = begin(world, name, fault)
    served = [item for _ in range(30) for item in platform.after(1)]
    assert share(served) > 0.4 or fault == "slow"
    told = calls(served, host)
    assert kind in {kind_of(f"call to {host} failed: {why}") for why in told if why}
    mine = Counter(why for item in served if item.component == "payment-gateway" for why in item.kinds
                   if item.kinds[why] and why.startswith("call to"))
    assert {why.split()[2] for why in mine} <= {host, "api.primary.example"}
    heal()
    assert share(platform.after(20)) < 0.05


def test_what_the_switch_leaves_out_is_not_called(snapshot: Snapshot) -> None:
    world = World(dependencies=made(["fraud-check"]))
    platform = Platform(snapshot, {}, world)
    begin(world, "fraud-check", "down")
    assert share(platform.after(10)) > 0.9
    snapshot.config["FRAUD_CHECK_MODE"] = "skip"  # type: ignore[index]
    served = platform.after(10)
    assert share(served) < 0.05 and not calls(served, "api.fraud.example")


def test_retries_keep_a_dependency_down_that_could_be_well(snapshot: Snapshot) -> None:
    for attempts, recovers in ((1, True), (3, False)):
        world = World(dependencies=made(["fraud-check"]))
        platform = Platform(snapshot, {"payment-gateway": Calling(attempts=attempts, timeout_ms=1000)}, world)
        heal = begin(world, "fraud-check", "slow")
        platform.after(25)
        heal()
        assert (share(platform.after(30)) < 0.05) is recovers
        assert world.dependencies["fraud-check"].well is recovers


def test_an_emptied_cache_asks_the_database_until_it_is_warm_again(snapshot: Snapshot) -> None:
    world = World(dependencies=made(["token-cache"]), requests_per_second=40.0)
    platform = Platform(snapshot, {}, world)
    usual = calls(platform.after(20), "payments-db")[""]
    begin(world, "token-cache", "emptied")
    assert calls(platform.after(2), "payments-db").total() > 1.3 * usual
    platform.after(300)
    assert world.dependencies["token-cache"].warm > 0.8


def test_a_queue_without_its_consumer_grows_old_and_nobody_notices_it_in_calls(snapshot: Snapshot) -> None:
    world = World(dependencies=made(["receipts"]))
    platform = Platform(snapshot, {}, world)
    begin(world, "receipts", "consumer_stopped")
    assert share(platform.after(60)) < 0.2
    queue = world.dependencies["receipts"]
    told = {item["MetricName"]: item["Value"] for item in metric_data(queue, 0.0, {"sent": 2400.0})}
    assert told["ApproximateAgeOfOldestMessage"] > 50 and told["ApproximateNumberOfMessagesVisible"] > 2000
    assert told["NumberOfMessagesDeleted"] == 0


def test_a_cache_node_that_is_gone_publishes_nothing_and_a_check_never_does() -> None:
    found = made(NAMES)
    assert metric_data(found["token-cache"], 0.0, {"hits": 10.0})
    found["token-cache"].fault = "down"
    assert not metric_data(found["token-cache"], 0.0, {"hits": 10.0})
    assert not metric_data(found["fraud-check"], 0.0, {})


def test_the_health_url_answers_as_the_dependency_does() -> None:
    world = World(dependencies=made(["fraud-check"]))
    health = DependencyHealth(lambda: world, slow_seconds=0.0)
    assert health.answer("GET", "/dependency/fraud-check/health").status == 200
    begin(world, "fraud-check", "down")
    assert health.answer("GET", "/dependency/fraud-check/health").status == 503
    assert health.answer("GET", "/dependency/token-vault/health").status == 200
    assert health.answer("POST", "/dependency/fraud-check/health").status == 404


def test_of_two_faults_the_newest_counts_and_each_takes_its_own_away() -> None:
    world = World(dependencies=made(["fraud-check"]))
    first, second = begin(world, "fraud-check", "slow"), begin(world, "fraud-check", "down")
    first()
    assert world.dependencies["fraud-check"].fault == "down"
    second()
    assert world.dependencies["fraud-check"].fault == ""


@pytest.mark.parametrize(("event", "start", "said"), [
    ({"name": "fraud-check", "fault": "emptied"}, ["fraud-check"], "a fault of a check"),
    ({"name": "fraud-chek", "fault": "down"}, ["fraud-check"], "fraud-check"),
    ({"name": "receipts", "fault": "down"}, [], "start.dependencies with receipts")])
def test_an_event_that_cannot_happen_is_refused(event: dict[str, str], start: list[str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Drill.model_validate({"name": "d", "about": "d", "start": {"dependencies": start},
                              "events": [{"at": "0s", "dependency": event}]})


@given(st.floats(1, 100), st.lists(st.integers(0, 300), max_size=40))
def test_no_more_waits_than_there_is_room_for(capacity: float, asked: list[int]) -> None:
    backlog = Backlog()
    for count in asked:
        backlog.tick(capacity)
        taken, waits = backlog.take(count, capacity)
        assert 0 <= taken <= count and backlog.waiting <= 3 * capacity + 1e-6 and 0 <= waits <= 2.001


def test_each_kind_has_faults() -> None:
    assert {one.kind for one in made(NAMES).values()} == set(FAULTS)
