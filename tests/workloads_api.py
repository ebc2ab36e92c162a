"""A Kubernetes API that keeps objects and changes them as it is asked to: shared by tests of remedies.

Of patches it knows what RFC 6902 and RFC 7386 say as far as remedies use it, with ``scale`` and ``status`` as paths of
their own: a change of the one leaves what the other has (Kubernetes: "Extend the Kubernetes API with
CustomResourceDefinitions", "Subresources").
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import httpx

from responder.clients.http import Http
from responder.clients.kubernetes import Kubernetes

Object = dict[str, Any]
NAMESPACE = "payments"
CREATED = "2026-11-20T00:00:00Z"
_SUBRESOURCES = {"scale": "spec", "status": "status"}


def metadata(name: str, owner: tuple[str, str] | None = None, **more: Any) -> Object:
    """Metadata of an object; ``owner`` is its controller's kind and name."""
    return {"name": name, "namespace": NAMESPACE, "uid": f"uid-{name}", "resourceVersion": "7", "generation": 3,
            "creationTimestamp": CREATED, "ownerReferences": [
                {"kind": owner[0], "name": owner[1], "controller": True}] if owner else [], **more}


def template(version: str, **labels: str) -> Object:
    """The template of pods that run a version."""
    return {"metadata": {"labels": {"app": "pay", **labels}},
            "spec": {"containers": [{"name": "app", "image": f"r/pay:{version}"}]}}


class Cluster:
    """Objects by plural and name."""

    def __init__(self, **objects: list[Object]) -> None:
        self.objects: dict[str, dict[str, Object]] = {plural: {item["metadata"]["name"]: item for item in items}
                                                      for plural, items in objects.items()}
        self.forbidden: set[str] = set()
        """Plurals, with a subresource after a slash, that may neither be read nor written."""
        self.writes: list[str] = []
        """``PATCH rollouts/status pay``, in their order; of evictions and deletions as well."""
        self.fails_after: int | None = None
        """So many writes succeed, and then the connection breaks after each write was done."""

    @property
    def api(self) -> Kubernetes:
        """A client that asks it."""
        return Kubernetes(Http(time.monotonic() + 30, transport=httpx.MockTransport(self._answer)), "https://k8s")

    def __getitem__(self, key: str) -> Object:
        plural, _, name = key.partition("/")
        return self.objects[plural][name]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        parts = request.url.path.split("/")
        parts = parts[parts.index("namespaces") + 2:] if "namespaces" in parts else parts[parts.index("v1") + 1:]
        plural, name, sub = (*parts, "", "")[:3]
        asked = f"{plural}/{sub}" if sub else plural
        if asked in self.forbidden:
            return _status(403, "Forbidden")
        items = self.objects.get(plural)
        if items is None:
            return _status(404, "NotFound") if name else httpx.Response(200, json={"items": []})
        if not name:
            return httpx.Response(200, json={"items": list(items.values()), "metadata": {}})
        if name not in items:
            return _status(404, "NotFound")
        if request.method == "GET":
            return httpx.Response(200, json=items[name])
        return self._write(request, items, name, asked, sub)

    def _write(self, request: httpx.Request, items: dict[str, Object], name: str, asked: str,
               sub: str) -> httpx.Response:
        body, item = json.loads(request.content), items[name]
        if request.method == "PATCH":
            answer = self._patched(item, body, "json-patch" in request.headers["content-type"], sub)
        elif body.get("preconditions", body.get("deleteOptions", {}).get("preconditions"))["uid"] != (
                item["metadata"]["uid"]):
            answer = _status(409, "Conflict")
        else:
            del items[name]
            answer = httpx.Response(201, json={})
        if answer.status_code < 300:
            self.writes.append(f"{request.method} {asked} {name}")
            if self.fails_after is not None and len(self.writes) > self.fails_after:
                raise httpx.ReadError("the connection broke")
        return answer

    def _patched(self, item: Object, body: Any, by_operations: bool, sub: str) -> httpx.Response:
        wanted = deepcopy(item)
        if by_operations:
            for step in body:
                *way, last = [part.replace("~1", "/").replace("~0", "~") for part in step["path"].split("/")[1:]]
                place = wanted
                for part in way:
                    place = place[part]
                if step["op"] == "test" and place.get(last) != step["value"]:
                    return _status(422, "Invalid")
                if step["op"] == "remove":
                    place.pop(last)
                elif step["op"] != "test":
                    place[last] = step["value"]
        else:
            seen = body.get("metadata", {}).get("resourceVersion")
            if seen not in (None, item["metadata"]["resourceVersion"]):
                return _status(409, "Conflict")
            _merge(wanted, body)
        part = _SUBRESOURCES.get(sub)
        spec = item["spec"]
        if part == "spec":
            item["spec"] = {**spec, "replicas": wanted["spec"]["replicas"]}
        elif part == "status":
            item["status"] = wanted["status"]
        else:
            item |= {key: value for key, value in wanted.items() if key != "status"}
        item["metadata"]["resourceVersion"] = str(int(item["metadata"]["resourceVersion"]) + 1)
        item["metadata"]["generation"] += item["spec"] != spec
        return httpx.Response(200, json=item)


