"""The sandbox's platform: what follows from load, faults and objects, without a cluster."""

from __future__ import annotations

import random
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.clock import Clock
from sandbox.metrics import Metrics
from sandbox.platform.database import Database
from sandbox.platform.flow import BALANCER, NOT_CONNECTED, Flow, Served, targets
from sandbox.platform.objects import KINDS, deployment
from sandbox.platform.reach import Snapshot
from sandbox.platform.state import Broken, Provider, World
from sandbox.platform.telemetry import CLIENTS, Telemetry
from sandbox.platform.versions import Versions


@pytest.fixture
def snapshot() -> Snapshot:
    pods: list[dict[str, Any]] = []
    endpoints, services = {}, {}
    for name, kind in KINDS.items():
        template = deployment(name, "1.0.0", kind.pods)["spec"]["template"]
        mine = [f"{name}-{number}" for number in range(kind.pods)]
        pods += [{"metadata": {"name": pod, "uid": pod, "labels": {"app": name}},
                  "spec": template["spec"] | {"nodeName": f"node-{'abc'[place % 3]}"}}
                 for place, pod in enumerate(mine)]
        endpoints[name] = {"subsets": [{"ports": [{"port": 8080}],
                                        "addresses": [{"targetRef": {"name": pod}} for pod in mine]}]}
        services[name] = {"spec": {"ports": [{"port": 80, "targetPort": 8080}]}}
    environment = {"DB_HOST": "payments-db", "DB_USER": "payments", "DB_PASSWORD": "first-password"}
    return Snapshot(pods, endpoints, services, [], {"PROVIDER": "primary", "PROVIDER_TIMEOUT_MS": "2000"},
                    {"password": "first-password"}, {pod["metadata"]["uid"]: environment for pod in pods})


def troubled(fault: str) -> World:
    world = World()
    world.database.set_fault(fault, 100.0)
    return world


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
    (troubled("refuses_connections"), "Connection refused"),
    (troubled("storage_full"), "No space left"),
    (World(database=Database(in_effect={"default_transaction_read_only": "1"})), "read-only transaction"),
    (World(database=Database(in_effect={"statement_timeout": "2"})), "statement timeout"),
    (World(broken=[Broken("payment-gateway", "provider", "dns")]), "could not resolve host"),
    (World(broken=[Broken("backend", "payment-gateway", "blocked")]), "connect timed out"),
])
def test_a_fault_shows_in_what_the_caller_logs(snapshot: Snapshot, world: World, said: str) -> None:
    served = after(world, snapshot)
    assert share(served) > 0.5
    assert any(said in kind for item in served for kind in item.kinds)


def test_pods_on_a_dead_node_answer_nobody(snapshot: Snapshot) -> None:
    assert share(after(World(silent_nodes={"node-a"}), snapshot)) > 0.2


def test_a_reboot_ends_the_faults_that_it_can_end_and_a_second_failover_starts_again() -> None:
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


def test_the_load_balancer_distinguishes_missing_hosts_from_failing_connections(snapshot: Snapshot) -> None:
    assert targets(World(), snapshot) == (2, 0)
    dead = World(silent_nodes={"node-a"})
    assert targets(dead, snapshot) == (1, 1)
    lost, = [item for item in after(dead, snapshot) if item.component == BALANCER]
    assert lost.kinds == {NOT_CONNECTED: lost.requests}
    subset, = snapshot.endpoints["frontend"]["subsets"]
    subset["ports"] = [{"port": 9999}]
    assert targets(World(), snapshot) == (0, 2)
    lost, = [item for item in after(World(), snapshot) if item.component == BALANCER]
    assert lost.kinds == {NOT_CONNECTED: lost.requests}
    subset["notReadyAddresses"] = subset.pop("addresses")
    assert targets(World(), snapshot) == (0, 2)
    subset.clear()
    assert targets(World(), snapshot) == (0, 0)
    lost, = [item for item in after(World(), snapshot) if item.component == BALANCER]
    assert lost.kinds == {"no target": lost.requests}


def test_every_request_of_the_entry_is_a_line_with_its_client() -> None:
    telemetry, rng = Telemetry(Versions()), random.Random(1)
    for second in range(60):
        telemetry.second(1000.0 + second, [Served("frontend", "f", "1.0.0", 100, 0, (9.0,), {}),
                                           Served("backend", "b", "1.0.0", 100, 0, (9.0,), {})], rng,
                         {"203.0.113.7": 0.4} if second >= 30 else {})
    lines = [line for line in telemetry.lines if line.client]
    assert {line.component for line in lines} == {"frontend"}
    assert sum(line.count for line in lines) == 6000
    assert {line.client for line in lines if line.at < 1030} == set(CLIENTS) and len(CLIENTS) == 50
    flood = sum(line.count for line in lines if line.client == "203.0.113.7")
    assert 1050 < flood < 1350


