"""Pods that hang: told from unfit ones by their past, restarted in turns, taken down together as the last resort."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from responder.actions import ActionFailed, RemediationContext, cycle_deployment, restart_pods
from responder.clients.http import Http
from responder.clients.kubernetes import Kubernetes
from responder.model.evidence import Evidence, Finding, Window
from responder.model.service import Service
from responder.plan.diagnose import Hypothesis
from responder.plan.remedies import Facts, propose
from responder.plan.weights import shipped
from responder.sources.kubernetes.objects import Pod
from tests.diagnosis import judged
from tests.findings import observed
from tests.remedies import asked, planned, refusal

pytestmark = pytest.mark.usefixtures("changes_pass")

LABELS = {"app": "payment-gateway"}


class Cluster:
    """Four pods of one Deployment, of which the first ``hung`` are not ready; whoever takes their place is."""

    def __init__(self, hung: int = 3, well_again: bool = True) -> None:
        self.replicas, self.well_again, self.born = 4, well_again, 0
        self.pods: dict[str, bool] = {}
        for n in range(4):
            self._bear(n >= hung)
        self.written: list[str] = []
        self.annotations: dict[str, str] = {}
        self.lingers: dict[str, int] = {}
        """Pods that were told to go, to how many looks they are still there."""

    def _bear(self, ready: bool) -> None:
        self.pods[f"p{self.born}"] = ready
        self.born += 1

    def _items(self) -> list[dict[str, Any]]:
        return [{"metadata": {"name": name, "uid": f"u-{name}", "labels": LABELS, "ownerReferences": [
                    {"kind": "ReplicaSet", "name": "rs", "controller": True}],
                    **({"deletionTimestamp": "2026-11-25T00:00:00Z"} if name in self.lingers else {})},
                 "spec": {"nodeName": "node-a"},
                 "status": {"conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}}
                for name, ready in self.pods.items()]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.endswith("/eviction"):
            name = path.split("/")[-2]
            self.written.append(name)
            del self.pods[name]
            self._bear(self.well_again)
            return httpx.Response(201, json={})
        if path.endswith("/deployments/payment-gateway"):
            if request.method == "PATCH":
                patch = json.loads(request.content)
                self.replicas = patch["spec"]["replicas"]
                self.annotations |= patch["metadata"]["annotations"]
                self.written.append(f"{self.replicas}, beside {len(self.pods)}")
                if not self.replicas:
                    self.lingers = dict.fromkeys(self.pods, 2)
            return httpx.Response(200, json={
                "metadata": {"name": "payment-gateway", "annotations": self.annotations},
                "spec": {"replicas": self.replicas, "selector": {"matchLabels": LABELS}},
                "status": {"readyReplicas": sum(self.pods.values())}})
        items: list[Any] = []
        if path.endswith("/nodes"):
            items = [{"metadata": {"name": "node-a"}, "spec": {}, "status": {"conditions": [
                {"type": "Ready", "status": "True"}]}}]
        elif path.endswith("/replicasets"):
            items = [{"metadata": {"name": "rs", "ownerReferences": [
                {"kind": "Deployment", "name": "payment-gateway", "controller": True}]}}]
        elif path.endswith("/pods"):
            items = self._items()
            for name in list(self.lingers):
                self.lingers[name] -= 1
                if self.lingers[name] < 0:
                    del self.lingers[name], self.pods[name]
        return httpx.Response(200, json={"items": items})


def case_of(service: Service, cluster: Cluster, seconds: float = 30) -> tuple[RemediationContext, Kubernetes]:
    case = asked(service, "stuck_pods", seconds=seconds)
    return case, Kubernetes(Http(case.deadline, transport=httpx.MockTransport(cluster)), "https://k8s")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restart_pods, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(cycle_deployment, "_LOOK_SECONDS", 0.01)


def test_all_that_hang_are_restarted_and_never_more_than_half_at_once(service: Service) -> None:
    cluster = Cluster(hung=3)
    case, api = case_of(service, cluster)
    plan = planned(restart_pods.plan(case, restart_pods.Facts(), api))
    assert "restart 3 of 4 pods" in plan.summary and "2 at a time" in plan.summary
    restart_pods.apply(case, plan, api)
    assert cluster.written == ["p0", "p1", "p2"]
    assert all(cluster.pods.values())


def test_the_rest_is_not_restarted_when_the_first_pods_do_not_recover(service: Service) -> None:
    cluster = Cluster(hung=4, well_again=False)
    case, api = case_of(service, cluster, seconds=6.3)
    told = restart_pods.apply(case, planned(restart_pods.plan(case, restart_pods.Facts(), api)), api)
    assert cluster.written == ["p0", "p1"]
    assert "2 of them were left alone" in told


def test_a_repeat_goes_on_where_it_died(service: Service) -> None:
    cluster = Cluster(hung=3)
    case, api = case_of(service, cluster)
    plan = planned(restart_pods.plan(case, restart_pods.Facts(), api))
    for name in ("p0", "p1"):
        del cluster.pods[name]
        cluster._bear(True)
    gone, answer = {"p0", "p1"}, cluster.__call__

    def without(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/eviction") and request.url.path.split("/")[-2] in gone:
            return httpx.Response(404, json={"reason": "NotFound", "message": "no"})
        return answer(request)

    restart_pods.apply(case, plan, Kubernetes(Http(case.deadline, transport=httpx.MockTransport(without)),
                                              "https://k8s"))
    assert cluster.written == ["p2"]


def test_down_and_up_waits_until_the_last_pod_is_gone(service: Service) -> None:
    cluster = Cluster(hung=4)
    case, api = case_of(service, cluster)
    plan = planned(cycle_deployment.plan(case, Facts(), api))
    cycle_deployment.apply(case, plan, api)
    assert cluster.written == ["0, beside 4", "4, beside 0"]
    # A repeat sees to it that it is up, and takes nothing down again.
    cycle_deployment.apply(case, plan, api)
    assert cluster.written[2:] == ["4, beside 0"]


def test_the_deployment_is_scaled_up_again_though_one_pod_does_not_end(service: Service) -> None:
    cluster = Cluster(hung=4)
    case, api = case_of(service, cluster, seconds=8.2)
    plan = planned(cycle_deployment.plan(case, Facts(), api))
    stays = cluster.__call__

    def staying(request: httpx.Request) -> httpx.Response:
        cluster.lingers = dict.fromkeys(cluster.lingers, 99)
        return stays(request)

    cycle_deployment.apply(case, plan, Kubernetes(Http(case.deadline, transport=httpx.MockTransport(staying)),
                                                  "https://k8s"))
    assert cluster.written == ["0, beside 4", "4, beside 4"]


def test_nothing_is_taken_down_while_a_pod_serves(service: Service) -> None:
    cluster = Cluster(hung=4)
    case, api = case_of(service, cluster)
    plan = planned(cycle_deployment.plan(case, Facts(), api))
    cluster.pods["p0"] = True
    assert "serve" in refusal(cycle_deployment.plan(case, Facts(), api))
    with pytest.raises(ActionFailed, match="serve by now"):
        cycle_deployment.apply(case, plan, api)
    assert cluster.written == []


def pod(ready: str, since: str, started: str | None) -> dict[str, Any]:
    state = {"running": {"startedAt": started}} if started else {"waiting": {"reason": "CrashLoopBackOff"}}
    return {"metadata": {"name": "p"}, "spec": {}, "status": {
        "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": since}],
        "containerStatuses": [{"name": "c", "state": state}]}}


@pytest.mark.parametrize(("ready", "since", "started", "fell"), [
    ("False", "2026-11-25T08:00:00Z", "2026-11-25T06:00:00Z", True),
    ("False", "2026-11-25T05:59:58Z", "2026-11-25T06:00:00Z", False),  # it has never been ready
    ("False", "2026-11-25T06:00:01Z", "2026-11-25T06:00:00Z", False),  # times are known to a second
    ("False", "2026-11-25T08:00:00Z", "2026-11-25T08:00:20Z", False),  # its container ended and was started again
    ("False", "2026-11-25T08:00:00Z", None, False),
    ("True", "2026-11-25T08:00:00Z", "2026-11-25T06:00:00Z", False)])
def test_a_pod_fell_that_was_ready_since_it_started(ready: str, since: str, started: str | None, fell: bool) -> None:
    assert Pod.of(pod(ready, since, started)).fell is fell


NOW = 1_800_000_000.0
WINDOW = Window(NOW - 180, NOW)


def hanging(fell: int, ready: int = 0) -> list[Finding[Any]]:
    callers = observed("newrelic", "calls", component="backend", window=WINDOW, detail={"callees": {
        "payment-gateway": {"requests": 1200, "errors": 1200, "baseline_requests": 144000, "baseline_errors": 500,
                            "kinds": {"connect to payment-gateway:80: connection refused": 1200}}}})
    pods = observed("kubernetes", "pods", component="payment-gateway", window=WINDOW, detail={
        "wanted": 4, "ready": ready, "probing": 4 - ready, "fell": fell})
    nodes = observed("kubernetes", "nodes", window=WINDOW, value=1.0,
                    detail={"names": ["node-a"], "not_ready": [], "unschedulable": []})
    ledger = observed("changes", "changes", window=WINDOW, value=0.0, detail={"changes": []})
    return [callers, pods, nodes, ledger]


def test_pods_that_served_for_hours_and_hang_are_the_cluster_s_affair(service: Service) -> None:
    told = judged(service, Evidence(hanging(fell=4)).every)
    assert (told.cause, told.mechanism) == ("cluster_failure", "stuck_pods")
    assert judged(service, Evidence(hanging(fell=0)).every).mechanism != "stuck_pods"


@pytest.mark.parametrize(("tried", "ready", "actions"), [
    ((), 0, ["restart_pods"]), ((("restart_pods", "payment-gateway"),), 0, ["cycle_deployment"]),
    ((("restart_pods", "payment-gateway"),), 1, []), ((("restart_pods", "backend"),), 0, ["restart_pods"])])
def test_down_and_up_is_the_last_resort(service: Service, tried: Any, ready: int, actions: list[str]) -> None:
    findings = hanging(fell=4 - ready, ready=ready)
    hypothesis = Hypothesis("cluster_failure", "stuck_pods", "payment-gateway", "reach", 0.9, 2.0, (), (),
                            ("kubernetes", "newrelic"))
    diagnosis = replace(judged(service, Evidence(findings).every), named=(hypothesis,))
    found = propose(service, diagnosis, None, Evidence(findings), shipped(), tried).proposed
    assert [p.action for p in found] == actions
