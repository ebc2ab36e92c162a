"""No node takes the pods, though nothing is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence.changes import Changes
from responder.plan.advice import Advice, Case, Effort, said
from responder.plan.causes import CLUSTER_FAILURE
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import changes, live_state, nodes, pods
from responder.plan.times import may_have_caused
from responder.plan.wording import listed
from responder.plan.workload_kinds import WORKLOAD_KINDS

_NODE_SECONDS = 120.0
"""How long a new node takes."""


def improvements(case: Case) -> Iterator[Advice]:
    """Nodes are closed one at a time, what customers need goes first, and room is made by itself."""
    nodes = [change for change in case.changes if change.kind == "Node"]
    seen = case.seen()
    if nodes:
        yield Advice(
            "drain-one-by-one", "prevention", "All nodes were closed to pods together",
            said(*map(case.told, nodes[:3])), f"PodDisruptionBudget of {case.workload}",
            "close nodes one after the other by `kubectl drain`, with a disruption budget that refuses the next one "
            "until pods are ready elsewhere", "SRE", Effort.SETTING,
            f"`{case.kubectl} get pdb` shows a minimum for it, and draining a second node is refused",
            case.trouble.whole)
    else:
        taken = [change for finding in case.evidence.of(Changes) for change in finding.detail.changes
                 if change.kind in WORKLOAD_KINDS and change.what == "created"
                 and may_have_caused(case.trouble.start, change.latest)]
        names = listed([change.name for change in taken])
        told = said(*map(case.told, taken), seen)
        yield Advice(
            "payments-first", "prevention", "Other work could take the room that customers' pods need", told,
            f"PriorityClass of {case.workload}", "give it a higher priority than batch work"
            + (f" (such as {names})" if names else "") + ", and batch work a quota of its own", "SRE", Effort.SETTING,
            f"`{case.kubectl} get {case.target(case.component)} -o "
            "jsonpath='{.spec.template.spec.priorityClassName}'` names it", case.trouble.whole)
    if not case.service.cluster.nodes_are_added:
        yield Advice(
            "add-nodes", "recovery", "No node was added where pods found none",
            case.seen("pods") or seen,
            f"nodes of cluster {case.service.cluster.name}", "let nodes be added by themselves (Karpenter, EKS Auto "
            "Mode, Cluster Autoscaler), and say so in the configuration (cluster.nodes_are_added)", "SRE",
            Effort.DESIGN, "a test pod that fits no node gets one within two minutes", case.beyond(_NODE_SECONDS))


MECHANISM = Mechanism(
    id="unschedulable",
    cause=CLUSTER_FAILURE,
    title="no room for pods",
    subject="lack of room for pods of {component}",
    remedies=("escalate",),
    worsened_by=("restart_pods", "cycle_deployment"),
    weights={
        live_state.live_room: 2.0,
        pods.pods_unscheduled: 2.0,
        nodes.nodes_cordoned: 1.0,
        changes.node_changed: 0.7,
        pods.pods_are_ready: -3.0,
        changes.change_explains_pods: -1.0,
        pods.pods_fell: -1.0,
    },
    improvements=improvements,
)
