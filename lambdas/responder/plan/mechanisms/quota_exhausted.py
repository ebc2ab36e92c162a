"""A quota or another admission rule refuses new pods."""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan.advice import Advice, Case, Effort, said, thing
from responder.plan.causes import CLUSTER_FAILURE
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import changes, live_state, pods


def improvements(case: Case) -> Iterator[Advice]:
    """A quota below what runs is refused, and people hear before it is used up."""
    change = case.change
    name = thing(change) if change else f"ResourceQuota of namespace {case.service.cluster.namespace}"
    seen = said(case.told(change), case.seen('pods', most=1)) if change else case.seen()
    yield Advice(
        "check-quota", "prevention", "A quota was set without room for a restart", seen, name,
        "compare a new quota or limit range in the pipeline with what the namespace's workloads ask for, a rollout's "
        "surge included", "SRE", Effort.CHECK, "the pipeline refuses the quota of this incident", case.trouble.whole)
    yield Advice(
        "alarm-quota", "detection", "Nothing tells that a quota is nearly used up", seen,
        f"alarm on quotas of namespace {case.service.cluster.namespace}", "set an alarm at nine tenths of any hard "
        "limit (kube_resourcequota of kube-state-metrics), and on pods that a ReplicaSet fails to create", "SRE",
        Effort.SETTING, "the alarm goes off in a test namespace whose quota is used up",
        case.earlier)


MECHANISM = Mechanism(
    id="quota_exhausted",
    cause=CLUSTER_FAILURE,
    title="exhausted quota",
    subject="exhausted quota for {component}",
    remedies=("restore_configuration",),
    worsened_by=("restart_pods", "cycle_deployment"),
    objects=("ResourceQuota", "LimitRange"),
    weights={
        live_state.live_quota: 2.0,
        pods.quota_refuses_pods: 3.5,
        changes.quota_changed: 2.0,
        pods.pods_fell: -1.0,
        changes.nothing_changed: -0.7,
    },
    improvements=improvements,
)
