"""One pod is ready and fails, while others of the same version are well: something is wrong with its process."""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan.advice import Advice, Case, Effort
from responder.plan.causes import CLUSTER_FAILURE
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, places, pods, versions


def improvements(case: Case) -> Iterator[Advice]:
    """Callers leave a pod alone that fails, and it says itself that it is not well."""
    seen = case.seen("by_pod")
    yield Advice(
        "eject-failing-pods", "recovery", "Callers went on calling a pod that failed", seen,
        f"Service {case.component}",
        "let callers leave a pod alone that fails several times in a row (Istio: outlierDetection; Envoy: outlier "
        "detection)", case.developers, Effort.SETTING, "a pod that is made to fail gets no more requests within ten "
        "seconds", case.trouble.whole)
    yield Advice(
        "tell-by-readiness", "detection", "A pod that failed stayed ready", seen, f"{case.workload}, readiness probe",
        "let the readiness probe fail where most of the pod's own requests fail for a reason of its own",
        case.developers, Effort.CHECK, "a pod whose requests fail is not ready within ten seconds")


MECHANISM = Mechanism(
    id="sick_pod",
    cause=CLUSTER_FAILURE,
    title="single pod that fails",
    subject="failing pod of {component}",
    remedies=("restart_pods",),
    needs=places.failures_in_one_pod,
    weights={
        places.failures_in_one_pod: 4.0,
        changes.nothing_changed: 0.7,
        pods.pods_are_ready: 0.5,
        calls.database_calls_fail: 0.0,
        calls.provider_calls_fail: 0.0,
        versions.only_new_version_fails: -3.0,
        versions.rollout_amid_it: -1.0,
        calls.kind_queue: -0.5,
    },
    improvements=improvements,
)
