"""A Kubernetes API that lists the objects it is given, and the shapes of some of them: shared by tests of readers.

Shapes: the Kubernetes API reference, and Argo Rollouts' "Rollout Specification".
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import httpx

from responder.clients.http import Http
from responder.clients.kubernetes import Kubernetes

Object = dict[str, Any]
NAMESPACE = "payments"


class Api:
    """Objects by API path and plural: ``apis/apps/v1/deployments``."""

    def __init__(self, **objects: list[Object]) -> None:
        self.objects: dict[str, list[Object]] = {
            "apis/apps/v1/deployments": [], "apis/apps/v1/statefulsets": [], "apis/apps/v1/daemonsets": [],
            "apis/apps/v1/replicasets": [], "apis/apps/v1/controllerrevisions": [], "api/v1/pods": [],
            "api/v1/events": [], "api/v1/services": [], "api/v1/endpoints": [], "api/v1/nodes": [],
            "api/v1/resourcequotas": [], "apis/discovery.k8s.io/v1/endpointslices": [],
            "apis/networking.k8s.io/v1/networkpolicies": [], "apis/autoscaling/v2/horizontalpodautoscalers": [],
            "apis/policy/v1/poddisruptionbudgets": []}
        self.refused: set[str] = set()
        """What may not be read (403), by the same names."""
        self.asked: Counter[str] = Counter()
        for plural, items in objects.items():
            self.put(plural, *items)

    def put(self, plural: str, *items: Object) -> None:
        """Add objects of a kind, by its plural."""
        paths = {path.rpartition("/")[2]: path for path in self.objects} | {
            "rollouts": "apis/argoproj.io/v1alpha1/rollouts"}
        self.objects.setdefault(paths.get(plural, plural), []).extend(items)

    def client(self) -> Kubernetes:
        """A client that asks it."""
        return Kubernetes(Http(time.monotonic() + 60, transport=httpx.MockTransport(self._answer)), "https://k8s")

    def _answer(self, request: httpx.Request) -> httpx.Response:
        head, namespaced, rest = request.url.path.strip("/").partition("/namespaces/")
        namespace, _, plural = rest.partition("/") if namespaced else ("", "", "")
        path = f"{head}/{plural}" if namespaced else head
        self.asked[path] += 1
        if path in self.refused:
            return httpx.Response(403, json={"kind": "Status", "reason": "Forbidden", "code": 403})
        if path not in self.objects:
            return httpx.Response(404, text="404 page not found")
        found = [item for item in self.objects[path] if namespace in ("", item["metadata"].get("namespace"))]
        start, limit = int(request.url.params.get("continue", 0)), int(request.url.params.get("limit", 500))
        more = {"continue": str(start + limit)} if start + limit < len(found) else {}
        return httpx.Response(200, json={"metadata": more, "items": found[start:start + limit]})


def at(moment: float) -> str:
    """A time as Kubernetes writes it."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def metadata(name: str, owner: tuple[str, str] | None = None, **more: Any) -> Object:
    """The metadata of an object; ``owner`` is its controller's kind and name."""
    references = [{"kind": owner[0], "name": owner[1], "controller": True, "uid": owner[1]}] if owner else []
    return {"name": name, "namespace": NAMESPACE, "ownerReferences": references, **more}


def workload(name: str, wanted: int = 3, ready: int | None = None, *, owner: tuple[str, str] | None = None,
             labels: dict[str, str] | None = None, containers: list[Object] | None = None, **spec: Any) -> Object:
    """A Deployment, StatefulSet or Rollout."""
    template = {"metadata": {"labels": {"app": name}}, "spec": {
        "containers": containers or [{"name": "app", "image": "registry.example/app:1.0.0"}]}}
    return {"metadata": metadata(name, owner, labels=labels or {}),
            "spec": {"replicas": wanted, "template": template, **spec},
            "status": {"readyReplicas": wanted if ready is None else ready}}


def daemon_set(name: str, wanted: int = 3, ready: int = 3) -> Object:
    """A DaemonSet."""
    item = workload(name)
    del item["spec"]["replicas"]
    item["status"] = {"desiredNumberScheduled": wanted, "numberReady": ready}
    return item


def replica_set(name: str, owner: tuple[str, str], **annotations: str) -> Object:
    """A ReplicaSet of a Deployment or a Rollout."""
    return {"metadata": metadata(name, owner, annotations=annotations, creationTimestamp="2026-10-08T10:00:00Z"),
            "spec": {"template": {"spec": {"containers": [{"name": "app", "image": "registry.example/app:1.0.0"}]}}}}


def pod(name: str, owner: tuple[str, str], *, ready: bool = True, phase: str = "Running", node: str = "node-1",
        statuses: list[Object] | None = None, **status: Any) -> Object:
    """A pod whose one container runs, unless ``statuses`` says otherwise."""
    conditions = [{"type": "PodScheduled", "status": "True"}, {"type": "Initialized", "status": "True"},
                  {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": at(1000)}]
    running = [{"name": "app", "restartCount": 0, "ready": ready, "state": {"running": {"startedAt": at(1000)}}}]
    return {"metadata": metadata(name, owner, labels={"app": "pay"}, uid=name), "spec": {
        "nodeName": node, "containers": [{"name": "app", "image": "registry.example/app:1.0.0"}]},
        "status": {"phase": phase, "conditions": conditions, "containerStatuses": statuses or running, **status}}
