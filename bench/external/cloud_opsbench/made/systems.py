"""Two made-up systems: small services that speak gRPC, and Java services with databases behind a gateway."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True)
class App:
    """One workload with its Service."""

    name: str
    port: int
    target: int
    speaks: str
    """``grpc``, ``http``, ``tcp``; empty: it serves nobody."""
    image: str
    calls: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    memory: str = "128Mi"
    secret: str = ""
    """A Secret that holds ``username`` and ``password``, which it takes into its environment."""
    claim: str = ""
    """Size of a claim that it mounts; empty: none."""


@dataclass(frozen=True)
class System:
    """Workloads that call each other."""

    name: str
    apps: tuple[App, ...]

    def app(self, name: str) -> App:
        """Return a workload by name; raises KeyError."""
        return {app.name: app for app in self.apps}[name]

    def calls(self) -> dict[str, list[str]]:
        """Return who calls whom."""
        return {app.name: list(app.calls) for app in self.apps if app.calls}


def _grpc(name: str, port: int, *calls: str, target: int = 0) -> App:
    env = {f"{other.upper().replace('-', '_')}_SERVICE_ADDR": f"{other}:{_PORTS[other]}" for other in calls}
    return App(name, port, target or port, "grpc", f"registry.petal.example/{name}:v0.9.2", calls, {
        "PORT": str(target or port), "DISABLE_PROFILER": "1", **env})


_PORTS = {"basketservice": 7070, "catalogservice": 3550, "moneyservice": 7000, "payingservice": 50051,
          "postingservice": 50051, "mailservice": 5000, "orderservice": 5050, "hintservice": 8080, "bannerservice": 9555,
          "redis-basket": 6379}
PETAL = System("petal", (
    App("shopfront", 80, 8080, "http", "registry.petal.example/shopfront:v0.9.2", (
        "basketservice", "catalogservice", "moneyservice", "postingservice", "orderservice", "hintservice",
        "bannerservice"), {"PORT": "8080", "ASSISTANT_SERVICE_ADDR": "assistantservice:80", "ENV_PLATFORM": "local", **{
            f"{name.removesuffix('service').upper()}_SERVICE_ADDR": f"{name}:{_PORTS[name]}" for name in (
                "basketservice", "catalogservice", "moneyservice", "postingservice", "orderservice", "hintservice",
                "bannerservice")}}),
    App("basketservice", 7070, 7070, "grpc", "registry.petal.example/basketservice:v0.9.2", ("redis-basket",),
        {"REDIS_ADDR": "redis-basket:6379"}),
    _grpc("catalogservice", 3550), _grpc("moneyservice", 7000), _grpc("payingservice", 50051),
    _grpc("postingservice", 50051), _grpc("mailservice", 5000, target=8080),
    _grpc("orderservice", 5050, "catalogservice", "postingservice", "payingservice", "mailservice", "moneyservice",
          "basketservice"),
    _grpc("hintservice", 8080, "catalogservice"), _grpc("bannerservice", 9555),
    App("redis-basket", 6379, 6379, "tcp", "redis:7-alpine", memory="256Mi"),
    App("crowd", 0, 0, "", "registry.petal.example/crowd:v0.9.2", ("shopfront",), {
        "FRONTEND_ADDR": "shopfront:80", "USERS": "10"})))


def _java(name: str, port: int, *calls: str, base: str = "") -> App:
    env = {f"{base.upper().replace('-', '_')}_HOST": base, f"{base.upper().replace('-', '_')}_PORT": (
        "3306" if base.endswith("mysql") else "27017")} if base else {}
    env |= {f"{other.upper().replace('-', '_')}_URL": f"http://{other}:{_JAVA[other]}" for other in calls}
    return App(name, port, port, "http", f"depot.cargo.example/cargo/{name}:2.4.1", (*calls, *([base] if base else [])),
               env, "512Mi", f"{base}-login" if base.endswith("mysql") else "")


_JAVA = {"cargo-booking": 12031, "cargo-wagon": 14567, "cargo-user": 12342, "cargo-price": 16579, "cargo-invoice": 18673,
         "cargo-notice": 17853, "cargo-route": 11178}
CARGO = System("cargo", (
    _java("cargo-gateway", 18080, "cargo-booking", "cargo-user"),
    _java("cargo-booking", 12031, "cargo-wagon", "cargo-price", "cargo-invoice", "cargo-notice", base="booking-mysql"),
    _java("cargo-wagon", 14567, "cargo-route", base="wagon-mongo"), _java("cargo-user", 12342, base="user-mysql"),
    _java("cargo-price", 16579, "cargo-route"), _java("cargo-invoice", 18673, "cargo-notice", base="booking-mysql"),
    _java("cargo-notice", 17853), _java("cargo-route", 11178, base="wagon-mongo"),
    App("booking-mysql", 3306, 3306, "tcp", "mysql:5.7", memory="512Mi", secret="booking-mysql-login", claim="2Gi"),
    App("user-mysql", 3306, 3306, "tcp", "mysql:5.7", memory="512Mi", secret="user-mysql-login", claim="2Gi"),
    App("wagon-mongo", 27017, 27017, "tcp", "mongo:4.4", memory="512Mi", claim="1Gi")))
SYSTEMS = {system.name: system for system in (PETAL, CARGO)}


def manifests(system: System, namespace: str) -> dict[str, list[Object]]:
    """Return each workload's manifests: ServiceAccount, Deployment, Service, and claim where it has one."""
    return {app.name: _of(system, app, namespace) for app in system.apps}


