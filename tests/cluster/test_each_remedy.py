"""Every remedy that changes the cluster, carried out under RBAC and the policies in the name of its own group."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import yaml

from responder.actions import (
    AnyAction,
    AnyPlan,
    cap_retries,
    cordon_node,
    every,
    fail_open,
    find,
    hide_payment_method,
    restart_pods,
    restore_configuration,
    rollback,
    scale_up,
    shed_load,
    switch_provider,
)
from responder.clients import kubernetes
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.change import Change, FieldChange
from responder.model.service import Service
from responder.plan import switches
from responder.plan.remedies import Facts
from responder.plan.remedies import cordon_node as cordoning
from responder.plan.remedies import hide_payment_method as hiding
from responder.plan.remedies import restore_configuration as configuration
from responder.plan.remedies import restore_database as database
from responder.plan.remedies import rollback as rollback_rule
from responder.plan.remedies import scale_up as scaling
from responder.plan.remedies import switch_provider as switching
from responder.sources.kubernetes import READERS
from sandbox.iam import rbac
from sandbox.places import NAMESPACE
from sandbox.platform.objects import image
from tests.cluster.conftest import DEPLOYMENTS, Api, Object
from tests.conftest import ROOT
from tests.remedies import asked, planned

pytestmark = pytest.mark.usefixtures("changes_pass")

GATEWAY = f"{DEPLOYMENTS}/payment-gateway"
CORE = f"/api/v1/namespaces/{NAMESPACE}"
SCALERS = f"/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers"
CONFIG = f"{CORE}/configmaps/payment-gateway-config"


UNUSED: dict[tuple[str, str], str] = {
    ("restart-pods", "pods"): (
        "a pod whose disruption budget refuses its eviction is deleted, if it is not ready when it is looked at again; "
        "tests/unit/remedies has that way"),
    ("cordon-node", "*"): (
        "the pods on the node that it moves are read as those of restart-pods are, by the same code"),
    ("restore-configuration", "*"): (
        "of its kinds the tests here change some; what is changed is one piece of code for all of them"),
}
"""Group and resource of a right that no test here uses, and why the group has it all the same."""


class Remedy:
    """One remedy, asking in the name of its group."""

    def __init__(self, action: AnyAction, api: Api, service: Service, number: int, facts: Facts | None = None,
                 mechanism: str = "") -> None:
        self.action, self._api, self._facts = action, api, facts or Facts()
        self.case = asked(service, mechanism, number=number, incident="incident", seconds=60)

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> Any:
            client = self._api.as_group(self.action.kubernetes_group.split(":")[1])
            while True:
                try:
                    return getattr(self.action, name)(self.case, *arguments, client)
                except CallFailed as failed:  # a controller wrote at the same moment: the step is tried again
                    if "at the same moment" not in failed.note or time.monotonic() > self.case.deadline:
                        raise

        return call

    def planned(self) -> AnyPlan:
        return planned(self.plan(self._facts))


@pytest.fixture
def settled(api: Api) -> Iterator[None]:
    """The platform as it was made, before and after."""
    yield
    api.cluster.patch("Deployment", "payment-gateway", {"spec": {"replicas": 4}})


def spec(api: Api, path: str = GATEWAY) -> Object:
    found: Object = api.get(path)["spec"]
    return found


def test_every_remedy_with_a_group_is_tested_here() -> None:
    assert {action.name for action in every() if action.kubernetes_group} == {
        "rollback", "cordon_node", "cycle_deployment", "restart_pods", "restore_configuration", "restore_database",
        "scale_up", "switch_provider", "cap_retries", "shed_load", "fail_open", "hide_payment_method"}


def test_rollback(api: Api, service: Service, settled: None) -> None:
    first = api.until(lambda: api.get(GATEWAY)["metadata"].get("annotations", {}).get(
        "deployment.kubernetes.io/revision"))
    before = spec(api)["template"]
    # A release as bad as they come: another command, an init container, the lowest priority, another strategy of DNS.
    api.cluster.patch("Deployment", "payment-gateway", {"spec": {"template": {"spec": {
        "dnsPolicy": "Default", "nodeSelector": {"pool": "none"},
        "initContainers": [{"name": "wait", "image": "registry.example/tools:1.2.0", "command": ["sleep", "infinity"]}],
        "containers": [{"name": "payment-gateway", "image": image("payment-gateway", "1.1.0"),
                        "command": ["/opt/gatewayd"], "env": [{"name": "DB_HOST", "value": "nowhere"}]}]}}}})
    api.until(lambda: api.get(GATEWAY)["metadata"]["annotations"]["deployment.kubernetes.io/revision"] != first)
    remedy = Remedy(rollback.ACTION, api, service, 1, rollback_rule.Facts(healthy_before=True))
    plan = remedy.planned()
    assert "roll deployment/payment-gateway back" in remedy.apply(plan)
    assert spec(api)["template"] == before
    assert "done before" in remedy.apply(plan)


def test_scale_up_and_back(api: Api, service: Service, settled: None) -> None:
    remedy = Remedy(scale_up.ACTION, api, service, 2, scaling.Facts(120.0, 20.0))
    plan = remedy.planned()
    remedy.apply(plan)
    assert spec(api)["replicas"] == 8
    remedy.revert(plan)
    assert spec(api)["replicas"] == 4


def test_scale_up_by_the_autoscaler_and_back(api: Api, service: Service, settled: None) -> None:
    api.cluster.apply({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
                       "metadata": {"name": "gateway", "namespace": NAMESPACE}, "spec": {
                           "minReplicas": 4, "maxReplicas": 5, "scaleTargetRef": {
                               "apiVersion": "apps/v1", "kind": "Deployment", "name": "payment-gateway"}}})
    try:
        remedy = Remedy(scale_up.ACTION, api, service, 3, scaling.Facts(120.0, 20.0))
        plan = remedy.planned()
        remedy.apply(plan)
        assert (spec(api, f"{SCALERS}/gateway")["minReplicas"], spec(api, f"{SCALERS}/gateway")["maxReplicas"]) == (
            8, 8)
        remedy.revert(plan)
        assert spec(api, f"{SCALERS}/gateway")["maxReplicas"] == 5
    finally:
        api.cluster.delete_now(f"{SCALERS}/gateway")


def test_cycle_deployment(api: Api, service: Service, settled: None) -> None:
    remedy = Remedy(find("cycle_deployment"), api, service, 4)
    plan = remedy.planned()
    generation = api.get(GATEWAY)["metadata"]["generation"]
    remedy.apply(plan)
    assert spec(api)["replicas"] == 4
    assert api.get(GATEWAY)["metadata"]["generation"] == generation + 2


def test_restore_database_restarts_the_workload_that_holds_the_connections(api: Api, service: Service) -> None:
    remedy = Remedy(find("restore_database"), api, service, 5, database.Facts("ledger-export"),
                    "connections_exhausted")
    plan = remedy.planned()
    remedy.apply(plan)
    template = spec(api, f"{DEPLOYMENTS}/ledger-export")["template"]
    assert "kubectl.kubernetes.io/restartedAt" in template["metadata"]["annotations"]
    assert "done before" in remedy.apply(plan)


def test_switch_provider_and_back(api: Api, service: Service) -> None:
    fit = replace(service, providers=tuple(replace(item, health_url="") for item in service.providers))
    remedy = Remedy(switch_provider.ACTION, api, fit, 6, switching.Facts("primary"))
    plan = remedy.planned()
    remedy.apply(plan)
    assert api.get(CONFIG)["data"]["PROVIDER"] == "fallback"
    remedy.revert(plan)
    assert api.get(CONFIG)["data"]["PROVIDER"] == "primary"


def test_hide_payment_method_and_show_it_again(api: Api, service: Service) -> None:
    facts = hiding.Facts("wallet", ("newrelic", "splunk"), ("card", "invoice"), "card")
    remedy = Remedy(hide_payment_method.ACTION, api, service, 7, facts)
    plan = remedy.planned()
    remedy.apply(plan)
    assert api.get(CONFIG)["data"]["HIDDEN_METHODS"] == "wallet"
    remedy.revert(plan)
    assert api.get(CONFIG)["data"]["HIDDEN_METHODS"] == ""


@pytest.mark.parametrize(("action", "switch", "key", "before"), [
    (cap_retries.ACTION, "retry cap", "MAX_ATTEMPTS", "3"), (shed_load.ACTION, "load shedding", "SHED_PERCENT", "0"),
    (fail_open.ACTION, "fraud check", "FRAUD_CHECK_MODE", "required")])
def test_a_switch_is_turned_and_turned_back(api: Api, service: Service, action: AnyAction, switch: str, key: str,
                                            before: str) -> None:
    quick = replace(service, switches=tuple(replace(item, step_seconds=0.1) for item in service.switches))
    remedy = Remedy(action, api, quick, 7, switches.Facts(switch))
    plan = remedy.planned()
    remedy.apply(plan)
    turned = before if action is shed_load.ACTION else plan.parameters.values[0]
    assert api.get(CONFIG)["data"][key] == turned
    remedy.revert(plan)
    assert api.get(CONFIG)["data"][key] == before


def bind(api: Api, node: str, count: int) -> list[str]:
    """Bind some of the gateway's pods that wait for a node to one, as a scheduler does (there is none here).

    Returns their names.
    """
    def waiting() -> list[str]:
        found = [item["metadata"]["name"] for item in api.get(f"{CORE}/pods")["items"]
                 if item["metadata"].get("labels", {}).get("app") == "payment-gateway"
                 and "deletionTimestamp" not in item["metadata"] and not item["spec"].get("nodeName")]
        return found if len(found) >= count else []

    names: list[str] = api.until(waiting)[:count]
    for name in names:
        assert api.ask("", "POST", f"{CORE}/pods/{name}/binding", {
            "apiVersion": "v1", "kind": "Binding", "metadata": {"name": name},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node}}, really=True).status == 201
    return names


def test_restart_pods_closes_a_dead_node_and_opens_it_again(api: Api, service: Service, settled: None) -> None:
    bind(api, "node-c", 2)
    node = "/api/v1/nodes/node-c"
    api.cluster.patch_status("/api/v1/nodes/node-b", {"conditions": [{"type": "Ready", "status": "True"}]})
    api.cluster.patch_status(node, {"conditions": [{"type": "Ready", "status": "Unknown"}]})
    remedy = Remedy(restart_pods.ACTION, api, service, 7, restart_pods.Facts())
    plan = remedy.planned()
    assert plan.parameters.close == ("node-c",) and len(plan.parameters.pods) == 2
    remedy.apply(plan)
    assert spec(api, node)["unschedulable"] is True
    gone = {name for name, _ in plan.parameters.pods}
    api.until(lambda: not [item for item in api.get(f"{CORE}/pods")["items"] if item["metadata"]["name"] in gone
                           and "deletionTimestamp" not in item["metadata"]])
    assert "node-c is open" in remedy.revert(plan)
    assert not spec(api, node).get("unschedulable")


def test_cordon_node_moves_pods_off_and_opens_it_again(api: Api, service: Service, settled: None) -> None:
    node = "/api/v1/nodes/node-b"
    for name in ("node-b", "node-c"):
        api.cluster.patch_status(f"/api/v1/nodes/{name}", {"conditions": [{"type": "Ready", "status": "True"}]})
    bind(api, "node-b", 1)
    serving, = bind(api, "node-c", 1)
    api.cluster.patch_status(f"{CORE}/pods/{serving}", {"phase": "Running", "conditions": [
        {"type": "Ready", "status": "True"}]})
    remedy = Remedy(cordon_node.ACTION, api, service, 16, cordoning.Facts("node-b", components=("payment-gateway",)))
    plan = remedy.planned()
    remedy.apply(plan)
    assert spec(api, node)["unschedulable"] is True
    assert "open to pods again" in remedy.revert(plan)
    assert not spec(api, node).get("unschedulable")


@pytest.mark.parametrize(("kind", "path", "key", "after", "field"), [
    ("ConfigMap", CONFIG, "payment-gateway-config", {"data": {"CURRENCY": "EURO"}}, ["data", "CURRENCY"]),
    ("ResourceQuota", f"{CORE}/resourcequotas/team", "team", {"spec": {"hard": {"pods": "5"}}}, ["hard", "pods"]),
    ("Deployment", f"{DEPLOYMENTS}/backend", "backend", {"spec": {"replicas": 0}}, ["replicas"])])
def test_restore_configuration_and_back(api: Api, service: Service, kind: str, path: str, key: str, after: Object,
                                        field: list[str]) -> None:
    def now() -> Any:
        found: Any = api.get(path)
        for part in field if kind == "ConfigMap" else ["spec", *field]:
            found = found[part]
        return found

    before = now()
    api.cluster.patch(kind, key, after)
    changed = now()
    remedy = Remedy(restore_configuration.ACTION, api, service, 8, configuration.Facts((Change(
        kind, key, "changed", 1.0, 1.0, "kubectl", (FieldChange(tuple(field), before, changed),), NAMESPACE),)))
    plan = remedy.planned()
    remedy.apply(plan)
    assert now() == before
    remedy.revert(plan)
    assert now() == changed
    remedy.apply(plan)
    assert now() == before


def test_restore_configuration_deletes_a_created_object_and_recreates_it(api: Api, service: Service) -> None:
    path = f"/apis/networking.k8s.io/v1/namespaces/{NAMESPACE}/networkpolicies/lock"
    body = {"podSelector": {"matchLabels": {"app": "payment-gateway"}}, "policyTypes": ["Egress"]}
    api.cluster.apply({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                       "metadata": {"name": "lock", "namespace": NAMESPACE}, "spec": body})
    remedy = Remedy(restore_configuration.ACTION, api, service, 9, configuration.Facts((Change(
        "NetworkPolicy", "lock", "created", 1.0, 1.0, "kubectl", (), NAMESPACE),)))
    plan = remedy.planned()
    remedy.apply(plan)
    with pytest.raises(KeyError):
        api.get(path)
    remedy.revert(plan)
    assert spec(api, path)["podSelector"] == body["podSelector"]
    api.cluster.delete_now(path)


def test_a_policy_s_refusal_is_reported_and_not_retried(api: Api, service: Service) -> None:
    """The step must not take it for a conflict, which it would repeat."""
    from responder.actions import ActionFailed, writing

    group = api.as_group("rollback")
    with pytest.raises(ActionFailed, match="nothing but the template"), writing("deployment/hardened"):
        group.patch("apis/apps/v1", "deployments", NAMESPACE, "hardened", {"spec": {"replicas": 9}}, manager="t",
                    kind="application/merge-patch+json")
    with pytest.raises(kubernetes.Refused) as refused:
        group.patch("apis/apps/v1", "deployments", NAMESPACE, "hardened", {"spec": {"paused": True}}, manager="t",
                    kind="application/merge-patch+json")
    assert refused.value.code == 403


def test_scale_up_counts_the_pods_of_its_own_namespace_alone(service: Service) -> None:
    paths: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        if request.url.path.endswith("/payment-gateway"):
            return httpx.Response(200, json={"metadata": {"name": "payment-gateway", "uid": "u"}, "spec": {
                "replicas": 4, "template": {"spec": {"containers": []}}}})
        return httpx.Response(200, json={"items": []})

    case = asked(service, "more_traffic")
    scale_up.plan(case, scaling.Facts(120.0, 20.0), kubernetes.Kubernetes(
        Http(case.deadline, transport=httpx.MockTransport(answer)), "https://k"))
    assert f"{CORE}/pods" in paths and "/api/v1/pods" not in paths


def of(service: Service, workload: str) -> Service:
    """The service with another workload behind the gateway."""
    return replace(service, components=tuple(
        replace(item, workload=workload) if item.name == "payment-gateway" else item for item in service.components))


WORKLOADS = {"statefulset/kept": f"/apis/apps/v1/namespaces/{NAMESPACE}/statefulsets/kept",
             "daemonset/agent": f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets/agent",
             "rollout/canaried": f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/rollouts/canaried"}
SCALED = f"/apis/keda.sh/v1alpha1/namespaces/{NAMESPACE}/scaledobjects/kept"


def revised(api: Api, count: int) -> None:
    """A ReplicaSet for each revision of the Rollout, as its controller makes them."""
    rollout = api.get(WORKLOADS["rollout/canaried"])
    for number in range(1, count + 1):
        template = json.loads(json.dumps(rollout["spec"]["template"]))
        template["metadata"]["labels"] |= {"rollouts-pod-template-hash": f"h{number}"}
        template["spec"]["containers"][0]["image"] = f"registry.example:5000/payments/hardened:1.2.{number}"
        api.cluster.apply({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {
            "name": f"canaried-h{number}", "namespace": NAMESPACE, "annotations": {
                "rollout.argoproj.io/revision": str(number)}, "ownerReferences": [{
                    "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "canaried", "controller": True,
                    "uid": rollout["metadata"]["uid"]}]},
            "spec": {"replicas": 0, "selector": {"matchLabels": template["metadata"]["labels"]}, "template": template}})


def test_a_rollout_s_update_is_aborted_and_a_promoted_one_undone(api: Api, service: Service) -> None:
    target = "rollout/canaried"
    revised(api, 2)
    api.cluster.patch("Rollout", "canaried", {"spec": {"template": api.get(
        f"/apis/apps/v1/namespaces/{NAMESPACE}/replicasets/canaried-h2")["spec"]["template"]}})
    generation = api.get(WORKLOADS[target])["metadata"]["generation"]
    api.cluster.patch_status(WORKLOADS[target], {
        "stableRS": "h1", "currentPodHash": "h2", "observedGeneration": str(generation),
        "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-11-26T10:00:00Z"}]})
    remedy = Remedy(rollback.ACTION, api, of(service, target), 10, rollback_rule.Facts(healthy_before=True))
    plan = remedy.planned()
    assert plan.parameters.abort and plan.parameters.replica_set == "canaried-h1"
    remedy.apply(plan)
    status = api.get(WORKLOADS[target])["status"]
    assert status["abort"] is True and status["pauseConditions"] and spec(api, WORKLOADS[target])["template"]
    assert "done before" in remedy.apply(plan)
    api.cluster.patch_status(WORKLOADS[target], {"stableRS": "h2", "abort": None})
    plan = remedy.planned()
    assert not plan.parameters.abort
    remedy.apply(plan)
    template = spec(api, WORKLOADS[target])["template"]
    assert template["spec"]["containers"][0]["image"].endswith(":1.2.1")
    assert "rollouts-pod-template-hash" not in template["metadata"]["labels"]
    assert "done before" in remedy.apply(plan)


def kept(api: Api, image: str) -> list[str]:
    """The StatefulSet's pods that run an image and that nobody deletes."""
    return [item["metadata"]["name"] for item in api.get(f"{CORE}/pods")["items"]
            if item["metadata"].get("labels", {}).get("app") == "kept" and "deletionTimestamp" not in item["metadata"]
            and item["spec"]["containers"][0]["image"].endswith(image)]


