"""Liveness and startup probes as a kubelet asks them, and what befalls one node, some pods and the cluster's DNS."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.platform import kubelet as kubelet_module
from sandbox.platform.flow import Flow
from sandbox.platform.kubelet import Kubelet
from sandbox.platform.lives import stopping
from sandbox.platform.objects import KINDS, deployment
from sandbox.platform.reach import Snapshot
from sandbox.platform.state import Odd, Way, World
from sandbox.platform.versions import Behaviour, Versions
from tests.unit.sandbox.test_kubelet import BEGAN, Cluster, pod

GATEWAY = "payment-gateway"


def probed(name: str = GATEWAY, *, kind: str = "livenessProbe", **probe: Any) -> dict[str, Any]:
    found = pod(name)
    found["spec"]["containers"][0][kind] = {"periodSeconds": 2, "failureThreshold": 3, **probe}
    return found


def at(port: int = 8080, path: str = "/healthz", **more: Any) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": port, **more}}


def played(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, seconds: int, world: World | None = None,
           versions: Versions | None = None) -> list[dict[str, Any]]:
    """Let the kubelet look each half second; returns the pod's container status after each look."""
    monkeypatch.setattr(kubelet_module, "_missing_key", lambda container, references: "")
    kubelet, found = Kubelet(cluster, versions or Versions()), []
    kubelet.world = world or World(settled=True)
    for step in range(2 * seconds):
        monkeypatch.setattr(kubelet_module.time, "time", lambda step=step: BEGAN + step / 2)
        kubelet.step()
        found.append(cluster.pods[0]["status"]["containerStatuses"][0])
    return found


def told(cluster: Cluster, reason: str) -> dict[str, int]:
    return {event["message"]: event["count"] for event in cluster.events.values() if event.get("reason") == reason}


@pytest.mark.parametrize(("probe", "why"), [
    (at(path="/live"), "HTTP probe failed with statuscode: 404"),
    (at(port=9090), 'Get "http://10.1.0.11:9090/healthz": dial tcp 10.1.0.11:9090: connect: connection refused'),
    (at(scheme="HTTPS"),
     'Get "https://10.1.0.11:8080/healthz": http: server gave HTTP response to HTTPS client'),
    ({"tcpSocket": {"port": 9090}}, "dial tcp 10.1.0.11:9090: connect: connection refused"),
    ({"exec": {"command": ["cat", "/tmp/alive"]}}, "cat: can't open '/tmp/alive': No such file or directory\n")],
    ids=["path", "port", "scheme", "tcp", "exec"])
def test_a_container_that_fails_its_liveness_probe_is_ended_and_started_again(
        monkeypatch: pytest.MonkeyPatch, probe: dict[str, Any], why: str) -> None:
    cluster = Cluster(probed(**probe))
    statuses = played(cluster, monkeypatch, 30)
    assert set(told(cluster, "Unhealthy")) >= {f"Liveness probe failed: {why}"}
    assert told(cluster, "Killing").keys() == {f"Container {GATEWAY} failed liveness probe, will be restarted"}
    last = statuses[-1]["lastState"]["terminated"]
    assert (last["exitCode"], last["reason"]) == (143, "Error")
    # The first restart comes at once, the second after ten seconds.
    waits = [status for status in statuses if "waiting" in status["state"] and status["restartCount"]]
    assert waits and waits[0]["restartCount"] == 1 and waits[0]["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert waits[0]["state"]["waiting"]["message"].startswith(f"back-off 10s restarting failed container={GATEWAY}")


@pytest.mark.parametrize("probe", [at(), {"tcpSocket": {"port": 8080}}, {"exec": {"command": ["true"]}}],
                         ids=["http", "tcp", "exec"])
def test_a_probe_that_fits_ends_nothing(monkeypatch: pytest.MonkeyPatch, probe: dict[str, Any]) -> None:
    cluster = Cluster(probed(**probe))
    assert played(cluster, monkeypatch, 40)[-1]["restartCount"] == 0
    assert not told(cluster, "Killing")


def test_a_startup_probe_gives_time_and_ends_what_takes_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = Versions()
    versions.add(GATEWAY, "1.0.0", Behaviour(start_seconds=8))
    enough, short = (probed(kind="startupProbe", failureThreshold=many, **at()) for many in (6, 2))
    enough["spec"]["containers"][0]["livenessProbe"] = {"periodSeconds": 1, "failureThreshold": 1, **at()}
    well = played(Cluster(enough), monkeypatch, 20, versions=versions)
    assert well[-1]["ready"] and well[-1]["restartCount"] == 0 and not well[4]["started"]
    cluster = Cluster(short)
    assert not any(status["ready"] for status in played(cluster, monkeypatch, 20, versions=versions))
    assert told(cluster, "Killing").keys() == {f"Container {GATEWAY} failed startup probe, will be restarted"}


def test_a_process_that_hangs_is_killed_after_its_grace_and_comes_back_well(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster, world = Cluster(probed(**at())), World(settled=True)
    world.hung = {f"{GATEWAY}-0"}
    statuses = played(cluster, monkeypatch, 30, world)
    assert statuses[-1]["ready"] and statuses[-1]["restartCount"] == 1
    assert statuses[-1]["lastState"]["terminated"]["exitCode"] == 137
    assert any("Client.Timeout exceeded" in message for message in told(cluster, "Unhealthy"))


def test_what_queues_answers_a_probe_too_late_and_a_deep_one_fails_with_the_database(
        monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(settled=True, behind={f"{GATEWAY}-0": 1.6})
    assert played(Cluster(probed(**at())), monkeypatch, 20, world)[-1]["restartCount"]
    assert not played(Cluster(probed(timeoutSeconds=3, **at())), monkeypatch, 20, world)[-1]["restartCount"]
    deep, slow = probed(**at(path="/health/dependencies")), World(settled=True)
    slow.database.set_fault("slow", BEGAN)
    assert played(Cluster(deep), monkeypatch, 20, slow)[-1]["restartCount"]


@given(grace=st.integers(1, 60), slept=st.integers(0, 90), deaf=st.booleans())
def test_a_pod_never_takes_longer_to_go_than_its_grace_period(grace: int, slept: int, deaf: bool) -> None:
    container = {"lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", f"sleep {slept}"]}}}}
    seconds, code = stopping({"spec": {"terminationGracePeriodSeconds": grace}}, container, deaf)
    assert 0 < seconds <= grace
    assert (code == 137) == (deaf or slept + 0.5 >= grace)