def _of(system: System, app: App, namespace: str) -> list[Object]:
    labels = {"app": app.name}
    container: Object = {
        "name": "server" if system.name == "petal" else app.name, "image": app.image,
        "env": [{"name": name, "value": value} for name, value in app.env.items()],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "300m", "memory": app.memory}}}
    if app.secret:
        container["env"] += [{"name": name, "valueFrom": {"secretKeyRef": {"name": app.secret, "key": key}}}
                             for name, key in (("DB_USER", "username"), ("DB_PASSWORD", "password"))]
    if app.port:
        container["ports"] = [{"containerPort": app.target}]
        container["readinessProbe"] = _probe(app)
        if app.speaks != "tcp":
            container["livenessProbe"] = _probe(app)
    spec: Object = {"serviceAccountName": app.name if system.name == "petal" else "default", "containers": [container]}
    objects: list[Object] = []
    if system.name == "petal":
        spec["securityContext"] = {"fsGroup": 1000, "runAsGroup": 1000, "runAsNonRoot": True, "runAsUser": 1000}
        container["securityContext"] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]},
                                        "privileged": False, "readOnlyRootFilesystem": True}
    if app.name == "crowd":
        spec["initContainers"] = [{"name": "shopfront-check", "image": "busybox:1.36", "command": [
            "/bin/sh", "-exc", 'until wget -qO- "http://${FRONTEND_ADDR}"; do sleep 10; done'],
            "env": [{"name": "FRONTEND_ADDR", "value": "shopfront:80"}]}]
    if app.name == "redis-basket":
        spec["volumes"] = [{"name": "redis-data", "emptyDir": {}}]
        container["volumeMounts"] = [{"name": "redis-data", "mountPath": "/data"}]
    if app.claim:
        spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": f"{app.name}-data"}}]
        container["volumeMounts"] = [{"name": "data", "mountPath": "/var/lib/data"}]
        objects += [{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": f"{app.name}-data"},
                     "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "local-disk",
                              "resources": {"requests": {"storage": app.claim}}}}]
    objects.append({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": app.name, "labels": dict(labels)},
                    "spec": {"replicas": 1, "selector": {"matchLabels": dict(labels)},
                             "template": {"metadata": {"labels": dict(labels)}, "spec": spec}}})
    if app.port:
        objects.append({"apiVersion": "v1", "kind": "Service", "metadata": {"name": app.name, "labels": dict(labels)},
                        "spec": {"type": "ClusterIP", "selector": dict(labels), "ports": [{
                            "name": "http" if app.speaks == "http" else app.speaks, "port": app.port,
                            "targetPort": app.target}]}})
    if app.name == "shopfront":
        objects.append({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "shopfront-outside"}, "spec": {
            "type": "LoadBalancer", "selector": dict(labels), "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}})
    if system.name == "petal":
        objects.append({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": app.name}})
    for item in objects:
        item["metadata"]["namespace"] = namespace
    return deepcopy(objects)


def _probe(app: App) -> Object:
    usual = {"initialDelaySeconds": 15, "periodSeconds": 10, "timeoutSeconds": 3}
    if app.speaks == "grpc":
        return {"grpc": {"port": app.target}} | usual
    if app.speaks == "tcp":
        return {"tcpSocket": {"port": app.target}} | usual
    return {"httpGet": {"path": "/_healthz" if app.port == 80 else "/actuator/health", "port": app.target}} | usual


def find(objects: list[Object], kind: str) -> Object:
    """Return the first object of a kind; raises StopIteration where there is none."""
    return next(item for item in objects if item["kind"] == kind)
