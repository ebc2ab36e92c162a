"""The whole of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from responder.state.admission import LimitRange, Quota
from responder.state.basics import Event, Meta, Ref
from responder.state.nodes import Node, NodeService
from responder.state.once import once
from responder.state.pods import Pod
from responder.state.routing import Endpoints, Policy, Route, Service
from responder.state.storage import Claim, PersistentVolume, StorageClass
from responder.state.workloads import Workload


class Lines(NamedTuple):
    """What a component logs, or what is logged of it."""

    component: str
    text: str
    """One line, or the pattern of many."""
    times: int = 1
    is_error: bool = True


class Connection(NamedTuple):
    """Whether a Service's port was reached, and what came of it."""

    service: str
    port: int
    reached: bool | None
    """None: what is said cannot be read."""
    said: str
    """What the one who tried says, in one line."""


class Measure(NamedTuple):
    """What was measured of a workload or a node over the last minutes."""

    ref: Ref
    name: str
    """``cpu`` (cores; of a node a share of 1), ``memory`` (bytes; of a node a share of 1), ``throttled`` (seconds in
    a second), ``requests`` (in a second), ``success`` (a share of 1), ``p50``, ``p90``, ``p95`` (seconds),
    ``packets_in``, ``packets_out``, ``retransmits`` (in a second)."""
    points: tuple[tuple[float, float], ...]
    """Seconds since 1970 (UTC) and value, oldest first."""


class State(NamedTuple):
    """What is there now."""

    pods: tuple[Pod, ...] = ()
    workloads: tuple[Workload, ...] = ()
    services: tuple[Service, ...] = ()
    endpoints: tuple[Endpoints, ...] = ()
    policies: tuple[Policy, ...] = ()
    routes: tuple[Route, ...] = ()
    nodes: tuple[Node, ...] = ()
    events: tuple[Event, ...] = ()
    claims: tuple[Claim, ...] = ()
    volumes: tuple[PersistentVolume, ...] = ()
    storage_classes: tuple[StorageClass, ...] = ()
    quotas: tuple[Quota, ...] = ()
    limit_ranges: tuple[LimitRange, ...] = ()
    others: tuple[Meta, ...] = ()
    """Objects of other kinds, by name alone: ConfigMap, Secret, ServiceAccount, …"""
    keys: Mapping[Ref, tuple[str, ...]] = {}
    """Keys of ConfigMaps (and of Secrets, where they may be read)."""
    node_services: tuple[NodeService, ...] = ()
    lines: tuple[Lines, ...] = ()
    connections: tuple[Connection, ...] = ()
    measures: tuple[Measure, ...] = ()
    calls: Mapping[str, tuple[str, ...]] = {}
    """Component to the components that it calls, where that is known."""
    known: frozenset[tuple[str, str]] = frozenset()
    """Kinds that were listed whole, each with its namespace ("": all, or a kind without): only of these may a check
    say that one is missing."""
    now: float = 0.0
    """When it was read, seconds since 1970 (UTC); 0: not known."""
    gone: tuple[Ref, ...] = ()
    """What the configuration names and is not there."""

    def lists(self, kind: str, namespace: str) -> bool:
        """Whether all objects of a kind in a namespace are here."""
        return (kind, namespace) in self.known or (kind, "") in self.known

    def has(self, ref: Ref) -> bool:
        """Whether an object of ``others`` or of ``keys`` is there."""
        return any(meta.ref == ref for meta in self.others) or ref in self.keys

    def about(self, *refs: Ref) -> Iterator[Event]:
        """Yield Events about objects; the namespace of an Event about a node is not compared."""
        wanted = {(ref.kind, ref.name, "" if ref.kind == "Node" else ref.namespace) for ref in refs}
        return (event for event in self.events if (
            event.about.kind, event.about.name,
            "" if event.about.kind == "Node" else event.about.namespace) in wanted)

    def workload(self, ref: Ref) -> Workload | None:
        """Return a workload by name; None where it is not here."""
        return _workloads(self).get(ref)

    def top(self, ref: Ref | None) -> Ref | None:
        """Return what an object belongs to in the end: a pod's ReplicaSet's Deployment. An owner that is not here ends
        the way; a ReplicaSet's name without its hash is then its Deployment's.
        """
        seen: set[Ref] = set()
        while ref is not None and ref not in seen:
            seen.add(ref)
            found = self.workload(ref)
            if found is None or found.meta.owner is None:
                if ref.kind == "ReplicaSet" and "-" in ref.name:
                    return Ref("Deployment", ref.namespace, ref.name.rpartition("-")[0])
                return ref
            ref = found.meta.owner
        return ref

    def app(self, pod: Pod) -> str:
        """Return the name of the workload that a pod belongs to; of a bare pod its own."""
        return self.owner(pod).name

    def owner(self, pod: Pod) -> Ref:
        """Return the workload that a pod belongs to in the end; a bare pod, or one that its kubelet made of a file (its
        owner is the node), belongs to itself.
        """
        top = self.top(pod.meta.owner)
        return pod.ref if top is None or top.kind == "Node" else top

    def pods_of(self, workload: Workload) -> tuple[Pod, ...]:
        """Return the pods of a workload, those that are over left out."""
        return tuple(pod for pod in self.pods if pod.ref.namespace == workload.ref.namespace and not pod.over
                     and (pod.meta.owner == workload.ref or self.top(pod.meta.owner) == workload.ref))

    @property
    def apps(self) -> tuple[Workload, ...]:
        """Workloads that belong to nothing else: Deployments, not their ReplicaSets."""
        return tuple(one for one in self.workloads if one.meta.owner is None)

    def behind(self, service: Service) -> tuple[Workload, ...]:
        """Return the workloads whose pods a Service selects."""
        if not service.selector:
            return ()
        return tuple(one for one in self.apps if one.ref.namespace == service.ref.namespace and all(
            one.labels.get(key) == value for key, value in service.selector.items()))

    def node(self, name: str) -> Node | None:
        """Return a node by name; None where it is not here."""
        return next((one for one in self.nodes if one.name == name), None)


@once
def _workloads(state: State) -> dict[Ref, Workload]:
    return {one.ref: one for one in reversed(state.workloads)}
