"""The remedies on workloads of any kind, against an API that does what Kubernetes and Argo Rollouts document.

Sources: Kubernetes' pages "StatefulSets" (Forced rollback), "Perform a Rollback on a DaemonSet", "ControllerRevision
v1", "Pod Lifecycle"; Argo Rollouts' commands ``abort`` and ``undo``, its pages "Rollout Specification" and "Migrating";
KEDA's "ScaledObject specification"; Flagger's "How it works"; Argo CD's "Resource Tracking".
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from responder.actions import (
    ActionFailed,
    AnyAction,
    AnyPlan,
    Declined,
    RemediationContext,
    cycle_deployment,
    restart_pods,
    restore_configuration,
    rollback,
    scale_up,
)
from responder.clients.failure import CallFailed
from responder.model.change import Change, FieldChange
from responder.model.codec import decode, encode
from responder.model.service import Component, Service
from responder.plan import remedies
from responder.plan.deeds import Site
from responder.plan.remedies import OnRecord
from responder.plan.remedies import restore_configuration as configuration
from responder.plan.remedies.rollback import Facts
from responder.plan.remedies.scale_up import Facts as Load
from tests.remedies import asked, planned, refusal
from tests.workloads_api import NAMESPACE, Cluster, Object, metadata, node, pod, revisions, template, workload

pytestmark = pytest.mark.usefixtures("changes_pass")

PLURALS = {"Deployment": "deployments", "StatefulSet": "statefulsets", "DaemonSet": "daemonsets",
           "Rollout": "rollouts"}
KINDS = list(PLURALS)
ONSET = 1_800_000_000.0
HEALTHY, LOAD = Facts(healthy_versions=("1.0.0",)), Load(120.0, 20.0)


@pytest.fixture
def case(service: Service) -> RemediationContext:
    mine = replace(service, components=(Component("pay", calls=("payments-db",)),))
    return replace(asked(mine, "bad_release", "pay", onset=ONSET, seconds=12), incident="incident")


def released(kind: str, *, good: str = "1.0.0", bad: str = "1.1.0", **more: list[Object]) -> Cluster:
    """A workload whose second revision is bad."""
    sets = "replicasets" if kind in ("Deployment", "Rollout") else "controllerrevisions"
    return Cluster(**{PLURALS[kind]: [workload(kind, bad, 2)], sets: list(revisions(kind, good, bad)),
                      "nodes": [node("node-a")], "pods": [], **more})


def image(item: Object) -> str:
    found: str = item["spec"]["template"]["spec"]["containers"][0]["image"]
    return found


def kept(action: AnyAction, plan: AnyPlan) -> AnyPlan:
    """A plan as the record gives it back."""
    typed = action.remedy.on_record(plan.target, "pay", encode(plan.before), encode(plan.parameters))
    return replace(plan, before=typed.before, parameters=typed.parameters)


def broken_off(cluster: Cluster, action: AnyAction, case: RemediationContext, plan: AnyPlan, writes: int) -> None:
    """Apply a plan whose function dies after so many writes, and then once more."""
    cluster.fails_after = len(cluster.writes) + writes - 1
    with pytest.raises(CallFailed):
        action.apply(case, plan, cluster.api)
    cluster.fails_after = None
    action.apply(case, plan, cluster.api)


@pytest.mark.parametrize("kind", KINDS)
def test_a_rollback_puts_the_healthy_revision_s_template_in_place_once(kind: str, case: RemediationContext) -> None:
    cluster = released(kind)
    plan = kept(rollback.ACTION, planned(rollback.plan(case, HEALTHY, cluster.api)))
    assert (plan.target, plan.parameters.revision) == (f"{kind.lower()}/pay", 1)
    broken_off(cluster, rollback.ACTION, case, plan, 1)
    item = cluster[f"{PLURALS[kind]}/pay"]
    assert item["spec"]["template"] == template("1.0.0")
    assert item["metadata"]["annotations"][rollback.MARK] == case.mark
    assert cluster.writes == [f"PATCH {PLURALS[kind]} pay"]
    record = OnRecord(plan.target, "pay", plan.before, plan.parameters)
    assert [(field.kind, field.path) for field in rollback.REMEDY.writes(record)] == [(kind, ("template",))]


@pytest.mark.parametrize("kind", KINDS)
def test_what_somebody_changed_since_the_plan_is_left_alone(kind: str, case: RemediationContext) -> None:
    cluster = released(kind)
    plan = planned(rollback.plan(case, HEALTHY, cluster.api))
    cluster[f"{PLURALS[kind]}/pay"]["metadata"]["generation"] += 1
    with pytest.raises(ActionFailed, match="somebody else"):
        rollback.apply(case, plan, cluster.api)
    cluster[f"{PLURALS[kind]}/pay"]["metadata"]["uid"] = "another"
    with pytest.raises(ActionFailed, match="another one"):
        rollback.apply(case, plan, cluster.api)
    assert not cluster.writes


@pytest.mark.parametrize("kind", KINDS)
def test_a_kept_history_of_nothing_is_said(kind: str, case: RemediationContext) -> None:
    """``revisionHistoryLimit: 0`` leaves the current revision alone."""
    cluster = released(kind)
    for plural in ("replicasets", "controllerrevisions"):
        cluster.objects.get(plural, {}).pop("pay-h1", None)
    assert "revisionHistoryLimit" in refusal(rollback.plan(case, HEALTHY, cluster.api))


def test_a_revision_of_a_tag_and_a_digest_is_known_by_its_tag(case: RemediationContext) -> None:
    digest = "@sha256:" + "a" * 64
    cluster = released("Deployment", good=f"1.0.0{digest}", bad=f"1.1.0{digest}")
    assert planned(rollback.plan(case, HEALTHY, cluster.api)).parameters.revision == 1
    by_digest = Facts(healthy_versions=(digest[1:],))
    assert planned(rollback.plan(case, by_digest, cluster.api)).parameters.revision == 1


def test_a_stateful_set_s_broken_pods_are_deleted_and_its_good_ones_stay(case: RemediationContext) -> None:
    """A rolling update waits for a broken pod to be ready: "Forced rollback"."""
    owner = ("StatefulSet", "pay")
    cluster = released("StatefulSet", pods=[
        pod("pay-0", owner, **{"controller-revision-hash": "pay-h1"}),
        pod("pay-1", owner, ready=False, **{"controller-revision-hash": "pay-h1"}),
        pod("pay-2", owner, ready=False, **{"controller-revision-hash": "pay-h2"}),
        pod("other-0", ("StatefulSet", "other"), ready=False, **{"controller-revision-hash": "pay-h2"})])
    plan = planned(rollback.plan(case, HEALTHY, cluster.api))
    assert "deleted" in plan.summary
    broken_off(cluster, rollback.ACTION, case, plan, 1)
    assert cluster.writes == ["PATCH statefulsets pay", "DELETE pods pay-2"]
    rollback.apply(case, plan, cluster.api)
    assert len(cluster.writes) == 2


@pytest.mark.parametrize(("kind", "more", "said"), [
    ("StatefulSet", {"updateStrategy": {"type": "OnDelete"}}, "OnDelete"),
    ("DaemonSet", {"updateStrategy": {"type": "OnDelete"}}, "OnDelete"),
    ("Deployment", {"paused": True}, "paused"), ("Rollout", {"paused": True}, "paused")])
def test_a_workload_that_would_not_follow_is_refused(kind: str, more: Object, said: str,
                                                    case: RemediationContext) -> None:
    cluster = released(kind)
    cluster[f"{PLURALS[kind]}/pay"]["spec"] |= more
    assert said in refusal(rollback.plan(case, HEALTHY, cluster.api))


def updating(**status: Any) -> Cluster:
    cluster = released("Rollout")
    cluster["rollouts/pay"]["status"] |= {"stableRS": "h1", "currentPodHash": "h2", "controllerPause": True,
                                         "pauseConditions": [{"reason": "CanaryPauseStep"}], **status}
    return cluster


def test_a_rollout_s_running_update_is_aborted_and_never_promoted(case: RemediationContext) -> None:
    cluster = updating()
    plan = kept(rollback.ACTION, planned(rollback.plan(case, HEALTHY, cluster.api)))
    assert "abort" in plan.summary and plan.parameters.abort and plan.parameters.replica_set == "pay-h1"
    broken_off(cluster, rollback.ACTION, case, plan, 1)
    assert cluster["rollouts/pay"]["status"]["abort"] is True
    assert image(cluster["rollouts/pay"]) == "r/pay:1.1.0" and cluster.writes == ["PATCH rollouts/status pay"]
    record = OnRecord(plan.target, "pay", plan.before, plan.parameters)
    deed = rollback.REMEDY.deed(Site(case.service, ""), record)
    assert deed.by_hand == ("kubectl argo rollouts abort pay -n payments",)
    assert "aborted already" in refusal(rollback.plan(case, HEALTHY, cluster.api))


def test_an_update_that_is_over_is_not_aborted(case: RemediationContext) -> None:
    cluster = updating()
    plan = planned(rollback.plan(case, HEALTHY, cluster.api))
    cluster["rollouts/pay"]["status"]["currentPodHash"] = "h1"
    assert "done before" in rollback.apply(case, plan, cluster.api)
    cluster["rollouts/pay"]["status"]["currentPodHash"] = "h3"
    cluster["rollouts/pay"]["metadata"]["generation"] += 1
    with pytest.raises(ActionFailed, match="somebody else"):
        rollback.apply(case, plan, cluster.api)
    assert not cluster.writes


def test_an_update_that_was_complete_before_it_was_aborted_is_undone(case: RemediationContext) -> None:
    cluster = updating()
    plan = planned(rollback.plan(case, HEALTHY, cluster.api))
    cluster["rollouts/pay"]["status"]["stableRS"] = "h2"
    kept_by = {"argocd.argoproj.io/tracking-id": f"shop:argoproj.io/Rollout:{NAMESPACE}/pay"}
    own = dict(cluster["rollouts/pay"]["metadata"]["annotations"])
    cluster["rollouts/pay"]["metadata"]["annotations"] |= kept_by
    with pytest.raises(ActionFailed, match="Application shop"):
        rollback.apply(case, plan, cluster.api)
    cluster["rollouts/pay"]["metadata"]["annotations"] = own
    broken_off(cluster, rollback.ACTION, case, plan, 1)
    assert image(cluster["rollouts/pay"]) == "r/pay:1.0.0" and cluster.writes == ["PATCH rollouts pay"]
    record = OnRecord(plan.target, "pay", plan.before, plan.parameters)
    assert [field.kind for field in rollback.REMEDY.writes(record)] == ["Rollout"]


def test_an_update_is_aborted_only_towards_what_is_known_to_be_healthy(case: RemediationContext) -> None:
    assert "known to have been healthy" in refusal(rollback.plan(case, Facts(("0.9.0",)), updating().api))
    declined = rollback.plan(case, HEALTHY, updating(observedGeneration="2").api)
    assert isinstance(declined, Declined) and declined.transient


def test_a_repository_says_nothing_of_an_update_s_status(case: RemediationContext) -> None:
    cluster = updating()
    mark = {"argocd.argoproj.io/tracking-id": f"shop:argoproj.io/Rollout:{NAMESPACE}/pay"}
    cluster["rollouts/pay"]["metadata"]["annotations"] |= mark
    assert planned(rollback.plan(case, HEALTHY, cluster.api)).parameters.abort
    cluster["rollouts/pay"]["status"]["currentPodHash"] = "h1"
    assert "Application shop" in refusal(rollback.plan(case, HEALTHY, cluster.api))


def test_a_rollout_that_names_a_deployment_is_rolled_back_there(case: RemediationContext) -> None:
    """The Deployment has the template and no pods; the Rollout has the pods."""
    cluster = released("Rollout", deployments=[{**workload("Deployment", "1.1.0", 1, replicas=0, ready=0)}])
    rollout = cluster["rollouts/pay"]
    del rollout["spec"]["template"], rollout["spec"]["selector"]
    rollout["spec"]["workloadRef"] = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "pay"}
    cluster["deployments/pay"]["metadata"]["generation"] = 9
    plan = kept(rollback.ACTION, planned(rollback.plan(case, HEALTHY, cluster.api)))
    assert (plan.target, plan.parameters.template_of) == ("rollout/pay", "pay")
    broken_off(cluster, rollback.ACTION, case, plan, 1)
    assert image(cluster["deployments/pay"]) == "r/pay:1.0.0" and cluster.writes == ["PATCH deployments pay"]
    record = OnRecord(plan.target, "pay", plan.before, plan.parameters)
    assert [field.kind for field in rollback.REMEDY.writes(record)] == ["Deployment"]


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "Rollout"])
def test_pods_are_added_through_the_scale_subresource_and_taken_back(kind: str, case: RemediationContext) -> None:
    cluster = released(kind)
    plan = kept(scale_up.ACTION, planned(scale_up.plan(case, LOAD, cluster.api)))
    assert (plan.target, plan.parameters.replicas) == (f"{kind.lower()}/pay", 8)
    broken_off(cluster, scale_up.ACTION, case, plan, 1)
    assert cluster[f"{PLURALS[kind]}/pay"]["spec"]["replicas"] == 8
    scale_up.revert(case, plan, cluster.api)
    scale_up.revert(case, plan, cluster.api)
    assert cluster[f"{PLURALS[kind]}/pay"]["spec"]["replicas"] == 3
    assert cluster.writes == [f"PATCH {PLURALS[kind]}/scale pay"] * 2
    record = OnRecord(plan.target, "pay", plan.before, plan.parameters)
    assert [(field.kind, field.values) for field in scale_up.REMEDY.writes(record)] == [(kind, (8, 3))]


@pytest.mark.parametrize("action", [scale_up, cycle_deployment])
def test_a_daemon_set_is_not_scaled(action: Any, case: RemediationContext) -> None:
    facts = LOAD if action is scale_up else remedies.Facts()
    assert "a pod on each of its nodes" in refusal(action.plan(case, facts, released("DaemonSet").api))


def autoscaler(kind: str = "Deployment", owner: tuple[str, str] | None = None, name: str = "pay") -> Object:
    return {"metadata": metadata(name, owner), "spec": {
        "minReplicas": 2, "maxReplicas": 4, "scaleTargetRef": {"kind": kind, "name": "pay"}}}


def scaled_object(**spec: Any) -> Object:
    return {"metadata": metadata("pay", annotations={}), "spec": {"scaleTargetRef": {"name": "pay"}, **spec}}


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "Rollout"])
def test_an_autoscaler_of_the_same_kind_is_in_charge(kind: str, case: RemediationContext) -> None:
    cluster = released(kind, horizontalpodautoscalers=[autoscaler("Job", name="another"), autoscaler(kind)])
    plan = kept(scale_up.ACTION, planned(scale_up.plan(case, LOAD, cluster.api)))
    broken_off(cluster, scale_up.ACTION, case, plan, 1)
    bounds = {key: value for key, value in cluster["horizontalpodautoscalers/pay"]["spec"].items() if "Rep" in key}
    assert bounds == {"minReplicas": 8, "maxReplicas": 8}
    scale_up.revert(case, plan, cluster.api)
    assert cluster["horizontalpodautoscalers/pay"]["spec"] == autoscaler(kind)["spec"]


def test_keda_s_autoscaler_is_bounded_by_its_scaled_object(case: RemediationContext) -> None:
    owned = autoscaler(owner=("ScaledObject", "pay"), name="keda-hpa-pay")
    cluster = released("Deployment", horizontalpodautoscalers=[owned], scaledobjects=[scaled_object()])
    plan = kept(scale_up.ACTION, planned(scale_up.plan(case, LOAD, cluster.api)))
    assert (plan.before.scaler_kind, plan.before.minimum, plan.before.maximum) == ("ScaledObject", 0, 100)
    broken_off(cluster, scale_up.ACTION, case, plan, 1)
    spec = cluster["scaledobjects/pay"]["spec"]
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (8, 100)
    record = OnRecord(plan.target, "pay", plan.before, plan.parameters)
    assert {(field.kind, field.path) for field in scale_up.REMEDY.writes(record)} >= {
        ("ScaledObject", ("minReplicaCount",)), ("ScaledObject", ("maxReplicaCount",))}
    spec["minReplicaCount"] = 5
    with pytest.raises(ActionFailed, match="somebody else"):
        scale_up.revert(case, plan, cluster.api)
    spec["minReplicaCount"] = 8
    scale_up.revert(case, plan, cluster.api)
    spec = cluster["scaledobjects/pay"]["spec"]
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (0, 100)
    assert cluster.writes == ["PATCH scaledobjects pay"] * 2


@pytest.mark.parametrize("hidden", ["forbidden", "gone", "paused", "gitops"])
def test_a_scaled_object_that_may_not_be_changed_is_named(hidden: str, case: RemediationContext) -> None:
    owned = autoscaler(owner=("ScaledObject", "pay"), name="keda-hpa-pay")
    scaled = scaled_object(minReplicaCount=1)
    cluster = released("Deployment", horizontalpodautoscalers=[owned], scaledobjects=[scaled])
    if hidden == "forbidden":
        cluster.forbidden = {"scaledobjects"}
    elif hidden == "gone":
        del cluster.objects["scaledobjects"]["pay"]
    elif hidden == "paused":
        scaled["metadata"]["annotations"] = {"autoscaling.keda.sh/paused-replicas": "3"}
    else:
        scaled["metadata"]["labels"] = {"kustomize.toolkit.fluxcd.io/name": "shop",
                                        "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
    said = refusal(scale_up.plan(case, LOAD, cluster.api))
    assert ("Kustomization shop in flux-system" if hidden == "gitops" else "ScaledObject pay") in said


ARGO_2 = {"labels": {"app.kubernetes.io/instance": "shop"}}
WRITTEN = {"managedFields": [{"manager": "argocd-controller", "operation": "Apply", "fieldsV1": {
    "f:spec": {"f:replicas": {}, "f:template": {}}}}]}
ARGO_3 = {"annotations": {"argocd.argoproj.io/tracking-id": f"shop:apps/Deployment:{NAMESPACE}/pay",
                          "deployment.kubernetes.io/revision": "2"}}
COPIED = {"annotations": {"argocd.argoproj.io/tracking-id": f"shop:apps/Deployment:{NAMESPACE}/another",
                          "deployment.kubernetes.io/revision": "2"}}


@pytest.mark.parametrize(("marks", "tracked"), [
    (ARGO_2, False), (ARGO_2 | WRITTEN, True), (WRITTEN, False), (ARGO_3, True), (COPIED, False),
    (ARGO_2 | {"managedFields": [{"manager": "helm"}]}, False),
    (ARGO_2 | {"managedFields": [{"manager": "argocd-server"}]}, False)])
def test_a_gitops_tool_is_believed_by_its_own_sign(marks: Object, tracked: bool, case: RemediationContext) -> None:
    cluster = released("Deployment")
    cluster["deployments/pay"]["metadata"] |= marks
    said = refusal(rollback.plan(case, HEALTHY, cluster.api))
    assert ("Application shop" in said) is tracked and bool(said) is tracked
    said = refusal(scale_up.plan(case, LOAD, cluster.api))
    # It says the number of pods only where the repository has it.
    assert ("Application shop" in said) is (tracked and "managedFields" in marks)


@pytest.mark.parametrize("action", [rollback, scale_up, cycle_deployment])
def test_flagger_s_primary_is_changed_through_its_canary(action: Any, case: RemediationContext) -> None:
    cluster = Cluster(deployments=[
        workload("Deployment", "1.1.0", 2, replicas=0, ready=0),
        {**workload("Deployment", "1.1.0", 2, ready=0), "metadata": metadata("pay-primary", ("Canary", "pay"))}],
        nodes=[node("node-a")], pods=[], replicasets=[])
    facts = {rollback: HEALTHY, scale_up: LOAD}.get(action, remedies.Facts())
    declined = action.plan(case, facts, cluster.api)
    assert "Canary pay" in refusal(declined) and declined.target == "deployment/pay-primary"


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "Rollout"])
def test_a_workload_that_serves_nobody_goes_down_and_up_again(kind: str, case: RemediationContext) -> None:
    cluster = released(kind)
    cluster[f"{PLURALS[kind]}/pay"]["status"]["readyReplicas"] = 0
    plan = kept(cycle_deployment.ACTION, planned(cycle_deployment.plan(case, remedies.Facts(), cluster.api)))
    broken_off(cluster, cycle_deployment.ACTION, case, plan, 1)
    assert cluster[f"{PLURALS[kind]}/pay"]["spec"]["replicas"] == 3
    assert cluster.writes == [f"PATCH {PLURALS[kind]} pay"] * 2


@pytest.mark.parametrize("kind", KINDS)
def test_pods_are_restarted_by_their_owner_and_those_that_are_over_are_left_alone(kind: str,
                                                                                 case: RemediationContext) -> None:
    owner = ("ReplicaSet", "pay-h2") if kind in ("Deployment", "Rollout") else (kind, "pay")
    pods = [pod("a-e0", owner, ready=False, phase="Failed", node="node-gone"),
            pod("a-j0", owner, ready=False, phase="Succeeded"), pod("a-z1", owner),
            pod("a-z2", owner, ready=False), pod("b-z0", ("StatefulSet", "other"), ready=False)]
    cluster = released(kind, pods=pods)
    plan = kept(restart_pods.ACTION, planned(restart_pods.plan(case, restart_pods.Facts(), cluster.api)))
    assert (plan.target, [one.name for one in plan.parameters.pods], plan.parameters.of) == (
        f"{kind.lower()}/pay", ["a-z2"], 2)
    broken_off(cluster, restart_pods.ACTION, case, plan, 1)
    assert cluster.writes == ["POST pods/eviction a-z2"]


def test_a_daemon_set_s_pods_on_a_dead_node_would_come_back_there(case: RemediationContext) -> None:
    owner = ("DaemonSet", "pay")
    cluster = released("DaemonSet", pods=[pod("a", owner, ready=False, node="node-b"), pod("b", owner)],
                       nodes=[node("node-a"), node("node-b", ready=False)])
    assert "are ready" in refusal(restart_pods.plan(case, restart_pods.Facts(), cluster.api))


@pytest.mark.parametrize("kind", ["StatefulSet", "Rollout"])
def test_a_reduced_number_of_pods_is_restored_and_reduced_again(kind: str, case: RemediationContext) -> None:
    cluster = released(kind)
    change = Change(kind, "pay", "changed", 1.0, 1.0, "kubectl", (FieldChange(("replicas",), 6, 3),), NAMESPACE)
    plan = planned(restore_configuration.plan(case, configuration.Facts((change,)), cluster.api))
    restore_configuration.apply(case, plan, cluster.api)
    assert cluster[f"{PLURALS[kind]}/pay"]["spec"]["replicas"] == 6
    restore_configuration.revert(case, plan, cluster.api)
    assert cluster[f"{PLURALS[kind]}/pay"]["spec"]["replicas"] == 3


@pytest.mark.parametrize(("by", "owner", "said"), [
    ("keda", ("ScaledObject", "pay"), "ScaledObject pay"), ("strimzi-cluster-operator", None, "Strimzi"),
    ("argocd-controller", None, "Argo CD"), ("kubectl-edit", None, "")])
def test_what_would_be_put_back_is_not_restored(by: str, owner: tuple[str, str] | None, said: str,
                                               case: RemediationContext) -> None:
    cluster = Cluster(horizontalpodautoscalers=[autoscaler(owner=owner)])
    change = Change("HorizontalPodAutoscaler", "pay", "changed", 1.0, 1.0, by, (
        FieldChange(("maxReplicas",), 9, 4),), NAMESPACE)
    found = refusal(restore_configuration.plan(case, configuration.Facts((change,)), cluster.api))
    assert said in found and bool(found) is bool(said)


def test_an_older_record_is_carried_out_as_it_was_planned(case: RemediationContext) -> None:
    """Records of before have no kind of an autoscaler, no abort and no Deployment of a Rollout."""
    cluster = released("Deployment")
    plan = planned(rollback.plan(case, HEALTHY, cluster.api))
    old = {key: value for key, value in encode(plan.parameters).items() if key not in ("abort", "template_of")}
    typed = rollback.REMEDY.on_record(plan.target, "pay", encode(plan.before), old)
    rollback.apply(case, replace(plan, parameters=typed.parameters), cluster.api)
    assert image(cluster["deployments/pay"]) == "r/pay:1.0.0"
    before = decode(type(scale_up.REMEDY.kinds[1](3)), {"replicas": 3, "scaler": "x", "minimum": 1, "maximum": 2})
    assert before.scaler_kind == "HorizontalPodAutoscaler"


def test_a_component_may_say_its_workload_s_kind_and_namespace(case: RemediationContext) -> None:
    cluster = released("StatefulSet")
    cluster.objects["deployments"] = {"pay": deepcopy(workload("Deployment", "1.1.0", 2))}
    said = replace(case.service, components=(Component("front", workload="statefulset/pay"),))
    plan = planned(scale_up.plan(replace(case, service=said, component="front"), LOAD, cluster.api))
    assert plan.target == "statefulset/pay"
    elsewhere = replace(case.service, components=(Component("pay", namespace="shop"),))
    assert replace(case, service=elsewhere).namespace == "shop"
