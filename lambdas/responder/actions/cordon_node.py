"""Close one node that harms its pods, and move the service's pods off it: by eviction, so that disruption budgets hold.

Each few are moved when those that took the place of the ones before are ready. Never more than one node is closed by
the responder, never the last that is ready and open, and only where the others have room for what is moved. Pods of
other services stay: they are not the responder's to move. Sources: Kubernetes' pages "Safely Drain a Node" and
"API-initiated Eviction".
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import NamedTuple

from responder.actions import Action, ActionFailed, Declined, Plan, RemediationContext, connected
from responder.clients import workloads
from responder.clients.failure import CallFailed
from responder.clients.kubernetes import Kubernetes, NotFound, Refused
from responder.clients.owners import ref_of
from responder.clients.workloads import Needs, Node, Workload
from responder.model.change import OWN_MANAGER
from responder.model.shown import shown
from responder.plan.remedies.cordon_node import REMEDY, Before, Facts, Parameters, Pod
from responder.sources import cluster_access

MARK = "incident-responder/cordoned"
"""Annotation of a node that this remedy has closed: by which remedy of which incident."""
_LOOK_SECONDS = 1.0
_RESERVE_SECONDS = 6.0
_GONE = frozenset({404, 409})
_BUDGET = 429
"""A disruption budget refuses an eviction."""
_MOST = 20
"""More of the service's pods than these are not moved by one remedy."""
_MOST_NAMED = 5

Planned = Plan[Before, Parameters]


class _There(NamedTuple):
    """The pods of one workload that are on the node."""

    workload: Workload
    pods: list[workloads.Pod]
    of: int
    elsewhere: int
    """Pods of it on other nodes that are ready."""
    blamed: bool
    """Whether it is the component that is to be mended."""


def plan(context: RemediationContext, facts: Facts, api: Kubernetes | None = None) -> Planned | Declined:
    """Choose the pods that are moved; see ``Action.plan``."""
    api, target = connected(context, api), f"node/{facts.node}"
    nodes = workloads.nodes(api)
    node = next((node for node in nodes if node.name == facts.node), None)
    there = [_on(api, context, name, facts.node) for name in facts.components] if node else []
    # What is bound to its node, or would be gone meanwhile, stays; but for what is to be mended.
    there = [one for one in there if one.pods and (one.blamed or (
        one.elsewhere and one.workload.ref.kind != "DaemonSet"))]
    pods = tuple(Pod(pod.name, pod.uid, one.workload.target, one.workload.ref.namespace)
                 for one in there for pod in one.pods)
    share = context.service.guardrails.reach_share
    most = max(1, math.floor(share * min((one.of for one in there), default=1)))
    summary = (f"close {facts.node} and move {len(pods)} pods off it, {most} at a time: "
               + ", ".join(pod.name for pod in pods[:_MOST_NAMED]) + (" …" if len(pods) > _MOST_NAMED else ""))
    diff = shown("\n".join([f"+ {target}: unschedulable: true", *(f"- pod/{pod.name}" for pod in pods)]))
    refusal = _refusal(api, context, node, nodes, there)
    if refusal:
        return Declined(target, summary, refusal, diff=diff)
    return Plan(target, summary, Before(sum(one.ready and not one.closed for one in nodes)),
                Parameters(facts.node, pods, most), diff)


def _on(api: Kubernetes, context: RemediationContext, component: str, node: str) -> _There:
    namespace = context.service.namespace(component)
    workload = workloads.of_component(api, namespace, context.service.component(component))
    pods = workloads.pods_of(api, workload.ref)
    return _There(workload, [pod for pod in pods if pod.node == node], len(pods),
                  sum(pod.ready and pod.node != node for pod in pods), component == context.component)


def _refusal(api: Kubernetes, context: RemediationContext, node: Node | None, nodes: Sequence[Node],
             there: Sequence[_There]) -> str:
    """Say why the node is not closed; an empty text where it may be."""
    if node is None:
        return "the node is gone"
    if node.closed:
        return f"{node.name} is closed already: somebody is working on it"
    if any(MARK in other.annotations for other in nodes):
        return "the responder has closed a node already: a second one is for people to decide"
    others = [other for other in nodes if other.name != node.name and other.ready and not other.closed]
    if not node.ready:
        return f"{node.name} is not ready: Kubernetes takes its pods away by itself"
    if not others:
        return "no other node is ready and open"
    if sum(len(one.pods) for one in there) > _MOST:
        return f"more than {_MOST} pods would be moved"
    unmoved = next((one for one in there if one.workload.ref.kind == "DaemonSet"), None)
    if unmoved:
        return f"pods of {unmoved.workload.target} belong to their nodes"
    alone = next((one for one in there if not one.elsewhere), None)
    if alone:
        return f"no pod of {alone.workload.target} is ready on another node: moving would take all away"
    if not any(one.blamed for one in there):
        return f"no pod of {context.component} is on {node.name} any more"
    return "" if context.service.cluster.nodes_are_added else _no_room(api, context, others, there)