class World3:
    """Each component's pods on three nodes, and the world that they are in."""

    def __init__(self) -> None:
        self.world, pods, endpoints = World(), [], {}
        for name, kind in KINDS.items():
            of = []
            for number in range(kind.pods):
                template = deployment(name, "1.0.0", 1)["spec"]["template"]
                of.append({"metadata": {"name": f"{name}-{number}", "uid": f"{name}-{number}", "labels": {"app": name}},
                           "spec": {**template["spec"], "nodeName": f"node-{'abc'[number % 3]}"}})
            pods += of
            endpoints[name] = {"subsets": [{"ports": [{"port": 8080}], "addresses": [
                {"targetRef": {"name": item["metadata"]["name"], "uid": item["metadata"]["uid"]}} for item in of]}]}
        services = {name: {"spec": {"ports": [{"port": 80}]}} for name in KINDS}
        environment = {"DB_HOST": "payments-db", "DB_USER": "payments", "DB_PASSWORD": "first-password"}
        self.snapshot = Snapshot(pods, endpoints, services, [], {"PROVIDER": "primary"}, {}, {
            item["metadata"]["uid"]: environment for item in pods})

    def rates(self, component: str, seconds: int = 60) -> dict[str, float]:
        """Pod to the share of its requests that fail."""
        flow, seen = Flow(Versions(), random.Random("lives")), dict[str, list[int]]()
        for _ in range(seconds):
            for row in flow.second(self.world, self.snapshot):
                if row.component == component:
                    entry = seen.setdefault(row.pod, [0, 0])
                    entry[0] += row.requests
                    entry[1] += row.errors
        return {name: failed / made for name, (made, failed) in sorted(seen.items())}


def test_a_node_that_loses_packets_fails_its_own_pods_and_few_others() -> None:
    stage = World3()
    stage.world.node_ways.lay("node-a", Way("lossy", 0.5), None)
    rates = stage.rates(GATEWAY)
    assert all((rate > 0.5) == (name[-1] in "03") for name, rate in rates.items()) and len(rates) == 4


def test_a_node_whose_lookups_fail_is_told_by_the_names(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = World3()
    stage.world.node_ways.lay("node-b", Way("dns", 0.6), None)
    rates = stage.rates("backend")
    assert rates["backend-1"] > 0.4 > rates["backend-0"]
    rows = Flow(Versions(), random.Random(1)).second(stage.world, stage.snapshot)
    kinds = {kind for row in rows if row.pod == "backend-1" for calls in row.calls.values() for kind in calls.kinds}
    assert kinds == {"could not resolve host: payment-gateway"}


def test_one_odd_pod_errs_and_a_slow_one_is_slow() -> None:
    stage = World3()
    stage.world.odd_pods.lay(f"{GATEWAY}-2", Odd(error_rate=0.8), None)
    rates = stage.rates(GATEWAY)
    assert rates[f"{GATEWAY}-2"] > 0.7 and max(rates[f"{GATEWAY}-{number}"] for number in (0, 1, 3)) < 0.05


@given(pods=st.integers(0, 9), foreign=st.floats(0, 20_000))
def test_more_pods_of_the_resolver_never_answer_less(pods: int, foreign: float) -> None:
    world, item = World(), {"metadata": {"uid": "u"}, "spec": {"nodeName": "node-a"}}
    world.foreign_lookups.lay(None, foreign, 0.0)
    shares = []
    for world.resolvers in (pods, pods + 1):
        shares.append(world.unresolved(item))
    assert 0 <= shares[1] <= shares[0] <= 1
    world.resolvers = None
    assert world.unresolved(item) == 0