@pytest.mark.parametrize("target", ["statefulset/kept", "daemonset/agent"])
def test_rollback_to_a_controller_revision(api: Api, service: Service, target: str) -> None:
    def revisions() -> int:
        return len([item for item in api.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/controllerrevisions")["items"]
                    if item["metadata"]["ownerReferences"][0]["name"] == target.partition("/")[2]])

    kind = {"statefulset/kept": "StatefulSet", "daemonset/agent": "DaemonSet"}[target]
    api.until(lambda: revisions() == 1)
    if kind == "StatefulSet":
        for name in ("kept-0", "kept-1"):
            api.until(lambda name=name: name in kept(api, ":1.2.3"))
            api.cluster.patch_status(f"{CORE}/pods/{name}", {"phase": "Running", "conditions": [
                {"type": "Ready", "status": "True"}]})
    before = spec(api, WORKLOADS[target])["template"]
    api.cluster.patch(kind, target.partition("/")[2], {"spec": {"template": {"spec": {"containers": [
        {"name": "app", "image": "registry.example:5000/payments/hardened:1.3.0"}]}}}})
    api.until(lambda: revisions() == 2)
    # Without a kubelet no pod gets ready: the one of the bad revision is what the rolling update waits for.
    broken = api.until(lambda: kept(api, ":1.3.0")) if kind == "StatefulSet" else []
    remedy = Remedy(rollback.ACTION, api, of(service, target), 11, rollback_rule.Facts(healthy_before=True))
    plan = remedy.planned()
    remedy.apply(plan)
    assert spec(api, WORKLOADS[target])["template"] == before
    if broken:
        api.until(lambda: len(kept(api, ":1.2.3")) == 2)
    assert "done before" in remedy.apply(plan)
    for name in kept(api, ":1.2.3"):
        api.cluster.patch_status(f"{CORE}/pods/{name}", {"conditions": [{"type": "Ready", "status": "False"}]})
    api.until(lambda: not api.get(WORKLOADS[target])["status"].get("readyReplicas"))


