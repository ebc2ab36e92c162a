"""No node takes the pods, though nothing is wrong with them."""

from __future__ import annotations

from responder.plan.causes import CLUSTER_FAILURE
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import changes, nodes, pods

MECHANISM = Mechanism(
    id="unschedulable",
    cause=CLUSTER_FAILURE,
    title="no room for pods",
    subject="lack of room for pods of {component}",
    remedies=("escalate",),
    worsened_by=("restart_pods", "cycle_deployment"),
    weights={
        pods.pods_unscheduled: 2.0,
        nodes.nodes_cordoned: 1.0,
        changes.node_changed: 0.7,
        pods.pods_are_ready: -3.0,
        changes.change_explains_pods: -1.0,
        pods.pods_fell: -1.0,
    },
)
