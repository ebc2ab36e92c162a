"""Give a workload as many pods as its load needs, by the capacity that was measured, and no more.

Where a HorizontalPodAutoscaler is in charge its bounds are raised, for it would undo anything else. Before it is done
the quota, the room on the nodes and the database's connections are checked; it is scaled back where it did not help.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from responder.actions import Action, ActionFailed, Case, Plan, of_workload, writing
from responder.clients import kubernetes
from responder.clients.failure import CallFailed
from responder.clients.watched import KINDS, listed
from responder.model.finding import Finding
from responder.model.quantity import quantity
from responder.model.service import Service
from responder.model.shown import shown
from responder.plan.changes import OWN_MANAGER
from responder.plan.remedies import throughput
from responder.sources import cluster_access
from responder.sources.kubernetes import is_ready
from responder.sources.rollouts import gitops

_RESERVE = 1.25
"""A fifth of the capacity stays free: random arrivals queue without end at full load."""
_POOL_SHARE = 0.9


def plan(case: Case, api: kubernetes.Kubernetes | None = None) -> Plan:
    """Work out the number of pods; see ``Action.plan``. Facts: ``requests_per_second``, ``served_per_pod``."""
    found = api or kubernetes.connect(case.service.cluster.name, case.deadline)
    return of_workload(case, found, lambda deployment: _plan(case, found, deployment))


def _plan(case: Case, api: kubernetes.Kubernetes, deployment: dict[str, Any]) -> Plan:
    namespace, name = case.service.cluster.namespace, case.workload
    target = f"deployment/{name}"
    now = int(deployment["spec"].get("replicas", 1))
    demand = float(case.facts.get("requests_per_second", {}).get(case.component, 0.0))
    each = float(case.facts.get("served_per_pod", {}).get(case.component, 0.0))
    limit = case.service.guardrails.maximum_replicas
    wanted = min(limit, math.ceil(demand * _RESERVE / each)) if each > 0 else 0
    refusal = ""
    if not wanted:
        refusal = "how much one pod serves could not be measured"
    elif wanted <= now:
        refusal = f"{now} pods are enough for {demand:.0f} requests/s by what was measured ({each:.0f} each)"
    more = wanted - now
    fit = more if refusal or case.service.cluster.nodes_are_added else _places(api, namespace, deployment, more)
    few = fit < more
    if few:
        wanted = now + fit
        refusal = "" if fit else "no node has room for another pod"
    refusal = refusal or _room(case, api, namespace, deployment, wanted - now) or _connections(case, now, wanted)
    scaler = _scaler(api, namespace, name)
    tool = gitops(deployment["metadata"]) if scaler is None else gitops(scaler["metadata"])
    if tool and not refusal and scaler is None and "replicas" in str(deployment["metadata"].get("annotations")):
        refusal = f"{tool} sets the number of pods: change it in its repository"
    before: dict[str, Any] = {"replicas": now}
    if scaler is not None:
        before |= {"scaler": scaler["metadata"]["name"], "minimum": scaler["spec"].get("minReplicas", 1),
                   "maximum": scaler["spec"]["maxReplicas"]}
    return Plan(target, f"scale {target} from {now} to {wanted} pods for {demand:.0f} requests/s ({each:.0f} a pod)"
                + (", as many as the nodes have room for" if few else ""),
                diff=shown(f"- replicas: {now}\n+ replicas: {wanted}"), before=before,
                parameters={"replicas": wanted, "uid": deployment["metadata"]["uid"], "each": each}, refusal=refusal,
                temporary=True)


def apply(case: Case, plan: Plan, api: kubernetes.Kubernetes | None = None) -> str:
    """Set the number, unless it is as high already."""
    wanted = int(plan.parameters["replicas"])
    return _set(case, plan, api, wanted, wanted, max(wanted, int(plan.before.get("maximum", 0))), up=True)


def revert(case: Case, plan: Plan, api: kubernetes.Kubernetes | None = None) -> str:
    """Set the number from before, unless somebody else has set another one."""
    return _set(case, plan, api, int(plan.before["replicas"]), int(plan.before.get("minimum", 1)),
                int(plan.before.get("maximum", 0)), up=False)


def over(service: Service, record: Mapping[str, Any], findings: Sequence[Finding]) -> str:
    """Whether as many pods as before serve what comes now, with the same reserve; see ``Action.over``."""
    before, each = int(record["before"]["replicas"]), float(record["parameters"].get("each") or 0.0)
    demand = throughput(service, findings)[0].get(record["component"])
    if demand is None or demand * _RESERVE > before * each:
        return ""
    return f"{demand:.0f} requests/s come, which {before} pods serve by what was measured ({each:.0f} each)"


def _set(case: Case, plan: Plan, api: kubernetes.Kubernetes | None, replicas: int, minimum: int, maximum: int, *,
         up: bool) -> str:
    namespace = case.service.cluster.namespace
    name = case.workload
    api = api or kubernetes.connect(case.service.cluster.name, case.deadline)
    if "scaler" in plan.before:
        return _set_bounds(plan, api, namespace, name, (minimum, maximum), up=up)
    try:
        deployment = api.get("apis/apps/v1", "deployments", namespace, name)
    except KeyError as error:
        raise ActionFailed(f"{plan.target} is gone") from error
    now = int(deployment["spec"].get("replicas", 1))
    if up and now >= replicas:
        return f"{plan.summary}: it was done before"
    if not up and now == replicas:
        return f"{plan.summary}: taken back"
    if not up and now != int(plan.parameters["replicas"]):
        raise ActionFailed(f"{plan.target} has {now} pods by somebody else: nothing was taken back")
    with writing(plan.target):
        api.patch("apis/apps/v1", "deployments", namespace, name, [
            {"op": "test", "path": "/metadata/resourceVersion", "value": deployment["metadata"]["resourceVersion"]},
            {"op": "replace", "path": "/spec/replicas", "value": replicas}], manager=OWN_MANAGER, subresource="scale")
    return plan.summary if up else f"{plan.summary}: taken back"


def _set_bounds(plan: Plan, api: kubernetes.Kubernetes, namespace: str, name: str, bounds: tuple[int, int], *,
                up: bool) -> str:
    """Set an autoscaler's bounds, where they are still those from before (up) or our own (down)."""
    scaler = _scaler(api, namespace, name)
    if scaler is None:
        raise ActionFailed(f"the autoscaler {plan.before['scaler']} is gone")
    now = (scaler["spec"].get("minReplicas", 1), scaler["spec"]["maxReplicas"])
    if now == bounds:
        return f"{plan.summary}: {'it was done before' if up else 'taken back'}"
    wanted = int(plan.parameters["replicas"])
    own = (wanted, max(wanted, int(plan.before["maximum"])))
    if now != ((plan.before["minimum"], plan.before["maximum"]) if up else own):
        raise ActionFailed(f"the autoscaler's bounds are {now[0]} to {now[1]} by somebody else: nothing was done")
    with writing(plan.target):
        api.patch(KINDS["HorizontalPodAutoscaler"][0][-1], "horizontalpodautoscalers", namespace,
                  plan.before["scaler"], {"spec": {"minReplicas": bounds[0], "maxReplicas": bounds[1]}},
                  manager=OWN_MANAGER, kind="application/merge-patch+json")
    return plan.summary if up else f"{plan.summary}: taken back"


