"""Scale a workload down to nothing and up again, the plan's last resort against a cluster that is stuck.

It is refused while any pod serves, for it would take that one away. It goes up again when the last pod is gone, for
what waits for another pod waits as long as one is there; and when that takes too long it goes up all the same.
"""

from __future__ import annotations

import time
from typing import Any

from responder.actions import Action, ActionFailed, Case, Plan, of_workload, writing
from responder.clients import gate, kubernetes
from responder.clients.failure import CallFailed
from responder.model.shown import shown
from responder.plan.changes import OWN_MANAGER
from responder.sources import cluster_access

_MARK = "incident-responder/cycle"
_LOOK_SECONDS = 1.0
_UP_SECONDS = 8.0
"""So long before its time is over it scales up again, whatever is still there: what is down must not stay down."""


def plan(case: Case, api: kubernetes.Kubernetes | None = None) -> Plan:
    """Check that nothing serves; see ``Action.plan``."""
    return of_workload(case, api or kubernetes.connect(case.service.cluster.name, case.deadline),
                       lambda deployment: _plan(f"deployment/{case.workload}", deployment))


def _plan(target: str, deployment: dict[str, Any]) -> Plan:
    replicas = int(deployment["spec"].get("replicas", 1))
    ready = int((deployment.get("status") or {}).get("readyReplicas", 0))
    refusal = f"{ready} pods of {target} serve: it would take them away" if ready else (
        "" if replicas else f"{target} is scaled to nothing already")
    return Plan(target, f"scale {target} to nothing and back to {replicas}", refusal=refusal,
                diff=shown(f"- replicas: {replicas}\n+ replicas: 0\n+ replicas: {replicas}"),
                before={"replicas": replicas}, parameters={"replicas": replicas})


def apply(case: Case, plan: Plan, api: kubernetes.Kubernetes | None = None) -> str:
    """Scale down, then up; a repeat that finds its mark only sees to it that it is up."""
    namespace, name = case.service.cluster.namespace, case.workload
    api = api or kubernetes.connect(case.service.cluster.name, case.deadline)
    try:
        item = api.get("apis/apps/v1", "deployments", namespace, name)
        if (item["metadata"].get("annotations") or {}).get(_MARK) != case.mark:
            if int((item.get("status") or {}).get("readyReplicas", 0)):
                raise ActionFailed(f"{plan.target} has pods that serve by now: nothing was done")
            _scale(api, namespace, name, 0, case.mark)
            _until_gone(api, namespace, item, case.deadline - _UP_SECONDS)
        try:
            _scale(api, namespace, name, int(plan.parameters["replicas"]), case.mark)
        except gate.Stopped as stopped:
            raise gate.Stopped(f"{stopped}. {plan.target} has no pods now. To start them: kubectl -n {namespace} scale "
                               f"{plan.target} --replicas={plan.parameters['replicas']}") from stopped
    except KeyError as error:
        raise ActionFailed(f"{plan.target} is gone") from error
    return plan.summary


def _until_gone(api: kubernetes.Kubernetes, namespace: str, deployment: dict[str, Any], deadline: float) -> None:
    """Wait until no pod of a Deployment is there, also none that is just ending."""
    labels = (deployment["spec"].get("selector") or {}).get("matchLabels") or {}
    chosen = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    while time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
        try:
            if not any(True for _ in api.items("api/v1", "pods", namespace, limit=1, labelSelector=chosen)):
                return
        except CallFailed:
            continue  # who cannot be asked now is asked again: what is down goes up in any case


def _scale(api: kubernetes.Kubernetes, namespace: str, name: str, replicas: int, mark: str) -> None:
    # A merge patch tests nothing: 422 would mean that it is invalid, which no repeat mends.
    with writing(f"deployment/{name}", conflicts=frozenset({409})):
        api.patch("apis/apps/v1", "deployments", namespace, name, {
            "metadata": {"annotations": {_MARK: mark}}, "spec": {"replicas": replicas}}, manager=OWN_MANAGER,
            kind="application/merge-patch+json")


ACTION = Action(
    name="cycle_deployment",
    risk="high",
    default_policy="approve",
    reversible=True,
    keep_when_not_helped=True,
    plan=plan,
    apply=apply,
    revert=None,
    statements=cluster_access,
    kubernetes_group="incident-responder:cycle-deployment",
    deadline_seconds=40.0,
)
