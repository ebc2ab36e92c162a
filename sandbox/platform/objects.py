"""The platform's objects in Kubernetes, as the drill contract describes them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.places import NAMESPACE
from sandbox.platform.payments import HIDDEN
from sandbox.platform.shape import Shape

FIRST_VERSION = "1.0.0"
NODES = ("node-a", "node-b", "node-c")
REGISTRY = "registry.example"


@dataclass(frozen=True)
class Kind:
    """The size and speed of a component."""

    pods: int
    cpu: str
    memory: str
    cpu_limit: str
    memory_limit: str
    capacity: float
    """Requests a second that one pod serves."""
    latency_ms: float
    """Latency of its own work, without the calls that it makes."""
    memory_mib: float
    """Memory that its process needs."""
    calls: tuple[str, ...]


KINDS: dict[str, Kind] = {
    "frontend": Kind(2, "100m", "128Mi", "500m", "256Mi", 200, 12, 80, ("backend",)),
    "backend": Kind(3, "100m", "128Mi", "500m", "256Mi", 150, 25, 90, ("payment-gateway",)),
    "payment-gateway": Kind(4, "200m", "256Mi", "1", "512Mi", 20, 60, 190, ("database", "provider")),
}


def nodes() -> list[dict[str, Any]]:
    """Three nodes in three zones, any one of which can hold everything."""
    capacity = {"cpu": "4", "memory": "8Gi", "pods": "30"}
    return [{"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {
        "kubernetes.io/hostname": name, "topology.kubernetes.io/zone": f"us-east-1{name[-1]}",
        "topology.kubernetes.io/region": "us-east-1", "kubernetes.io/os": "linux",
        "eks.amazonaws.com/nodegroup": "payments"}},
        "spec": {"providerID": f"aws:///us-east-1{name[-1]}/i-0000000000000000{name[-1]}"},
        "status": {"capacity": capacity, "allocatable": capacity}} for name in NODES]


def platform(replicas: Mapping[str, int], shape: Shape | None = None) -> list[dict[str, Any]]:
    """Everything in the namespace, in the order of applying; without a shape, all components are Deployments."""
    from sandbox.platform.workloads import fitted

    shape = shape or Shape()
    objects: list[dict[str, Any]] = [
        _object("v1", "ConfigMap", "payment-gateway-config", data={
            "PROVIDER": "primary", "PROVIDER_TIMEOUT_MS": "2000", "CURRENCY": "EUR", "MAX_ATTEMPTS": "3",
            "SHED_PERCENT": "0", "FRAUD_CHECK_MODE": "required", HIDDEN: ""}),
        _object("v1", "Secret", "payment-gateway-db", type="Opaque", stringData={"password": "first-password"}),
        _object("policy/v1", "PodDisruptionBudget", "payment-gateway", spec={
            "minAvailable": 2, "selector": {"matchLabels": {"app": "payment-gateway"}}}),
    ]
    for name, kind in KINDS.items():
        objects.append(_object("v1", "Service", name, spec={
            "selector": {"app": name}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}))
        objects += fitted(shape, deployment(name, FIRST_VERSION, replicas.get(name, kind.pods), shape))
    objects.append(_object("apps/v1", "Deployment", "ledger-export", labels={"app": "ledger-export"}, spec={
        "replicas": 1, "selector": {"matchLabels": {"app": "ledger-export"}},
        "template": {"metadata": {"labels": {"app": "ledger-export"}}, "spec": {
            "terminationGracePeriodSeconds": 2, "containers": [{
                "name": "ledger-export", "image": "registry.example/ledger-export:2.3.0",
                "resources": {"requests": {"cpu": "50m", "memory": "64Mi"},
                              "limits": {"cpu": "200m", "memory": "128Mi"}}}]}}}))
    return objects


def deployment(name: str, version: str, replicas: int, shape: Shape | None = None) -> dict[str, Any]:
    """A component's Deployment; ``sandbox/platform/workloads.py`` makes of it what else it may be."""
    kind = KINDS[name]
    container: dict[str, Any] = {
        "name": name, "image": image(name, version, shape), "ports": [{"containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 2},
        "resources": {"requests": {"cpu": kind.cpu, "memory": kind.memory},
                      "limits": {"cpu": kind.cpu_limit, "memory": kind.memory_limit}}}
    spec: dict[str, Any] = {
        "containers": [container], "terminationGracePeriodSeconds": 2,
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname",
                                       "whenUnsatisfiable": "ScheduleAnyway",
                                       "labelSelector": {"matchLabels": {"app": name}}}]}
    if name == "payment-gateway":
        container["env"] = [
            {"name": "DB_HOST", "value": "payments-db"}, {"name": "DB_USER", "value": "payments"},
            {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "payment-gateway-db", "key": "password"}}}]
        container["volumeMounts"] = [{"name": "config", "mountPath": "/etc/payment-gateway"}]
        spec["volumes"] = [{"name": "config", "configMap": {"name": "payment-gateway-config"}}]
    return _object("apps/v1", "Deployment", name, labels={"app": name}, spec={
        "replicas": replicas, "selector": {"matchLabels": {"app": name}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": spec}})


def image(component: str, version: str, shape: Shape | None = None) -> str:
    """The reference of a component's image: ``repo:tag``, or ``repo:tag@sha256:…`` in the world ``images: digest``."""
    reference = f"{REGISTRY}/{component}:{version}"
    return f"{reference}@{digest(reference)}" if shape is not None and shape.images == "digest" else reference


def digest(reference: str) -> str:
    """The digest of the image that a reference means; the tag decides, as a tag is never moved in the sandbox."""
    return f"sha256:{hashlib.sha256(reference.partition('@')[0].encode()).hexdigest()}"


def _object(api: str, kind: str, name: str, labels: Mapping[str, str] | None = None, **rest: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "namespace": NAMESPACE}
    if labels:
        metadata["labels"] = dict(labels)
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **rest}
