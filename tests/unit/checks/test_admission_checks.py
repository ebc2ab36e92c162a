"""What the API server refuses: by what controllers tell of it, and by what objects contradict each other in."""

from __future__ import annotations

import pytest

from responder.state.state import Lines
from tests.unit.checks.cluster_objects import (
    EVERYTHING,
    Item,
    all_found,
    asks,
    container,
    event,
    found,
    pod,
    problems,
    refused,
    replica_set,
    running,
    workload,
)

ACCOUNT: Item = {"kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "shop"}}
REFUSED = [
    ("namespace_cpu_quota_exceeded", "namespace/shop",
     "exceeded quota: compute, requested: limits.cpu=500m, used: limits.cpu=4, limited: limits.cpu=4"),
    ("namespace_memory_quota_exceeded", "namespace/shop",
     "exceeded quota: compute, requested: requests.memory=1Gi, used: requests.memory=8Gi, "
     "limited: requests.memory=8Gi"),
    ("namespace_pod_quota_exceeded", "namespace/shop",
     "exceeded quota: counts, requested: pods=1, used: pods=10, limited: pods=10"),
    ("namespace_object_quota_exceeded", "namespace/shop",
     "exceeded quota: counts, requested: count/replicasets.apps=1, used: count/replicasets.apps=9, "
     "limited: count/replicasets.apps=9"),
    ("namespace_cpu_quota_exceeded", "namespace/shop",
     "failed quota: compute: must specify limits.cpu for: memory-hog"),
    ("namespace_memory_quota_exceeded", "namespace/shop", "failed quota: compute: must specify limits.memory"),
    ("limit_range_refuses", "deployment/pay", "maximum cpu usage per Container is 500m, but limit is 1"),
    ("limit_range_refuses", "deployment/pay",
     "[minimum memory usage per Pod is 64Mi, but request is 8388608, "
     "cpu max limit to request ratio per Container is 2, but provided ratio is 10.000000]"),
    ("webhook_refuses", "deployment/pay",
     'admission webhook "validation.gatekeeper.sh" denied the request: [repos] no'),
    ("pod_security_refuses", "deployment/pay",
     'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "app" must set ...)'),
    ("pod_security_refuses", "deployment/pay", "PodSecurityPolicy: unable to admit pod: []"),
    ("policy_refuses", "deployment/pay",
     "ValidatingAdmissionPolicy 'replicas' with binding 'replicas-shop' denied request: failed expression"),
    ("policy_refuses", "deployment/pay", "image policy webhook backend denied one or more images: unsigned"),
    ("missing_priority_class", "deployment/pay", "no PriorityClass with name gold was found"),
    ("missing_runtime_class", "deployment/pay", 'pod rejected: RuntimeClass "gvisor" not found'),
    ("missing_service_account", "deployment/pay",
     'error looking up service account shop/till: serviceaccount "till" not found'),
]


@pytest.mark.parametrize(("check", "what", "message"), REFUSED, ids=[f"{row[0]}-{place}" for place, row in
                                                                     enumerate(REFUSED)])
def test_a_refusal_is_read_by_its_message_alone(check: str, what: str, message: str) -> None:
    deployment = workload(serviceAccountName="default")
    for told in (refused(message), _failure(message)):
        assert all_found(deployment, replica_set(), told, ACCOUNT) == {check}
        assert found(check, deployment, replica_set(), told, ACCOUNT) == [(what, "said", ("pay",))]


def _failure(message: str) -> Item:
    """The condition that stays when the Event is gone."""
    failing = replica_set()
    failing["status"]["conditions"] = [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
                                        "message": f'pods "pay-6f9c-x7k2p" is forbidden: {message}'}]
    return failing


@pytest.mark.parametrize("message", [row[2] for row in REFUSED[:9]])
def test_nothing_is_told_where_the_pods_are_there_by_now(message: str) -> None:
    assert all_found(workload(wanted=1, there=1, ready=1), replica_set(1, 1), refused(message), ACCOUNT) == set()


