"""Which workload runs a component, and whose pods are whose: after the API's documented objects."""

from __future__ import annotations

from dataclasses import replace

import pytest

from responder.clients.failure import CallFailed
from responder.clients.owners import WORKLOADS, Found, Ref, find, owners, pods_of, ref_of
from responder.model.service import Component
from stacks.consistency import inconsistent
from tests.conftest import shipped_service
from tests.kubernetes_api import NAMESPACE, Api, daemon_set, pod, replica_set, workload

PAY = Component("pay")


def of_pay(api: Api, component: Component = PAY) -> tuple[str, int, int]:
    """What is found for the component: its target, and how many of its pods are wanted and ready."""
    found = find(api.client(), NAMESPACE, component).workloads[component.name]
    return str(found.ref), found.wanted, found.ready


@pytest.mark.parametrize(("plural", "item", "target"), [
    ("deployments", workload("pay", 4, 3), "deployment/pay"),
    ("statefulsets", workload("pay", 4, 3), "statefulset/pay"),
    ("daemonsets", daemon_set("pay", 4, 3), "daemonset/pay"),
    ("rollouts", workload("pay", 4, 3), "rollout/pay")], ids=["deployment", "statefulset", "daemonset", "rollout"])
def test_a_workload_of_each_kind_is_found_by_its_name(plural: str, item: dict[str, object], target: str) -> None:
    assert of_pay(Api(**{plural: [item]})) == (target, 4, 3)
    assert str(ref_of(target, NAMESPACE)) == target


def test_a_rollout_stands_for_the_deployment_at_0_that_has_its_template() -> None:
    api = Api(deployments=[workload("pay", 0)], rollouts=[
        workload("pay-rollout", 3, template=None, workloadRef={"apiVersion": "apps/v1", "kind": "Deployment",
                                                               "name": "pay"})])
    assert of_pay(api) == ("rollout/pay-rollout", 3, 3)
    assert of_pay(api, Component("pay", workload="deployment/pay")) == ("rollout/pay-rollout", 3, 3)
    assert of_pay(api, Component("x", workload="rollout/pay-rollout")) == ("rollout/pay-rollout", 3, 3)
    template = find(api.client(), NAMESPACE, PAY).workloads["pay"].template
    assert template["spec"]["containers"][0]["image"] == "registry.example/app:1.0.0"


def test_a_rollout_that_may_not_be_read_is_known_by_its_replica_sets() -> None:
    deployment, sets = workload("pay", 0), replica_set("pay-rollout-5d4", ("Rollout", "pay-rollout"), **{
        "rollout.argoproj.io/desired-replicas": "5"})
    sets |= {"status": {"replicas": 5, "readyReplicas": 4}}
    sets["spec"]["template"]["metadata"] = {"labels": {"app": "pay", "rollouts-pod-template-hash": "5d4"}}
    api = Api(deployments=[deployment], replicasets=[sets])
    api.refused = {"apis/argoproj.io/v1alpha1/rollouts"}
    assert of_pay(api) == ("rollout/pay-rollout", 5, 4)


def test_a_rollout_at_0_does_not_stand_for_a_deployment_that_serves() -> None:
    api = Api(deployments=[workload("pay", 3)], rollouts=[
        workload("pay", 0, workloadRef={"apiVersion": "apps/v1", "kind": "Deployment", "name": "pay"})])
    assert of_pay(api) == ("deployment/pay", 3, 3)


def test_flaggers_primary_serves_and_a_deployment_that_is_just_called_so_does_not() -> None:
    api = Api(deployments=[workload("pay", 0), workload("pay-primary", 3, owner=("Canary", "pay"))])
    assert of_pay(api) == ("deployment/pay-primary", 3, 3)
    assert find(api.client(), NAMESPACE, PAY).workloads["pay"].controller == "canary/pay"
    assert of_pay(Api(deployments=[workload("pay", 2), workload("pay-primary", 3)])) == ("deployment/pay", 2, 2)


