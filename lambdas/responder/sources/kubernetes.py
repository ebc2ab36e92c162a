"""What Kubernetes says of the service's workloads: pods, why they wait, what ended them, and Events.

Formats: the Kubernetes API reference (Pod, Event and ReplicaSet v1).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

from responder.clients import kubernetes
from responder.clients.failure import CallFailed
from responder.clients.watched import listed
from responder.clients.workloads import is_ready, owner
from responder.model.finding import Finding
from responder.model.masking import mask
from responder.model.quantity import quantity
from responder.sources import Question, Source, cluster_access

_PODS = 10_000
_POLICIES = 20
_EVENTS = 2_000
READERS = "incident-responder:readers"


def ask(question: Question, api: kubernetes.Kubernetes | None = None) -> list[Finding]:
    """Return per component ``pods`` and ``endpoints``, for the cluster ``nodes`` and ``limits``; raises CallFailed.

    ``pods``: value is the share of wanted pods that are ready; detail has ``wanted``, ``ready``, ``restarts``,
    ``waiting`` {reason: pods}, ``terminated`` {reason: containers}, ``unscheduled``, ``failing`` [names, at most 20],
    ``unready_on`` {node: pods}, ``gone_nodes`` [names of nodes that have its pods and are no more; such a pod is not
    ready, whatever it last said], ``templates`` {pod-template-hash: [ready, pods]}, ``probing`` (pods that run and are
    not ready), ``preparing`` (pods held by an init container), ``conditions`` {type: reason} of the rollout,
    ``dns_policy``, ``policies`` (NetworkPolicies that select the pods, "…" for more; None: not known) and ``events``
    {reason: count} of warnings within the window. ``endpoints``: value is the number of addresses that are ready;
    detail has ``exists``, ``ready``, ``not_ready``, ``selects`` (pods that the selector matches), ``ports`` [[port,
    targetPort]] and ``fits`` (whether a container listens there). ``nodes``: value is the share that is ready; detail
    has ``names``, ``not_ready``, ``unschedulable``, ``pressure`` {condition: [names]}. ``limits``: autoscalers at
    their maximum, quotas that are used up, disruption budgets that allow nothing. In aftercare only ``nodes`` is
    asked for.
    """
    service, namespace = question.service, question.service.cluster.namespace
    api = api or kubernetes.connect(service.cluster.name, question.deadline)
    if question.phase == "aftercare":
        return [_nodes(question, _optional(api, ("api/v1",), "nodes", ""))]
    deployments = {item["metadata"]["name"]: item
                   for item in api.items("apis/apps/v1", "deployments", namespace)}
    owner_of_set = {item["metadata"]["name"]: owner(item, "Deployment")
                    for item in api.items("apis/apps/v1", "replicasets", namespace)}
    pods: dict[str, list[dict[str, Any]]] = defaultdict(list)
    deployment_of_pod: dict[str, str] = {}
    read = 0
    for item in api.items("api/v1", "pods", namespace, limit=_PODS):
        read += 1
        name = owner_of_set.get(owner(item, "ReplicaSet"), "")
        if name:
            pods[name].append(_brief(item))
            deployment_of_pod[item["metadata"]["name"]] = name
    cut = f"cut at {_PODS} pods" if read >= _PODS else ""
    warnings = _warnings(question, api, namespace, deployment_of_pod, owner_of_set)
    policies = _optional(api, ("apis/networking.k8s.io/v1",), "networkpolicies", namespace)
    services = {item["metadata"]["name"]: item for item in _optional(api, ("api/v1",), "services", namespace) or []}
    addresses = {item["metadata"]["name"]: item for item in _optional(api, ("api/v1",), "endpoints", namespace) or []}
    # After the pods: a node that has joined meanwhile is none that is gone.
    nodes = _optional(api, ("api/v1",), "nodes", "")
    there = {item["metadata"]["name"] for item in nodes or []}
    bad = {item["metadata"]["name"] for item in nodes or [] if not is_ready(item)}
    findings = []
    for component in service.components:
        name = component.deployment
        for pod in pods[name]:
            pod["gone"] = bool(there and pod["node"] and pod["node"] not in there)
            pod["ready"] = pod["ready"] and not pod["gone"]
        if name not in deployments:
            findings.append(Finding(SOURCE.name, "pods", "empty", component.name, window=question.window,
                                    query=_command(namespace, name),
                                    note=f"there is no Deployment {name} in {namespace}"))
            continue
        findings.append(_pods(question, component.name, deployments[name], pods[name], warnings[name], cut,
                              policies, bad))
        findings.append(_endpoints(question, component.name, deployments[name], pods[name],
                                   services.get(component.name), addresses.get(component.name)))
    findings.append(_nodes(question, nodes))
    findings.append(_limits(question, api, namespace))
    return findings


def _optional(api: kubernetes.Kubernetes, groups: tuple[str, ...], plural: str,
              namespace: str) -> list[dict[str, Any]] | None:
    """List a kind; None where it may not be read, or does not exist."""
    try:
        return listed(api, groups, plural, namespace)
    except CallFailed as failed:
        if failed.status in ("timeout", "throttled", "malformed"):
            raise
        return None


def _endpoints(question: Question, component: str, deployment: dict[str, Any], pods: list[dict[str, Any]],
               service: dict[str, Any] | None, endpoints: dict[str, Any] | None) -> Finding:
    """What stands behind the component's Service."""
    subsets = (endpoints or {}).get("subsets") or []
    ready = sum(len(subset.get("addresses") or []) for subset in subsets)
    not_ready = sum(len(subset.get("notReadyAddresses") or []) for subset in subsets)
    spec = (service or {}).get("spec") or {}
    selector = spec.get("selector") or {}
    ports = [[port.get("port"), port.get("targetPort", port.get("port"))] for port in spec.get("ports") or []]
    template = (deployment.get("spec") or {}).get("template") or {}
    containers = (template.get("spec") or {}).get("containers") or []
    listening = {value for container in containers for port in container.get("ports") or []
                 for value in (port.get("containerPort"), port.get("name")) if value}
    selects = sum(all(pod["labels"].get(key) == value for key, value in selector.items()) for pod in pods
                  if not pod["leaving"]) if selector else 0
    name = component
    return Finding(
        SOURCE.name, "endpoints", "ok", component, window=question.window, unit="addresses", value=float(ready),
        query=f"kubectl -n {question.service.cluster.namespace} get service,endpoints {name}",
        detail={"exists": service is not None, "ready": ready, "not_ready": not_ready, "selects": selects,
                "ports": ports, "fits": not listening or all(target in listening for _, target in ports)})


