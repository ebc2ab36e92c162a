"""Claims without a volume and volumes out of reach: by Events of claims, and by what they ask and volumes offer."""

from __future__ import annotations

import pytest

from tests.unit.checks.cluster_objects import (
    Item,
    all_found,
    at,
    event,
    found,
    node,
    pod,
    problems,
    replica_set,
    unscheduled,
    workload,
)

ACCOUNT: Item = {"kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "shop"}}
UNBOUND = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."
USES = {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}
GP3: Item = {"kind": "StorageClass", "metadata": {"name": "gp3"}, "provisioner": "ebs.csi.aws.com",
             "volumeBindingMode": "WaitForFirstConsumer"}
FAST: Item = {"kind": "StorageClass", "metadata": {"name": "fast"}, "provisioner": "ebs.csi.aws.com"}


def claim(name: str = "data", phase: str = "Pending", size: str = "5Gi", modes: str = "ReadWriteOnce",
          kind: str | None = "manual", age_seconds: float = 600, **spec: object) -> Item:
    return {"kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "namespace": "shop", "creationTimestamp": at(age_seconds)},
            "spec": {"accessModes": [modes], "resources": {"requests": {"storage": size}},
                     **({} if kind is None else {"storageClassName": kind}), **spec}, "status": {"phase": phase}}


def volume(name: str = "disk-1", size: str = "10Gi", modes: str = "ReadWriteOnce", kind: str = "manual",
           bound_to: str = "", phase: str = "", labels: Item | None = None) -> Item:
    ref = {"claimRef": {"namespace": "shop", "name": bound_to}} if bound_to else {}
    return {"kind": "PersistentVolume", "metadata": {"name": name, "labels": labels or {}},
            "spec": {"capacity": {"storage": size}, "accessModes": [modes], "storageClassName": kind, **ref},
            "status": {"phase": phase or ("Bound" if bound_to else "Available")}}


def using(message: str = UNBOUND) -> list[Item]:
    return [workload(there=1, **USES), replica_set(1, 1, **USES), ACCOUNT, node(),
            pod(status=unscheduled(message), **USES)]


def says(message: str, reason: str = "FailedBinding") -> Item:
    return event(message, "PersistentVolumeClaim", "data", reason)


SELECTS = {"selector": {"matchLabels": {"use": "db"}}}
SEEN: list[tuple[str, Item, list[Item]]] = [
    ("pv_binding_occupied", claim(volumeName="disk-1"), [volume(bound_to="other"), claim("other", "Bound")]),
    ("pv_binding_occupied", claim(), [volume(bound_to="other")]),
    ("pv_binding_occupied", claim(), [volume(bound_to="data", phase="Released")]),
    ("pvc_access_mode_mismatch", claim(modes="ReadWriteMany"), [volume()]),
    ("pvc_access_mode_mismatch", claim(modes="ReadWriteMany", volumeName="disk-1"), [
        volume(), volume("disk-2", kind="x")]),
    ("pvc_capacity_mismatch", claim(size="100Gi"), [volume(), volume("disk-2", "20Gi", "ReadOnlyMany")]),
    ("pvc_capacity_mismatch", claim(size="100Gi", volumeName="disk-1"), [volume()]),
    ("pvc_selector_mismatch", claim(**SELECTS), [volume(labels={"use": "web"})]),
    ("pvc_storage_class_mismatch", claim(kind="slow"), [volume(), GP3]),
    ("pvc_storage_class_mismatch", claim(kind="slow"), []),
    ("pvc_storage_class_mismatch", claim(kind=None), [volume()]),
    ("pvc_storage_class_mismatch", claim(kind="slow", volumeName="disk-1"), [volume()]),
    ("missing_persistent_volume", claim(volumeName="disk-9"), [volume()]),
    ("pvc_provisioning_failed", claim(kind="fast"), [FAST]),
]


@pytest.mark.parametrize(("check", "asked", "offered"), SEEN, ids=[f"{row[0]}-{place}" for place, row in
                                                                   enumerate(SEEN)])
def test_what_keeps_a_volume_off_is_seen_without_an_event(check: str, asked: Item, offered: list[Item]) -> None:
    assert found(check, *using(), asked, *offered) == [("deployment/pay", "seen", ("pay",))]
    assert all_found(*using(), asked, *offered) == {check}
    told = next(one for one in problems(*using(), asked, *offered) if one.check == check)
    assert "data" in told.sentence


SAID = [
    ("pv_binding_occupied", 'volume "disk-1" already bound to a different claim.', "FailedBinding"),
    ("pvc_capacity_mismatch", 'Cannot bind to requested volume "disk-1": requested PV is too small', "VolumeMismatch"),
    ("pvc_access_mode_mismatch", 'Cannot bind to requested volume "disk-1": incompatible accessMode', "VolumeMismatch"),
    ("pvc_storage_class_mismatch", 'Cannot bind to requested volume "disk-1": storageClassName does not match',
     "VolumeMismatch"),
    ("pvc_storage_class_mismatch", 'storageclass.storage.k8s.io "slow" not found', "ProvisioningFailed"),
    ("pvc_storage_class_mismatch", "no persistent volumes available for this claim and no storage class is set",
     "FailedBinding"),
    ("pvc_selector_mismatch",
     'failed to provision volume with StorageClass "fast": claim.Spec.Selector is not supported',
     "ProvisioningFailed"),
    ("pvc_access_mode_mismatch", 'failed to provision volume with StorageClass "local-path": NodePath only supports '
     "ReadWriteOnce and ReadWriteOncePod (1.22+) access modes", "ProvisioningFailed"),
    ("pvc_provisioning_failed",
     'failed to provision volume with StorageClass "fast": rpc error: code = Internal desc = '
     "Could not create volume: UnauthorizedOperation", "ProvisioningFailed"),
]


@pytest.mark.parametrize(("check", "message", "reason"), SAID, ids=[f"{row[0]}-{place}" for place, row in
                                                                    enumerate(SAID)])
def test_what_is_said_of_a_claim_is_told_of_the_workload_that_uses_it(check: str, message: str, reason: str) -> None:
    asked = claim(kind="fast")
    assert found(check, *using(), asked, FAST, says(message, reason)) == [("deployment/pay", "said", ("pay",))]
    assert all_found(*using(), asked, FAST, says(message, reason)) == {check}


def test_a_claim_without_a_class_says_so_whatever_keeps_the_volumes_off() -> None:
    message = "no persistent volumes available for this claim and no storage class is set"
    assert all_found(*using(), claim(kind="", size="100Gi"), volume(kind=""), says(message)) == {
        "pvc_capacity_mismatch"}


def test_what_is_not_known_of_a_claim_is_what_keeps_a_volume_off_that_else_fits() -> None:
    # ``kubectl`` prints no size of a claim that waits, and the controller misses the class that needs no object.
    message = 'storageclass.storage.k8s.io "manual" not found'
    unsized = claim()
    unsized["spec"]["resources"] = {}
    assert all_found(*using(), unsized, volume(), says(message, "ProvisioningFailed")) == {"pvc_capacity_mismatch"}
    bare = claim()
    bare["spec"] = {"storageClassName": "manual"}
    assert all_found(*using(), bare, volume(), says(message, "ProvisioningFailed")) == {"pvc_unbound"}
    assert all_found(*using(), bare, says(message, "ProvisioningFailed")) == {"pvc_storage_class_mismatch"}


def test_a_claim_that_waits_for_its_first_pod_is_no_problem() -> None:
    assert problems(claim(kind="gp3"), GP3) == ()
    assert problems(claim(kind="fast", age_seconds=10), FAST) == ()
    assert problems(claim(phase="Bound", volumeName="disk-1"), volume(bound_to="data")) == ()
    # A volume that fits is bound in a moment.
    assert all_found(*using(), claim(), volume()) == {"pvc_unbound"}


def test_a_claim_that_nobody_uses_is_a_risk_and_one_of_many_users_is_named_itself() -> None:
    assert [(one.check, one.object, one.severity) for one in problems(claim(kind="slow"))] == [
        ("pvc_storage_class_mismatch", "persistentvolumeclaim/data", "risks")]
    other = workload(name="report", there=1, **USES)
    assert found("pvc_storage_class_mismatch", *using(), other, claim(kind="slow")) == [
        ("persistentvolumeclaim/data", "seen", ("pay", "report"))]


def test_a_stateful_set_uses_the_claims_of_its_templates() -> None:
    database = workload("StatefulSet", "db", there=1)
    database["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}}]
    assert found("pvc_storage_class_mismatch", database, claim("data-db-0", kind="slow"), ACCOUNT) == [
        ("statefulset/db", "seen", ("db",))]
    assert found("pvc_storage_class_mismatch", database, claim("data-db2-0", kind="slow"), ACCOUNT) == []


def test_a_claim_that_is_not_there_is_told_by_the_scheduler_and_by_the_list() -> None:
    message = '0/1 nodes are available: persistentvolumeclaim "data" not found.'
    assert found("missing_claim", *using(message)) == [("deployment/pay", "said", ("pay",))]
    assert found("missing_claim", *using("")) == [("deployment/pay", "seen", ("pay",))]
    assert found("missing_claim", *using(message), claim(), volume()) == []


def test_a_claim_whose_volume_is_gone_is_lost() -> None:
    well = workload(there=1, ready=1, **USES)
    assert found("claim_lost", well, claim(phase="Lost", volumeName="disk-1")) == []
    assert found("claim_lost", *using(""), claim(phase="Lost", volumeName="disk-1")) == [
        ("deployment/pay", "said", ("pay",))]
    assert found("claim_lost", *using(""), claim(phase="Bound", volumeName="disk-1")) == [
        ("deployment/pay", "seen", ("pay",))]


def test_a_volume_that_no_node_reaches_is_seen() -> None:
    far = volume(bound_to="data")
    far["spec"]["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": [
        {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["eu-1c"]}]}]}}
    bound = claim(phase="Bound", volumeName="disk-1")
    assert all_found(*using(""), bound, far) == {"volume_node_conflict"}
    near = node("n2", labels={"topology.kubernetes.io/zone": "eu-1c"})
    assert all_found(*using(""), bound, far, near) == set()


def test_a_volume_on_another_node_is_told_by_the_controller_and_by_the_pods() -> None:
    creating = {"containerStatuses": [{"name": "app", "state": {"waiting": {"reason": "ContainerCreating"}}}]}
    items = [workload(wanted=2, there=2, ready=1, **USES), replica_set(2, 2, **USES), ACCOUNT, node("n1"), node("n2"),
             claim(phase="Bound", volumeName="disk-1"), volume(bound_to="data"),
             pod("pay-6f9c-aaaaa", "n1", "Running", status={
                 "conditions": [{"type": "Ready", "status": "True"}]}, **USES)]
    waits = pod(node="n2", status=creating, **USES)
    message = 'Multi-Attach error for volume "disk-1" Volume is already used by pod(s) pay-6f9c-aaaaa'
    assert found("volume_attach_failed", *items, waits, event(message, reason="FailedAttachVolume")) == [
        ("deployment/pay", "said", ("pay",))]
    assert found("volume_attach_failed", *items, waits) == [("deployment/pay", "seen", ("pay",))]
    assert found("volume_attach_failed", *items, pod(node="n2", age_seconds=20, status=creating, **USES)) == []
