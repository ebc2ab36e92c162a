"""Give a workload as many pods as its load needs, by the capacity that was measured, and no more.

Where a HorizontalPodAutoscaler is in charge its bounds are raised, for it would undo anything else; and where KEDA
writes that autoscaler, those of its ScaledObject. Before it is done
the quota, the room on the nodes and the database's connections are checked; it is scaled back where it did not help.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from responder.actions import (
    Action,
    ActionFailed,
    Declined,
    Plan,
    RemediationContext,
    connected,
    of_workload,
    workload_of,
    writing,
)
from responder.clients import autoscalers, workloads
from responder.clients.autoscalers import Autoscaler
from responder.clients.failure import CallFailed
from responder.clients.kubernetes import Kubernetes
from responder.clients.owners import WORKLOADS, ref_of
from responder.clients.workloads import Needs, Quota, Workload
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
    return of_workload(context, found, lambda workload: _plan(context, facts, found, workload))


def _plan(context: RemediationContext, facts: Facts, api: Kubernetes, workload: Workload) -> Planned | Declined:
    target, now = workload.target, workload.replicas
    if workload.ref.kind == "DaemonSet":
        return Declined(target, f"scale {target}", "a DaemonSet has a pod on each of its nodes, and is not scaled")
    demand, each, limit = facts.requests_per_second, facts.served_per_pod, context.service.guardrails.maximum_replicas
    needed = min(limit, math.ceil(demand * RESERVE / each) + facts.lost) if each > 0 else 0
    wanted = needed if context.chosen is None else context.chosen
    refusal = _not_wanted(context, facts, now, wanted)
    places = 0 if refusal else _places(api, context, workload, limit - now)
    few = not refusal and wanted - now > places
    if few and not places:
        refusal = "no node has room for another pod"
    elif few and context.chosen is not None:
        refusal = f"the nodes have room for {plural(places, 'more pod')}, and not for {wanted - now}"
    elif few:
        wanted = now + places
    quotas = [] if refusal else workloads.quotas(api, context.namespace)
    fits = {number: _no_room(quotas, workload.pods.needs, number - now)
            or _connections(context, facts, now, number) for number in range(now + 1, now + places + 1)}
    refusal = refusal or fits[wanted]
    scaler = autoscalers.of(api, workload.ref)
    refusal = refusal or _managed(workload, scaler)
    summary = f"scale {target} from {now} to {wanted} pods for {count(demand)} requests/s ({count(each)} a pod)" + (
        ", a number that a person chose" if context.chosen is not None else
        ", as many as the nodes have room for" if few else "")
    diff = shown(f"- replicas: {now}\n+ replicas: {wanted}")
    if refusal:
        return Declined(target, summary, refusal, diff=diff)
    before = Before(now, scaler.name, scaler.minimum, scaler.maximum, scaler.kind) if scaler else Before(now)
    most = max(number for number, against in fits.items() if not against)
    return Plan(target, summary, before, Parameters(wanted, workload.uid, each, now, most), diff, temporary=True)


def _not_wanted(context: RemediationContext, facts: Facts, now: int, wanted: int) -> str:
    """Say why so many pods are not wanted or not allowed; an empty text where they are."""
    limit = context.service.guardrails.maximum_replicas
    if not wanted:
        return "how much one pod serves could not be measured"
    if wanted <= now:
        return f"there are {plural(now, 'pod')} already" if context.chosen is not None else (
            f"{now} pods{f', {facts.lost} of them on silent nodes,' if facts.lost else ''} are enough for "
            f"{count(facts.requests_per_second)} requests/s by what was measured ({count(facts.served_per_pod)} each)")
    return f"{wanted} pods are more than maximum_replicas allows ({limit})" if wanted > limit else ""


def _managed(workload: Workload, scaler: Autoscaler | None) -> str:
    """Say who sets the number of pods and puts it back; an empty text where nobody does, or the bounds may be set."""
    if scaler is not None:
        if scaler.paused:
            return f"{scaler} is paused: somebody is working on it"
        return f"{scaler.keeper} manages {scaler}: {scaler.keeper.instead}" if scaler.keeper else ""
    keeper = workload.keeper
    if keeper and (workload.scaled_by_gitops or not keeper.gitops):
        return f"{keeper} sets the number of pods: {keeper.instead}"
    return ""


def apply(context: RemediationContext, plan: Planned, api: Kubernetes | None = None) -> str:
    """Set the number, unless it is as high already."""
    api, wanted = connected(context, api), plan.parameters.replicas
    if plan.before.scaler:
        return _set_bounds(context, plan, api, up=True)
    workload = workload_of(context, plan.target, api)
    if workload.replicas >= wanted:
        return f"{plan.summary}: it was done before"
    _set_replicas(api, workload, wanted)
    return plan.summary


def revert(context: RemediationContext, plan: Planned, api: Kubernetes | None = None) -> str:
    """Set the number from before, unless somebody else has set another one."""
    api = connected(context, api)
    if plan.before.scaler:
        return _set_bounds(context, plan, api, up=False)
    workload = workload_of(context, plan.target, api)
    if workload.replicas != plan.before.replicas:
        if workload.replicas != plan.parameters.replicas:
            raise ActionFailed(f"{plan.target} has {workload.replicas} pods by somebody else: nothing was reverted")
        _set_replicas(api, workload, plan.before.replicas)
    return f"{plan.summary}: taken back"


def _set_replicas(api: Kubernetes, workload: Workload, replicas: int) -> None:
    how = WORKLOADS[workload.ref.kind]
    with writing(workload.target):
        api.patch(how.api, how.plural, workload.ref.namespace, workload.name, [
            {"op": "test", "path": "/metadata/resourceVersion", "value": workload.resource_version},
            {"op": "replace", "path": "/spec/replicas", "value": replicas}], manager=OWN_MANAGER, subresource="scale")


def _set_bounds(context: RemediationContext, plan: Planned, api: Kubernetes, *, up: bool) -> str:
    """Set an autoscaler's bounds, where they are still those from before (up) or our own (down)."""
    scaler = autoscalers.of(api, ref_of(plan.target, context.namespace))
    if scaler is None or (scaler.kind, scaler.name) != (plan.before.scaler_kind, plan.before.scaler):
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
        autoscalers.patch(api, context.namespace, scaler, bounds, OWN_MANAGER)
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


def _places(api: Kubernetes, context: RemediationContext, workload: Workload, most: int) -> int:
    """Return how many more pods of a workload the nodes have room for, at most ``most``, also where nobody knows.

    By what the namespace's pods request, the nodes' selector and taints, as the scheduler counts (Kubernetes: "Resource
    Management for Pods and Containers"). It is an upper bound: affinity, and what pods of other namespaces take, which
    are not the responder's to see, are left to the scheduler; pods that then find no place stay Pending.
    """
    if context.service.cluster.nodes_are_added:
        return most
    try:
        free = {node.name: list(node.room) for node in workloads.nodes(api) if node.takes(workload.pods)}
        for name, taken in workloads.running(api, context.namespace):
            if name in free:
                free[name] = [left - amount for left, amount in zip(free[name], taken, strict=True)]
    except CallFailed as failed:
        if failed.status == "unauthorized":
            return most  # nodes or pods may not be read: the scheduler will tell
        raise
    each = workload.pods.needs
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
