"""The objects of a large cluster, as the Kubernetes API writes them, and the lines of a large log.

A pod is as long as pods are: a dozen variables, volumes, probes, managedFields and its status, about 8 kB.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

NAMESPACE = "payments"
_WHEN = "2026-01-05T09:00:00Z"
_SHARES = (("payment-gateway", 0.9), ("backend", 0.06), ("frontend", 0.04))
"""Owner of the pods: nearly all belong to one Deployment, the worst case for reading one Deployment's pods."""
_SLICE = 100
"""Endpoints that an EndpointSlice holds (Kubernetes: "EndpointSlices")."""
_REVISIONS = 10
"""ReplicaSets that a Deployment keeps (``revisionHistoryLimit``)."""

Make = Callable[[int], dict[str, Any]]


@dataclass(frozen=True)
class Cluster:
    """A cluster's lists: path below the server to how many objects there are and how each is made."""

    pods: int

    @property
    def lists(self) -> dict[str, tuple[int, Make]]:
        """Path to (count, make)."""
        others = max(3, self.pods // 25)
        nodes = max(3, self.pods // 30)
        core, apps = f"/api/v1/namespaces/{NAMESPACE}", f"/apis/apps/v1/namespaces/{NAMESPACE}"
        return {
            f"{core}/pods": (self.pods, self._pod),
            f"{apps}/deployments": (others, _deployment),
            f"{apps}/replicasets": (others * _REVISIONS, _replica_set),
            f"{apps}/statefulsets": (others // 4, _deployment),
            f"{apps}/daemonsets": (others // 8, _deployment),
            f"{core}/configmaps": (others, _config_map),
            f"{core}/services": (others, _service),
            f"{core}/endpoints": (others, self._endpoints),
            f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices": (
                sum(-(-self._behind(_name(i)) // _SLICE) for i in range(others)), self._slice),
            f"{core}/events": (min(2 * self.pods, 20_000), _event),
            f"{core}/resourcequotas": (2, _quota),
            f"{core}/limitranges": (1, _limits),
            f"/apis/networking.k8s.io/v1/namespaces/{NAMESPACE}/networkpolicies": (others // 2, _policy),
            f"/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers": (others // 2, _scaler),
            f"/apis/policy/v1/namespaces/{NAMESPACE}/poddisruptionbudgets": (others // 2, _budget),
            "/api/v1/nodes": (nodes, _node),
            f"/apis/metrics.k8s.io/v1beta1/namespaces/{NAMESPACE}/pods": (self.pods, self._pod_metrics),
            "/apis/metrics.k8s.io/v1beta1/nodes": (nodes, lambda i: {
                "metadata": {"name": f"node-{i:04}"}, "usage": {"cpu": "1200m", "memory": "6Gi"}}),
        }

    def _place(self, number: int) -> tuple[str, int]:
        """The Deployment that a pod belongs to, and its number there."""
        first = 0
        for name, share in _SHARES:
            count = round(self.pods * share)
            if number < first + count:
                return name, number - first
            first += count
        return _SHARES[-1][0], number - first

    def _pod(self, number: int) -> dict[str, Any]:
        owner, place = self._place(number)
        name, node = f"{owner}-6f7d8b9c5d-{number:05}", f"node-{number % max(3, self.pods // 30):04}"
        ready = place % 50 != 0
        return _meta(name, labels={"app": owner, "pod-template-hash": "6f7d8b9c5d", "version": "v2026.01.05-3",
                                   "app.kubernetes.io/part-of": "payments"},
                     owner=("ReplicaSet", f"{owner}-6f7d8b9c5d"), managers=("kube-controller-manager", "kubelet")) | {
            "spec": _pod_spec(owner) | {"nodeName": node},
            "status": {
                "phase": "Running", "hostIP": "10.20.30.40", "podIP": f"10.21.{number // 250}.{number % 250}",
                "startTime": _WHEN, "qosClass": "Burstable", "podIPs": [{"ip": "10.21.0.1"}],
                "conditions": [{"type": kind, "status": "True" if ready or kind != "Ready" else "False",
                                "lastProbeTime": None, "lastTransitionTime": _WHEN}
                               for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled")],
                "containerStatuses": [{
                    "name": container, "ready": ready, "started": True, "restartCount": 0 if ready else 4,
                    "image": f"registry.internal/{container}:v3", "imageID": "sha256:" + "ab" * 32,
                    "containerID": "containerd://" + "cd" * 32,
                    "state": {"running": {"startedAt": _WHEN}} if ready else
                    {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}},
                    "lastState": {} if ready else {"terminated": {
                        "exitCode": 137, "reason": "OOMKilled", "startedAt": _WHEN, "finishedAt": _WHEN}}}
                    for container in (owner, "proxy")]}}

    def _endpoints(self, number: int) -> dict[str, Any]:
        name = _name(number)
        # A Service's Endpoints object holds at most 1,000 addresses (Kubernetes: "Over-capacity endpoints").
        count = min(1000, self._behind(name))
        return _meta(name) | {"subsets": [{"addresses": [
            {"ip": f"10.21.{i // 250}.{i % 250}", "nodeName": f"node-{i % 160:04}", "targetRef": {
                "kind": "Pod", "namespace": NAMESPACE, "name": f"{name}-6f7d8b9c5d-{i:05}", "uid": _uid(i)}}
            for i in range(count)], "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}]}]}

    def _behind(self, name: str) -> int:
        """How many pods stand behind a Service."""
        return round(self.pods * dict(_SHARES).get(name, 0)) or 3

    def _slice(self, number: int) -> dict[str, Any]:
        place, service = number, 0
        while place >= (slices := -(-self._behind(_name(service)) // _SLICE)):
            place, service = place - slices, service + 1
        name = _name(service)
        first, last = place * _SLICE, min((place + 1) * _SLICE, self._behind(name))
        return _meta(f"{name}-{place:05}", labels={"kubernetes.io/service-name": name}) | {
            "addressType": "IPv4", "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
            "endpoints": [{"addresses": [f"10.21.{i // 250}.{i % 250}"], "nodeName": f"node-{i % 160:04}",
                           "conditions": {"ready": True, "serving": True, "terminating": False},
                           "targetRef": {"kind": "Pod", "namespace": NAMESPACE, "name": f"{name}-6f7d8b9c5d-{i:05}",
                                         "uid": _uid(i)}} for i in range(first, last)]}

    def _pod_metrics(self, number: int) -> dict[str, Any]:
        owner, _ = self._place(number)
        return {"metadata": {"name": f"{owner}-6f7d8b9c5d-{number:05}", "namespace": NAMESPACE,
                             "labels": {"app": owner}},
                "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "window": "15s", "containers": [
                    {"name": container, "usage": {"cpu": "125000000n", "memory": "210000Ki"}}
                    for container in (owner, "proxy")]}


@lru_cache(maxsize=256)
def page(cluster: Cluster, path: str, limit: int, after: int) -> bytes | None:
    """Return one page of a list, made once, with ``metadata.continue`` where there is more; None: an unknown path."""
    if path not in cluster.lists:
        return None
    count, make = cluster.lists[path]
    end = min(count, after + limit) if limit else count
    metadata: dict[str, Any] = {"resourceVersion": "123456"}
    if end < count:
        metadata |= {"continue": str(end), "remainingItemCount": count - end}
    return json.dumps({"kind": "List", "apiVersion": "v1", "metadata": metadata,
                       "items": [make(number) for number in range(after, end)]}, separators=(",", ":")).encode()


def log_lines(count: int, characters: int) -> Iterator[bytes]:
    """Yield result lines of Splunk's search export: error lines of a given length, each with its own numbers."""
    trace = "\\n".join(f"  at com.shop.payments.Gateway$Worker.step{i}(Gateway.java:{100 + i})" for i in range(400))
    for number in range(count):
        head = (f"2026-01-05T09:{number // 60 % 60:02}:{number % 60:02}.000Z ERROR request "
                f"{_uid(number)} order {number} failed after {number % 997} ms: PoolTimeout from db "
                f"({('connection', 'statement', 'commit')[number % 3]} {number % 40})")
        yield (f'{{"preview":false,"offset":{number},"result":{{"_time":"{1767603600 + number / 1000:.3f}",'
               f'"component":"payment-gateway","version":"v2026.01.05-{number % 3}",'
               f'"pod":"payment-gateway-6f7d8b9c5d-{number % 4000:05}",'
               f'"_raw":"{(head + trace)[:characters]}"}}}}\n').encode()


def count_lines() -> Iterator[bytes]:
    """Yield the results of a ``stats count`` over these lines."""
    for number in range(18):
        for component, _ in _SHARES:
            for level in ("INFO", "ERROR"):
                yield (json.dumps({"preview": False, "offset": number, "result": {
                    "_time": str(1767603600 + 10 * number), "component": component, "level": level,
                    "count": "3700"}}) + "\n").encode()


def _name(number: int) -> str:
    return _SHARES[number][0] if number < len(_SHARES) else f"service-{number:04}"


def _uid(number: int) -> str:
    return f"3f0d1c2b-{number % 65536:04x}-4a5b-8c6d-{number:012x}"


def _meta(name: str, labels: dict[str, str] | None = None, owner: tuple[str, str] | None = None,
          managers: tuple[str, ...] = ("kubectl-client-side-apply",), namespace: str = NAMESPACE) -> dict[str, Any]:
    number = sum(name.encode()) + len(name)
    image: dict[str, Any] = {".": {}, "f:image": {}, "f:resources": {".": {}, "f:limits": {}, "f:requests": {}}}
    fields = {f"f:{field}": image for field in (
        "containers", "dnsPolicy", "restartPolicy", "schedulerName", "securityContext", "volumes")}
    return {"metadata": {
        "name": name, **({"namespace": namespace} if namespace else {}), "uid": _uid(number), "resourceVersion": "4711",
        "creationTimestamp": _WHEN, "labels": labels or {"app": name},
        "annotations": {"deployment.kubernetes.io/revision": str(number % 20), "prometheus.io/scrape": "true",
                        "checksum/config": "0f" * 32},
        **({"ownerReferences": [{"apiVersion": "apps/v1", "kind": owner[0], "name": owner[1], "uid": _uid(1),
                                 "controller": True, "blockOwnerDeletion": True}]} if owner else {}),
        "managedFields": [{"manager": manager, "operation": "Update", "apiVersion": "v1", "time": _WHEN,
                           "fieldsType": "FieldsV1", "fieldsV1": {"f:metadata": {"f:labels": {}}, "f:spec": fields}}
                          for manager in managers]}}


def _pod_spec(owner: str) -> dict[str, Any]:
    probe = {"httpGet": {"path": "/health", "port": 8080, "scheme": "HTTP"}, "initialDelaySeconds": 5,
             "timeoutSeconds": 2, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
    return {
        "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
        "serviceAccountName": owner, "schedulerName": "default-scheduler", "enableServiceLinks": True, "priority": 0,
        "preemptionPolicy": "PreemptLowerPriority", "securityContext": {"runAsNonRoot": True, "fsGroup": 2000},
        "tolerations": [{"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute",
                         "tolerationSeconds": 300} for key in ("not-ready", "unreachable")],
        "volumes": [{"name": "config", "configMap": {"name": f"{owner}-config", "defaultMode": 420}},
                    {"name": "kube-api-access", "projected": {"defaultMode": 420, "sources": [
                        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}]}}],
        "containers": [{
            "name": container, "image": f"registry.internal/{container}:v3", "imagePullPolicy": "IfNotPresent",
            "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
            "env": [{"name": f"SETTING_{i}", "value": f"value-of-setting-{i}"} for i in range(12)],
            "resources": {"limits": {"cpu": "500m", "memory": "512Mi"}, "requests": {"cpu": "250m", "memory": "256Mi"}},
            "volumeMounts": [{"name": "config", "mountPath": "/etc/app", "readOnly": True},
                             {"name": "kube-api-access", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}],
            "livenessProbe": probe, "readinessProbe": probe, "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File", "securityContext": {"allowPrivilegeEscalation": False}}
            for container in (owner, "proxy")]}


def _template(owner: str) -> dict[str, Any]:
    return {"metadata": {"labels": {"app": owner}, "annotations": {"checksum/config": "0f" * 32}},
            "spec": _pod_spec(owner)}


def _deployment(number: int) -> dict[str, Any]:
    name = _name(number)
    return _meta(name) | {
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": name}}, "template": _template(name),
                 "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
                 "revisionHistoryLimit": _REVISIONS, "progressDeadlineSeconds": 600},
        "status": {"replicas": 3, "readyReplicas": 3, "conditions": [
            {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable", "lastUpdateTime": _WHEN}]}}


def _replica_set(number: int) -> dict[str, Any]:
    owner, revision = _name(number // _REVISIONS), number % _REVISIONS
    return _meta(f"{owner}-{f'r{revision}' if revision else '6f7d8b9c5d'}", owner=("Deployment", owner)) | {
        "spec": {"replicas": 0 if revision else 3, "selector": {"matchLabels": {"app": owner}},
                 "template": _template(owner)},
        "status": {"replicas": 0 if revision else 3, "observedGeneration": 2}}


def _config_map(number: int) -> dict[str, Any]:
    return _meta(f"{_name(number)}-config") | {"data": {
        f"section-{i}.properties": "\n".join(f"setting.{i}.{k}=value-{k}" for k in range(40)) for i in range(6)}}


def _service(number: int) -> dict[str, Any]:
    name = _name(number)
    return _meta(name) | {"spec": {"type": "ClusterIP", "clusterIP": "10.0.0.1", "selector": {"app": name},
                                   "ports": [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}]}}


def _event(number: int) -> dict[str, Any]:
    return _meta(f"event-{number:06}") | {
        "type": "Warning", "reason": ("BackOff", "Unhealthy", "FailedScheduling")[number % 3], "count": 7,
        "message": "Readiness probe failed: HTTP probe failed with statuscode: 503", "firstTimestamp": _WHEN,
        "lastTimestamp": "2026-01-05T10:00:00Z", "source": {"component": "kubelet", "host": "node-0001"},
        "involvedObject": {"kind": "Pod", "namespace": NAMESPACE, "name": f"payment-gateway-6f7d8b9c5d-{number:05}"}}


def _limits(number: int) -> dict[str, Any]:
    return _meta(f"limits-{number}") | {"spec": {"limits": [{"type": "Container", "default": {"memory": "256Mi"}}]}}


def _quota(number: int) -> dict[str, Any]:
    return _meta(f"quota-{number}") | {"spec": {"hard": {"pods": "6000"}},
                                       "status": {"hard": {"pods": "6000"}, "used": {"pods": "5000"}}}


def _policy(number: int) -> dict[str, Any]:
    name = _name(number)
    return _meta(name) | {"spec": {
        "podSelector": {"matchLabels": {"app": name}}, "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": _name(i)}}} for i in range(5)]}]}}


def _scaler(number: int) -> dict[str, Any]:
    name = _name(number)
    return _meta(name) | {
        "spec": {"minReplicas": 3, "maxReplicas": 10, "scaleTargetRef": {"kind": "Deployment", "name": name}},
        "status": {"currentReplicas": 3, "desiredReplicas": 3}}


def _budget(number: int) -> dict[str, Any]:
    name = _name(number)
    return _meta(name) | {"spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": name}}},
                          "status": {"disruptionsAllowed": 1, "currentHealthy": 3, "desiredHealthy": 2}}


def _node(number: int) -> dict[str, Any]:
    return _meta(f"node-{number:04}", managers=("kubelet",), namespace="") | {
        "spec": {"podCIDR": "10.21.0.0/24", "providerID": f"aws:///us-east-1a/i-{number:017x}"},
        "status": {"allocatable": {"cpu": "15890m", "memory": "60Gi"}, "capacity": {"cpu": "16", "memory": "64Gi"},
                   "conditions": [{"type": kind, "status": "True" if kind == "Ready" else "False",
                                   "lastHeartbeatTime": _WHEN, "reason": f"Kubelet{kind}"}
                                  for kind in ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")],
                   # The kubelet reports the fifty largest images (its flag --node-status-max-images).
                   "images": [{"names": [f"registry.internal/image-{i}@sha256:{'ef' * 32}"], "sizeBytes": 123456789}
                              for i in range(50)]}}
