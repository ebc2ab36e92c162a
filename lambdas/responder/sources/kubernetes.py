"""What Kubernetes says of the service's workloads: pods, why they wait, what ended them, and Events.

Formats: the Kubernetes API reference (Pod, Event and ReplicaSet v1).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

from responder.clients import kubernetes
from responder.model.finding import Finding
from responder.model.masking import mask
from responder.sources import Question, Source, Statement

_PODS = 10_000
_EVENTS = 2_000
READERS = "incident-responder:readers"


def ask(question: Question, api: kubernetes.Kubernetes | None = None) -> list[Finding]:
    """Return per component ``pods``; raises CallFailed.

    ``pods``: value is the share of wanted pods that are ready; detail has ``wanted``, ``ready``, ``restarts``,
    ``waiting`` {reason: pods}, ``terminated`` {reason: containers}, ``unscheduled``, ``failing`` [names, at most 20]
    and ``events`` {reason: count} of warnings within the window.
    """
    service, namespace = question.service, question.service.cluster.namespace
    api = api or kubernetes.connect(service.cluster.name, question.deadline)
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
    findings = []
    for component in service.components:
        name = component.deployment
        if name not in deployments:
            findings.append(Finding(SOURCE.name, "pods", "empty", component.name, window=question.window,
                                    query=_command(namespace, name),
                                    note=f"there is no Deployment {name} in {namespace}"))
            continue
        findings.append(_pods(question, component.name, deployments[name], pods[name], warnings[name], cut))
    return findings


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
    return {"name": pod["metadata"]["name"], "phase": status.get("phase", "Unknown"),
            "leaving": "deletionTimestamp" in pod["metadata"],
            "ready": conditions.get("Ready", {}).get("status") == "True", "restarts": restarts,
            "waiting": waiting, "terminated": terminated,
            "unscheduled": scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable"}


def _pods(question: Question, component: str, deployment: dict[str, Any], pods: list[dict[str, Any]],
          warnings: Counter[str], cut: str) -> Finding:
    wanted = int(deployment.get("spec", {}).get("replicas", 1))
    staying = [pod for pod in pods if not pod["leaving"]]
    ready = sum(pod["ready"] for pod in staying)
    metadata = deployment["metadata"]
    return Finding(
        SOURCE.name, "pods", "partial" if cut else "ok", component, window=question.window, unit="share", note=cut,
        value=round(min(1.0, ready / wanted), 3) if wanted else None,
        query=_command(metadata["namespace"], metadata["name"]),
        detail={"wanted": wanted, "ready": ready, "restarts": sum(pod["restarts"] for pod in staying),
                "waiting": dict(Counter(reason for pod in staying for reason in pod["waiting"])),
                "terminated": dict(Counter(reason for pod in staying for reason in pod["terminated"])),
                "unscheduled": sum(pod["unscheduled"] for pod in staying),
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


def owner(item: dict[str, Any], kind: str) -> str:
    """Return the name of the controller of that kind that owns an object, or an empty text."""
    for reference in item["metadata"].get("ownerReferences") or []:
        if reference.get("kind") == kind and reference.get("controller"):
            return str(reference["name"])
    return ""


def seconds(moment: str) -> float:
    """Return a Kubernetes time as seconds since 1970 (UTC)."""
    return datetime.fromisoformat(moment).timestamp()


def _command(namespace: str, name: str) -> str:
    return f"kubectl -n {namespace} get pods,events --selector app={name}"


SOURCE = Source(
    name="kubernetes",
    phases=frozenset({"isolate"}),
    ask=ask,
    statements=lambda service: (Statement(
        ("eks:DescribeCluster",),
        (f"arn:{{partition}}:eks:{{region}}:{{account}}:cluster/{service.cluster.name}",)),),
    kubernetes_group=READERS,
)