def _merge(value: Object, patch: Object) -> None:
    for key, wanted in patch.items():
        if isinstance(wanted, dict):
            _merge(value.setdefault(key, {}), wanted)
        elif wanted is None:
            value.pop(key, None)
        else:
            value[key] = wanted


def _status(code: int, reason: str) -> httpx.Response:
    return httpx.Response(code, json={"kind": "Status", "code": code, "reason": reason, "message": reason})


def revisions(kind: str, *versions: str) -> Iterator[Object]:
    """The revisions of a workload called ``pay``, oldest first, ten minutes after each other."""
    for number, version in enumerate(versions, 1):
        created = f"2026-11-20T00:{number * 10:02}:00Z"
        if kind in ("Deployment", "Rollout"):
            prefix = "deployment.kubernetes.io" if kind == "Deployment" else "rollout.argoproj.io"
            label = "pod-template-hash" if kind == "Deployment" else "rollouts-pod-template-hash"
            yield {"metadata": {**metadata(f"pay-h{number}", (kind, "pay"), annotations={
                f"{prefix}/revision": str(number)}), "creationTimestamp": created},
                "spec": {"template": template(version, **{label: f"h{number}"})}}
        else:
            yield {"metadata": {**metadata(f"pay-h{number}", (kind, "pay")), "creationTimestamp": created},
                   "revision": number,
                   "data": {"spec": {"template": {"$patch": "replace", **template(version)}}}}


def workload(kind: str, version: str, number: int, replicas: int = 3, ready: int = 3, **spec: Any) -> Object:
    """A workload called ``pay`` that runs a version as its revision of that number."""
    notes = {"Deployment": {"deployment.kubernetes.io/revision": str(number)},
             "Rollout": {"rollout.argoproj.io/revision": str(number)}}.get(kind)
    notes = {"annotations": notes} if notes else {}
    status = {"numberReady": ready, "desiredNumberScheduled": replicas} if kind == "DaemonSet" else {
        "readyReplicas": ready}
    if kind == "Rollout":
        status |= {"observedGeneration": "3", "stableRS": f"h{number}", "currentPodHash": f"h{number}"}
    return {"metadata": metadata("pay", **notes), "status": status,
            "spec": {**({} if kind == "DaemonSet" else {"replicas": replicas}),
                     "selector": {"matchLabels": {"app": "pay"}}, "template": template(version), **spec}}


def pod(name: str, owner: tuple[str, str], *, ready: bool = True, node: str = "node-a", phase: str = "Running",
        **labels: str) -> Object:
    """A pod of a controller."""
    return {"metadata": metadata(name, owner, labels=labels), "spec": {"nodeName": node, "containers": []},
            "status": {"phase": phase, "conditions": [{"type": "Ready", "status": str(ready)}]}}


def node(name: str, *, ready: bool = True) -> Object:
    """A node with plenty of room."""
    return {"metadata": {**metadata(name), "annotations": {}}, "spec": {}, "status": {
        "allocatable": {"cpu": "16", "memory": "64Gi", "pods": "100"},
        "conditions": [{"type": "Ready", "status": str(ready)}]}}
