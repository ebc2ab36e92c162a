"""Give a workload as many pods as its load needs, by the capacity that was measured, and no more.

Where a HorizontalPodAutoscaler is in charge its bounds are raised, for it would undo anything else. Before it is done
the quota, the room on the nodes and the database's connections are checked; it is scaled back where it did not help.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from responder.actions import Action, ActionFailed, Declined, Plan, RemediationContext, connected, of_workload, writing
from responder.clients import workloads
from responder.clients.failure import CallFailed
from responder.clients.kubernetes import Kubernetes, NotFound
from responder.clients.watched import KINDS
from responder.clients.workloads import Autoscaler, Deployment, Needs, Quota
from responder.model.change import OWN_MANAGER
from responder.model.shown import shown
from responder.plan.remedies.scale_up import REMEDY, RESERVE, Before, Facts, Parameters
from responder.plan.wording import count, plural
from responder.sources import cluster_access

_POOL_SHARE = 0.9
"""Of the database's connections so much may be used."""

Planned = Plan[Before, Parameters]


def plan(context: RemediationContext, facts: Facts, api: Kubernetes | None = None) -> Planned | Declined:
    """Work out the number of pods; see ``Action.plan``."""
    found = connected(context, api)
    return of_workload(context, found, lambda deployment: _plan(context, facts, found, deployment))


def _plan(context: RemediationContext, facts: Facts, api: Kubernetes, deployment: Deployment) -> Planned | Declined:
    target, now = f"deployment/{deployment.name}", deployment.replicas
    demand, each, limit = facts.requests_per_second, facts.served_per_pod, context.service.guardrails.maximum_replicas
    needed = min(limit, math.ceil(demand * RESERVE / each)) if each > 0 else 0
    wanted = needed if context.chosen is None else context.chosen
    refusal = _not_wanted(context, facts, now, wanted)
    places = 0 if refusal else _places(api, context, deployment, limit - now)
    few = not refusal and wanted - now > places
    if few and not places:
        refusal = "no node has room for another pod"
    elif few and context.chosen is not None:
        refusal = f"the nodes have room for {plural(places, 'more pod')}, and not for {wanted - now}"
    elif few:
        wanted = now + places
    quotas = [] if refusal else workloads.quotas(api, context.namespace)
    fits = {number: _no_room(quotas, deployment.pods.needs, number - now)
            or _connections(context, facts, now, number) for number in range(now + 1, now + places + 1)}
    refusal = refusal or fits[wanted]
    scaler = workloads.autoscaler_of(api, context.namespace, deployment.name)
    refusal = refusal or _managed(deployment, scaler)
    summary = f"scale {target} from {now} to {wanted} pods for {count(demand)} requests/s ({count(each)} a pod)" + (
        ", a number that a person chose" if context.chosen is not None else
        ", as many as the nodes have room for" if few else "")
    diff = shown(f"- replicas: {now}\n+ replicas: {wanted}")
    if refusal:
        return Declined(target, summary, refusal, diff=diff)
    before = Before(now, scaler.name, scaler.minimum, scaler.maximum) if scaler else Before(now)
    most = max(number for number, against in fits.items() if not against)
    return Plan(target, summary, before, Parameters(wanted, deployment.uid, each, now, most), diff, temporary=True)


def _not_wanted(context: RemediationContext, facts: Facts, now: int, wanted: int) -> str:
    """Say why so many pods are not wanted or not allowed; an empty text where they are."""
    limit = context.service.guardrails.maximum_replicas
    if not wanted:
        return "how much one pod serves could not be measured"
    if wanted <= now:
        return f"there are {plural(now, 'pod')} already" if context.chosen is not None else (
            f"{now} pods are enough for {count(facts.requests_per_second)} requests/s by what was measured "
            f"({count(facts.served_per_pod)} each)")
    return f"{wanted} pods are more than maximum_replicas allows ({limit})" if wanted > limit else ""


def _managed(deployment: Deployment, scaler: Autoscaler | None) -> str:
    """Say that a GitOps tool sets the number of pods; an empty text where none does, or an autoscaler is in charge."""
    if scaler is None and deployment.owner and "replicas" in str(deployment.annotations):
        return f"{deployment.owner} sets the number of pods: change it in its repository"
    return ""


def apply(context: RemediationContext, plan: Planned, api: Kubernetes | None = None) -> str:
    """Set the number, unless it is as high already."""
    api, wanted = connected(context, api), plan.parameters.replicas
    if plan.before.scaler:
        return _set_bounds(context, plan, api, up=True)
    deployment = _deployment(context, plan, api)
    if deployment.replicas >= wanted:
        return f"{plan.summary}: it was done before"
    _set_replicas(api, context.namespace, deployment, wanted)
    return plan.summary


