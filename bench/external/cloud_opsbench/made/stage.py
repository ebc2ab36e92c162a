"""One case while it is made: its manifests, what its pods' kubelet would say, what its alerts and logs are."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.external.cloud_opsbench.made.cluster import Plane, iso
from bench.external.cloud_opsbench.made.systems import App, System, find

Object = dict[str, Any]


@dataclass
class Fate:
    """What becomes of a workload's pods; by default they run."""

    waiting: str = ""
    """Reason for which the container waits."""
    last: tuple[str, int] | None = None
    """Reason and exit code of its last end."""
    restarts: int = 0
    ready: bool = True
    events: list[tuple[str, str, str, int]] = field(default_factory=list)
    """Type, reason, message and count, of the kubelet's; ``{ip}`` is the pod's address, ``{pod}`` its name."""
    silent: bool = False
    """Whether no kubelet speaks of it: it is bound and nothing more."""


@dataclass
class Stage:
    """What is played."""

    system: System
    namespace: str
    manifests: dict[str, list[Object]]
    target: str
    rng: random.Random
    fates: dict[str, Fate] = field(default_factory=dict)
    extra: list[Object] = field(default_factory=list)
    """Objects besides the workloads'."""
    late: list[str] = field(default_factory=list)
    """Workloads that are applied last: what the fault was put into."""
    alerts: list[Object] = field(default_factory=list)
    error_logs: dict[str, Object] = field(default_factory=dict)
    recent_logs: dict[str, str] = field(default_factory=dict)
    connectivity: dict[str, str] = field(default_factory=dict)
    node_services: dict[str, dict[str, str]] = field(default_factory=dict)
    metrics: str | None = None
    symptom: str = ""
    nodes: dict[str, Object] = field(default_factory=dict)
    """Merged into nodes, while the case is made."""
    after: list[Callable[[Stage, Plane], None]] = field(default_factory=list)
    """What is done once all is applied."""
    more_lists: list[tuple[str, str]] = field(default_factory=list)
    """Resources that are listed besides, each with its namespace."""

    @property
    def app(self) -> App:
        """The workload that the fault is in."""
        return self.system.app(self.target)

    def deployment(self, name: str = "") -> Object:
        """Return a workload's Deployment."""
        return find(self.manifests[name or self.target], "Deployment")

    def pod_spec(self, name: str = "") -> Object:
        """Return the spec of a workload's pods."""
        spec: Object = self.deployment(name)["spec"]["template"]["spec"]
        return spec

    def container(self, name: str = "") -> Object:
        """Return a workload's container."""
        found: Object = self.pod_spec(name)["containers"][0]
        return found

    def service(self, name: str = "") -> Object:
        """Return a workload's Service."""
        return next(item for item in self.manifests[name or self.target]
                    if item["kind"] == "Service" and item["spec"]["type"] == "ClusterIP")

    def callers(self, name: str = "") -> list[str]:
        """Return who calls a workload."""
        return [app.name for app in self.system.apps if (name or self.target) in app.calls]

    def alert(self, name: str, kind: str, evidence: str) -> None:
        """Raise an alert."""
        now = time.time()
        self.alerts.append({"type": kind, "name": name, "time_range": f"{iso(now - 600)} - {iso(now)}",
                            "evidence": evidence})

    def log(self, name: str, pattern: str, count: int = 40) -> None:
        """Let a component log errors."""
        known = self.error_logs.setdefault(name, {"total_log_count": 900, "total_errors": 0, "patterns": []})
        known["total_errors"] += count
        known["patterns"].append({"pattern": pattern, "count": count})
        self.recent_logs[name] = "\n".join([self.recent_logs.get(name, ""), *[pattern] * 3]).strip()