def _scaler(api: kubernetes.Kubernetes, namespace: str, name: str) -> dict[str, Any] | None:
    groups, plural, _, _ = KINDS["HorizontalPodAutoscaler"]
    return next((item for item in listed(api, groups, plural, namespace)
                 if (item["spec"].get("scaleTargetRef") or {}).get("name") == name), None)


def _room(case: Case, api: kubernetes.Kubernetes, namespace: str, deployment: dict[str, Any], more: int) -> str:
    """Whether the namespace's quotas take so many more pods; an empty text where they do."""
    cpu, memory, pods = _requests(deployment["spec"]["template"]["spec"])
    each = {"requests.cpu": cpu, "cpu": cpu, "requests.memory": memory, "memory": memory, "pods": pods,
            "count/pods": pods}
    for item in api.items("api/v1", "resourcequotas", namespace):
        status = item.get("status") or {}
        for key, hard in (status.get("hard") or {}).items():
            if key in each and quantity((status.get("used") or {}).get(key, 0)) + more * each[key] > quantity(hard):
                return f"the quota {item['metadata']['name']} has no room for {more} more pods ({key})"
    return ""


def _places(api: kubernetes.Kubernetes, namespace: str, deployment: dict[str, Any], most: int) -> int:
    """Return how many more pods of a Deployment the nodes have room for, at most ``most``, also where nobody knows.

    By what the namespace's pods request, the nodes' selector and taints, as the scheduler counts (Kubernetes: "Resource
    Management for Pods and Containers"). It is an upper bound: affinity, and what pods of other namespaces take, which
    are not the responder's to see, are left to the scheduler; pods that then find no place stay Pending.
    """
    spec = deployment["spec"]["template"]["spec"]
    each = _requests(spec)
    try:
        free = {item["metadata"]["name"]: [quantity((item["status"].get("allocatable") or {}).get(key, 0))
                                           for key in ("cpu", "memory", "pods")]
                for item in api.items("api/v1", "nodes") if _takes(item, spec)}
        for pod in api.items("api/v1", "pods", namespace, limit=20_000):
            place = free.get((pod.get("spec") or {}).get("nodeName", ""))
            if place and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
                for index, taken in enumerate(_requests(pod["spec"])):
                    place[index] -= taken
    except CallFailed as failed:
        if failed.status == "unauthorized":
            return most  # nodes or pods may not be read: the scheduler will tell
        raise
    return min(most, sum(max(0, int(min(left / need for left, need in zip(place, each, strict=True) if need)))
                         for place in free.values()))