class CloudWatch:
    """Keeps what is published: name, time, value, number of dimensions."""

    def __init__(self) -> None:
        self.published: list[tuple[str, float, float, int]] = []

    def put_metric_data(self, Namespace: str, MetricData: list[dict[str, Any]]) -> None:  # noqa: N803 - boto3's names
        self.published += [(item["MetricName"], item["Timestamp"], item["Value"], len(item["Dimensions"]))
                           for item in MetricData]


def test_the_load_balancer_publishes_as_aws_does() -> None:
    rng, cloudwatch = random.Random(1), CloudWatch()
    sandbox = SimpleNamespace(telemetry=Telemetry(Versions()), cloudwatch=cloudwatch, targets=(2, 0),
                              usage=SimpleNamespace(insights=lambda period, proxies, **_: []), world=World())
    metrics = Metrics(sandbox)
    for second in range(60):
        lost = [Served(BALANCER, "", "", 40, 40, (), {NOT_CONNECTED: 40})] if second >= 30 else []
        well = [Served("frontend", "f", "1.0.0", 40, 0, (9.0,), {})] if second < 30 else []
        sandbox.telemetry.second(1200.0 + second, [*well, *lost], rng)
    metrics.put_balancer(1200.0, 1260.0)
    metrics.put_targets(1200.0, 1260.0)
    sandbox.targets = (0, 2)
    metrics.put_targets(1260.0, 1320.0)
    sandbox.targets = (0, 0)
    metrics.put_targets(1320.0, 1380.0)
    assert cloudwatch.published == [
        ("RequestCount", 1200.0, 2400.0, 1), ("HTTPCode_Target_5XX_Count", 1200.0, 0.0, 1),
        ("HTTPCode_ELB_5XX_Count", 1200.0, 1200.0, 1), ("SuccessPercent", 1200.0, 0.0, 1),
        ("HealthyHostCount", 1200.0, 2.0, 2), ("UnHealthyHostCount", 1200.0, 0.0, 2),
        ("TargetConnectionErrorCount", 1200.0, 1200.0, 1),
        ("HealthyHostCount", 1260.0, 0.0, 2), ("UnHealthyHostCount", 1260.0, 2.0, 2)]


def test_the_database_is_published_each_minute_as_the_mean_of_what_was_measured(
        monkeypatch: pytest.MonkeyPatch) -> None:
    cloudwatch, world = CloudWatch(), World()
    metrics = Metrics(SimpleNamespace(cloudwatch=cloudwatch, world=world))
    for second in range(0, 90, 10):
        world.database.clients = {"payment-gateway": 0 if second < 30 else 40}
        metrics._measure(1200.0 + second)
    metrics._put_database(1260.0)
    metrics._put_database(1260.0)
    assert [row for row in cloudwatch.published if row[0] == "DatabaseConnections"] == [
        ("DatabaseConnections", 1200.0, 20.0, 1)]


def test_the_healthy_history_goes_on_to_the_first_second_that_is_served() -> None:
    telemetry = Telemetry(Versions())
    telemetry.reset(1000.5, 40.0, random.Random(1))
    telemetry.go_on(1006.0)
    telemetry.second(1008.0, [Served("frontend", "f", "1.0.0", 40, 40, (9.0,), {})], random.Random(1))
    telemetry.second(1012.0, [Served("frontend", "f", "1.0.0", 40, 40, (9.0,), {})], random.Random(1))
    frontend = [row for row in telemetry.transactions if row.component == "frontend" and row.at >= 980]
    assert [row.at for row in frontend] == [980, 990, *range(1000, 1009), 1012]
    assert all(row.requests > 15 and row.errors < 10 for row in frontend[:-2])


def test_a_machine_that_is_late_makes_up_for_its_seconds_and_serves_none_twice(
        snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    telemetry, now = Telemetry(Versions()), [2000.4]
    sandbox = SimpleNamespace(running=True, lock=threading.RLock(), world=World(), versions=Versions(), lines=[],
                              rng=random.Random(1), usage=SimpleNamespace(count=lambda served, **_: None),
                              telemetry=telemetry, targets=(0, 0))
    clock = Clock(sandbox, None, lambda: None, lambda at: None)
    monkeypatch.setattr("sandbox.clock.time.time", lambda: now[0])
    monkeypatch.setattr(clock, "_snapshot", lambda: snapshot)
    for moment in (2000.4, 2000.7, 2003.1, 2020.0, 2021.0):
        now[0] = moment
        clock._second()
    assert [row.at for row in telemetry.balanced] == [2000, 2001, 2002, 2003, *range(2015, 2022)]
