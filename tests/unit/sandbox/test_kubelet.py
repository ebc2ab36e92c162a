"""The kubelet's part, without a cluster: what it writes about pods, proxies, Jobs and earlier days."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from responder.plan.error_kind import ErrorKind
from responder.plan.kinds import kind_of
from sandbox.account import writers
from sandbox.platform import kubelet as kubelet_module
from sandbox.platform.kubelet import Kubelet
from sandbox.platform.mesh import inject, worded
from sandbox.platform.objects import deployment
from sandbox.platform.shape import Shape
from sandbox.platform.state import World
from sandbox.platform.untidy import leave, remembered
from sandbox.platform.usage import Usage
from sandbox.platform.versions import PROXY, Versions, app_of
from sandbox.vendors import istiod

NATIVE, FIRST, LAST = (Shape(mesh="istio", injection=place) for place in ("native", "first", "last"))
BEGAN = 1_800_000_000.0


class Cluster:
    """The objects that the kubelet reads, and what it writes."""

    def __init__(self, *pods: dict[str, Any]) -> None:
        self.pods, self.statuses, self.events = list(pods), {}, {}

    def items(self, path: str) -> list[dict[str, Any]]:
        return self.pods if path.endswith("/pods") else []

    def patch_status(self, path: str, status: dict[str, Any]) -> None:
        self.statuses[path.rpartition("/")[2]] = status
        for pod in self.pods:
            if path.endswith(f"/pods/{pod['metadata']['name']}"):
                pod["status"] = status

    def create(self, path: str, body: dict[str, Any]) -> None:
        self.events[f"{path}/{body['metadata']['name']}"] = body

    def merge(self, path: str, body: dict[str, Any]) -> None:
        self.events[path] |= body


def pod(name: str = "payment-gateway", **spec: Any) -> dict[str, Any]:
    template = deployment(name, "1.0.0", 1)["spec"]["template"]
    return {"metadata": {"name": f"{name}-0", "uid": f"{name}-0", "namespace": "payments", "labels": {"app": name}},
            "spec": {**template["spec"], "volumes": [], "nodeName": "node-a", **spec}}


def task(command: str, policy: str = "Never") -> dict[str, Any]:
    return pod(restartPolicy=policy, containers=[{
        "name": "report", "image": "registry.example/report:1", "command": ["sh", "-c", command]}])


def run(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, *seconds: float, world: World | None = None) -> Cluster:
    """Let the kubelet look at the pods after so many seconds each."""
    played = Kubelet(cluster, Versions())
    played.world = world or World(settled=True)
    for at in (0.0, *seconds):
        monkeypatch.setattr(kubelet_module.time, "time", lambda at=at: BEGAN + at)
        played.step()
    return cluster


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubelet_module, "_missing_key", lambda container, references: "")


@pytest.mark.parametrize(("command", "policy", "phase"), [
    ("report", "Never", "Succeeded"), ("report; exit 3", "Never", "Failed"), ("sleep 60", "Never", "Running"),
    ("exit 3", "OnFailure", "Running"), ("report", "OnFailure", "Succeeded"), ("sleep infinity", "Never", "Running")])
def test_the_pod_of_a_job_ends_as_its_command_does(monkeypatch: pytest.MonkeyPatch, command: str, policy: str,
                                                   phase: str) -> None:
    cluster = run(Cluster(task(command, policy)), monkeypatch, 1.0, 5.0, 9.0)
    status = cluster.statuses["payment-gateway-0"]
    assert status["phase"] == phase
    if phase == "Failed":
        assert status["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 3


def test_a_pod_that_is_over_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    evicted = pod() | {"status": {"phase": "Failed", "reason": "Evicted"}}
    assert run(Cluster(evicted), monkeypatch, 5.0).statuses.keys() == {"node-a", "node-b", "node-c"}


def test_the_same_event_is_counted_up(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = pod(containers=[{"name": "payment-gateway", "image": "registry.example/payment-gateway:9"}])
    cluster = run(Cluster(broken), monkeypatch, 1.0, 5.0, 12.0, 23.0)
    event, = (event for event in cluster.events.values() if event["reason"] == "Failed")
    assert event["count"] == 3 and event["firstTimestamp"] < event["lastTimestamp"]


@pytest.mark.parametrize("shape", [NATIVE, FIRST, LAST], ids=lambda shape: shape.injection)
def test_a_pod_in_the_mesh_is_ready_by_the_apps_own_probe(monkeypatch: pytest.MonkeyPatch, shape: Shape) -> None:
    well, moved = pod(), pod("frontend")
    app_of(moved)["readinessProbe"]["httpGet"]["path"] = "/ready"
    cluster = run(Cluster(inject(shape, well), inject(shape, moved)), monkeypatch, 1.0, 5.0)
    states = {name: {item["name"]: item["ready"] for item in status["containerStatuses"]
                     + status["initContainerStatuses"]} for name, status in cluster.statuses.items()
              if not name.startswith("node")}
    assert states == {"payment-gateway-0": {"payment-gateway": True, PROXY: True, "istio-init": True},
                      "frontend-0": {"frontend": False, PROXY: True, "istio-init": True}}


def test_istiod_adds_its_proxy_and_nothing_is_lost() -> None:
    asked = {"request": {"uid": "u", "object": pod()}}
    response = json.loads(istiod.review(NATIVE, json.dumps(asked).encode()).body)["response"]
    patch = {item["path"]: item["value"] for item in json.loads(base64.b64decode(response["patch"]))}
    assert response["uid"] == "u" and response["allowed"] and {item["op"] for item in json.loads(
        base64.b64decode(response["patch"]))} == {"add"}
    assert [item["name"] for item in patch["/spec/initContainers"]] == ["istio-init", PROXY]
    assert patch["/metadata/labels"]["app"] == "payment-gateway"
    assert patch["/metadata/annotations"]["kubectl.kubernetes.io/default-container"] == "payment-gateway"
    assert patch["/spec/containers"][0]["env"] == pod()["spec"]["containers"][0]["env"]


@pytest.mark.parametrize("shape", [NATIVE, FIRST, LAST], ids=lambda shape: shape.injection)
@pytest.mark.parametrize(("kind", "means"), [
    ("connection refused", {ErrorKind.REFUSED}), ("no address", {ErrorKind.REFUSED}),
    ("connect timed out", {ErrorKind.CONNECT_TIMEOUT, ErrorKind.READ_TIMEOUT}),
    ("connection reset by peer", {ErrorKind.RESET})])
def test_envoy_says_in_its_own_words_what_failed(shape: Shape, kind: str, means: set[ErrorKind]) -> None:
    texts = {worded(replace(shape, untidy=f"drill-{number}"), kind) for number in range(9)}
    assert len(texts) == 2 and {kind_of(text) for text in texts} <= means
    assert kind_of(worded(Shape(), kind)) in means


def test_the_proxys_usage_is_its_own() -> None:
    written: dict[str, Any] = {}
    usage = Usage(type("Metrics", (), {"create": lambda self, path, body: written.setdefault(
        body["metadata"]["name"], body)})())
    usage.write([inject(NATIVE, pod())])
    assert [item["name"] for item in written["payment-gateway-0"]["containers"]] == [PROXY, "payment-gateway"]


def test_what_is_remembered_and_left_is_of_earlier_days_and_the_same_for_a_seed() -> None:
    found = [remembered(f"drill-{number}", pod(), [], BEGAN) for number in range(40)]
    assert found == [remembered(f"drill-{number}", pod(), [], BEGAN) for number in range(40)]
    told = [one for item in found for one in item.values()]
    assert 8 < len(told) < 32 and {one["lastState"]["terminated"]["reason"] for one in told} == {"OOMKilled", "Error"}
    assert all(one["lastState"]["terminated"]["finishedAt"] < "2027-01-14" for one in told)
    assert remembered("", pod(), [], BEGAN) == {} and remembered("drill-1", pod(), ["a", "b"], BEGAN) == {}


def test_an_evicted_pod_is_of_a_replica_set_and_nothing_is_left_without_a_seed() -> None:
    class Left(Cluster):
        def items(self, path: str) -> list[dict[str, Any]]:
            return [{"metadata": {"name": f"{name}-7d", "uid": name, "labels": {"app": name}}, "spec": {
                "replicas": 1, "template": deployment(name, "1.0.0", 1)["spec"]["template"]}}
                for name in ("frontend", "backend", "payment-gateway")]

    for number in range(12):
        cluster = Left()
        leave(cluster, Shape(workloads="statefulset", untidy=f"drill-{number}"), BEGAN)
        owners = {body["metadata"]["ownerReferences"][0]["name"] for body in cluster.events.values()
                  if body["kind"] == "Pod"}
        assert owners <= {"frontend-7d"}
        if owners:
            assert {status["phase"] for status in cluster.statuses.values()} == {"Failed"}
            assert {bool(body.get("series")) for body in cluster.events.values() if body["kind"] == "Event"} == {
                True, False}
    cluster = Left()
    leave(cluster, Shape(), BEGAN)
    assert not cluster.events


def test_helm_labels_what_it_installs_and_leaves_the_pods_alone() -> None:
    made = writers.installed(deployment("backend", "1.0.0", 3))
    assert made["metadata"]["labels"] == {"app": "backend", "app.kubernetes.io/managed-by": "Helm",
                                          "helm.sh/chart": "payments-4.2.0"}
    assert made["spec"] == deployment("backend", "1.0.0", 3)["spec"]
