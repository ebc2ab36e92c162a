"""A node that harms its pods is closed and its pods are moved; each of the remedy's own guardrails holds it back."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

from responder.actions import ActionFailed, RemediationContext, cordon_node, restart_pods
from responder.clients.http import Http
from responder.clients.kubernetes import Kubernetes
from responder.model.service import Service
from responder.plan.remedies.cordon_node import Facts
from tests.remedies import asked, planned, refusal

pytestmark = pytest.mark.usefixtures("changes_pass")

FACTS = Facts("node-a", ("requests by pod (newrelic)", "restarts by node"), ("backend", "payment-gateway"))
ROOM = {"cpu": "4", "memory": "8Gi", "pods": "30"}


class Cluster:
    """Three nodes, and two Deployments whose pods are spread over them."""

    def __init__(self) -> None:
        self.nodes = {name: {"metadata": {"name": name, "resourceVersion": "1", "annotations": {}}, "spec": {},
                             "status": {"allocatable": dict(ROOM), "conditions": [{"type": "Ready", "status": "True"}]}}
                      for name in ("node-a", "node-b", "node-c")}
        self.pods = {f"{name}-{n}": (name, f"node-{'abc'[n % 3]}") for name, of in (("backend", 3), (
            "payment-gateway", 4)) for n in range(of)}
        self.protected: set[str] = set()
        self.well_again, self.kind = True, "Deployment"
        self.done: list[str] = []

    def _items(self, app: str = "") -> list[dict[str, Any]]:
        return [{"metadata": {"name": pod, "uid": f"u-{pod}", "namespace": "payments", "labels": {"app": name},
                              "ownerReferences": [{"kind": "ReplicaSet", "name": f"{name}-rs", "controller": True}]},
                 "spec": {"nodeName": node, "containers": [{"resources": {"requests": {"cpu": "200m"}}}]},
                 "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
                for pod, (name, node) in self.pods.items()]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        name = path.rpartition("/")[2]
        if path.endswith("/eviction"):
            pod = path.split("/")[-2]
            if pod in self.protected:
                return httpx.Response(429, json={"message": "budget"})
            if pod not in self.pods:
                return httpx.Response(404, json={"message": "gone"})
            self.done.append(pod)
            app, _ = self.pods.pop(pod)
            if self.well_again:
                self.pods[f"{pod}-new"] = (app, "node-b")
            return httpx.Response(201, json={})
        if "/nodes/" in path:
            if request.method == "PATCH":
                patch, node = json.loads(request.content), self.nodes[name]
                annotations = {**node["metadata"]["annotations"], **patch["metadata"]["annotations"]}
                node["metadata"]["annotations"] = {key: value for key, value in annotations.items() if value}
                node["spec"] = {"unschedulable": True} if patch["spec"]["unschedulable"] else {}
                self.done.append(f"{name} {'closed' if node['spec'] else 'open'}")
            return httpx.Response(200, json=self.nodes[name])
        if name in ("backend", "payment-gateway"):
            return httpx.Response(200, json=self._workload(name))
        items: list[Any] = []
        if path.endswith("/nodes"):
            items = list(self.nodes.values())
        elif path.endswith("/deployments") and self.kind == "Deployment":
            items = [self._workload("backend"), self._workload("payment-gateway")]
        elif path.endswith("/replicasets"):
            items = [{"metadata": {"name": f"{app}-rs", "ownerReferences": [
                {"kind": self.kind, "name": app, "controller": True}]}} for app in ("backend", "payment-gateway")]
        elif path.endswith("/pods"):
            items = self._items()
        return httpx.Response(200, json={"items": items})

    def _workload(self, name: str) -> dict[str, Any]:
        ready = sum(app == name for app, _ in self.pods.values())
        wanted = 3 if name == "backend" else 4
        return {"metadata": {"name": name}, "status": {"readyReplicas": ready}, "spec": {
            "replicas": wanted, "selector": {"matchLabels": {"app": name}}, "template": {"spec": {"containers": [
                {"resources": {"requests": {"cpu": "200m"}}}]}}}}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cordon_node, "_LOOK_SECONDS", 0.01)


def case_of(service: Service, cluster: Cluster, seconds: float = 20.0) -> tuple[RemediationContext, Kubernetes]:
    case = asked(service, "sick_node", seconds=seconds)
    return case, Kubernetes(Http(time.monotonic() + 30, transport=httpx.MockTransport(cluster)), "https://k8s")


def test_the_node_is_closed_first_and_its_pods_are_moved_a_few_at_a_time(service: Service) -> None:
    cluster = Cluster()
    case, api = case_of(service, cluster)
    plan = planned(cordon_node.plan(case, FACTS, api))
    assert plan.target == "node/node-a" and plan.parameters.at_once == 1
    assert {pod.name for pod in plan.parameters.pods} == {"backend-0", "payment-gateway-0", "payment-gateway-3"}
    assert cordon_node.apply(case, plan, api) == plan.summary
    assert cluster.done[0] == "node-a closed" and len(cluster.done) == 4
    assert not [pod for pod, (_, node) in cluster.pods.items() if node == "node-a"]
    # A repeat finds its mark; whoever opens it again opens only what it has closed.
    cordon_node.apply(case, plan, api)
    assert cluster.done.count("node-a closed") == 1
    assert "open to pods again" in cordon_node.revert(case, plan, api)
    assert cluster.nodes["node-a"]["spec"] == {} and "opened before" in cordon_node.revert(case, plan, api)


def closed(cluster: Cluster, name: str) -> None:
    cluster.nodes[name]["spec"] = {"unschedulable": True}


def another(cluster: Cluster) -> None:
    cluster.nodes["node-b"]["metadata"]["annotations"] = {cordon_node.MARK: "earlier/1"}


def last(cluster: Cluster) -> None:
    for name in ("node-b", "node-c"):
        closed(cluster, name)


def silent(cluster: Cluster) -> None:
    cluster.nodes["node-a"]["status"]["conditions"] = [{"type": "Ready", "status": "Unknown"}]


def full(cluster: Cluster) -> None:
    for name in ("node-b", "node-c"):
        cluster.nodes[name]["status"]["allocatable"]["cpu"] = "500m"


def together(cluster: Cluster) -> None:
    cluster.pods = {pod: (app, "node-a" if app != "backend" else node) for pod, (app, node) in cluster.pods.items()}


def elsewhere(cluster: Cluster) -> None:
    cluster.pods = {pod: (app, "node-b" if app != "backend" else node) for pod, (app, node) in cluster.pods.items()}


def many(cluster: Cluster) -> None:
    cluster.pods |= {f"payment-gateway-{n}": ("payment-gateway", "node-a") for n in range(10, 40)}


def gone(cluster: Cluster) -> None:
    del cluster.nodes["node-a"]


@pytest.mark.parametrize(("broken", "why"), [
    (lambda cluster: closed(cluster, "node-a"), "closed already"), (another, "a second one is for people"),
    (last, "no other node"), (silent, "not ready"), (full, "no room"), (together, "would take all away"),
    (many, "more than 20"), (gone, "gone"), (elsewhere, "any more")],
    ids=["closed", "second", "last", "silent", "full", "alone", "many", "gone", "elsewhere"])
def test_each_of_its_guardrails_holds_it_back(service: Service, broken: Any, why: str) -> None:
    cluster = Cluster()
    broken(cluster)
    case, api = case_of(service, cluster)
    assert why in refusal(cordon_node.plan(case, FACTS, api))
    assert cluster.done == []


def test_what_would_be_gone_meanwhile_is_left_on_the_node(service: Service) -> None:
    cluster = Cluster()
    cluster.pods = {pod: (app, "node-a" if app == "backend" else node) for pod, (app, node) in cluster.pods.items()}
    case, api = case_of(service, cluster)
    plan = planned(cordon_node.plan(case, FACTS, api))
    assert {pod.workload for pod in plan.parameters.pods} == {"deployment/payment-gateway"}


def test_what_a_budget_protects_stays_and_what_is_not_replaced_stops_it(service: Service) -> None:
    cluster = Cluster()
    cluster.protected = {"backend-0"}
    case, api = case_of(service, cluster)
    assert "a disruption budget kept backend-0" in cordon_node.apply(
        case, planned(cordon_node.plan(case, FACTS, api)), api)
    cluster = Cluster()
    cluster.well_again = False
    case, api = case_of(service, cluster, seconds=6.2)
    assert "were left there" in cordon_node.apply(case, planned(cordon_node.plan(case, FACTS, api)), api)
    assert cluster.done == ["node-a closed", "backend-0"]


def test_a_node_that_somebody_closes_meanwhile_is_left_to_them(service: Service) -> None:
    cluster = Cluster()
    case, api = case_of(service, cluster)
    plan = planned(cordon_node.plan(case, FACTS, api))
    closed(cluster, "node-a")
    with pytest.raises(ActionFailed, match="by somebody else"):
        cordon_node.apply(case, plan, api)
    assert cluster.done == []


def test_one_ready_pod_that_fails_is_restarted_and_only_where_another_is_ready(service: Service) -> None:
    cluster = Cluster()
    case, api = case_of(service, cluster)
    plan = planned(restart_pods.plan(case, restart_pods.Facts(("payment-gateway-2",)), api))
    assert plan.before.pods == ("payment-gateway-2",) and plan.parameters.close == ()
    restart_pods.apply(case, plan, api)
    assert cluster.done == ["payment-gateway-2"]
    cluster = Cluster()
    cluster.pods = {"payment-gateway-2": ("payment-gateway", "node-b")}
    case, api = case_of(service, cluster)
    assert "no other pod is ready" in refusal(restart_pods.plan(case, restart_pods.Facts(("payment-gateway-2",)), api))
    # One that has gone meanwhile is not looked for: then all are ready.
    assert "are ready" in refusal(restart_pods.plan(case, restart_pods.Facts(("payment-gateway-9",)), api))
