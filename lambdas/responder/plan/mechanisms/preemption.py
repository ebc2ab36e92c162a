"""Pods of a higher priority took the place of the component's."""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan.advice import Advice, Case, Effort, said
from responder.plan.causes import CLUSTER_FAILURE
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import changes, pods
from responder.plan.workload_kinds import WORKLOAD_KINDS

_NODE_SECONDS = 120.0
"""How long a new node takes."""


def improvements(case: Case) -> Iterator[Advice]:
    """What customers need is not the first to go, and nobody lowers its priority unseen."""
    lowered = [change for change in case.changes if change.kind in WORKLOAD_KINDS]
    told = said(*map(case.told, lowered[:1]), case.seen("pods"))
    yield Advice(
        "guard-priority", "prevention", f"Pods of {case.component} gave way to others", told,
        f"{case.workload}, priorityClassName", "give it the highest priority of this cluster's workloads, and refuse "
        "a lower one by a ValidatingAdmissionPolicy", "SRE", Effort.CHECK,
        f"`{case.kubectl} apply --dry-run=server` with a lower priorityClassName is refused", case.trouble.whole)
    yield Advice(
        "reserve-room", "recovery", "There was no room to come back to", case.seen("pods") or case.seen(),
        f"nodes of cluster {case.service.cluster.name}", "keep room by pods of a low priority that give way at once "
        "(overprovisioning), or let nodes be added by themselves", "SRE", Effort.CHECK,
        f"after `{case.kubectl} rollout restart {case.target(case.component)}` under full load all "
        "pods get ready", case.beyond(_NODE_SECONDS))


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
    improvements=improvements,
)
