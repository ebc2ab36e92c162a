"""Scale a workload down to nothing and up again, the plan's last resort against a cluster that is stuck.

It is declined while any pod serves, for it would take that one away. It goes up again when the last pod is gone, for
what waits for another pod waits as long as one is there; and when that takes too long it goes up all the same.
"""

from __future__ import annotations

import shlex
import time

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
from responder.clients import gate, workloads
from responder.clients.failure import CallFailed
from responder.clients.kubernetes import Kubernetes, NotFound
from responder.clients.owners import WORKLOADS, Ref
from responder.clients.workloads import Workload
from responder.model.change import OWN_MANAGER
from responder.model.shown import shown
from responder.plan.remedies import Facts
from responder.plan.remedies.cycle_deployment import REMEDY, Replicas
from responder.sources import cluster_access

_MARK = "incident-responder/cycle"
_LOOK_SECONDS = 1.0
_UP_SECONDS = 8.0
"""It scales up again this long before its deadline, whatever is still there: what is down must not stay down."""

Planned = Plan[Replicas, Replicas]


def plan(context: RemediationContext, facts: Facts, api: Kubernetes | None = None) -> Planned | Declined:
    """Check that nothing serves; see ``Action.plan``."""
    return of_workload(context, connected(context, api), _plan)


def _plan(workload: Workload) -> Planned | Declined:
    target, replicas = workload.target, workload.replicas
    summary = f"scale {target} to nothing and back to {replicas}"
    diff = shown(f"- replicas: {replicas}\n+ replicas: 0\n+ replicas: {replicas}")
    if workload.ref.kind == "DaemonSet":
        return Declined(target, summary, "a DaemonSet has a pod on each of its nodes, and is not scaled", diff=diff)
    if workload.keeper and not workload.keeper.gitops:
        return Declined(target, summary, f"{workload.keeper} sets the number of pods: {workload.keeper.instead}",
                        diff=diff)
    if workload.ready:
        return Declined(target, summary, f"{workload.ready} pods of {target} serve: it would take them away",
                        diff=diff)
    if not replicas:
        return Declined(target, summary, f"{target} is scaled to nothing already", diff=diff)
    return Plan(target, summary, Replicas(replicas), Replicas(replicas), diff)


def apply(context: RemediationContext, plan: Planned, api: Kubernetes | None = None) -> str:
    """Scale down, then up; a repeat that finds its mark only sees to it that it is up."""
    api, replicas = connected(context, api), plan.parameters.replicas
    workload = workload_of(context, plan.target, api)
    try:
        if workload.annotations.get(_MARK) != context.mark:
            if workload.ready:
                raise ActionFailed(f"{plan.target} has pods that serve by now: nothing was done")
            _scale(api, workload.ref, 0, context.mark)
            _until_gone(api, context.namespace, workload.selector, context.deadline - _UP_SECONDS)
        try:
            _scale(api, workload.ref, replicas, context.mark)
        except gate.Stopped as stopped:
            raise gate.Stopped(f"{stopped}. {plan.target} has no pods now. To start them: kubectl -n "
                               f"{shlex.join((context.namespace, 'scale', plan.target, f'--replicas={replicas}'))}"
                               ) from stopped
    except NotFound as error:
        raise ActionFailed(f"{plan.target} is gone") from error
    return plan.summary


def _until_gone(api: Kubernetes, namespace: str, selector: str, deadline: float) -> None:
    """Wait until no pod of a workload is there, also none that is just ending."""
    while time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
        try:
            if not workloads.any_pod(api, namespace, selector):
                return
        except CallFailed:
            continue  # what cannot be asked now is asked again: the workload goes up in any case


def _scale(api: Kubernetes, ref: Ref, replicas: int, mark: str) -> None:
    # A merge patch tests nothing: 422 would mean that it is invalid, and a retry would not change that.
    how = WORKLOADS[ref.kind]
    with writing(str(ref), conflicts=frozenset({409})):
        api.patch(how.api, how.plural, ref.namespace, ref.name, {
            "metadata": {"annotations": {_MARK: mark}}, "spec": {"replicas": replicas}}, manager=OWN_MANAGER,
            kind="application/merge-patch+json")


ACTION = Action(
    remedy=REMEDY,
    plan=plan,
    apply=apply,
    statements=cluster_access,
    kubernetes_group="incident-responder:cycle-deployment",
    deadline_seconds=40.0,
)
