"""Kubernetes' objects, reduced to what the source counts: thousands of them need little memory so.

Each type reads the API's JSON in its ``of`` alone. Formats: the Kubernetes API reference (Pod, Deployment, Node,
Service, Endpoints and NetworkPolicy v1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from responder.clients.workloads import is_ready


def seconds(moment: str) -> float:
    """Return a Kubernetes time as seconds since 1970 (UTC)."""
    return datetime.fromisoformat(moment).timestamp()


@dataclass(frozen=True, slots=True)
class Containers:
    """The states of a pod's containers."""

    restarts: int
    waiting: tuple[str, ...]
    """Reasons for which containers wait."""
    terminated: tuple[str, ...]
    """Reasons for which containers ended with another exit code than 0."""

    @classmethod
    def of(cls, statuses: list[dict[str, Any]]) -> Containers:
        """Read ``containerStatuses``."""
        waiting, terminated, restarts = [], [], 0
        for container in statuses:
            restarts += int(container.get("restartCount", 0))
            state, last = container.get("state") or {}, container.get("lastState") or {}
            if "waiting" in state:
                waiting.append(str(state["waiting"].get("reason", "unknown")))
            ended = state.get("terminated") or last.get("terminated")
            if ended and ended.get("exitCode", 0) != 0:
                terminated.append(str(ended.get("reason", "Error")))
        return cls(restarts, tuple(waiting), tuple(terminated))


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod."""

    name: str
    labels: dict[str, str]
    node: str
    """Empty: no node has taken it yet."""
    template: str
    """The hash of its template."""
    dns_policy: str
    containers: Containers
    ready: bool
    running: bool
    """Whether one of its containers runs."""
    held: bool
    """Whether its init containers have not ended."""
    leaving: bool
    """Whether it is being deleted."""
    fell: bool
    """Whether it has been ready since its containers started, and is so no more."""
    unscheduled: bool
    """Whether no node takes it."""
    gone: bool = False
    """Whether its node is no more; such a pod is not ready, whatever it last said."""

    @classmethod
    def of(cls, item: dict[str, Any]) -> Pod:
        """Read a pod."""
        metadata, spec, status = item["metadata"], item.get("spec") or {}, item.get("status") or {}
        conditions = {condition["type"]: condition for condition in status.get("conditions") or []}
        scheduled, initialized = conditions.get("PodScheduled", {}), conditions.get("Initialized", {})
        labels = metadata.get("labels") or {}
        own, first = status.get("containerStatuses") or [], status.get("initContainerStatuses") or []
        running = any("running" in (container.get("state") or {}) for container in own)
        return cls(
            name=metadata["name"], labels=labels, node=str(spec.get("nodeName") or ""),
            template=str(labels.get("pod-template-hash", "")), dns_policy=str(spec.get("dnsPolicy", "ClusterFirst")),
            containers=Containers.of(first + own), ready=conditions.get("Ready", {}).get("status") == "True",
            running=running, held=initialized.get("status") == "False" and bool(first),
            leaving="deletionTimestamp" in metadata, fell=running and _fell(conditions.get("Ready", {}), own),
            unscheduled=scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable")


def _fell(condition: dict[str, Any], statuses: list[dict[str, Any]]) -> bool:
    """Whether a pod has become unready since its containers started: one that never was ready is so since before.

    Times are known to a second (Kubernetes: "Pod Lifecycle", "Pod conditions").
    """
    started = [state["running"].get("startedAt") for container in statuses
               if "running" in (state := container.get("state") or {})]
    since = condition.get("lastTransitionTime")
    return bool(condition.get("status") == "False" and since and started and all(started)
                and seconds(since) > max(seconds(moment) for moment in started) + 1)


@dataclass(frozen=True)
class Deployment:
    """A Deployment."""

    name: str
    namespace: str
    wanted: int
    """How many pods it is to have."""
    labels: dict[str, str]
    """Labels of its pods, by its template."""
    listening: frozenset[int | str]
    """Ports that its containers declare, by number and by name."""
    conditions: dict[str, str]
    """Those that say that something is wrong, to their reason."""

    @classmethod
    def of(cls, item: dict[str, Any]) -> Deployment:
        """Read a Deployment."""
        metadata, spec = item["metadata"], item.get("spec") or {}
        template = spec.get("template") or {}
        containers = (template.get("spec") or {}).get("containers") or []
        conditions = (item.get("status") or {}).get("conditions") or []
        return cls(
            name=metadata["name"], namespace=metadata.get("namespace", ""), wanted=int(spec.get("replicas", 1)),
            labels=(template.get("metadata") or {}).get("labels") or {},
            listening=frozenset(value for container in containers for port in container.get("ports") or []
                                for value in (port.get("containerPort"), port.get("name")) if value),
            conditions={condition["type"]: str(condition.get("reason", "")) for condition in conditions
                        if (condition["type"], condition.get("status")) in (
                            ("ReplicaFailure", "True"), ("Progressing", "False"))})


@dataclass(frozen=True)
class Node:
    """A node."""

    name: str
    ready: bool
    unschedulable: bool
    pressure: tuple[str, ...]
    """Conditions other than ``Ready`` that it has."""

    @classmethod
    def of(cls, item: dict[str, Any]) -> Node:
        """Read a node."""
        conditions = {condition["type"]: condition.get("status")
                      for condition in (item.get("status") or {}).get("conditions") or []}
        return cls(item["metadata"]["name"], is_ready(item), bool((item.get("spec") or {}).get("unschedulable")),
                   tuple(kind for kind, status in conditions.items() if kind != "Ready" and status == "True"))


@dataclass(frozen=True)
class ClusterService:
    """A Service."""

    name: str
    selector: dict[str, str]
    ports: tuple[tuple[int | str | None, int | str | None], ...]
    """[port, target port]."""

    @classmethod
    def of(cls, item: dict[str, Any]) -> ClusterService:
        """Read a Service."""
        spec = item.get("spec") or {}
        return cls(item["metadata"]["name"], spec.get("selector") or {}, tuple(
            (port.get("port"), port.get("targetPort", port.get("port"))) for port in spec.get("ports") or []))

    def selects(self, pod: Pod) -> bool:
        """Whether its selector selects a pod."""
        return bool(self.selector) and all(pod.labels.get(key) == value for key, value in self.selector.items())


@dataclass(frozen=True)
class Addresses:
    """What stands behind a Service: its Endpoints."""

    name: str
    ready: int
    not_ready: int

    @classmethod
    def of(cls, item: dict[str, Any]) -> Addresses:
        """Read Endpoints."""
        subsets = item.get("subsets") or []
        return cls(item["metadata"]["name"], sum(len(subset.get("addresses") or []) for subset in subsets),
                   sum(len(subset.get("notReadyAddresses") or []) for subset in subsets))


@dataclass(frozen=True)
class Requirement:
    """One of a label selector's ``matchExpressions``."""

    key: str
    operator: str
    values: tuple[str, ...]

    def met(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet it; an operator that is not known is met by none."""
        value = labels.get(self.key)
        return {"In": value in self.values, "NotIn": value not in self.values, "Exists": value is not None,
                "DoesNotExist": value is None}.get(self.operator, False)


@dataclass(frozen=True)
class Policy:
    """A NetworkPolicy, by the pods that it is for."""

    name: str
    labels: dict[str, str]
    expressions: tuple[Requirement, ...]

    @classmethod
    def of(cls, item: dict[str, Any]) -> Policy:
        """Read a NetworkPolicy."""
        selector = (item.get("spec") or {}).get("podSelector") or {}
        expressions = selector.get("matchExpressions") or []
        return cls(item["metadata"]["name"], selector.get("matchLabels") or {}, tuple(
            Requirement(expression.get("key", ""), expression.get("operator", ""),
                        tuple(expression.get("values") or ())) for expression in expressions))

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether it is for pods with these labels (Kubernetes: "Labels and Selectors")."""
        return (all(labels.get(key) == value for key, value in self.labels.items())
                and all(requirement.met(labels) for requirement in self.expressions))
