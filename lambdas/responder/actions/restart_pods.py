"""Restart the failing pods of a workload, a few at a time: by eviction, so that disruption budgets hold.

An unready pod that a budget protects serves nobody: where the budget refuses its eviction it is deleted, under the
same limits. New pods go where the scheduler finds room; nodes that are not ready take none.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from responder.actions import Action, ActionFailed, Case, Plan
from responder.clients import kubernetes
from responder.sources import cluster_access
from responder.sources.kubernetes import owner


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
    name = case.service.component(case.component).deployment
    target = f"deployment/{name}"
    api = api or kubernetes.connect(case.service.cluster.name, case.deadline)
    sets = {item["metadata"]["name"] for item in api.items("apis/apps/v1", "replicasets", namespace)
            if owner(item, "Deployment") == name}
    pods = [_brief(item) for item in api.items("api/v1", "pods", namespace, limit=10_000)
            if owner(item, "ReplicaSet") in sets and "deletionTimestamp" not in item["metadata"]]
    bad_nodes, open_nodes, there = _nodes(api)
    # A pod outlives its node in the list for a minute, as ready as it last was. A node that has joined since is there.
    bad_nodes |= {pod.node for pod in pods if pod.node} - there
    failing = sorted((pod for pod in pods if not pod.ready or pod.node in bad_nodes),
                     key=lambda pod: (pod.node not in bad_nodes, pod.name))
    most = max(1, math.floor(case.service.guardrails.reach_share * len(pods)))
    # A pod on a dead node serves nobody whatever its condition says: all of them go, for nothing is lost.
    chosen = [pod for pod in failing if pod.node in bad_nodes] or failing[:most]
    refusal = ""
    if not failing:
        refusal = f"all {len(pods)} pods of {target} are ready: restarting them would only take some away"
    elif not open_nodes:
        refusal = "no node is ready and open to pods: new pods would find no place"
    elif all(not pod.node for pod in chosen):
        refusal = "the pods that are not ready wait for a node: restarting them changes nothing"
    names = [pod.name for pod in chosen]
    return Plan(target, f"restart {len(names)} of {len(pods)} pods of {target}: {', '.join(names[:5])}"
                + (" …" if len(names) > 5 else ""),
                diff="\n".join(f"- pod/{pod}" for pod in names),
                before={"pods": names, "bad_nodes": sorted(bad_nodes)},
                parameters={"pods": [[pod.name, pod.uid] for pod in chosen]},
                # Kubernetes itself needs 40 s to know that a node is dead, and its pods with it.
                refusal=refusal, passing=not failing)


def apply(case: Case, plan: Plan, api: kubernetes.Kubernetes | None = None) -> str:
    """Evict or delete each pod, if it is still the same one; a pod that is gone needs nothing."""
    namespace = case.service.cluster.namespace
    api = api or kubernetes.connect(case.service.cluster.name, case.deadline)
    for name, uid in plan.parameters["pods"]:
        try:
            api.evict(namespace, name, uid)
        except kubernetes.Refused as refused:
            if refused.code in (404, 409):
                continue
            if refused.code != 429:
                raise ActionFailed(f"Kubernetes refused: {refused}") from refused
            try:
                pod = api.get("api/v1", "pods", namespace, name)
            except KeyError:
                continue
            if _ready(pod):
                continue  # it has become well meanwhile, and a budget protects it
            try:
                api.delete("api/v1", "pods", namespace, name, uid)
            except kubernetes.Refused as again:
                if again.code not in (404, 409):
                    raise ActionFailed(f"Kubernetes refused: {again}") from again
    return plan.summary


def _nodes(api: kubernetes.Kubernetes) -> tuple[set[str], set[str], set[str]]:
    """Return the nodes that are not ready, those that are open to pods, and all."""
    bad, free, there = set(), set(), set()
    for item in api.items("api/v1", "nodes", ""):
        there.add(item["metadata"]["name"])
        conditions = {c["type"]: c.get("status") for c in (item.get("status") or {}).get("conditions") or []}
        if conditions.get("Ready") != "True":
            bad.add(item["metadata"]["name"])
        elif not (item.get("spec") or {}).get("unschedulable"):
            free.add(item["metadata"]["name"])
    return bad, free, there


def _brief(pod: dict[str, Any]) -> _Pod:
    metadata = pod["metadata"]
    return _Pod(metadata["name"], metadata["uid"], pod["spec"].get("nodeName") or "", _ready(pod))


def _ready(pod: dict[str, Any]) -> bool:
    return any(c["type"] == "Ready" and c.get("status") == "True"
               for c in (pod.get("status") or {}).get("conditions") or [])


ACTION = Action(
    name="restart_pods",
    risk="low",
    default_policy="auto",
    reversible=True,
    # Pods that were started anew are no other than those before: there is nothing to take back.
    keep_when_not_helped=True,
    plan=plan,
    apply=apply,
    revert=None,
    statements=cluster_access,
    kubernetes_group="incident-responder:restart-pods",
)
