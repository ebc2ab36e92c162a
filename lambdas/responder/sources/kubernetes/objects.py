"""Kubernetes' pods and workloads, reduced to what the source counts: thousands of pods need little memory so.

Each type reads the API's JSON in its ``of`` alone. Formats: the Kubernetes API reference (Pod and Deployment v1), its
page "Pod Lifecycle", its page "Sidecar Containers".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from responder.clients.containers import goes_on
from responder.clients.owners import Workload

_BACK_OFF_SECONDS = 300.0
"""A container that ends again and again is started anew after so long at most (Kubernetes: "Pod Lifecycle")."""
_SIGNALS = frozenset({137, 143})
"""Exit codes of a process that SIGKILL or SIGTERM ended: 128 and the signal's number (Kubernetes: "Pod Lifecycle")."""
_HASHES = ("pod-template-hash", "rollouts-pod-template-hash", "controller-revision-hash")
"""Labels that tell the template of a pod of a Deployment, a Rollout, a StatefulSet or a DaemonSet."""


def seconds(moment: str) -> float:
    """Return a Kubernetes time as seconds since 1970 (UTC)."""
    return datetime.fromisoformat(moment).timestamp()


@dataclass(frozen=True, slots=True)
class Containers:
    """The states of some of a pod's containers."""

    restarts: int
    """Since a moment, as far as their times tell."""
    waiting: tuple[str, ...]
    """Reasons for which containers wait."""
    terminated: tuple[str, ...]
    """Reasons for which containers ended since a moment with another exit code than 0."""
    signalled: int = 0
    """How many of these were ended by a signal from outside, and not for their memory."""

    @classmethod
    def of(cls, statuses: list[dict[str, Any]], since: float = 0.0, created: float = 0.0) -> Containers:
        """Read ``containerStatuses``; ``since`` and the pod's creation are seconds since 1970 (UTC).

        Kubernetes keeps a container's number of restarts and its last end. Of a pod that is older than ``since`` the
        others' times are not known: where the last end is as new, one restart is counted.
        """
        waiting, terminated, restarts, signalled = [], [], 0, 0
        for container in statuses:
            state, last = container.get("state") or {}, container.get("lastState") or {}
            # What waits to be started anew may have ended a while ago.
            first = since - _BACK_OFF_SECONDS if "waiting" in state else since
            ended = state.get("terminated") or last.get("terminated")
            lately = bool(state.get("terminated")) or _since(ended, first)
            count = int(container.get("restartCount", 0))
            restarts += count if created >= since or not _timed(ended) else min(count, int(_since(ended, since)))
            if "waiting" in state:
                waiting.append(str(state["waiting"].get("reason", "unknown")))
            if ended and ended.get("exitCode", 0) != 0 and lately:
                terminated.append(str(ended.get("reason", "Error")))
                signalled += ended.get("exitCode") in _SIGNALS and ended.get("reason") != "OOMKilled"
        return cls(restarts, tuple(waiting), tuple(terminated), signalled)

    @property
    def quiet(self) -> bool:
        """Whether there is nothing to tell of them."""
        return not (self.restarts or self.waiting or self.terminated)


def _timed(ended: dict[str, Any] | None) -> bool:
    return bool(ended and ended.get("finishedAt"))


def _since(ended: dict[str, Any] | None, moment: float) -> bool:
    """Whether a container ended at a moment or later; where its time is not known, it may have."""
    return ended is not None and (not ended.get("finishedAt") or seconds(ended["finishedAt"]) >= moment)


