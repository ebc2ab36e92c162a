"""The live state of the service in its cluster, of what this source reads anyway, and what the checks say of it.

Healthy pods are counted and not kept: of thousands those are kept that are not ready or have ended of late, and one of
each template beside them. What only a pod that waits for a volume calls for is read where there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

from responder import checks
from responder.clients.kubernetes import Kubernetes
from responder.clients.owners import Workload
from responder.model.evidence import Finding
from responder.model.evidence.problems import Problem, Problems
from responder.sources import Query
from responder.sources.kubernetes.read import optional
from responder.state import Gather, State
from responder.state.basics import Event, Json, Ref
from responder.state.recent import KEPT_SECONDS

_SYSTEM = "kube-system"
"""The namespace of the resolver, the proxy of Services and the VPC's network plugin (Amazon EKS: "Amazon EKS
add-ons")."""
_MOST_PODS = 200
"""Pods that are not well and are kept, at most, in each namespace."""
_MOST_EVENTS = 500
_MOST_PROBLEMS = 30
T = TypeVar("T")


class Live:
    """What is kept of the objects, as they are read."""

    def __init__(self, now: float) -> None:
        """``now`` is in seconds since 1970 (UTC)."""
        self._now = now
        self._gather = Gather()
        self._events = 0
        self._templates: set[tuple[str, str]] = set()
        self._unwell: dict[str, int] = {}
        self._known: set[tuple[str, str]] = set()
        self._gone: list[Ref] = []
        self.waits_for_volume = False
        """Whether a pod that no node has taken has a claim."""

    def kept(self, kind: str, of: Callable[[dict[str, Any]], T]) -> Callable[[dict[str, Any]], T]:
        """Return ``of``, and keep what it reads as an object of a kind."""
        def keep(item: dict[str, Any]) -> T:
            self.add(kind, item)
            return of(item)
        return keep

    def add(self, kind: str, item: Json) -> None:
        """Keep an object."""
        self._gather.add({**item, "kind": kind})

    def listed(self, kind: str, namespace: str) -> None:
        """Take note that all objects of a kind in a namespace were read."""
        self._known.add((kind, namespace))

    def workload(self, workload: Workload) -> None:
        """Keep a component's workload, with the template of its pods."""
        spec = {**(workload.item.get("spec") or {}), "replicas": workload.wanted, "template": workload.template}
        self.add(workload.ref.kind, {**workload.item, "spec": spec})

    def gone(self, ref: Ref) -> None:
        """Take note of what the configuration names and is not there."""
        self._gone.append(ref)

    def pod(self, item: Json) -> None:
        """Keep a pod that is not well, and the first of each template."""
        metadata = item.get("metadata") or {}
        namespace = str(metadata.get("namespace", ""))
        labels = metadata.get("labels") or {}
        template = (namespace, str(labels.get("pod-template-hash") or labels.get("controller-revision-hash") or ""))
        unwell = _unwell(item)
        if unwell and self._unwell.get(namespace, 0) < _MOST_PODS:
            self._unwell[namespace] = self._unwell.get(namespace, 0) + 1
            self.waits_for_volume |= _waits_for_volume(item)
        elif unwell or template in self._templates:
            return
        self._templates.add(template)
        self.add("Pod", item)

    def event(self, item: Json) -> None:
        """Keep a warning that is not old."""
        if self._events < _MOST_EVENTS and Event.of(item).last >= self._now - KEPT_SECONDS:
            self._events += 1
            self.add("Event", item)

    def state(self) -> State:
        """Return the live state of all that was kept."""
        return self._gather.state(State(known=frozenset(self._known), now=self._now, gone=tuple(self._gone)))


def finding(query: Query, api: Kubernetes, live: Live, components: dict[str, str]) -> Finding[Problems]:
    """Return what the checks find; ``components`` is a workload's name to the component's. Raises CallFailed."""
    _read_system(api, live)
    if live.waits_for_volume:
        _read_volumes(query, api, live)
    state = live.state()._replace(calls={caller: tuple(called) for caller, called in query.service.graph.items()})
    problems = [_named(problem, components) for problem in checks.run(state)]
    return Finding(
        source="kubernetes", window=query.window, unit="problems",
        value=float(sum(problem.severity != "risks" for problem in problems)),
        query=f"kubectl -n {query.service.cluster.namespace} get all,events; kubectl get nodes",
        left_out=max(0, len(problems) - _MOST_PROBLEMS) or None,
        detail=Problems(tuple(problems[:_MOST_PROBLEMS])))


def _named(problem: Problem, components: dict[str, str]) -> Problem:
    """Return a problem with the components' names in place of their workloads'."""
    apps = tuple(sorted({components.get(app, app) for app in problem.apps}))
    return replace(problem, apps=apps)


def _read_system(api: Kubernetes, live: Live) -> None:
    """Read how the cluster's own add-ons are, where that is allowed: not their pods, whose variables are nobody's."""
    for groups, plural, kind in ((("apis/apps/v1",), "deployments", "Deployment"),
                                 (("apis/apps/v1",), "daemonsets", "DaemonSet"),
                                 (("apis/discovery.k8s.io/v1",), "endpointslices", "EndpointSlice")):
        if optional(api, groups, plural, _SYSTEM, live.kept(kind, _nothing)) is not None:
            live.listed(kind, _SYSTEM)


def _read_volumes(query: Query, api: Kubernetes, live: Live) -> None:
    """Read what a pod may wait for that needs a volume, where that is allowed."""
    lists: Iterable[tuple[tuple[str, ...], str, str, str]] = [
        *((("api/v1",), "persistentvolumeclaims", "PersistentVolumeClaim", namespace)
          for namespace in query.service.namespaces),
        (("api/v1",), "persistentvolumes", "PersistentVolume", ""),
        (("apis/storage.k8s.io/v1",), "storageclasses", "StorageClass", "")]
    for groups, plural, kind, namespace in lists:
        if optional(api, groups, plural, namespace, live.kept(kind, _nothing)) is not None:
            live.listed(kind, namespace)


def _nothing(_: dict[str, Any]) -> None:
    return None


def _unwell(item: Json) -> bool:
    """Whether a pod is not ready, or one of its containers has ended of late or is started anew again and again."""
    status = item.get("status") or {}
    ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in status.get("conditions") or ())
    return status.get("phase") != "Succeeded" and (not ready or any(
        one.get("restartCount") for one in status.get("containerStatuses") or ()))


def _waits_for_volume(item: Json) -> bool:
    spec = item.get("spec") or {}
    return any("persistentVolumeClaim" in volume for volume in spec.get("volumes") or ())