@pytest.mark.parametrize("target", ["statefulset/kept", "rollout/canaried"])
def test_scale_up_and_back_through_the_scale_subresource(api: Api, service: Service, target: str) -> None:
    remedy = Remedy(scale_up.ACTION, api, of(service, target), 12, scaling.Facts(120.0, 20.0))
    plan = remedy.planned()
    assert plan.target == target
    remedy.apply(plan)
    assert spec(api, WORKLOADS[target])["replicas"] == 8
    remedy.revert(plan)
    assert spec(api, WORKLOADS[target])["replicas"] == 2


def test_scale_up_by_keda_s_object_and_back(api: Api, service: Service) -> None:
    api.cluster.apply({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {
        "name": "keda-hpa-kept", "namespace": NAMESPACE, "ownerReferences": [{
            "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "kept", "controller": True,
            "uid": api.get(SCALED)["metadata"]["uid"]}]}, "spec": {
                "minReplicas": 2, "maxReplicas": 6, "scaleTargetRef": {
                    "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "kept"}}})
    try:
        remedy = Remedy(scale_up.ACTION, api, of(service, "statefulset/kept"), 13, scaling.Facts(120.0, 20.0))
        plan = remedy.planned()
        remedy.apply(plan)
        assert (spec(api, SCALED)["minReplicaCount"], spec(api, SCALED)["maxReplicaCount"]) == (8, 8)
        remedy.revert(plan)
        assert (spec(api, SCALED)["minReplicaCount"], spec(api, SCALED)["maxReplicaCount"]) == (2, 6)
    finally:
        api.cluster.delete_now(f"{SCALERS}/keda-hpa-kept")


@pytest.mark.parametrize("target", ["statefulset/kept", "rollout/canaried"])
def test_cycle_of_another_kind(api: Api, service: Service, target: str) -> None:
    remedy = Remedy(find("cycle_deployment"), api, of(service, target), 14)
    plan = remedy.planned()
    generation = api.get(WORKLOADS[target])["metadata"]["generation"]
    remedy.apply(plan)
    found = api.get(WORKLOADS[target])
    assert found["spec"]["replicas"] == 2 and found["metadata"]["generation"] >= generation + 2


@pytest.mark.parametrize("target", sorted(WORKLOADS))
def test_a_workload_of_another_kind_that_holds_the_connections_is_restarted(api: Api, service: Service,
                                                                           target: str) -> None:
    remedy = Remedy(find("restore_database"), api, service, 17, database.Facts(target.partition("/")[2]),
                    "connections_exhausted")
    plan = remedy.planned()
    assert plan.target == target
    remedy.apply(plan)
    found = spec(api, WORKLOADS[target])
    assert found.get("restartAt") or "kubectl.kubernetes.io/restartedAt" in found["template"]["metadata"]["annotations"]
    assert "done before" in remedy.apply(plan)


@pytest.mark.parametrize("name", ["rollback", "scale_up", "restart_pods", "cycle_deployment"])
@pytest.mark.parametrize("target", sorted(WORKLOADS))
def test_each_group_may_look_at_each_kind(api: Api, service: Service, name: str, target: str) -> None:
    facts = {"rollback": rollback_rule.Facts(), "scale_up": scaling.Facts(), "restart_pods": restart_pods.Facts()}.get(
        name)
    found = Remedy(find(name), api, of(service, target), 15, facts).plan(facts or Facts())
    assert found.target == target


def test_restart_pods_of_a_stateful_set(api: Api, service: Service) -> None:
    pod = api.until(lambda: next((item for item in api.get(f"{CORE}/pods")["items"]
                                  if item["metadata"].get("labels", {}).get("app") == "kept"
                                  and "deletionTimestamp" not in item["metadata"]), None))
    client = api.as_group("restart-pods")
    client.evict(NAMESPACE, pod["metadata"]["name"], pod["metadata"]["uid"])
    api.until(lambda: not [item for item in api.get(f"{CORE}/pods")["items"]
                           if item["metadata"]["uid"] == pod["metadata"]["uid"]
                           and "deletionTimestamp" not in item["metadata"]])


@pytest.mark.parametrize(("kind", "name", "path", "field", "after"), [
    ("StatefulSet", "kept", WORKLOADS["statefulset/kept"], "replicas", 1),
    ("Rollout", "canaried", WORKLOADS["rollout/canaried"], "replicas", 1),
    ("ScaledObject", "kept", SCALED, "maxReplicaCount", 3),
    ("DaemonSet", "agent", WORKLOADS["daemonset/agent"], "updateStrategy", {"type": "OnDelete"})])
def test_restore_configuration_of_another_kind_and_back(api: Api, service: Service, kind: str, name: str, path: str,
                                                        field: str, after: Any) -> None:
    before = spec(api, path)[field]
    api.cluster.patch(kind, name, {"spec": {field: after}} if field != "updateStrategy" else {
        "spec": {field: {"rollingUpdate": None, **after}}})
    remedy = Remedy(restore_configuration.ACTION, api, service, 16, configuration.Facts((Change(
        kind, name, "changed", 1.0, 1.0, "kubectl", (FieldChange((field,), before, spec(api, path)[field]),),
        NAMESPACE),)))
    plan = remedy.planned()
    remedy.apply(plan)
    assert spec(api, path)[field] == before
    remedy.revert(plan)
    assert spec(api, path)[field] == after
    remedy.apply(plan)


def test_no_group_has_a_right_that_its_remedy_does_not_use(api: Api, request: pytest.FixtureRequest) -> None:
    """After all others of this file: what they asked of the API server is all that the groups may."""
    here = {item.name for item in request.session.items if item.path == request.path and "api" in item.fixturenames}
    if len(here) < 13 or request.session.testsfailed:
        pytest.skip("only some of this file's tests ran")
    given = rbac.rights(yaml.safe_load_all((ROOT / "kubernetes" / "rbac.yaml").read_text()))
    unused = {(group.split(":")[1], right.resource, right.verb) for group, rights in given.items() if group != READERS
              for right in rights if not any(right.covers(asked) for asked in api.used.get(group, ()))}
    argued = {item for item in unused if (item[0], "*") in UNUSED or item[:2] in UNUSED}
    assert sorted(unused - argued) == []
    assert all(any(group == item[0] and resource in ("*", item[1]) for item in unused) for group, resource in UNUSED)
