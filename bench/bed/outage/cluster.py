"""The cluster's API in memory: the platform's objects, and the one controller that the incident needs.

A patch of a Deployment's template makes a ReplicaSet, or finds the one that has it, and new pods after a few seconds.
Format: the Kubernetes API reference ("API Concepts": lists, resourceVersion; JSON Patch: RFC 6902).
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bench.bed.outage.clock import BEGAN
from sandbox.places import NAMESPACE
from sandbox.platform.objects import KINDS, NODES, deployment, image, nodes, platform
from sandbox.vendors.gate import Answer
from sandbox.vendors.wire import iso

Object = dict[str, Any]
GATEWAY, GOOD, BAD = "payment-gateway", "1.0.0", "1.1.0"
_DAY = 86_400.0
ROLLOUT_SECONDS = 4.0
"""How long after a patch all pods have its template."""
_PLURALS = {"Deployment": "deployments", "ReplicaSet": "replicasets", "Pod": "pods", "Service": "services",
            "ConfigMap": "configmaps", "Secret": "secrets", "Node": "nodes", "PodDisruptionBudget":
            "poddisruptionbudgets", "Endpoints": "endpoints", "EndpointSlice": "endpointslices"}
_METRICS = "metrics.k8s.io/v1beta1"
_SERVED = ("v1", "apps/v1", "policy/v1", "autoscaling/v2", "networking.k8s.io/v1", "discovery.k8s.io/v1",
           "storage.k8s.io/v1", "scheduling.k8s.io/v1", "node.k8s.io/v1", _METRICS,
           "admissionregistration.k8s.io/v1", "rbac.authorization.k8s.io/v1", "batch/v1")


class Cluster:
    """The objects; ``patched`` is told each change that was asked for, with its path and whether it was made."""

    def __init__(self, time: Callable[[], float], patched: Callable[[str, str, int], None]) -> None:
        self._time, self._patched, self._revision = time, patched, 1000
        self.objects: dict[tuple[str, str], dict[tuple[str, str], Object]] = {}
        self._listed: dict[str, Answer] = {}
        """The lists that were asked for, by path, as of a revision."""
        self._listed_at = 0
        self._before: dict[tuple[str, str, str, str], tuple[float, Object]] = {}
        """Each object as it was before its last change, with the moment of that."""
        self.rolled: tuple[float, str] = (BEGAN - _DAY, GOOD)
        """When the gateway's template was changed last, and the version that it has since."""
        self.hopeless = False
        """Whether the gateway fails in every version from the release on."""
        self.was = GOOD
        """The gateway's version before that."""
        for item in (*platform({}), *nodes()):
            self._put(item, BEGAN - 30 * _DAY)
        for name in KINDS:
            self._grow(name, deployment(name, GOOD, KINDS[name].pods)["spec"]["template"], BEGAN - 2 * _DAY)
        self._grow("ledger-export", self._of("apps/v1", "deployments", "ledger-export")["spec"]["template"],
                   BEGAN - 2 * _DAY)

    def release(self, version: str = BAD) -> None:
        """Give the gateway a new version, as ``kubectl set image`` does."""
        item = self._of("apps/v1", "deployments", GATEWAY)
        changed = copy.deepcopy(item)
        changed["spec"]["template"]["spec"]["containers"][0]["image"] = image(GATEWAY, version)
        self._changed("apps/v1", "deployments", changed, "kubectl-set")

    def version(self, at: float) -> str:
        """Return the version by which the gateway serves at a moment."""
        since, version = self.rolled
        if self.hopeless and at >= BEGAN:
            return BAD
        return version if at >= since + (ROLLOUT_SECONDS if version == GOOD else 0) else self.was

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes, stale: bool = False) -> Answer:
        """Answer one request; ``stale``: as the object was before its last change, where that was just now."""
        url = urlsplit(path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        parts = url.path.strip("/").split("/")
        version = parts[1] if parts[0] == "api" else "/".join(parts[1:3])
        rest = parts[2:] if parts[0] == "api" else parts[3:]
        namespace = ""
        if len(rest) > 2 and rest[0] == "namespaces":
            namespace, rest = rest[1], rest[2:]
        if version not in _SERVED or not rest:
            return Answer(404, b"404 page not found\n", "text/plain")
        if len(rest) == 1 and version == _METRICS:
            return self._list(version, rest[0], namespace, query)
        if len(rest) == 1:
            if self._listed_at != self._revision:
                self._listed, self._listed_at = {}, self._revision
            if path not in self._listed:
                self._listed[path] = self._list(version, rest[0], namespace, query)
            return self._listed[path]
        found = self.objects.get((version, rest[0]), {}).get((namespace, rest[1]))
        if found is None:
            return _status(404, "NotFound", f'{rest[0]} "{rest[1]}" not found')
        if method == "GET":
            before = self._before.get((version, rest[0], namespace, rest[1]))
            return _json(before[1] if stale and before and before[0] > self._time() - 5 else found)
        if method != "PATCH" or len(rest) > 2:
            self._patched(method, url.path, 405)
            return _status(405, "MethodNotAllowed", method)
        answer = self._patch(version, rest[0], found, headers, body, query.get("fieldManager", "unknown"))
        self._patched(method, url.path, answer.status)
        return answer

    def items(self, path: str) -> list[Object]:
        """List by path, for stand-ins that look at the cluster."""
        found = json.loads(self.answer("GET", path, {}, b"").body)["items"]
        return list(found)

    def _list(self, version: str, plural: str, namespace: str, query: dict[str, str]) -> Answer:
        if version == _METRICS:
            items = self._usage(plural)
        else:
            items = [item for (within, _), item in sorted(self.objects.get((version, plural), {}).items())
                     if namespace in ("", within)]
        for wanted in filter(None, query.get("labelSelector", "").split(",")):
            key, _, value = wanted.partition("=")
            items = [item for item in items if (item["metadata"].get("labels") or {}).get(key) == value.lstrip("=")]
        for wanted in filter(None, query.get("fieldSelector", "").split(",")):
            key, _, value = wanted.partition("=")
            if key == "metadata.name":
                items = [item for item in items if item["metadata"]["name"] == value.lstrip("=")]
        return _json({"kind": "List", "apiVersion": version, "metadata": {"resourceVersion": str(self._revision)},
                      "items": items})

    def _usage(self, plural: str) -> list[Object]:
        now = iso(self._time() // 15 * 15)
        if plural == "nodes":
            return [{"metadata": {"name": name}, "timestamp": now, "window": "15s",
                     "usage": {"cpu": "900m", "memory": "2Gi"}} for name in NODES]
        return [{"metadata": item["metadata"] | {"managedFields": []}, "timestamp": now, "window": "15s",
                 "containers": [{"name": container["name"], "usage": {"cpu": "60m", "memory": "90Mi"}}
                                for container in item["spec"]["containers"]]}
                for item in self.objects["v1", "pods"].values()]

    def _patch(self, version: str, plural: str, found: Object, headers: dict[str, str], body: bytes,
               manager: str) -> Answer:
        changed = copy.deepcopy(found)
        if "json-patch" in headers.get("content-type", ""):
            for step in json.loads(body):
                *way, last = [part.replace("~1", "/").replace("~0", "~") for part in step["path"].split("/")[1:]]
                place: Any = changed
                for part in way:
                    place = place[int(part)] if isinstance(place, list) else place[part]
                if step["op"] == "test" and place.get(last) != step["value"]:
                    return _status(422, "Invalid", "the server rejected our request: a test failed")
                if step["op"] == "remove":
                    del place[last]
                elif step["op"] != "test":
                    place[last] = step["value"]
        else:
            _merge(changed, json.loads(body))
        return _json(self._changed(version, plural, changed, manager))

    def _changed(self, version: str, plural: str, changed: Object, manager: str) -> Object:
        metadata, now = changed["metadata"], self._time()
        key = metadata.get("namespace", ""), metadata["name"]
        before = self.objects[version, plural][key]
        self._revision += 1
        metadata["resourceVersion"] = str(self._revision)
        metadata.setdefault("managedFields", []).append({
            "manager": manager, "operation": "Update", "apiVersion": version, "time": iso(now)[:19] + "Z",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {}}})
        if changed.get("spec") != before.get("spec"):
            metadata["generation"] = metadata.get("generation", 1) + 1
        self._before[version, plural, *key] = now, before
        self.objects[version, plural][key] = changed
        if plural == "deployments" and changed["spec"]["template"] != before["spec"]["template"]:
            self._grow(metadata["name"], changed["spec"]["template"], now)
        return self.objects[version, plural][key]

    def _of(self, version: str, plural: str, name: str) -> Object:
        return self.objects[version, plural][NAMESPACE, name]

    def _put(self, item: Object, at: float) -> Object:
        item = copy.deepcopy(item)
        metadata = item["metadata"]
        self._revision += 1
        metadata |= {"uid": hashlib.sha1(f"{item['kind']}/{metadata['name']}".encode(),
                                         usedforsecurity=False).hexdigest()[:32],
                     "resourceVersion": str(self._revision), "generation": metadata.get("generation", 1),
                     "creationTimestamp": iso(at)[:19] + "Z"}
        if item["kind"] == "Node":
            item["status"] |= {"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady",
                                               "lastTransitionTime": metadata["creationTimestamp"]}],
                               "addresses": [], "nodeInfo": {}}
        self.objects.setdefault((item["apiVersion"], _PLURALS[item["kind"]]), {})[
            metadata.get("namespace", ""), metadata["name"]] = item
        return item

    def _grow(self, name: str, template: Object, at: float) -> None:
        """Do what the controllers do for a template: a ReplicaSet with it, its pods, and the Service's endpoints."""
        owner = self._of("apps/v1", "deployments", name)
        digest = hashlib.sha1(json.dumps(template, sort_keys=True).encode(),
                              usedforsecurity=False).hexdigest()[:10]
        wanted, sets = owner["spec"]["replicas"], self.objects.setdefault(("apps/v1", "replicasets"), {})
        own = [item for item in sets.values() if item["metadata"]["ownerReferences"][0]["name"] == name]
        newest = max((int(item["metadata"]["annotations"][_REVISION]) for item in own), default=0) + 1
        for item in own:
            item["spec"]["replicas"] = 0
            item["status"] = {"replicas": 0, "observedGeneration": 1}
        key = NAMESPACE, f"{name}-{digest}"
        if key not in sets:
            self._put({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {
                "name": key[1], "namespace": NAMESPACE, "labels": {"app": name, "pod-template-hash": digest},
                "annotations": {}, "ownerReferences": [_owned("apps/v1", "Deployment", owner)]}, "spec": {
                    "selector": {"matchLabels": {"app": name, "pod-template-hash": digest}},
                    "template": _labelled(template, digest)}}, at)
        current = sets[key]
        current["metadata"]["annotations"][_REVISION] = str(newest)
        current["spec"]["replicas"] = wanted
        current["status"] = {"replicas": wanted, "readyReplicas": wanted, "availableReplicas": wanted,
                             "observedGeneration": 1}
        owner["metadata"].setdefault("annotations", {})[_REVISION] = str(newest)
        owner["status"] = {
            "observedGeneration": owner["metadata"]["generation"], "replicas": wanted, "updatedReplicas": wanted,
            "readyReplicas": wanted, "availableReplicas": wanted, "conditions": [
                {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"},
                {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]}
        pods = self.objects.setdefault(("v1", "pods"), {})
        for old in [pod for pod, item in pods.items() if item["metadata"]["labels"]["app"] == name]:
            del pods[old]
        made = [self._put(_pod(name, number, current, at), at) for number in range(wanted)]
        self._serve(name, made)
        if name == GATEWAY:
            version = template["spec"]["containers"][0]["image"].rpartition(":")[2]
            self.was, self.rolled = self.rolled[1], (at, version)

    def _serve(self, name: str, pods: list[Object]) -> None:
        targets = [{"ip": pod["status"]["podIP"], "nodeName": pod["spec"]["nodeName"], "targetRef": {
            "kind": "Pod", "namespace": NAMESPACE, "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}}
                   for pod in pods]
        ports = [{"name": "http", "port": 8080, "protocol": "TCP"}]
        self._put({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": name, "namespace": NAMESPACE},
                   "subsets": [{"addresses": targets, "ports": ports}]}, BEGAN - 30 * _DAY)
        self._put({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {
            "name": f"{name}-abcde", "namespace": NAMESPACE, "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4", "ports": ports, "endpoints": [
                {"addresses": [one["ip"]], "nodeName": one["nodeName"], "targetRef": one["targetRef"], "conditions": {
                    "ready": True, "serving": True, "terminating": False}} for one in targets]}, BEGAN - 30 * _DAY)


_REVISION = "deployment.kubernetes.io/revision"


def _pod(name: str, number: int, owner: Object, at: float) -> Object:
    since, spec = iso(at)[:19] + "Z", copy.deepcopy(owner["spec"]["template"]["spec"])
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {
        "name": f"{owner['metadata']['name']}-{number:05}", "namespace": NAMESPACE,
        "labels": owner["spec"]["template"]["metadata"]["labels"],
        "ownerReferences": [_owned("apps/v1", "ReplicaSet", owner)]},
        "spec": spec | {"nodeName": NODES[number % len(NODES)]}, "status": {
            "phase": "Running", "podIP": f"10.0.{sum(map(ord, name)) % 250}.{number + 1}", "startTime": since,
            "conditions": [{"type": kind, "status": "True", "lastTransitionTime": since}
                           for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")],
            "containerStatuses": [{"name": one["name"], "image": one["image"], "ready": True, "restartCount": 0,
                                   "started": True, "state": {"running": {"startedAt": since}}, "lastState": {}}
                                  for one in spec["containers"]]}}


def _owned(version: str, kind: str, owner: Object) -> Object:
    return {"apiVersion": version, "kind": kind, "name": owner["metadata"]["name"], "controller": True,
            "uid": owner["metadata"].get("uid", owner["metadata"]["name"])}


def _labelled(template: Object, digest: str) -> Object:
    found = copy.deepcopy(template)
    found["metadata"]["labels"] = found["metadata"]["labels"] | {"pod-template-hash": digest}
    return found


def _merge(target: Object, patch: Object) -> None:
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        else:
            target[key] = value


def _json(value: Object) -> Answer:
    return Answer(200, json.dumps(value).encode())


def _status(code: int, reason: str, message: str) -> Answer:
    return Answer(code, json.dumps({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                                    "reason": reason, "message": message, "code": code}).encode())
