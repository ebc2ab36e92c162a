"""A quota or another admission rule refuses new pods."""

from __future__ import annotations

from responder.plan.causes import CLUSTER_FAILURE
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import changes, pods

MECHANISM = Mechanism(
    id="quota_exhausted",
    cause=CLUSTER_FAILURE,
    title="exhausted quota",
    subject="exhausted quota for {component}",
    remedies=("restore_configuration",),
    worsened_by=("restart_pods", "cycle_deployment"),
    objects=("ResourceQuota", "LimitRange"),
    weights={
        pods.quota_refuses_pods: 3.5,
        changes.quota_changed: 2.0,
        pods.pods_fell: -1.0,
        changes.nothing_changed: -0.7,
    },
)
