"""The sandbox's platform: what follows from load, faults and objects, without a cluster."""

from __future__ import annotations

import random
from typing import Any

import pytest

from sandbox.platform.flow import Flow, Served, Snapshot
from sandbox.platform.objects import KINDS, deployment
from sandbox.platform.state import Broken, Database, Provider, World
from sandbox.platform.versions import Versions


@pytest.fixture
def snapshot() -> Snapshot:
    pods: list[dict[str, Any]] = []
    endpoints, services = {}, {}
    for name, kind in KINDS.items():
        template = deployment(name, "1.0.0", kind.pods)["spec"]["template"]
        mine = [f"{name}-{number}" for number in range(kind.pods)]
        pods += [{"metadata": {"name": pod, "uid": pod, "labels": {"app": name}},
                  "spec": template["spec"] | {"nodeName": f"node-{'abc'[place % 3]}"}, "_environment": {
                      "DB_HOST": "payments-db", "DB_USER": "payments", "DB_PASSWORD": "first-password"}}
                 for place, pod in enumerate(mine)]
        endpoints[name] = {"subsets": [{"ports": [{"port": 8080}],
                                        "addresses": [{"targetRef": {"name": pod}} for pod in mine]}]}
        services[name] = {"spec": {"ports": [{"port": 80, "targetPort": 8080}]}}
    return Snapshot(pods, endpoints, services, [], {"PROVIDER": "primary", "PROVIDER_TIMEOUT_MS": "2000"},
                    {"password": "first-password"})


def after(world: World, snapshot: Snapshot, seconds: int = 20) -> list[Served]:
    flow = Flow(Versions(), random.Random(1))
    served: list[Served] = []
    for _ in range(seconds):
        served = flow.second(world, snapshot)
    return served


def share(served: list[Served], component: str = "frontend") -> float:
    mine = [item for item in served if item.component == component]
    return sum(item.errors for item in mine) / max(1, sum(item.requests for item in mine))


def test_the_steady_state_hardly_fails(snapshot: Snapshot) -> None:
    assert share(after(World(), snapshot)) < 0.05


def test_more_than_all_pods_serve_queues_and_then_times_out(snapshot: Snapshot) -> None:
    assert share(after(World(requests_per_second=100), snapshot, 40)) > 0.1
    assert share(after(World(requests_per_second=70), snapshot, 40)) < 0.05


@pytest.mark.parametrize(("world", "said"), [
    (World(providers={"primary": Provider("down")}), "HTTP 503"),
    (World(database=Database(fault="refuses_connections")), "Connection refused"),
    (World(database=Database(fault="storage_full")), "No space left"),
    (World(broken=[Broken("payment-gateway", "provider", "dns")]), "could not resolve host"),
    (World(broken=[Broken("backend", "payment-gateway", "blocked")]), "connect timed out"),
])
def test_a_fault_shows_in_what_the_caller_logs(snapshot: Snapshot, world: World, said: str) -> None:
    served = after(world, snapshot)
    assert share(served) > 0.5
    assert any(said in kind for item in served for kind in item.kinds)


def test_pods_on_a_dead_node_answer_nobody(snapshot: Snapshot) -> None:
    assert share(after(World(silent_nodes={"node-a"}), snapshot)) > 0.2


def test_a_reboot_mends_what_it_can_and_a_second_failover_begins_anew() -> None:
    database = Database()
    database.set_fault("refuses_connections", 100.0)
    database.reboot(110.0, failover=False)
    database.step(119.0, {})
    assert database.fault == "" and database.status(119.0) == "available"
    database.set_fault("failing_over", 200.0)
    database.reboot(240.0, failover=True)
    database.step(250.0, {})
    assert database.down(250.0)
    database.step(286.0, {})
    assert not database.down(286.0)


def test_connections_stay_taken_until_the_one_that_leaks_is_restarted() -> None:
    database = Database()
    database.set_fault("connections_exhausted", 100.0, frozenset({"old"}))
    database.step(101.0, {"old": "ledger-export", "g": "payment-gateway"})
    assert sum(database.clients.values()) == database.max_connections
    database.reboot(110.0, failover=False)
    assert not database.exhausted(120.0) and database.exhausted(200.0)
    database.step(210.0, {"new": "ledger-export", "g": "payment-gateway"})
    assert database.fault == ""