def revert(context: RemediationContext, plan: Planned, api: Kubernetes | None = None) -> str:
    """Set the number from before, unless somebody else has set another one."""
    api = connected(context, api)
    if plan.before.scaler:
        return _set_bounds(context, plan, api, up=False)
    deployment = _deployment(context, plan, api)
    if deployment.replicas != plan.before.replicas:
        if deployment.replicas != plan.parameters.replicas:
            raise ActionFailed(f"{plan.target} has {deployment.replicas} pods by somebody else: nothing was reverted")
        _set_replicas(api, context.namespace, deployment, plan.before.replicas)
    return f"{plan.summary}: taken back"


def _deployment(context: RemediationContext, plan: Planned, api: Kubernetes) -> Deployment:
    try:
        return workloads.deployment(api, context.namespace, context.workload)
    except NotFound as error:
        raise ActionFailed(f"{plan.target} is gone") from error


def _set_replicas(api: Kubernetes, namespace: str, deployment: Deployment, replicas: int) -> None:
    with writing(f"deployment/{deployment.name}"):
        api.patch("apis/apps/v1", "deployments", namespace, deployment.name, [
            {"op": "test", "path": "/metadata/resourceVersion", "value": deployment.resource_version},
            {"op": "replace", "path": "/spec/replicas", "value": replicas}], manager=OWN_MANAGER, subresource="scale")


def _set_bounds(context: RemediationContext, plan: Planned, api: Kubernetes, *, up: bool) -> str:
    """Set an autoscaler's bounds, where they are still those from before (up) or our own (down)."""
    scaler = workloads.autoscaler_of(api, context.namespace, context.workload)
    if scaler is None:
        raise ActionFailed(f"the autoscaler {plan.before.scaler} is gone")
    wanted = plan.parameters.replicas
    own, others = (wanted, max(wanted, plan.before.maximum)), (plan.before.minimum, plan.before.maximum)
    bounds, expected = (own, others) if up else (others, own)
    now = (scaler.minimum, scaler.maximum)
    if now == bounds:
        return f"{plan.summary}: {'it was done before' if up else 'taken back'}"
    if now != expected:
        raise ActionFailed(f"the autoscaler's bounds are {now[0]} to {now[1]} by somebody else: nothing was done")
    with writing(plan.target):
        api.patch(KINDS["HorizontalPodAutoscaler"][0][-1], "horizontalpodautoscalers", context.namespace,
                  plan.before.scaler, {"spec": {"minReplicas": bounds[0], "maxReplicas": bounds[1]}},
                  manager=OWN_MANAGER, kind="application/merge-patch+json")
    return plan.summary if up else f"{plan.summary}: taken back"


def _no_room(quotas: Iterable[Quota], each: Needs, more: int) -> str:
    """Say which of the namespace's quotas does not take so many more pods; an empty text where all do."""
    taken = {"requests.cpu": each.cpu, "cpu": each.cpu, "requests.memory": each.memory, "memory": each.memory,
             "pods": each.pods, "count/pods": each.pods}
    for quota in quotas:
        for key, hard in quota.hard.items():
            if key in taken and quota.used.get(key, 0.0) + more * taken[key] > hard:
                return f"the quota {quota.name} has no room for {more} more pods ({key})"
    return ""


def _places(api: Kubernetes, context: RemediationContext, deployment: Deployment, most: int) -> int:
    """Return how many more pods of a Deployment the nodes have room for, at most ``most``, also where nobody knows.

    By what the namespace's pods request, the nodes' selector and taints, as the scheduler counts (Kubernetes: "Resource
    Management for Pods and Containers"). It is an upper bound: affinity, and what pods of other namespaces take, which
    are not the responder's to see, are left to the scheduler; pods that then find no place stay Pending.
    """
    if context.service.cluster.nodes_are_added:
        return most
    try:
        free = {node.name: list(node.room) for node in workloads.nodes(api) if node.takes(deployment.pods)}
        for name, taken in workloads.running(api, context.namespace):
            if name in free:
                free[name] = [left - amount for left, amount in zip(free[name], taken, strict=True)]
    except CallFailed as failed:
        if failed.status == "unauthorized":
            return most  # nodes or pods may not be read: the scheduler will tell
        raise
    each = deployment.pods.needs
    return min(most, sum(max(0, int(min(left / need for left, need in zip(room, each, strict=True) if need)))
                         for room in free.values()))


def _connections(context: RemediationContext, facts: Facts, now: int, wanted: int) -> str:
    """Whether the database takes the connections of so many pods; an empty text where it does, or nobody knows."""
    maximum, used, database = facts.connections_maximum, facts.connections_used, context.service.database
    calls = context.service.component(context.component).calls
    if not maximum or database is None or database.name not in calls or not now:
        return ""
    if used / now * wanted > _POOL_SHARE * maximum:
        return (f"the database takes {count(maximum)} connections, and {wanted} pods would need "
                f"{count(used / now * wanted)}")
    return ""


ACTION = Action(
    remedy=REMEDY,
    plan=plan,
    apply=apply,
    revert=revert,
    statements=cluster_access,
    kubernetes_group="incident-responder:scale-up",
)
