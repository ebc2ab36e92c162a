"""The policies for the cluster fit the remedies, RBAC and the shipped configuration."""

from __future__ import annotations

import re
from typing import Any

import yaml

from responder.actions import every
from responder.model.service import Service
from tests.conftest import ROOT

Object = dict[str, Any]
_WRITES = {"create", "update", "patch", "delete"}


def manifests(name: str) -> list[Object]:
    return list(yaml.safe_load_all((ROOT / "kubernetes" / name).read_text()))


def policies() -> list[Object]:
    return [item for item in manifests("admission.yaml") if item["kind"] == "ValidatingAdmissionPolicy"]


def group_of(policy: Object) -> str:
    [condition] = policy["spec"]["matchConditions"]
    found = re.search(r'"(incident-responder:[a-z-]+)" in request\.userInfo\.groups', condition["expression"])
    assert found and condition["expression"].startswith("has(request.userInfo.groups) &&"), condition
    return found[1]


def test_each_policy_refuses_is_bound_and_matches_one_group_alone() -> None:
    bound = {item["spec"]["policyName"]: item["spec"] for item in manifests("admission.yaml")
             if item["kind"] == "ValidatingAdmissionPolicyBinding"}
    assert set(bound) == {item["metadata"]["name"] for item in policies()}
    for item in policies():
        assert item["spec"]["failurePolicy"] == "Fail"
        name = item["metadata"]["name"]
        assert bound[name] == {"policyName": name, "validationActions": ["Deny"]}
        # A conflict (409) or an invalid object (422) would be tried again.
        assert all(check["reason"] == "Forbidden" for check in item["spec"]["validations"])
    assert {group_of(item) for item in policies()} == {
        action.kubernetes_group for action in every() if action.kubernetes_group}


def test_whatever_rbac_lets_a_group_write_a_policy_looks_at() -> None:
    roles = {(item["kind"], item["metadata"]["name"]): item for item in manifests("rbac.yaml") if "rules" in item}
    looked_at = {(group_of(item), api, resource, operation)
                 for item in policies() for rule in item["spec"]["matchConstraints"]["resourceRules"]
                 for api in rule["apiGroups"] for resource in rule["resources"] for operation in rule["operations"]}
    for binding in manifests("rbac.yaml"):
        if "roleRef" not in binding:
            continue
        role = roles[binding["roleRef"]["kind"], binding["roleRef"]["name"]]
        for group in (subject["name"] for subject in binding["subjects"]):
            for rule in role["rules"]:
                for verb in _WRITES & set(rule["verbs"]):
                    operation = {"patch": "UPDATE", "update": "UPDATE"}.get(verb, verb.upper())
                    for resource in rule["resources"]:
                        assert (group, rule["apiGroups"][0], resource, operation) in looked_at, (group, resource, verb)


def test_no_group_reads_pods_outside_of_its_namespace() -> None:
    for item in manifests("rbac.yaml"):
        if item["kind"] == "ClusterRole":
            assert all(set(rule["resources"]) <= {"nodes", "persistentvolumes", "storageclasses"}
                       for rule in item["rules"]), item
        if item["metadata"].get("namespace") == "kube-system" and "rules" in item:
            assert not any({"pods", "secrets", "configmaps"} & set(rule["resources"]) for rule in item["rules"]), item


def test_the_policies_agree_with_the_configuration(service: Service) -> None:
    def variable(policy: str, name: str) -> str:
        [found] = [item for item in policies() if item["metadata"]["name"] == f"incident-responder-{policy}"]
        return next(str(item["expression"]) for item in found["spec"]["variables"] if item["name"] == name)

    switch = service.provider_switch
    assert switch is not None
    assert variable("switch-provider", "name") == f'"{switch.config_map}"'
    assert variable("switch-provider", "key") == f'"{switch.key}"'
    assert yaml.safe_load(variable("switch-provider", "providers")) == [item.name for item in service.providers]
    hide = service.payments.hide if service.payments else None
    assert hide is not None
    assert variable("hide-payment-method", "name") == f'"{hide.config_map}"'
    assert variable("hide-payment-method", "key") == f'"{hide.key}"'
    for purpose in ("cap_retries", "shed_load", "fail_open"):
        found = {one.place.config_map: {one.place.key: [one.usual, *one.values]} for one in service.switches
                 if one.purpose == purpose}
        assert yaml.safe_load(variable(purpose.replace("_", "-"), "allowed")) == found
    for policy in ("scale-up", "scale-up-autoscaler", "scale-up-scaledobject"):
        assert int(variable(policy, "most")) == service.guardrails.maximum_replicas
    [role] = [item for item in manifests("rbac.yaml")
              if item["metadata"]["name"] == "incident-responder-switch-provider" and "rules" in item]
    assert role["rules"][0]["resourceNames"] == [switch.config_map]