def test_a_label_names_a_workload_only_if_exactly_one_has_it() -> None:
    label = {"app.kubernetes.io/name": "pay"}
    api = Api(statefulsets=[workload("myrelease-pay", labels=label), workload("other")])
    assert of_pay(api)[0] == "statefulset/myrelease-pay"
    assert "label" in find(api.client(), NAMESPACE, PAY).workloads["pay"].note
    api.put("deployments", workload("myrelease-pay-worker", labels=label))
    missing = find(api.client(), NAMESPACE, PAY).missing["pay"]
    assert "statefulset/myrelease-pay" in missing and "deployment/myrelease-pay-worker" in missing
    # A name that the configuration says is not guessed at.
    assert "there is no pay-api" in find(api.client(), NAMESPACE, Component("pay", workload="pay-api")).missing["pay"]


def test_of_several_kinds_with_one_name_the_one_with_pods_is_meant_and_the_configuration_decides() -> None:
    api = Api(deployments=[workload("pay", 0)], statefulsets=[workload("pay", 2)])
    assert of_pay(api) == ("statefulset/pay", 2, 2)
    assert of_pay(api, Component("pay", workload="deployment/pay")) == ("deployment/pay", 0, 0)


def test_kinds_that_are_not_served_or_may_not_be_read_are_no_failure_but_deployments_are() -> None:
    api = Api()
    assert "may not be read" not in find(api.client(), NAMESPACE, PAY).missing["pay"]
    api.refused = {"apis/apps/v1/statefulsets", "apis/argoproj.io/v1alpha1/rollouts"}
    assert find(api.client(), NAMESPACE, PAY).missing["pay"].endswith("rollouts, statefulsets may not be read")
    api.refused = {"apis/apps/v1/deployments"}
    with pytest.raises(CallFailed):
        find(api.client(), NAMESPACE, PAY)


def test_pods_belong_to_workloads_by_their_controllers() -> None:
    api = Api(replicasets=[replica_set("pay-5d4", ("Rollout", "pay")), replica_set("pay-7f9", ("Deployment", "pay"))],
              pods=[pod("a", ("ReplicaSet", "pay-5d4")), pod("b", ("ReplicaSet", "pay-7f9")),
                    pod("c", ("StatefulSet", "pay")), pod("d", ("DaemonSet", "pay")), pod("e", ("Job", "pay"))])
    names = {kind: [item["metadata"]["name"] for item in pods_of(api.client(), Ref(kind, NAMESPACE, "pay"))]
             for kind in WORKLOADS}
    assert names == {"Rollout": ["a"], "Deployment": ["b"], "StatefulSet": ["c"], "DaemonSet": ["d"]}
    mine = owners(api.client(), NAMESPACE, [Ref("Rollout", NAMESPACE, "pay")])
    assert mine.named("ReplicaSet", "pay-5d4") == Ref("Rollout", NAMESPACE, "pay")
    assert mine.named("ReplicaSet", "pay-7f9") is None


def test_pods_that_are_over_or_leave_are_no_pods() -> None:
    owner = ("StatefulSet", "pay")
    leaving = pod("leaving", owner)
    leaving["metadata"]["deletionTimestamp"] = "2026-10-08T10:00:00Z"
    api = Api(pods=[pod("evicted", owner, ready=False, phase="Failed", reason="Evicted"),
                    pod("done", owner, ready=False, phase="Succeeded"), leaving, pod("stays", owner, ready=False)])
    assert [item["metadata"]["name"] for item in pods_of(api.client(), Ref("StatefulSet", NAMESPACE, "pay"))] == [
        "stays"]


def test_workloads_of_other_services_are_not_kept() -> None:
    api = Api(deployments=[workload(f"other-{number}") for number in range(1200)] + [workload("pay")])
    found = find(api.client(), NAMESPACE, PAY, Component("gone"))
    assert isinstance(found, Found) and found.refs == {Ref("Deployment", NAMESPACE, "pay"): "pay"}
    assert set(found.missing) == {"gone"}


@pytest.mark.parametrize(("workload", "allowed"), [
    ("", True), ("pay-api", True), ("statefulset/pay", True), ("Rollout/pay", True), ("cronjob/pay", False),
    ("statefulset/", False), ("/pay", False)])
def test_a_configured_workload_is_a_name_or_a_known_kind_and_a_name(workload: str, allowed: bool) -> None:
    service = shipped_service()
    first, *others = service.components
    changed = replace(service, components=(replace(first, workload=workload), *others))
    assert ([path for path, _, _ in inconsistent(changed)] == []) is allowed
