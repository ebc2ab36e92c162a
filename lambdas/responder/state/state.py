"""The whole of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from responder.state.admission import LimitRange, Quota
from responder.state.basics import Event, Meta, Ref
from responder.state.nodes import Node, NodeService
from responder.state.once import once
from responder.state.pods import Pod
from responder.state.routing import Endpoints, Policy, Route, Service, Subsets
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
    subsets: tuple[Subsets, ...] = ()
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
        known = _said(self)
        return (event for key in sorted({_key(ref) for ref in refs}) for event in known.get(key, ()))

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
        known = _owners(self).get(pod.ref)
        return _owner(self, pod) if known is None else known

    def pods_of(self, workload: Workload) -> tuple[Pod, ...]:
        """Return the pods of a workload, those that are over left out."""
        return _pods(self).get(workload.ref, ())

    @property
    def apps(self) -> tuple[Workload, ...]:
        """Workloads that belong to nothing else: Deployments, not their ReplicaSets."""
        return _apps(self)

    def behind(self, service: Service) -> tuple[Workload, ...]:
        """Return the workloads whose pods a Service selects."""
        return _behind(self).get(service.ref, ()) if service.selector else ()

    def selected(self, service: Service) -> tuple[Pod, ...]:
        """Return the pods that a Service selects, those that are over left out."""
        return _selected(self).get(service.ref, ()) if service.selector else ()

    def node(self, name: str) -> Node | None:
        """Return a node by name; None where it is not here."""
        return next((one for one in self.nodes if one.name == name), None)


@once
def _workloads(state: State) -> dict[Ref, Workload]:
    return {one.ref: one for one in reversed(state.workloads)}


@once
def _apps(state: State) -> tuple[Workload, ...]:
    return tuple(one for one in state.workloads if one.meta.owner is None)


@once
def _behind(state: State) -> dict[Ref, tuple[Workload, ...]]:
    """Return for each Service the workloads that it selects; looked up by one label, the rest is compared."""
    labelled: dict[tuple[str, str, str], list[Workload]] = defaultdict(list)
    for one in _apps(state):
        for key, value in one.labels.items():
            labelled[one.ref.namespace, key, value].append(one)
    return {service.ref: tuple(
        one for one in labelled.get((service.ref.namespace, *next(iter(service.selector.items()))), ())
        if all(one.labels.get(key) == value for key, value in service.selector.items()))
        for service in state.services if service.selector}


def _key(ref: Ref) -> Ref:
    return ref._replace(namespace="") if ref.kind == "Node" else ref


@once
def _said(state: State) -> dict[Ref, list[Event]]:
    found: dict[Ref, list[Event]] = defaultdict(list)
    for event in state.events:
        found[_key(event.about)].append(event)
    return dict(found)


@once
def _selected(state: State) -> dict[Ref, tuple[Pod, ...]]:
    labelled: dict[tuple[str, str, str], list[Pod]] = defaultdict(list)
    for pod in state.pods:
        for key, value in pod.meta.labels.items() if not pod.over else ():
            labelled[pod.ref.namespace, key, value].append(pod)
    return {service.ref: tuple(
        pod for pod in labelled.get((service.ref.namespace, *next(iter(service.selector.items()))), ())
        if all(pod.meta.labels.get(key) == value for key, value in service.selector.items()))
        for service in state.services if service.selector}


@once
def selecting(state: State) -> dict[Ref, tuple[Service, ...]]:
    """Return for each pod the Services that select it."""
    found: dict[Ref, list[Service]] = defaultdict(list)
    for service in state.services:
        for pod in state.selected(service):
            found[pod.ref].append(service)
    return {ref: tuple(services) for ref, services in found.items()}


def _owner(state: State, pod: Pod) -> Ref:
    top = state.top(pod.meta.owner)
    return pod.ref if top is None or top.kind == "Node" else top


@once
def _owners(state: State) -> dict[Ref, Ref]:
    return {pod.ref: _owner(state, pod) for pod in state.pods}


@once
def _pods(state: State) -> dict[Ref, tuple[Pod, ...]]:
    """Return for each owner, the nearest and the last one, its pods; those that are over are left out."""
    found: dict[Ref, list[Pod]] = defaultdict(list)
    for pod in state.pods:
        for ref in {pod.meta.owner, state.top(pod.meta.owner)} if not pod.over else ():
            if ref is not None and ref.namespace == pod.ref.namespace:
                found[ref].append(pod)
    return {ref: tuple(pods) for ref, pods in found.items()}