@dataclass(frozen=True, slots=True)
class Beside:
    """A container that stands beside the application: a sidecar."""

    name: str
    containers: Containers
    blocks: bool
    """Whether it alone keeps the pod from being ready."""


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
    """The application, and the init containers that prepare for it."""
    beside: tuple[Beside, ...]
    """Sidecars of which there is anything to tell."""
    ready: bool
    running: bool
    """Whether the application runs."""
    held: bool
    """Whether its init containers have not ended; a sidecar among them is to go on."""
    gates: tuple[str, ...]
    """Readiness gates that are closed, where all its containers are ready."""
    leaving: bool
    """Whether it is being deleted."""
    fell: bool
    """Whether it has been ready since its application started, and is so no more."""
    unscheduled: bool
    """Whether no node takes it."""
    gone: bool = False
    """Whether its node is no more; such a pod is not ready, whatever it last said."""

    @classmethod
    def of(cls, item: dict[str, Any], app: str = "", since: float = 0.0) -> Pod:
        """Read a pod. ``app`` is its application's container (empty: all are); ends before ``since`` are left out."""
        metadata, spec, status = item["metadata"], item.get("spec") or {}, item.get("status") or {}
        conditions = {condition["type"]: condition for condition in status.get("conditions") or []}
        scheduled, ready = conditions.get("PodScheduled", {}), conditions.get("Ready", {})
        labels = metadata.get("labels") or {}
        own, sidecars, first = _parts(spec, status, app)
        created = seconds(metadata["creationTimestamp"]) if metadata.get("creationTimestamp") else 0.0
        is_ready = ready.get("status") == "True"
        running = any("running" in (container.get("state") or {}) for container in own)
        app_ready = bool(own) and all(container.get("ready") is True for container in own)
        return cls(
            name=metadata["name"], labels=labels, node=str(spec.get("nodeName") or ""),
            template=next((str(labels[label]) for label in _HASHES if label in labels), ""),
            dns_policy=str(spec.get("dnsPolicy", "ClusterFirst")), running=running, ready=is_ready,
            containers=Containers.of(first + own, since, created),
            beside=tuple(one for container in sidecars if not (one := Beside(
                str(container.get("name", "")), Containers.of([container], since, created),
                not is_ready and app_ready and container.get("ready") is False)).containers.quiet or one.blocks),
            held=conditions.get("Initialized", {}).get("status") == "False" and any(map(_unfinished, first)),
            gates=() if is_ready else _closed_gates(spec, conditions), leaving="deletionTimestamp" in metadata,
            fell=running and not app_ready and _fell(ready, own),
            unscheduled=scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable")

    @property
    def blocked(self) -> bool:
        """Whether its sidecars alone keep it from being ready."""
        return any(one.blocks for one in self.beside)


Statuses = list[dict[str, Any]]


def _parts(spec: dict[str, Any], status: dict[str, Any], app: str) -> tuple[Statuses, Statuses, Statuses]:
    """Return the statuses of the application, of what stands beside it, and of the init containers that end."""
    go_on = {container.get("name") for container in spec.get("initContainers") or [] if goes_on(container)}
    first, all_own = status.get("initContainerStatuses") or [], status.get("containerStatuses") or []
    own: Statuses = []
    beside = [one for one in first if one.get("name") in go_on]
    for one in all_own:
        (own if not app or one.get("name", app) == app else beside).append(one)
    return own, beside, [one for one in first if one.get("name") not in go_on]


def _unfinished(container: dict[str, Any]) -> bool:
    ended = (container.get("state") or {}).get("terminated")
    return ended is None or ended.get("exitCode", 0) != 0


def _closed_gates(spec: dict[str, Any], conditions: dict[str, dict[str, Any]]) -> tuple[str, ...]:
    """Return the readiness gates that are not open, where only they keep a pod from being ready."""
    if conditions.get("ContainersReady", {}).get("status") != "True":
        return ()
    names = [str(gate.get("conditionType", "")) for gate in spec.get("readinessGates") or []]
    return tuple(name for name in names if conditions.get(name, {}).get("status") != "True")


def _fell(condition: dict[str, Any], statuses: list[dict[str, Any]]) -> bool:
    """Whether a pod has become unready since its containers started: one that never was ready is so since before.

    Times are known to a second (Kubernetes: "Pod Lifecycle", "Pod conditions").
    """
    started = [state["running"].get("startedAt") for container in statuses
               if "running" in (state := container.get("state") or {})]
    since = condition.get("lastTransitionTime")
    return bool(condition.get("status") == "False" and since and started and all(started)
                and seconds(since) > max(seconds(moment) for moment in started) + 1)


def labels_of(workload: Workload) -> dict[str, str]:
    """Return the labels of a workload's pods, by its template."""
    return (workload.template.get("metadata") or {}).get("labels") or {}


def listening(workload: Workload) -> frozenset[int | str]:
    """Return the ports that a workload's containers declare, by number and by name."""
    containers = (workload.template.get("spec") or {}).get("containers") or []
    return frozenset(value for container in containers for port in container.get("ports") or []
                     for value in (port.get("containerPort"), port.get("name")) if value)


def active_template(workload: Workload) -> str:
    """Return the hash of the template whose pods serve, where others only wait for their turn; empty: all pods serve.

    Argo Rollouts' page "BlueGreen Deployment Strategy": the preview has as many pods as the active version.
    """
    if workload.ref.kind != "Rollout":
        return ""
    return str(((workload.item.get("status") or {}).get("blueGreen") or {}).get("activeSelector") or "")


def troubles(workload: Workload) -> dict[str, str]:
    """Return a workload's conditions that say that something is wrong, to their reason."""
    conditions = (workload.item.get("status") or {}).get("conditions") or []
    return {condition["type"]: str(condition.get("reason", "")) for condition in conditions
            if (condition["type"], condition.get("status")) in (("ReplicaFailure", "True"), ("Progressing", "False"))}
