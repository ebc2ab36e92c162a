"""The rights in a cluster, rendered for a service and a deployment: nothing of another service's is left in them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import yaml

from responder.model.service import MethodSwitch, Payments, Provider, ProviderSwitch, Service, Switch
from responder.sources.kubernetes import READERS
from stacks.deployment import Settings
from stacks.rbac import group_of, rendered
from tests.conftest import ROOT


def shop(service: Service) -> Service:
    return replace(service, service="shop", cluster=replace(service.cluster, namespace="shop"), guardrails=replace(
        service.guardrails, maximum_replicas=7), providers=(Provider('a"b'), Provider("other")),
        provider_switch=ProviderSwitch(config_map="shop-config", key="WHICH"),
        payments=Payments("shop", hide=MethodSwitch("shop-config", "HIDDEN")), switches=(
            Switch("retries", "cap_retries", "shop", ProviderSwitch("shop-config", "TRIES"), "4", ("1",)),
            Switch("door", "shed_load", "shop", ProviderSwitch("shop-config", "SHED"), "0", ("90", "50")),
            Switch("door at the back", "shed_load", "shop", ProviderSwitch("back-config", "SHED"), "no", ("yes",))))


def names(manifests: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    return {(item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]) for item in manifests}


def test_nothing_of_the_shipped_service_is_left(service: Service) -> None:
    text = json.dumps(rendered(shop(service), Settings()))
    for word in ("payments", "payment-gateway", "PROVIDER", "primary", "fallback"):
        assert f'"{word}' not in text and f"-{word}" not in text, word


def test_the_configuration_s_values_are_in_the_policies(service: Service) -> None:
    text = {item["metadata"]["name"]: item for item in rendered(shop(service), Settings())
            if item["kind"] == "ValidatingAdmissionPolicy"}
    switch = {one["name"]: one["expression"]
              for one in text["incident-responder-shop-switch-provider"]["spec"]["variables"]}
    assert (switch["name"], switch["key"], switch["providers"]) == ('"shop-config"', '"WHICH"', '["a\\"b", "other"]')
    allowed = {item["metadata"]["name"].partition("shop-")[2]: one["expression"] for item in text.values()
               for one in item["spec"].get("variables", []) if one["name"] == "allowed"}
    assert allowed == {
        "cap-retries": '{"shop-config": {"TRIES": ["4", "1"]}}',
        "shed-load": '{"shop-config": {"SHED": ["0", "90", "50"]}, "back-config": {"SHED": ["no", "yes"]}}'}
    for name in ("scale-up", "scale-up-autoscaler", "scale-up-scaledobject"):
        assert {"name": "most", "expression": "7"} in text[f"incident-responder-shop-{name}"]["spec"]["variables"]


def test_services_and_deployments_share_a_cluster_without_a_common_name(service: Service) -> None:
    stage = Settings(prefix="stage")
    found = [names(rendered(one, settings)) for one in (service, shop(service)) for settings in (Settings(), stage)]
    for place, mine in enumerate(found):
        for others in found[place + 1:]:
            assert not mine & others


def test_a_policy_looks_at_its_service_s_namespace_and_is_bound_to_itself(service: Service) -> None:
    manifests = rendered(shop(service), Settings())
    bindings = [item for item in manifests if item["kind"] == "ValidatingAdmissionPolicyBinding"]
    assert {item["spec"]["policyName"] for item in bindings} == {
        item["metadata"]["name"] for item in manifests if item["kind"] == "ValidatingAdmissionPolicy"}
    for item in bindings:
        assert item["spec"]["matchResources"]["namespaceSelector"]["matchLabels"] == {
            "kubernetes.io/metadata.name": "shop"}
        assert item["spec"]["validationActions"] == ["Deny"]
    roles = {(item["kind"], item["metadata"]["name"]) for item in manifests if "rules" in item}
    assert {(item["roleRef"]["kind"], item["roleRef"]["name"]) for item in manifests if "roleRef" in item} == roles


def test_a_service_of_several_namespaces_has_its_rights_in_each(service: Service) -> None:
    first, *others = service.components
    spread = replace(service, components=(replace(first, namespace="shop"), *others))
    manifests = rendered(spread, Settings())
    once = names(rendered(service, Settings()))
    assert names(manifests) == once | {(kind, "shop", name) for kind, namespace, name in once
                                        if namespace not in (None, "", "kube-system")}
    selectors = [item["spec"]["matchResources"]["namespaceSelector"]["matchExpressions"][0] for item in manifests
                 if item["kind"] == "ValidatingAdmissionPolicyBinding"]
    assert all(selector["values"] == ["payments", "shop"] for selector in selectors)


def test_groups_carry_the_deployment_s_prefix_and_rights_do_not_change(service: Service) -> None:
    assert group_of(Settings(), READERS) == READERS
    assert group_of(Settings(prefix="stage"), READERS) == "stage:readers"
    manifests = rendered(service, Settings(prefix="stage"))
    assert "incident-responder:" not in json.dumps(manifests)
    # A mark on an object is the code's own word, whatever the deployment is called.
    assert '"incident-responder/rollback' in json.dumps(manifests).replace("\\", "")
    files = [item for name in ("rbac.yaml", "admission.yaml")
             for item in yaml.safe_load_all((ROOT / "kubernetes" / name).read_text())]
    assert [item.get("rules") for item in manifests] == [item.get("rules") for item in files]


def test_a_service_that_switches_elsewhere_gets_no_right_to_a_config_map(service: Service) -> None:
    manifests = rendered(replace(service, provider_switch=ProviderSwitch(ssm_parameter="/provider")), Settings())
    assert not [item for item in manifests if "switch-provider" in item["metadata"]["name"]]


def test_a_service_without_switches_gets_no_rights_to_turn_any(service: Service) -> None:
    text = json.dumps(rendered(replace(service, switches=()), Settings()))
    assert not any(name in text for name in ("cap-retries", "shed-load", "fail-open"))
