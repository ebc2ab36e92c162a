"""The processes run and answer no more, though nothing was changed."""

from __future__ import annotations

from responder.plan.causes import CLUSTER_FAILURE
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import changes, pods

MECHANISM = Mechanism(
    id="stuck_pods",
    cause=CLUSTER_FAILURE,
    title="hanging pods",
    subject="hanging pods of {component}",
    remedies=("restart_pods", "cycle_deployment"),
    weights={
        pods.pods_fell: 2.5,
        pods.pods_crash: 1.0,
        changes.nothing_changed: 0.7,
        pods.pods_are_ready: -3.0,
        changes.change_explains_pods: -1.0,
    },
)