def quota(**hard_and_used: tuple[str, str]) -> Item:
    names = {name.replace("__", "."): both for name, both in hard_and_used.items()}
    return {"kind": "ResourceQuota", "metadata": {"name": "compute", "namespace": "shop"},
            "status": {"hard": {name: both[0] for name, both in names.items()},
                       "used": {name: both[1] for name, both in names.items()}}}


def test_a_quota_without_room_for_what_is_lacking_is_seen_without_an_event() -> None:
    lacking = [workload(containers=asks(cpu="1")), replica_set(containers=asks(cpu="1")), ACCOUNT]
    assert found("namespace_cpu_quota_exceeded", *lacking, quota(requests__cpu=("4", "3500m"))) == [
        ("namespace/shop", "seen", ("pay",))]
    assert found("namespace_cpu_quota_exceeded", *lacking, quota(requests__cpu=("8", "3500m"))) == []
    assert found("namespace_pod_quota_exceeded", *lacking, quota(pods=("10", "10"))) == [
        ("namespace/shop", "seen", ("pay",))]


def test_a_quota_that_is_used_up_and_hits_nobody_is_a_risk() -> None:
    told = problems(quota(pods=("10", "10")), quota(services__loadbalancers=("0", "0")))
    assert [(one.check, one.severity) for one in told] == [("namespace_pod_quota_exceeded", "risks")]


def test_services_are_refused_where_one_that_others_name_is_not_there() -> None:
    caller = workload(name="web", there=1, ready=1, containers=[container(env=[
        {"name": "PAY", "value": "http://pay.shop.svc.cluster.local:8080"}])])
    full = quota(services=("5", "5"))
    service = {"kind": "Service", "metadata": {"name": "pay", "namespace": "shop"},
               "spec": {"selector": {"app": "pay"}}}
    both = [caller, workload(there=1, ready=1), ACCOUNT]
    assert found("namespace_service_quota_exceeded", *both, full) == [("namespace/shop", "seen", ("pay",))]
    assert found("namespace_service_quota_exceeded", *both, full, service) == []
    # Nobody is told the name; who calls whom is known.
    calls = EVERYTHING._replace(calls={"web": ("pay",)})
    silent = [workload(name="web", there=1, ready=1), workload(there=1, ready=1), ACCOUNT]
    assert found("namespace_service_quota_exceeded", *silent, full, base=calls) == [
        ("namespace/shop", "seen", ("pay",))]
    assert found("namespace_service_quota_exceeded", *silent, full, service, base=calls) == []
    astray = {**service, "spec": {"selector": {"app": "till"}}}
    assert found("namespace_service_quota_exceeded", *silent, full, astray, base=calls) == []
    assert found("namespace_service_quota_exceeded", *silent, quota(services=("9", "5")), base=calls) == []


def test_storage_is_told_of_the_claim_that_a_set_cannot_create() -> None:
    told = event('create Claim data-db-0 for Pod db-0 in StatefulSet db failed error: persistentvolumeclaims '
                 '"data-db-0" is forbidden: exceeded quota: disk, requested: requests.storage=10Gi, '
                 "used: requests.storage=95Gi, "
                 "limited: requests.storage=100Gi", "StatefulSet", "db", "FailedCreate")
    assert found("namespace_storage_quota_exceeded", workload("StatefulSet", "db"), told, ACCOUNT) == [
        ("namespace/shop", "said", ("db",))]


def test_a_webhook_that_cannot_be_asked_is_at_fault_itself() -> None:
    def failing(why: str) -> Item:
        return event('Error creating: Internal error occurred: failed calling webhook "inject.mesh.io": failed to call '
                     f'webhook: Post "https://injector.mesh.svc:443/inject?timeout=10s": {why}', "ReplicaSet",
                     "pay-6f9c", "FailedCreate")
    for why, words in (('service "injector" not found', "not there"), ("context deadline exceeded", "in time"),
                       ('no endpoints available for service "injector"', "no ready pod"),
                       ("x509: certificate signed by unknown authority", "certificate"),
                       ("dial tcp 10.0.0.1:443: connect: connection refused", "listens")):
        told = problems(workload(), replica_set(), failing(why), ACCOUNT)
        assert [(one.check, one.object, one.apps) for one in told] == [
            ("webhook_refuses", "service/injector", ("pay",))]
        assert words in told[0].sentence


