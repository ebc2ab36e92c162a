"""Objects as the Kubernetes API serves them, made of what matters in a test."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from responder import checks
from responder.model.evidence.problems import Problem
from responder.state import State, state_of

NOW = 1_770_000_000.0
"""When the cluster is looked at, seconds since 1970 (UTC)."""
Item = dict[str, Any]


def at(seconds: float) -> str:
    """Return a moment as the API writes it, some seconds before ``NOW``."""
    return datetime.fromtimestamp(NOW - seconds, UTC).isoformat().replace("+00:00", "Z")


def container(name: str = "server", port: int = 8080, **more: Any) -> Item:
    return {"name": name, "image": "registry.example/app:1", "ports": [{"containerPort": port}] if port else [], **more}


def env(**values: str) -> list[Item]:
    return [{"name": name, "value": value} for name, value in values.items()]


def deployment(app: str, *containers: Item, replicas: int = 1, ready: int | None = None,
               labels: dict[str, str] | None = None, **spec: Any) -> Item:
    its = labels if labels is not None else {"app": app}
    return {"kind": "Deployment", "metadata": {"name": app, "namespace": "shop"}, "spec": {
        "replicas": replicas, "selector": {"matchLabels": its}, "template": {
            "metadata": {"labels": its}, "spec": {"containers": list(containers or [container()]), **spec}}},
        "status": {"replicas": replicas, "readyReplicas": replicas if ready is None else ready}}


def service(name: str, port: int = 8080, target: int | str | None = None, app: str | None = None,
            **more: Any) -> Item:
    ports = [{"port": port, "targetPort": port if target is None else target, **more}]
    return {"kind": "Service", "metadata": {"name": name, "namespace": "shop"},
            "spec": {"selector": {"app": app or name}, "ports": ports, "clusterIP": "10.96.0.9"}}


def ended(code: int = 1, *, ago: float = 60, lived: float = 30, reason: str = "Error", message: str = "") -> Item:
    return {"exitCode": code, "reason": reason, "finishedAt": at(ago), "startedAt": at(ago + lived),
            "message": message}


def status(name: str = "server", *, ready: bool = True, restarts: int = 0, last: Item | None = None,
           state: Item | None = None) -> Item:
    return {"name": name, "ready": ready, "restartCount": restarts, "image": "registry.example/app:1",
            "state": state or {"running": {"startedAt": at(3000)}}, "lastState": {"terminated": last} if last else {}}


BACK_OFF: Item = {"waiting": {"reason": "CrashLoopBackOff",
                              "message": "back-off 5m0s restarting failed container=server pod=pay-1"}}


def pod(app: str, *containers: Item, statuses: Iterable[Item] | None = None, ready: bool = True, number: int = 1,
        node: str = "n1", labels: dict[str, str] | None = None, phase: str = "Running", namespace: str = "shop",
        **spec: Any) -> Item:
    its = list(containers or [container()])
    return {
        "kind": "Pod", "metadata": {"name": f"{app}-6f9c-{number}", "namespace": namespace, "labels": (
            labels if labels is not None else {"app": app}), "ownerReferences": [
                {"kind": "ReplicaSet", "name": f"{app}-6f9c", "controller": True}]},
        "spec": {"containers": its, "nodeName": node, **spec},
        "status": {"phase": phase, "podIP": "10.0.0.1", "conditions": [
            {"type": "Ready", "status": "True" if ready else "False"}, {"type": "PodScheduled", "status": "True"}],
            "containerStatuses": list(statuses) if statuses is not None else [
                status(one["name"], ready=ready) for one in its]}}


def node(name: str = "n1", *conditions: Item, labels: dict[str, str] | None = None) -> Item:
    its = conditions or ({"type": "Ready", "status": "True", "reason": "KubeletReady",
                          "message": "kubelet is posting ready status"},)
    return {"kind": "Node", "metadata": {"name": name, "labels": labels or {}}, "spec": {},
            "status": {"conditions": list(its), "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"}}}


def event(about: Item, reason: str, message: str, *, ago: float = 60, count: int = 5, kind: str = "Warning",
          field: str = "") -> Item:
    meta = about["metadata"]
    return {"kind": "Event", "type": kind, "reason": reason, "message": message, "count": count,
            "lastTimestamp": at(ago), "source": {"component": "kubelet"}, "involvedObject": {
                "kind": about["kind"], "namespace": meta.get("namespace", ""), "name": meta["name"],
                "fieldPath": field}}


def listed(*kinds: str, **fields: Any) -> State:
    """Return what else is known: kinds of which all objects are here, lines, services of nodes, measures."""
    return State(known=frozenset((kind, "") for kind in kinds), now=NOW, **fields)


def problems(*items: Item, base: State | None = None) -> tuple[Problem, ...]:
    return checks.run(state_of(items, base or listed()))


def found(check: str, *items: Item, base: State | None = None) -> list[tuple[str, str, str]]:
    """Return object, severity and basis of what a check finds."""
    return [(one.object, one.severity, one.basis) for one in problems(*items, base=base) if one.check == check]


def names(*items: Item, base: State | None = None) -> set[str]:
    """Return the names of all checks that find something."""
    return {one.check for one in problems(*items, base=base)}
