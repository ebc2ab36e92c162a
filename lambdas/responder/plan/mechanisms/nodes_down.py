"""Nodes that the pods run on are gone or do not answer."""

from __future__ import annotations

from responder.plan.causes import CLUSTER_FAILURE
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, nodes, pods, probes

MECHANISM = Mechanism(
    id="nodes_down",
    cause=CLUSTER_FAILURE,
    title="nodes down",
    subject="loss of nodes under {component}",
    remedies=("restart_pods",),
    weights={
        pods.its_nodes_are_gone: 3.0,
        nodes.nodes_not_ready: 2.5,
        nodes.instances_impaired: 2.5,
        nodes.its_pods_are_on_them: 2.0,
        nodes.nodegroup_issues: 1.5,
        calls.kind_connect_timeout: 1.0,
        pods.pods_unscheduled: 0.7,
        changes.node_changed: 0.5,
        pods.pods_fail_probe: 0.5,
        pods.pods_fell: 0.5,
        probes.probe_does_not_get_through: 0.5,
        changes.change_explains_pods: -0.5,
        pods.pods_are_ready: -0.5,
        probes.probe_gets_through: -0.3,
        probes.probe_resolves: -0.3,
    },
)