def play(stage: Stage, plane: Plane) -> None:
    """Write what kubelets would write of all pods of the namespace."""
    now = time.time()
    for pod in plane.list("Pod", stage.namespace):
        app = pod["metadata"]["labels"].get("app", "")
        fate = stage.fates.get(app, Fate())
        if not pod["spec"].get("nodeName") or fate.silent:
            continue
        digest = hashlib.sha256(pod["metadata"]["name"].encode()).digest()
        address = f"10.244.{digest[0] % 3 + 1}.{digest[1] % 250 + 2}"
        began = iso(now - (600 if app in stage.late else 400_000))
        plane.patch("Pod", stage.namespace, pod["metadata"]["name"], {"status": _status(pod, fate, address, began)}, True)
        words = {"ip": address, "pod": pod["metadata"]["name"], "uid": pod["metadata"]["uid"],
                 "namespace": stage.namespace}
        for of_type, reason, message, count in [*_usual(pod, fate, app in stage.late), *fate.events]:
            for key, value in words.items():
                message = message.replace("{" + key + "}", value)
            event(plane, "Pod", stage.namespace, pod["metadata"]["name"], of_type, reason, message, count,
                  uid=pod["metadata"]["uid"])


def _usual(pod: Object, fate: Fate, late: bool) -> list[tuple[str, str, str, int]]:
    if not late or fate.waiting in ("ContainerCreating", "ErrImagePull", "ImagePullBackOff", "InvalidImageName"):
        return []
    container = pod["spec"]["containers"][0]
    return [("Normal", "Pulled", f'Container image "{container["image"]}" already present on machine',
             1 + fate.restarts),
            ("Normal", "Created", f"Created container {container['name']}", 1 + fate.restarts),
            ("Normal", "Started", f"Started container {container['name']}", 1 + fate.restarts)]


def _status(pod: Object, fate: Fate, address: str, began: str) -> Object:
    statuses = []
    for container in pod["spec"]["containers"]:
        one: Object = {"name": container["name"], "image": container["image"], "imageID": "", "restartCount":
                       fate.restarts, "ready": fate.ready and not fate.waiting, "started": not fate.waiting,
                       "state": {"waiting": {"reason": fate.waiting}} if fate.waiting else {"running": {
                           "startedAt": began}}}
        if fate.last:
            one["lastState"] = {"terminated": {"reason": fate.last[0], "exitCode": fate.last[1], "startedAt": began,
                                               "finishedAt": iso(time.time() - 45)}}
        statuses.append(one)
    ready = "True" if fate.ready and not fate.waiting else "False"
    pending = fate.waiting in ("ContainerCreating", "ErrImagePull", "ImagePullBackOff", "InvalidImageName",
                               "CreateContainerConfigError", "RunContainerError")
    creating = fate.waiting == "ContainerCreating"
    return {"phase": "Pending" if pending else "Running", "startTime": began, "hostIP": "172.18.0.5",
            **({} if creating else {"podIP": address, "podIPs": [{"ip": address}]}), "containerStatuses": statuses,
            "conditions": [{"type": kind, "status": value, "lastTransitionTime": began} for kind, value in (
                ("Initialized", "True"), ("Ready", ready), ("ContainersReady", ready), ("PodScheduled", "True"))]}


def event(plane: Plane, kind: str, namespace: str, name: str, of_type: str, reason: str, message: str, count: int = 1,
          *, by: str = "kubelet", uid: str = "", ago: float = 60.0, over: float = 500.0) -> None:
    """Write an Event of the core API; ``ago`` and ``over`` are seconds."""
    digest = hashlib.sha256(f"{name}{reason}{message}".encode()).hexdigest()[:16]
    now = time.time()
    where = namespace or "default"
    plane.create({
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": f"{name}.{digest}", "namespace": where},
        "involvedObject": {"kind": kind, "namespace": namespace, "name": name, "uid": uid, "apiVersion": "v1"},
        "type": of_type, "reason": reason, "message": message, "count": count,
        "firstTimestamp": iso(now - over), "lastTimestamp": iso(now - (ago if count > 1 else over)),
        "source": {"component": by}})
