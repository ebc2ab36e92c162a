"""Scale a workload down to nothing and up again, the plan's last resort against a cluster that is stuck.

It is declined while any pod serves, for it would take that one away. It goes up again when the last pod is gone, for
what waits for another pod waits as long as one is there; and when that takes too long it goes up all the same.
"""

from __future__ import annotations

import time

from responder.actions import Action, ActionFailed, Declined, Plan, RemediationContext, connected, of_workload, writing
from responder.clients import gate, workloads
from responder.clients.failure import CallFailed
from responder.clients.kubernetes import Kubernetes, NotFound
from responder.clients.workloads import Deployment
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


def _plan(deployment: Deployment) -> Planned | Declined:
    target, replicas = f"deployment/{deployment.name}", deployment.replicas
    summary = f"scale {target} to nothing and back to {replicas}"
    diff = shown(f"- replicas: {replicas}\n+ replicas: 0\n+ replicas: {replicas}")
    if deployment.ready:
        return Declined(target, summary, f"{deployment.ready} pods of {target} serve: it would take them away",
                        diff=diff)
    if not replicas:
        return Declined(target, summary, f"{target} is scaled to nothing already", diff=diff)
    return Plan(target, summary, Replicas(replicas), Replicas(replicas), diff)


def apply(context: RemediationContext, plan: Planned, api: Kubernetes | None = None) -> str:
    """Scale down, then up; a repeat that finds its mark only sees to it that it is up."""
    namespace, name, replicas = context.namespace, context.workload, plan.parameters.replicas
    api = connected(context, api)
    try:
        deployment = workloads.deployment(api, namespace, name)
        if deployment.annotations.get(_MARK) != context.mark:
            if deployment.ready:
                raise ActionFailed(f"{plan.target} has pods that serve by now: nothing was done")
            _scale(api, namespace, name, 0, context.mark)
            _until_gone(api, namespace, deployment.selector, context.deadline - _UP_SECONDS)
        try:
            _scale(api, namespace, name, replicas, context.mark)
        except gate.Stopped as stopped:
            raise gate.Stopped(f"{stopped}. {plan.target} has no pods now. To start them: kubectl -n {namespace} scale "
                               f"{plan.target} --replicas={replicas}") from stopped
    except NotFound as error:
        raise ActionFailed(f"{plan.target} is gone") from error
    return plan.summary


def _until_gone(api: Kubernetes, namespace: str, selector: str, deadline: float) -> None:
    """Wait until no pod of a Deployment is there, also none that is just ending."""
    while time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
        try:
            if not workloads.any_pod(api, namespace, selector):
                return
        except CallFailed:
            continue  # what cannot be asked now is asked again: the workload goes up in any case


def _scale(api: Kubernetes, namespace: str, name: str, replicas: int, mark: str) -> None:
    # A merge patch tests nothing: 422 would mean that it is invalid, and a retry would not change that.
    with writing(f"deployment/{name}", conflicts=frozenset({409})):
        api.patch("apis/apps/v1", "deployments", namespace, name, {
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
