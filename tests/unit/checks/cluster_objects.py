"""Objects of the Kubernetes API, as its JSON has them, for the tests of checks."""

from __future__ import annotations

from typing import Any

from responder import checks
from responder.model.evidence.problems import Problem
from responder.state import State, state_of

NOW = 1_800_000_000.0
Item = dict[str, Any]
EVERYTHING = State(now=NOW, known=frozenset((kind, "") for kind in (
    "ServiceAccount", "PriorityClass", "RuntimeClass", "ConfigMap", "Secret", "PersistentVolumeClaim",
    "PersistentVolume", "StorageClass", "Service", "Node", "Pod", "Namespace")))
"""All that there is was listed."""


def at(seconds_ago: float) -> str:
    """A time of the API, so many seconds before now."""
    from datetime import UTC, datetime
    return datetime.fromtimestamp(NOW - seconds_ago, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def container(name: str = "app", **more: Any) -> Item:
    return {"name": name, "image": "registry.example.com/shop/pay:1.4", **more}


def workload(kind: str = "Deployment", name: str = "pay", wanted: int = 1, there: int = 0, ready: int = 0,
             owner: str = "", **spec: Any) -> Item:
    metadata: Item = {"name": name, "namespace": "shop", "creationTimestamp": at(86_400)}
    if owner:
        metadata["ownerReferences"] = [{"kind": "Deployment", "name": owner, "controller": True}]
    template = {"metadata": {"labels": {"app": owner or name}}, "spec": {"containers": [container()], **spec}}
    return {"kind": kind, "metadata": metadata, "spec": {"replicas": wanted, "template": template,
                                                         "selector": {"matchLabels": {"app": owner or name}}},
            "status": {"replicas": there, "readyReplicas": ready}}


def replica_set(wanted: int = 1, there: int = 0, **spec: Any) -> Item:
    return workload("ReplicaSet", "pay-6f9c", wanted, there, 0, "pay", **spec)


def pod(name: str = "pay-6f9c-x7k2p", node: str = "", phase: str = "Pending", age_seconds: float = 600,
        status: Item | None = None, labels: Item | None = None, owner: str = "pay-6f9c", **spec: Any) -> Item:
    own = [{"kind": "ReplicaSet", "name": owner, "controller": True}] if owner else []
    return {"kind": "Pod",
            "metadata": {"name": name, "namespace": "shop", "creationTimestamp": at(age_seconds),
                         "labels": labels or {"app": "pay"}, "ownerReferences": own},
            "spec": {"containers": [container()], **({"nodeName": node} if node else {}), **spec},
            "status": {"phase": phase, **(status or {})}}


def unscheduled(message: str) -> Item:
    return {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message,
                            "lastTransitionTime": at(590)}]}


def running(name: str = "app", **more: Any) -> Item:
    return {"conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [
        {"name": name, "ready": True, "restartCount": 0, "state": {"running": {"startedAt": at(500)}}, **more}]}


def waiting(reason: str, message: str = "", **more: Any) -> Item:
    return {"conditions": [{"type": "Ready", "status": "False"}], "containerStatuses": [
        {"name": "app", "ready": False, "restartCount": 0,
         "state": {"waiting": {"reason": reason, **({"message": message} if message else {})}}, **more}]}


def node(name: str = "n1", cpu: str = "4", memory: str = "8Gi", labels: Item | None = None, taints: Any = (),
         cordoned: bool = False, pods: str = "110") -> Item:
    return {"kind": "Node",
            "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **(labels or {})}},
            "spec": {"taints": list(taints), **({"unschedulable": True} if cordoned else {})},
            "status": {"allocatable": {"cpu": cpu, "memory": memory, "pods": pods},
                       "conditions": [{"type": "Ready", "status": "True"}]}}


def event(message: str, kind: str = "Pod", name: str = "pay-6f9c-x7k2p", reason: str = "Failed",
          seconds_ago: float = 60) -> Item:
    return {"kind": "Event", "type": "Warning", "reason": reason, "message": message,
            "lastTimestamp": at(seconds_ago),
            "involvedObject": {"kind": kind, "namespace": "" if kind == "Node" else "shop", "name": name}}


def refused(message: str, name: str = "pay-6f9c") -> Item:
    return event(f'Error creating: pods "pay-6f9c-x7k2p" is forbidden: {message}', "ReplicaSet", name, "FailedCreate")


def asks(**resources: str) -> list[Item]:
    return [container(resources={"requests": resources})]


def problems(*items: Item, base: State = EVERYTHING) -> tuple[Problem, ...]:
    return checks.run(state_of(items, base))


def found(check: str, *items: Item, base: State = EVERYTHING) -> list[tuple[str, str, tuple[str, ...]]]:
    """What one check finds: object, basis and apps of each problem that is more than a risk."""
    return [(one.object, one.basis, one.apps) for one in problems(*items, base=base)
            if one.check == check and one.severity != "risks"]


def all_found(*items: Item, base: State = EVERYTHING) -> set[str]:
    """The checks of a pod's way to its start that find something that is more than a risk; what follows from it where
    pods run or are reached is left out.
    """
    return {one.check for one in problems(*items, base=base) if one.severity != "risks"
            and one.family in ("admission", "scheduling", "startup")}
