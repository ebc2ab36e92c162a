"""A drill leaves nothing behind, of whatever kind, by the real API server and its controllers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.places import NAMESPACE
from sandbox.platform.clean import Clean, restore_nodes
from sandbox.platform.objects import nodes
from tests.cluster.conftest import Api, Object

RBAC, ADMISSION = "rbac.authorization.k8s.io/v1", "admissionregistration.k8s.io/v1"
WIDGETS = "/apis/drill.example/v1/namespaces/elsewhere/widgets"


def named(api: str, kind: str, name: str = "of-a-drill", **rest: object) -> Object:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, **rest}


def made() -> list[Object]:
    """One object of each kind that a drill might make for the whole cluster, and some in another namespace."""
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["endpoints"]}
    workload = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "image": "tools:1"}]}}
    return [
        named("scheduling.k8s.io/v1", "PriorityClass", value=7),
        named(RBAC, "ClusterRole", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]),
        named(RBAC, "ClusterRoleBinding", roleRef={"apiGroup": RBAC.split("/")[0], "kind": "ClusterRole",
                                                   "name": "of-a-drill"}),
        named(ADMISSION, "ValidatingAdmissionPolicy", spec={
            "matchConstraints": {"resourceRules": [rule]}, "validations": [{"expression": "false"}]}),
        named(ADMISSION, "ValidatingAdmissionPolicyBinding", spec={
            "policyName": "of-a-drill", "validationActions": ["Deny"]}),
        named(ADMISSION, "ValidatingWebhookConfiguration", webhooks=[{
            "name": "nobody.drill.example", "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "clientConfig": {"url": "https://127.0.0.1:1/nobody"}, "failurePolicy": "Fail",
            "rules": [{**rule, "operations": ["DELETE"], "resources": ["configmaps"]}]}]),
        named("apiextensions.k8s.io/v1", "CustomResourceDefinition", "widgets.drill.example", spec={
            "group": "drill.example", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
                "type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}),
        named("v1", "Namespace", "elsewhere"),
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "left", "namespace": "elsewhere"},
         "spec": {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": workload}},
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "left", "namespace": NAMESPACE},
         "spec": {"template": {**workload, "spec": {**workload["spec"], "restartPolicy": "Never"}}}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "left", "namespace": "default"}},
        {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-of-a-drill"}}]


@pytest.fixture
def clean(api: Api) -> Iterator[Clean]:
    found = Clean(api.cluster)
    found.take_up()
    yield found
    found.restore()


def test_the_cluster_is_as_it_was_before_the_drill(api: Api, clean: Clean) -> None:
    role = f"/apis/{RBAC}/namespaces/{NAMESPACE}/roles/incident-responder-read"
    before = api.get(role)
    for item in made():
        api.cluster.apply(item)
    api.until(lambda: api.ask("", "POST", WIDGETS, {
        "apiVersion": "drill.example/v1", "kind": "Widget",
        "metadata": {"name": "held", "finalizers": ["drill.example/nobody"]}}, really=True).status == 201)
    api.cluster.delete_now(role)
    api.cluster.merge(f"/apis/{RBAC}/clusterroles/incident-responder-read-nodes", {"rules": []})
    api.cluster.merge("/api/v1/nodes/node-a", {"metadata": {"labels": {"left": "behind"}}, "spec": {"taints": [
        {"key": "left", "effect": "NoSchedule"}]}})
    clean.restore()
    restore_nodes(api.cluster, nodes())
    for item in made():
        kind, metadata = item["kind"], item["metadata"]
        assert api.cluster.get(kind, metadata["name"], metadata.get("namespace")) is None, kind
    assert api.get(role)["rules"] == before["rules"]
    assert api.get(f"/apis/{RBAC}/clusterroles/incident-responder-read-nodes")["rules"]
    assert {item["metadata"]["name"] for item in api.cluster.items("/api/v1/namespaces")} & {"elsewhere"} == set()
    node = api.get("/api/v1/nodes/node-a")
    assert "left" not in node["metadata"]["labels"] and not [
        taint for taint in node["spec"].get("taints", []) if taint["key"] == "left"]
