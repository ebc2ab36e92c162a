"""Nodes that the pods run on are gone or do not answer."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence.pods import Pods
from responder.plan.advice import Advice, Case, Effort, said
from responder.plan.causes import CLUSTER_FAILURE
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, live_state, nodes, pods, probes

_REPAIRED_SECONDS = 120.0
"""Within which pods are elsewhere: 40 s until a node counts as silent, 30 s of toleration, and their start."""


def improvements(case: Case) -> Iterator[Advice]:
    """A lost node must not take more than its share, and is replaced by itself."""
    newest = [finding.detail for finding in case.evidence.looks(Pods, case.component)]
    worst = min(newest, key=lambda pods: pods.ready, default=None)
    lost = (f"{worst.ready} of {worst.wanted} pods of {case.component} were ready"
            if worst and worst.ready < worst.wanted else "")
    seen = said(case.seen("nodes", "instances", "changes", "nodegroups"), lost)
    yield Advice(
        "spread-pods", "prevention", "Too much stood on the nodes that were lost", seen or case.seen(),
        f"{case.workload}, topologySpreadConstraints", "spread the pods over nodes and zones, with one node's worth "
        "of pods more than the load needs", case.developers, Effort.SETTING,
        f"`{case.kubectl} get pods -o wide` shows them on different nodes and zones, and draining one node fails no "
        "request", case.trouble.whole)
    yield Advice(
        "repair-nodes", "recovery", "Pods waited on nodes that did not come back",
        seen or case.seen(), f"node groups of cluster {case.service.cluster.name}", "turn on EKS' node auto repair, "
        "and shorten the tolerations of node.kubernetes.io/unreachable and not-ready from 300 s to 30 s", "SRE",
        Effort.SETTING, "after an instance is stopped its pods are ready elsewhere within two minutes",
        case.beyond(_REPAIRED_SECONDS))


MECHANISM = Mechanism(
    id="nodes_down",
    cause=CLUSTER_FAILURE,
    lies_in="cluster",
    title="nodes down",
    subject="loss of nodes under {component}",
    remedies=("restart_pods",),
    weights={
        live_state.live_node: 1.5,
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
        nodes.machines_are_well: -2.0,
        changes.change_explains_pods: -0.5,
        pods.pods_are_ready: -0.5,
        probes.probe_gets_through: -0.3,
        probes.probe_resolves: -0.3,
    },
    improvements=improvements,
)
