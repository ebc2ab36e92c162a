"""The API server refuses new pods for another reason than a quota: a ServiceAccount that is not there, a webhook that
refuses or does not answer, Pod Security, or rights that are missing.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan.advice import Advice, Case, Effort
from responder.plan.causes import CLUSTER_FAILURE
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import live_state, pods


def improvements(case: Case) -> Iterator[Advice]:
    """A workload is created as a test before a rule goes out, and people hear of pods that are refused."""
    seen = case.seen("problems", most=1) or case.seen()
    yield Advice(
        "try-admission", "prevention", "Nothing tried whether pods are still admitted", seen,
        f"admission of namespace {case.service.cluster.namespace}", "create the namespace's workloads as a test "
        "(kubectl apply --dry-run=server) in the pipeline of each change of a webhook, an admission policy, a "
        "ServiceAccount or a namespace's labels", "SRE", Effort.CHECK,
        "the pipeline refuses the change that brought this incident", case.trouble.whole)
    yield Advice(
        "alarm-refused-pods", "detection", "Nothing tells that pods are refused", seen,
        f"alarm on namespace {case.service.cluster.namespace}", "set an alarm on Events FailedCreate of ReplicaSets",
        "SRE", Effort.SETTING, "the alarm goes off where a ServiceAccount is missing in a test namespace", case.earlier)


MECHANISM = Mechanism(
    id="refused_by_admission",
    cause=CLUSTER_FAILURE,
    title="pods refused by the API server",
    subject="refusal of new pods of {component}",
    remedies=("escalate",),
    needs=live_state.live_admission,
    worsened_by=("restart_pods", "cycle_deployment", "scale_up"),
    weights={
        live_state.live_admission: 4.0,
        pods.pods_are_ready: -3.0,
        pods.pods_fell: -1.0,
    },
    improvements=improvements,
)
