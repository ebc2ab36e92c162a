"""Pods of a higher priority took the place of the component's."""

from __future__ import annotations

from responder.plan.causes import CLUSTER_FAILURE
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import changes, pods

MECHANISM = Mechanism(
    id="preemption",
    cause=CLUSTER_FAILURE,
    title="preempted pods",
    subject="preempted pods of {component}",
    remedies=("escalate",),
    worsened_by=("restart_pods", "cycle_deployment"),
    weights={
        pods.pods_preempted: 4.0,
        changes.priority_changed: 3.0,
        pods.pods_unscheduled: 1.0,
        changes.change_explains_pods: -1.0,
    },
)