def _requests(spec: Mapping[str, Any]) -> tuple[float, float, float]:
    """CPUs, bytes and pods that a pod takes on a node."""
    cpu, memory = (sum(quantity(((c.get("resources") or {}).get("requests") or {}).get(resource, 0))
                       for c in spec.get("containers") or []) for resource in ("cpu", "memory"))
    return cpu, memory, 1.0


def _takes(node: Mapping[str, Any], spec: Mapping[str, Any]) -> bool:
    """Whether a node is ready, open, and takes pods with these tolerations and this selector."""
    about, labels = node.get("spec") or {}, node["metadata"].get("labels") or {}
    tolerated = {t.get("key") for t in spec.get("tolerations") or []}  # one without a key tolerates all
    chosen = all(labels.get(key) == value for key, value in (spec.get("nodeSelector") or {}).items())
    return is_ready(node) and chosen and not about.get("unschedulable") and not any(
        taint.get("effect") in ("NoSchedule", "NoExecute") and not {taint.get("key"), None} & tolerated
        for taint in about.get("taints") or [])


def _connections(case: Case, now: int, wanted: int) -> str:
    """Whether the database takes the connections of so many pods; an empty text where it does, or nobody knows."""
    known = case.facts.get("database_connections") or {}
    maximum, used = float(known.get("maximum") or 0), float(known.get("used") or 0)
    calls = case.service.component(case.component).calls
    if not maximum or not case.service.database or case.service.database.name not in calls or not now:
        return ""
    if used / now * wanted > _POOL_SHARE * maximum:
        return f"the database takes {maximum:.0f} connections, and {wanted} pods would need {used / now * wanted:.0f}"
    return ""


ACTION = Action(
    name="scale_up",
    risk="low",
    default_policy="auto",
    reversible=True,
    keep_when_not_helped=False,
    plan=plan,
    apply=apply,
    revert=revert,
    over=over,
    more=True,
    statements=cluster_access,
    kubernetes_group="incident-responder:scale-up",
)