def test_bounds_levels_and_classes_are_seen_without_an_event() -> None:
    bounds = {"kind": "LimitRange", "metadata": {"name": "small", "namespace": "shop"},
              "spec": {"limits": [{"type": "Container", "max": {"cpu": "500m"}, "min": {"cpu": "100m"}}]}}
    assert found("limit_range_refuses", workload(containers=asks(cpu="1")), bounds) == [
        ("deployment/pay", "seen", ("pay",))]
    assert found("limit_range_refuses", workload(containers=asks(cpu="50m")), bounds) != []
    assert found("limit_range_refuses", workload(containers=asks(cpu="250m")), bounds) == []
    level = {"kind": "Namespace", "metadata": {"name": "shop", "labels": {
        "pod-security.kubernetes.io/enforce": "restricted"}}}
    assert found("pod_security_refuses", workload(), level) == [("deployment/pay", "seen", ("pay",))]
    assert found("pod_security_refuses", workload(securityContext={"runAsNonRoot": True}), level) == []
    assert found("missing_priority_class", workload(priorityClassName="gold")) == [("deployment/pay", "seen", ("pay",))]
    assert found("missing_runtime_class", workload(runtimeClassName="gvisor")) == [("deployment/pay", "seen", ("pay",))]


def test_a_rollout_that_is_held_up_lacks_pods_though_the_old_ones_make_up_the_number() -> None:
    newer = workload("ReplicaSet", "pay-77aa", 1, 0, 0, "pay", serviceAccountName="till")
    told = [one for one in problems(workload(there=1, ready=1, serviceAccountName="till"), replica_set(1, 1), newer)
            if one.check == "missing_service_account"]
    assert [(one.object, one.basis, one.severity) for one in told] == [("deployment/pay", "seen", "lessens")]


def test_an_account_that_is_gone_while_the_pods_run_is_a_risk() -> None:
    told = problems(workload(there=1, ready=1, serviceAccountName="till"), replica_set(1, 1, serviceAccountName="till"),
                    pod(node="n1", phase="Running", status=running()))
    assert [(one.check, one.severity) for one in told] == [("missing_service_account", "risks")]


def test_a_right_that_is_missing_is_told_of_the_one_who_logs_it() -> None:
    line = Lines("pay", 'failed to list *v1.Secret: secrets is forbidden: User "system:serviceaccount:shop:till" '
                 'cannot list resource "secrets" in API group "" in the namespace "shop"')
    base = EVERYTHING._replace(lines=(line,))
    assert found("rbac_forbids", workload(there=1, ready=1), base=base) == [("deployment/pay", "said", ("pay",))]
    assert found("rbac_forbids", base=base) == [("serviceaccount/till", "said", ("pay",))]


def test_a_namespace_that_goes_is_told_by_refusals_and_by_its_mark() -> None:
    message = "unable to create new content in namespace shop because it is being terminated"
    assert found("namespace_terminating", workload(), replica_set(), refused(message), ACCOUNT) == [
        ("namespace/shop", "said", ("pay",))]
    going = {"kind": "Namespace", "metadata": {"name": "shop", "deletionTimestamp": "2026-11-26T10:00:00Z"}}
    assert found("namespace_terminating", workload(there=1, ready=1), going, ACCOUNT) == [
        ("namespace/shop", "seen", ("pay",))]


def test_a_template_that_makes_no_valid_pod_is_told() -> None:
    told = event('Error creating: Pod "pay-6f9c-x7k2p" is invalid: spec.containers[0].ports[1].name: Invalid value: '
                 '"http": must be unique', "ReplicaSet", "pay-6f9c", "FailedCreate")
    assert all_found(workload(), replica_set(), told, ACCOUNT) == {"invalid_pod_template"}
