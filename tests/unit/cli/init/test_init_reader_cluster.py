"""The cluster's reader, against lists as the Kubernetes API reference shows them ("Deployment v1", "API Concepts")."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from cli.init.readers.cluster import of
from tests.unit.cli.init.stubs import known, kube

GROUPS = {"kind": "APIGroupList", "groups": [
    {"name": name, "preferredVersion": {"groupVersion": f"{name}/{version}", "version": version}, "versions": []}
    for name, version in (("apps", "v1"), ("argoproj.io", "v1alpha1"), ("elbv2.k8s.aws", "v1beta1"),
                          ("networking.istio.io", "v1"), ("autoscaling", "v2"), ("karpenter.sh", "v1"),
                          ("external-secrets.io", "v1"))]}


def made(name: str, env: list[dict[str, Any]] | None = None, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"app": name}}, "spec": {"template": {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": name, "env": env or []}, {"name": "istio-proxy"}], **spec}}}}


def listed(*items: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": list(items)}


def answers(**more: Any) -> dict[str, Any]:
    namespaced = {
        "/apis/apps/v1/namespaces/payments/deployments": listed(made("payment-gateway", [
            {"name": "DB_HOST", "value": "payments-db"}, {"name": "DB_USER", "value": "payments"},
            {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
            {"name": "API_TOKEN_URL", "value": "https://user:hunter2@secret.example"},
            {"name": "FRAUD_URL", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "fraud"}}}],
            volumes=[{"name": "config", "configMap": {"name": "gateway-config"}}])),
        "/apis/apps/v1/namespaces/payments/statefulsets": listed(made("ledger")),
        "/apis/apps/v1/namespaces/payments/daemonsets": listed(),
        "/api/v1/namespaces/payments/configmaps": listed(
            {"metadata": {"name": "gateway-config"}, "data": {"PROVIDER": "primary", "TIMEOUT_MS": "2000",
                                                              "API_KEY": "abc", "hosts": "url: https://api.primary.example/x"}},
            {"metadata": {"name": "settings"}, "data": {"fraud": "https://api.fraud.example"}},
            {"metadata": {"name": "nobody-reads"}, "data": {"PROVIDER": "other"}}),
        "/api/v1/namespaces/payments/services": listed(
            {"metadata": {"name": "payment-gateway"}, "spec": {"selector": {"app": "payment-gateway"}}},
            {"metadata": {"name": "payments-db"}, "spec": {
                "type": "ExternalName", "externalName": "Payments-DB.abc.us-east-1.rds.amazonaws.com"}})}
    return {"/apis": GROUPS, **namespaced, **more}


def test_workloads_with_their_hosts_and_without_their_secrets() -> None:
    api, _ = kube(answers())
    found = of(api, "payments", known())
    gateway = next(one for one in found.workloads if one.name == "payment-gateway")
    assert {address.host for address in gateway.addresses} == {
        "payments-db", "api.fraud.example", "api.primary.example"}
    assert gateway.users == ("payments",)
    assert gateway.config_maps == ("gateway-config", "settings")
    assert [one.target for one in found.workloads] == ["deployment/payment-gateway", "statefulset/ledger"]
    assert "hunter2" not in repr(found)
    assert "abc" not in [setting.value for setting in found.settings]


def test_switches_are_short_words_of_maps_that_somebody_reads() -> None:
    api, _ = kube(answers())
    assert [(one.config_map, one.key, one.value) for one in of(api, "payments", known()).settings] == [
        ("gateway-config", "PROVIDER", "primary")]


def test_long_lists_are_read_page_by_page_also_when_they_expire() -> None:
    """A list that is older than what etcd keeps goes on by the token of the answer 410 ("API Concepts")."""
    path = "/apis/apps/v1/namespaces/payments/deployments"
    pages = {f"{path}?limit=500": {**listed(made("a")), "metadata": {"continue": "next page"}},
             f"{path}?limit=500&continue=next+page": {**listed(made("b")), "metadata": {"continue": "gone"}},
             f"{path}?limit=500&continue=gone": {"kind": "Status", "code": 410, "reason": "Expired",
                                                 "metadata": {"continue": "later"}},
             f"{path}?limit=500&continue=later": listed(made("c"))}
    api, server = kube({**answers(), **pages})
    names = [item["metadata"]["name"] for item in api.items("apis/apps/v1/deployments", "payments")]
    assert names == ["a", "b", "c"]
    assert server.asked == list(pages)


def test_what_is_refused_besides_the_workloads_is_said_and_the_rest_goes_on() -> None:
    api, _ = kube(answers(**{"/api/v1/namespaces/payments/configmaps": 403,
                             "/apis/autoscaling/v2/namespaces/payments/horizontalpodautoscalers": 403}))
    given = known()
    found = of(api, "payments", given)
    assert {address.host for address in found.workloads[0].addresses} == {"payments-db"}
    assert any(one.startswith("ConfigMaps: it is forbidden (403)") for one in given.troubles)
    assert any(one.startswith("HorizontalPodAutoscalers: it is forbidden (403)") for one in given.troubles)


def test_without_the_workloads_nothing_is_concluded() -> None:
    api, _ = kube(answers(**{"/apis/apps/v1/namespaces/payments/deployments": 403}))
    with pytest.raises(ApiException):
        of(api, "payments", known())


def test_objects_of_controllers_that_are_there() -> None:
    api, _ = kube(answers(**{
        "/apis/elbv2.k8s.aws/v1beta1/namespaces/payments/targetgroupbindings": listed({
            "metadata": {"name": "k8s-shop"}, "spec": {"serviceRef": {"name": "payment-gateway", "port": 80},
                                                       "targetGroupARN": "arn:tg"}}),
        "/apis/networking.istio.io/v1/namespaces/payments/serviceentries": listed({
            "metadata": {"name": "psp"}, "spec": {"hosts": ["api.primary.example"], "location": "MESH_EXTERNAL"}}),
        "/apis/autoscaling/v2/namespaces/payments/horizontalpodautoscalers": listed({
            "metadata": {"name": "g"}, "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "payment-gateway"}}}),
        "/apis/external-secrets.io/v1/namespaces/payments/externalsecrets": listed({
            "metadata": {"name": "db"}, "spec": {"data": [
                {"secretKey": "p", "remoteRef": {"key": "payments-db/app"}}]}}),
        "/apis/argoproj.io/v1alpha1/namespaces/payments/rollouts": listed(made("payment-gateway")),
        "/apis/karpenter.sh/v1/nodepools": listed({"metadata": {"name": "default"}}),
        "/api/v1/namespaces/payments": {"metadata": {"labels": {"istio.io/rev": "stable"}}}}))
    found = of(api, "payments", known())
    assert [(route.service, route.target_group) for route in found.routes] == [("payment-gateway", "arn:tg")]
    assert (found.mesh, found.adds_nodes) == ("istio", "Karpenter's NodePools")
    assert found.outside_hosts == ("api.primary.example",)
    assert found.autoscaled == ("deployment/payment-gateway",)
    assert found.remote_secrets == ("payments-db/app",)
    # A Rollout takes the place of the Deployment that it was made from.
    assert [one.target for one in found.workloads] == ["statefulset/ledger", "rollout/payment-gateway"]