def _nodes(question: Question, items: list[dict[str, Any]] | None) -> Finding:
    if items is None:
        return Finding(SOURCE.name, "nodes", "unauthorized", window=question.window, query="kubectl get nodes",
                       note="the nodes may not be read")
    ready: list[str] = []
    not_ready: list[str] = []
    unschedulable: list[str] = []
    pressure: dict[str, list[str]] = defaultdict(list)
    for item in items:
        name = item["metadata"]["name"]
        conditions = {c["type"]: c.get("status") for c in (item.get("status") or {}).get("conditions") or []}
        (ready if is_ready(item) else not_ready).append(name)
        if (item.get("spec") or {}).get("unschedulable"):
            unschedulable.append(name)
        for kind, status in conditions.items():
            if kind != "Ready" and status == "True":
                pressure[kind].append(name)
    return Finding(SOURCE.name, "nodes", "ok" if items else "empty", window=question.window, unit="share",
                   value=len(ready) / len(items) if items else None, query="kubectl get nodes",
                   note="" if items else "the cluster has no node",
                   detail={"names": [*ready, *not_ready][:200], "not_ready": not_ready[:50],
                           "unschedulable": unschedulable[:50], "pressure": {k: v[:50] for k, v in pressure.items()}})


def _limits(question: Question, api: kubernetes.Kubernetes, namespace: str) -> Finding:
    scalers = [{"name": item["metadata"]["name"], "target": (item["spec"].get("scaleTargetRef") or {}).get("name", ""),
                "maximum": item["spec"].get("maxReplicas"), "current": (item.get("status") or {}).get(
                    "currentReplicas", 0)}
               for item in _optional(api, ("apis/autoscaling/v2", "apis/autoscaling/v1"), "horizontalpodautoscalers",
                                     namespace) or []]
    used_up = []
    for item in _optional(api, ("api/v1",), "resourcequotas", namespace) or []:
        status = item.get("status") or {}
        hard, used = status.get("hard") or {}, status.get("used") or {}
        used_up += [{"name": item["metadata"]["name"], "resource": key, "hard": hard[key], "used": used.get(key, "0")}
                    for key in sorted(hard) if quantity(used.get(key, "0")) >= 0.95 * quantity(hard[key])]
    budgets = [{"name": item["metadata"]["name"], "allowed": (item.get("status") or {}).get("disruptionsAllowed", 0)}
               for item in _optional(api, ("apis/policy/v1", "apis/policy/v1beta1"), "poddisruptionbudgets",
                                     namespace) or []]
    return Finding(SOURCE.name, "limits", window=question.window, unit="limits reached", value=float(
        len(used_up) + sum(s["current"] >= (s["maximum"] or 0) for s in scalers)),
        query=f"kubectl -n {namespace} get hpa,quota,pdb",
        detail={"autoscalers": scalers[:50], "quotas": used_up[:50], "budgets": budgets[:50]})