def _no_room(api: Kubernetes, context: RemediationContext, others: Sequence[Node], there: Sequence[_There]) -> str:
    """Say whose pods the other nodes have no room for, by requests; an empty text where they have.

    An upper bound, as for more pods: what other namespaces take is not the responder's to see.
    """
    free = {node.name: list(node.room) for node in others}
    try:
        for namespace in context.service.namespaces:
            for name, taken in workloads.running(api, namespace):
                if name in free:
                    free[name] = [left - amount for left, amount in zip(free[name], taken, strict=True)]
    except CallFailed as failed:
        if failed.status == "unauthorized":
            return "the room of the other nodes is not known"
        raise
    for one in there:
        takers = {node.name for node in others if node.takes(one.workload.pods)}
        for _ in one.pods:
            needs = one.workload.pods.needs
            taker = next((name for name in sorted(takers) if _fits(free[name], needs)), "")
            if not taker:
                return f"the other nodes have no room for {len(one.pods)} pods of {one.workload.target}"
            free[taker] = [left - amount for left, amount in zip(free[taker], needs, strict=True)]
    return ""


def _fits(free: Sequence[float], needs: Needs) -> bool:
    return all(left >= need for left, need in zip(free, needs, strict=True))


def apply(context: RemediationContext, plan: Planned, api: Kubernetes | None = None) -> str:
    """Close the node, then evict its pods a few at a time; a pod that is gone needs nothing."""
    api, wanted = connected(context, api), plan.parameters
    _close(api, wanted.node, context.mark)
    left = list(wanted.pods)
    while left:
        few, left = left[:wanted.at_once], left[wanted.at_once:]
        kept = [pod for pod in few if not _evict(api, pod)]
        if kept:
            return f"{plan.summary}; a disruption budget kept {', '.join(pod.name for pod in kept)} there"
        if left and not _well_again(api, context, few):
            return (f"{plan.summary}; {len(left)} of them were left there, for those in place of the first were not "
                    "ready in time")
    return plan.summary


def _evict(api: Kubernetes, pod: Pod) -> bool:
    """Evict a pod; False where a budget refuses it."""
    try:
        api.evict(pod.namespace, pod.name, pod.uid)
    except Refused as refused:
        if refused.code == _BUDGET:
            return False
        if refused.code not in _GONE:
            raise ActionFailed(f"Kubernetes refused: {refused}") from refused
    return True


def _well_again(api: Kubernetes, context: RemediationContext, moved: Sequence[Pod]) -> bool:
    """Wait until each workload that lost a pod has as many ready ones as it wants; False where it takes too long."""
    refs = [ref_of(target, namespace) for target, namespace in sorted({(pod.workload, pod.namespace) for pod in moved})]
    while time.monotonic() < context.deadline - _RESERVE_SECONDS:
        time.sleep(_LOOK_SECONDS)
        found = [workloads.get(api, ref) for ref in refs]
        if all(workload.ready >= workload.replicas for workload in found):
            return True
    return False


def _close(api: Kubernetes, name: str, mark: str) -> None:
    """Close the node, unless it was done before; fails where somebody else has closed it meanwhile."""
    try:
        node = workloads.node(api, name)
        if node.annotations.get(MARK) == mark:
            return
        if node.closed:
            raise ActionFailed(f"{name} was closed by somebody else meanwhile: nothing was done")
        workloads.set_closed(api, node, True, MARK, mark, OWN_MANAGER)
    except NotFound as gone:
        raise ActionFailed(f"{name} is gone") from gone
    except Refused as refused:
        raise ActionFailed(f"Kubernetes refused to close {name}: {refused}") from refused


def revert(context: RemediationContext, plan: Planned, api: Kubernetes | None = None) -> str:
    """Open the node again, if it is still the one that this remedy has closed; the pods stay where they are."""
    api, name = connected(context, api), plan.parameters.node
    try:
        node = workloads.node(api, name)
        if node.annotations.get(MARK) != context.mark:
            return f"{name} was opened before, or is somebody else's affair by now"
        workloads.set_closed(api, node, None, MARK, None, OWN_MANAGER)
    except NotFound:
        return f"{name} is gone"
    except Refused as refused:
        raise ActionFailed(f"Kubernetes refused to open {name}: {refused}") from refused
    return f"{name} is open to pods again"


ACTION = Action(
    remedy=REMEDY,
    plan=plan,
    apply=apply,
    revert=revert,
    statements=cluster_access,
    kubernetes_group="incident-responder:cordon-node",
    deadline_seconds=40.0,
)
