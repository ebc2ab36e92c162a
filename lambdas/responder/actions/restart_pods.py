"""Restart the failing pods of a workload, a few at a time: by eviction, so that disruption budgets hold.

The next few follow when those that took the place of the first are ready; where they are not, the rest is left alone.

An unready pod that a budget protects serves nobody: where the budget refuses its eviction it is deleted, under the
same limits. New pods go where the scheduler finds room. A node that is not ready takes none; it is closed as well, so
that it does not get pods the moment it comes back, and opened again when it has been well for a while. A node that
somebody else has closed is left alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from responder.actions import Action, ActionFailed, Case, Plan
from responder.clients import kubernetes
from responder.model.finding import Finding
from responder.model.service import Service
from responder.model.shown import shown
from responder.plan.changes import OWN_MANAGER
from responder.sources import cluster_access
from responder.sources.kubernetes import is_ready, owner

MARK = "incident-responder/closed"
"""Annotation of a node that the responder has closed: by which remedy of which incident."""
_LOOK_SECONDS = 1.0
_RESERVE_SECONDS = 6.0
"""Left of its time for the pods that follow."""


class _Pod(NamedTuple):
    """What is weighed of a pod, so that thousands of them need little memory."""

    name: str
    uid: str
    node: str
    """Empty: no node has it yet."""
    ready: bool


def plan(case: Case, api: kubernetes.Kubernetes | None = None) -> Plan:
    """Choose the pods that are not ready, those on nodes that are not ready or gone first; see ``Action.plan``."""
    namespace = case.service.cluster.namespace
    name = case.workload
    target = f"deployment/{name}"
    api = api or kubernetes.connect(case.service.cluster.name, case.deadline)
    pods = _pods(api, namespace, name)
    nodes = _nodes(api)
    # A pod outlives its node in the list for a minute, as ready as it last was. A node that has joined since is there.
    bad_nodes = nodes.bad | {pod.node for pod in pods if pod.node} - nodes.there
    failing = sorted((pod for pod in pods if not pod.ready or pod.node in bad_nodes),
                     key=lambda pod: (pod.node not in bad_nodes, pod.name))
    most = max(1, math.floor(case.service.guardrails.reach_share * len(pods)))
    # A pod on a dead node serves nobody whatever its condition says: all of them go, for nothing is lost.
    dead = [pod for pod in failing if pod.node in bad_nodes]
    chosen, most = (dead, len(dead)) if dead else (failing, most)
    refusal = ""
    if not failing:
        refusal = f"all {len(pods)} pods of {target} are ready: restarting them would only take some away"
    elif not nodes.free:
        refusal = "no node is ready and open to pods: new pods would find no place"
    elif all(not pod.node for pod in chosen):
        refusal = "the pods that are not ready wait for a node: restarting them changes nothing"
    names = [pod.name for pod in chosen]
    closing = sorted(node for node in nodes.bad - nodes.closed if any(pod.node == node for pod in chosen))[
        :math.floor(case.service.guardrails.reach_share * len(nodes.there))]
    return Plan(target, f"restart {len(names)} of {len(pods)} pods of {target}"
                + (f", {most} at a time" if most < len(names) else "") + f": {', '.join(names[:5])}"
                + (" …" if len(names) > 5 else "") + (f"; close {', '.join(closing)} meanwhile" if closing else ""),
                diff=shown("\n".join([*(f"- pod/{pod}" for pod in names),
                                *(f"+ node/{node}: unschedulable: true" for node in closing)])),
                before={"pods": names, "bad_nodes": sorted(bad_nodes)},
                parameters={"pods": [[pod.name, pod.uid] for pod in chosen], "close": closing, "at_once": most,
                            "of": len(pods)},
                temporary=bool(closing),
                # Kubernetes itself needs 40 s to know that a node is dead, and its pods with it.
                refusal=refusal, passing=not failing)


def apply(case: Case, plan: Plan, api: kubernetes.Kubernetes | None = None) -> str:
    """Close the bad nodes, then evict or delete each pod, if it is still the same; one that is gone needs nothing."""
    namespace = case.service.cluster.namespace
    api = api or kubernetes.connect(case.service.cluster.name, case.deadline)
    for node in plan.parameters.get("close", []):
        _close(api, node, case.mark)
    pods, most = plan.parameters["pods"], max(1, int(plan.parameters.get("at_once", len(plan.parameters["pods"]))))
    deployment = case.workload
    for first in range(0, len(pods), most):
        if first and not _well_without(
                api, namespace, deployment, int(plan.parameters.get("of", 0)), {uid for _, uid in pods[first:]},
                case.deadline - _RESERVE_SECONDS):
            return (f"{plan.summary}; {len(pods) - first} of them were left alone, for those in place of the first "
                    "were not ready in time")
        for name, uid in pods[first:first + most]:
            _restart(api, namespace, name, uid)
    return plan.summary


def _restart(api: kubernetes.Kubernetes, namespace: str, name: str, uid: str) -> None:
    """Evict a pod, or delete it where a budget protects it though it serves nobody."""
    try:
        api.evict(namespace, name, uid)
    except kubernetes.Refused as refused:
        if refused.code in (404, 409):
            return  # it is gone, or another one has its name
        if refused.code != 429:
            raise ActionFailed(f"Kubernetes refused: {refused}") from refused
        try:
            pod = api.get("api/v1", "pods", namespace, name)
        except KeyError:
            return
        if is_ready(pod):
            return  # it has become well meanwhile, and a budget protects it
        try:
            api.delete("api/v1", "pods", namespace, name, uid)
        except kubernetes.Refused as again:
            if again.code not in (404, 409):
                raise ActionFailed(f"Kubernetes refused: {again}") from again


def _well_without(api: kubernetes.Kubernetes, namespace: str, deployment: str, of: int, others: set[str],
                  deadline: float) -> bool:
    """Wait until a workload has ``of`` pods and each but the ``others`` is ready; False where it takes too long."""
    while time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
        pods = _pods(api, namespace, deployment)
        if len(pods) >= of and all(pod.ready for pod in pods if pod.uid not in others):
            return True
    return False


def _pods(api: kubernetes.Kubernetes, namespace: str, deployment: str) -> list[_Pod]:
    """The pods of a Deployment that stay."""
    sets = {item["metadata"]["name"] for item in api.items("apis/apps/v1", "replicasets", namespace)
            if owner(item, "Deployment") == deployment}
    return [_brief(item) for item in api.items("api/v1", "pods", namespace, limit=10_000)
            if owner(item, "ReplicaSet") in sets and "deletionTimestamp" not in item["metadata"]]


def revert(case: Case, plan: Plan, api: kubernetes.Kubernetes | None = None) -> str:
    """Open the nodes again that it has closed, and no other; pods that were started anew are as those before."""
    api = api or kubernetes.connect(case.service.cluster.name, case.deadline)
    opened = [node for node in plan.parameters.get("close", []) if _open(api, node, case.mark)]
    return f"{', '.join(opened) or 'no node'} is open to pods again"


def over(service: Service, record: Mapping[str, Any], findings: Sequence[Finding]) -> str:
    """Whether the nodes that it has closed are ready again, or gone for good; see ``Action.over``."""
    closed = record["parameters"].get("close", [])
    for finding in findings:
        if finding.name == "nodes" and finding.usable and not set(closed) & set(finding.detail.get("not_ready", [])):
            return f"{', '.join(closed)} is ready again, or gone"
    return ""


def _close(api: kubernetes.Kubernetes, name: str, mark: str) -> None:
    """Close a node, unless somebody has; where that is not allowed the pods are restarted all the same."""
    try:
        node = api.get("api/v1", "nodes", "", name)
        if not (node.get("spec") or {}).get("unschedulable"):
            _patch(api, node, mark, True)
    except KeyError:
        return
    except kubernetes.Refused as refused:
        if refused.code not in (403, 404, 409):
            raise ActionFailed(f"Kubernetes refused to close {name}: {refused}") from refused


def _open(api: kubernetes.Kubernetes, name: str, mark: str) -> bool:
    try:
        node = api.get("api/v1", "nodes", "", name)
        if (node["metadata"].get("annotations") or {}).get(MARK) != mark:
            return False
        _patch(api, node, None, None)
    except KeyError:
        return False
    except kubernetes.Refused as refused:
        raise ActionFailed(f"Kubernetes refused to open {name}: {refused}") from refused
    return True


def _patch(api: kubernetes.Kubernetes, node: dict[str, Any], mark: str | None, closed: bool | None) -> None:
    """Only while the node is as it was seen: who closes it at the same moment keeps it closed."""
    metadata = node["metadata"]
    api.patch("api/v1", "nodes", "", metadata["name"], {
        "metadata": {"resourceVersion": metadata["resourceVersion"], "annotations": {MARK: mark}},
        "spec": {"unschedulable": closed}}, manager=OWN_MANAGER, kind="application/merge-patch+json")


class _Nodes(NamedTuple):
    """Names of nodes."""

    bad: set[str]
    closed: set[str]
    free: set[str]
    there: set[str]


def _nodes(api: kubernetes.Kubernetes) -> _Nodes:
    nodes = _Nodes(set(), set(), set(), set())
    for item in api.items("api/v1", "nodes", ""):
        name, closed = item["metadata"]["name"], bool((item.get("spec") or {}).get("unschedulable"))
        nodes.there.add(name)
        if closed:
            nodes.closed.add(name)
        if not is_ready(item):
            nodes.bad.add(name)
        elif not closed:
            nodes.free.add(name)
    return nodes


def _brief(pod: dict[str, Any]) -> _Pod:
    metadata = pod["metadata"]
    return _Pod(metadata["name"], metadata["uid"], pod["spec"].get("nodeName") or "", is_ready(pod))


ACTION = Action(
    name="restart_pods",
    risk="low",
    default_policy="auto",
    reversible=True,
    # Pods that were started anew are no other than those before, and a node that is not ready had better stay closed.
    keep_when_not_helped=True,
    plan=plan,
    apply=apply,
    revert=revert,
    over=over,
    statements=cluster_access,
    kubernetes_group="incident-responder:restart-pods",
    deadline_seconds=40.0,
)