def _brief(pod: dict[str, Any]) -> dict[str, Any]:
    """Reduce a pod to what is counted, so that thousands of them need little memory."""
    status = pod.get("status") or {}
    conditions = {item["type"]: item for item in status.get("conditions") or []}
    waiting, terminated, restarts = [], [], 0
    containers = (status.get("initContainerStatuses") or []) + (status.get("containerStatuses") or [])
    for container in containers:
        restarts += int(container.get("restartCount", 0))
        state, last = container.get("state") or {}, container.get("lastState") or {}
        if "waiting" in state:
            waiting.append(str(state["waiting"].get("reason", "unknown")))
        ended = state.get("terminated") or last.get("terminated")
        if ended and ended.get("exitCode", 0) != 0:
            terminated.append(str(ended.get("reason", "Error")))
    scheduled = conditions.get("PodScheduled", {})
    labels = pod["metadata"].get("labels") or {}
    running = any("running" in (item.get("state") or {}) for item in status.get("containerStatuses") or [])
    held = conditions.get("Initialized", {}).get("status") == "False" and bool(status.get("initContainerStatuses"))
    return {"name": pod["metadata"]["name"], "labels": labels, "node": (pod.get("spec") or {}).get("nodeName", ""),
            "template": labels.get("pod-template-hash", ""), "running": running, "held": held,
            "dns_policy": (pod.get("spec") or {}).get("dnsPolicy", "ClusterFirst"),
            "phase": status.get("phase", "Unknown"),
            "leaving": "deletionTimestamp" in pod["metadata"], "fell": running and _fell(conditions, status),
            "ready": conditions.get("Ready", {}).get("status") == "True", "restarts": restarts,
            "waiting": waiting, "terminated": terminated,
            "unscheduled": scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable"}


def _fell(conditions: dict[str, Any], status: dict[str, Any]) -> bool:
    """Whether a pod has been ready since its containers started and is so no more: whoever never was has been unready
    from before that. Times are known to a second (Kubernetes: "Pod Lifecycle", "Pod conditions")."""
    condition = conditions.get("Ready", {})
    started = [state["running"].get("startedAt") for item in status.get("containerStatuses") or []
               if "running" in (state := item.get("state") or {})]
    since = condition.get("lastTransitionTime")
    return bool(condition.get("status") == "False" and since and started and all(started)
                and seconds(since) > max(seconds(moment) for moment in started) + 1)


def _pods(question: Question, component: str, deployment: dict[str, Any], pods: list[dict[str, Any]],
          warnings: Counter[str], cut: str, policies: list[dict[str, Any]] | None, bad: set[str]) -> Finding:
    wanted = int(deployment.get("spec", {}).get("replicas", 1))
    staying = [pod for pod in pods if not pod["leaving"]]
    ready = sum(pod["ready"] for pod in staying)
    metadata = deployment["metadata"]
    templates: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for pod in staying:
        templates[pod["template"]][0] += pod["ready"]
        templates[pod["template"]][1] += 1
    labels = ((deployment["spec"].get("template") or {}).get("metadata") or {}).get("labels") or {}
    return Finding(
        SOURCE.name, "pods", "partial" if cut else "ok", component, window=question.window, unit="share", note=cut,
        value=round(min(1.0, ready / wanted), 3) if wanted else None,
        query=_command(metadata["namespace"], metadata["name"]),
        detail={"wanted": wanted, "ready": ready, "restarts": sum(pod["restarts"] for pod in staying),
                "waiting": dict(Counter(reason for pod in staying for reason in pod["waiting"])),
                "terminated": dict(Counter(reason for pod in staying for reason in pod["terminated"])),
                "unscheduled": sum(pod["unscheduled"] for pod in staying),
                "unready_on": dict(Counter(pod["node"] for pod in staying if not pod["ready"] and pod["node"])),
                "gone_nodes": sorted({pod["node"] for pod in staying if pod["gone"]})[:50],
                "templates": dict(templates), "dns_policy": next((pod["dns_policy"] for pod in staying), ""),
                "probing": sum(pod["running"] and not pod["ready"] and not pod["gone"] for pod in staying),
                "preparing": sum(pod["held"] for pod in staying),
                "fell": sum(pod["fell"] and not pod["gone"] and pod["node"] not in bad for pod in staying),
                "conditions": {c["type"]: str(c.get("reason", "")) for c in
                               (deployment.get("status") or {}).get("conditions") or []
                               if (c["type"] == "ReplicaFailure" and c.get("status") == "True")
                               or (c["type"] == "Progressing" and c.get("status") == "False")},
                "policies": None if policies is None else _selecting(policies, labels),
                "failing": sorted(pod["name"] for pod in staying if not pod["ready"])[:20],
                "events": dict(warnings.most_common(20))})


def _warnings(question: Question, api: kubernetes.Kubernetes, namespace: str, deployment_of_pod: dict[str, str],
              owner_of_set: dict[str, str]) -> dict[str, Counter[str]]:
    """Count warnings within the window per Deployment, by reason; their texts weigh nothing."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for event in api.items("api/v1", "events", namespace, limit=_EVENTS, fieldSelector="type=Warning"):
        last = event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp")
        if last and seconds(last) < question.window.start:
            continue
        about = event.get("involvedObject") or {}
        name = str(about.get("name", ""))
        owner = {"Pod": deployment_of_pod.get(name, ""), "ReplicaSet": owner_of_set.get(name, ""),
                 "Deployment": name}.get(str(about.get("kind", "")), "")
        if owner:
            found[owner][mask(str(event.get("reason", "")))[:60]] += int(event.get("count") or 1)
    return found


def _selecting(policies: list[dict[str, Any]], labels: dict[str, str]) -> list[str]:
    names = [policy["metadata"]["name"] for policy in policies
             if _selects((policy.get("spec") or {}).get("podSelector") or {}, labels)]
    return names if len(names) <= _POLICIES else [*names[:_POLICIES], "…"]


def _selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Whether a label selector takes in an object with these labels (Kubernetes: "Labels and Selectors")."""
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    for item in selector.get("matchExpressions") or []:
        value, values = labels.get(item.get("key", "")), item.get("values") or []
        if not {"In": value in values, "NotIn": value not in values, "Exists": value is not None,
                "DoesNotExist": value is None}.get(item.get("operator", ""), False):
            return False
    return True


def seconds(moment: str) -> float:
    """Return a Kubernetes time as seconds since 1970 (UTC)."""
    return datetime.fromisoformat(moment).timestamp()


def _command(namespace: str, name: str) -> str:
    return f"kubectl -n {namespace} get pods,events --selector app={name}"


SOURCE = Source(
    name="kubernetes",
    phases=frozenset({"isolate", "diagnose", "aftercare"}),
    ask=ask,
    statements=cluster_access,
    kubernetes_group=READERS,
)
