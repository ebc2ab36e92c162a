"""Restart the failing pods of a workload, a few at a time: by eviction, so that disruption budgets hold.

The next few follow when those that took the place of the first are ready; where they are not, the rest is left alone.

A pod that is ready and fails all the same is restarted only where another one is ready, and only within its budget. An
unready pod that a budget protects serves nobody: where the budget refuses its eviction it is deleted, under the
same limits. New pods go where the scheduler finds room. A node that is not ready takes none; it is closed as well, so
that it does not get pods the moment it comes back, and opened again when it has been well for a while. A node that
somebody else has closed is left alone. Pods that are over (evicted, failed, succeeded) are no pods any more.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from responder.actions import Action, ActionFailed, Declined, Plan, RemediationContext, connected, of_workload
from responder.clients import workloads
from responder.clients.kubernetes import Kubernetes, NotFound, Refused
from responder.clients.owners import Ref, ref_of
from responder.clients.workloads import Node, Workload
from responder.model.change import OWN_MANAGER
from responder.model.shown import shown
from responder.plan.remedies.restart_pods import REMEDY, Before, Facts, Parameters, Pod
from responder.sources import cluster_access

MARK = "incident-responder/closed"
"""Annotation of a node that the responder has closed: by which remedy of which incident."""
_LOOK_SECONDS = 1.0
_RESERVE_SECONDS = 6.0
"""Left of its time for the pods that follow."""
_GONE = frozenset({404, 409})
"""The object is gone, or another one has its name."""
_BUDGET = 429
"""A disruption budget refuses an eviction."""
_MOST_NAMED = 5

Planned = Plan[Before, Parameters]


def plan(context: RemediationContext, facts: Facts, api: Kubernetes | None = None) -> Planned | Declined:
    """Choose the pods that are not ready, those on nodes that are not ready or gone first; see ``Action.plan``."""
    found = connected(context, api)
    return of_workload(context, found, lambda workload: _plan(context, found, workload, facts))


def _plan(context: RemediationContext, api: Kubernetes, workload: Workload,
          facts: Facts) -> Planned | Declined:
    odd = {*facts.odd, *facts.worn}
    target, share = workload.target, context.service.guardrails.reach_share
    pods = workloads.pods_of(api, workload.ref)
    nodes = workloads.nodes(api)
    # A pod outlives its node in the list for a minute, as ready as it last was. A node that has joined since is there.
    unready, there = {node.name for node in nodes if not node.ready}, {node.name for node in nodes}
    bad_nodes = unready | {pod.node for pod in pods if pod.node} - there
    if workload.ref.kind == "DaemonSet":
        # Its pods belong to their nodes: in place of one on a node that is not ready comes another on the same node.
        pods, bad_nodes = [pod for pod in pods if pod.node not in bad_nodes], set()
    failing = sorted((pod for pod in pods if not pod.ready or pod.node in bad_nodes or pod.name in odd),
                     key=lambda pod: (pod.node not in bad_nodes, pod.name))
    most = max(1, math.floor(share * len(pods)))
    # A pod on a dead node serves nobody whatever its condition says: all of them go, for nothing is lost.
    dead = [pod for pod in failing if pod.node in bad_nodes]
    chosen, most = (dead, len(dead)) if dead else (failing, most)
    names = tuple(pod.name for pod in chosen)
    closing = _closing(nodes, {pod.node for pod in chosen}, share)
    summary = (("as a stop-gap, " if facts.stop_gap else "") + f"restart {len(names)} of {len(pods)} pods of {target}"
               + (f", {most} at a time" if most < len(names) else "") + f": {', '.join(names[:_MOST_NAMED])}"
               + (" …" if len(names) > _MOST_NAMED else "") + (f"; close {', '.join(closing)} meanwhile"
                                                              if closing else "")
               + (f" ({facts.stop_gap})" if facts.stop_gap else ""))
    diff = shown("\n".join([*(f"- pod/{pod}" for pod in names),
                            *(f"+ node/{node}: unschedulable: true" for node in closing)]))
    refusal = ""
    if not failing:
        refusal = f"all {len(pods)} pods of {target} are ready: restarting them would only take some away"
    elif all(pod.name in odd for pod in failing) and sum(pod.ready for pod in pods) < 2:
        refusal = "no other pod is ready: a pod that serves some requests is not taken away"
    elif not any(node.ready and not node.closed for node in nodes):
        refusal = "no node is ready and open to pods: new pods would find no place"
    elif all(not pod.node for pod in chosen):
        refusal = "the pods that are not ready wait for a node: restarting them changes nothing"
    if refusal:
        # Kubernetes itself needs 40 s to know that a node is dead, and its pods with it.
        return Declined(target, summary, refusal, transient=not failing, diff=diff)
    return Plan(target, summary, Before(names, tuple(sorted(bad_nodes))),
                Parameters(tuple(Pod(pod.name, pod.uid) for pod in chosen), closing, most, len(pods)), diff,
                temporary=bool(closing))


def _closing(nodes: Sequence[Node], used: set[str], share: float) -> tuple[str, ...]:
    """Return the nodes to close: those that are not ready, that nobody has closed, and that pods are restarted on."""
    names = sorted(node.name for node in nodes if not node.ready and not node.closed and node.name in used)
    return tuple(names[:math.floor(share * len(nodes))])


def apply(context: RemediationContext, plan: Planned, api: Kubernetes | None = None) -> str:
    """Close the bad nodes, then evict or delete each pod, if it is still the same; one that is gone needs nothing."""
    api, ref = connected(context, api), ref_of(plan.target, context.namespace)
    pods = plan.parameters.pods
    for node in plan.parameters.close:
        _close(api, node, context.mark)
    most = max(1, plan.parameters.at_once or len(pods))
    for first in range(0, len(pods), most):
        if first and not _well_without(api, context, ref, plan.parameters.of, {pod.uid for pod in pods[first:]}):
            return (f"{plan.summary}; {len(pods) - first} of them were left alone, for those in place of the first "
                    "were not ready in time")
        for pod in pods[first:first + most]:
            _restart(api, context.namespace, pod)
    return plan.summary


def _restart(api: Kubernetes, namespace: str, pod: Pod) -> None:
    """Evict a pod, or delete it where a budget protects it though it serves nobody."""
    try:
        api.evict(namespace, pod.name, pod.uid)
    except Refused as refused:
        if refused.code in _GONE:
            return
        if refused.code != _BUDGET:
            raise ActionFailed(f"Kubernetes refused: {refused}") from refused
        try:
            if workloads.pod_is_ready(api, namespace, pod.name):
                return  # it has become well meanwhile, and a budget protects it
            api.delete("api/v1", "pods", namespace, pod.name, pod.uid)
        except NotFound:
            return
        except Refused as again:
            if again.code not in _GONE:
                raise ActionFailed(f"Kubernetes refused: {again}") from again


def _well_without(api: Kubernetes, context: RemediationContext, ref: Ref, of: int, others: set[str]) -> bool:
    """Wait until a workload has ``of`` pods and each but the ``others`` is ready; False where it takes too long."""
    while time.monotonic() < context.deadline - _RESERVE_SECONDS:
        time.sleep(_LOOK_SECONDS)
        pods = workloads.pods_of(api, ref)
        if len(pods) >= of and all(pod.ready for pod in pods if pod.uid not in others):
            return True
    return False


def revert(context: RemediationContext, plan: Planned, api: Kubernetes | None = None) -> str:
    """Open the nodes again that it has closed, and no other; pods that were started anew are as those before."""
    api = connected(context, api)
    opened = [node for node in plan.parameters.close if _open(api, node, context.mark)]
    return f"{', '.join(opened) or 'no node'} is open to pods again"


def _close(api: Kubernetes, name: str, mark: str) -> None:
    """Close a node, unless somebody has; where that is not allowed the pods are restarted all the same."""
    try:
        node = workloads.node(api, name)
        if not node.closed:
            workloads.set_closed(api, node, True, MARK, mark, OWN_MANAGER)
    except NotFound:
        return
    except Refused as refused:
        if refused.code not in (403, *_GONE):
            raise ActionFailed(f"Kubernetes refused to close {name}: {refused}") from refused


def _open(api: Kubernetes, name: str, mark: str) -> bool:
    try:
        node = workloads.node(api, name)
        if node.annotations.get(MARK) != mark:
            return False
        workloads.set_closed(api, node, None, MARK, None, OWN_MANAGER)
    except NotFound:
        return False
    except Refused as refused:
        raise ActionFailed(f"Kubernetes refused to open {name}: {refused}") from refused
    return True


ACTION = Action(
    remedy=REMEDY,
    plan=plan,
    apply=apply,
    revert=revert,
    statements=cluster_access,
    kubernetes_group="incident-responder:restart-pods",
    deadline_seconds=40.0,
)
