"""Which workload runs each component, and which pods belong to it: of any kind, by names and owner references.

Nothing need be configured: a component's workload is the one that has its name. Formats: the Kubernetes API reference
(Deployment, StatefulSet, DaemonSet and ReplicaSet v1), Argo Rollouts' page "Rollout Specification" (``workloadRef``),
Flagger's page "How it works" (the primary Deployment ``NAME-primary``, which the Canary owns), Kubernetes' page
"Recommended Labels" (``app.kubernetes.io/name``, which Helm's charts set).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from responder.clients.failure import CallFailed
from responder.clients.kubernetes import Kubernetes
from responder.model.plain_json import whole_number
from responder.model.service import Component

_SETS = "apis/apps/v1", "replicasets"
_PODS = 10_000
"""Pods that are read at most."""
_LABEL = "app.kubernetes.io/name"
_PRIMARY = "-primary"
_DESIRED = "rollout.argoproj.io/desired-replicas"
_NOT_FOUND, _FORBIDDEN = 404, 403
_OVER = frozenset({"Failed", "Succeeded"})


class WorkloadKind(NamedTuple):
    """How the API calls a kind of workload."""

    api: str
    plural: str
    prefix: str
    """How a target of this kind begins: ``statefulset/``."""
    by_sets: bool
    """Whether its pods belong to it through ReplicaSets."""


WORKLOADS: dict[str, WorkloadKind] = {
    "Rollout": WorkloadKind("apis/argoproj.io/v1alpha1", "rollouts", "rollout/", True),
    "Deployment": WorkloadKind("apis/apps/v1", "deployments", "deployment/", True),
    "StatefulSet": WorkloadKind("apis/apps/v1", "statefulsets", "statefulset/", False),
    "DaemonSet": WorkloadKind("apis/apps/v1", "daemonsets", "daemonset/", False),
}
"""Kinds by name, in the order in which the one is taken where several have the same name and pods."""


class Ref(NamedTuple):
    """A workload."""

    kind: str
    """A key of ``WORKLOADS``."""
    namespace: str
    name: str

    def __str__(self) -> str:
        """Return it as the target of a remedy: ``statefulset/pay``."""
        return f"{self.kind.lower()}/{self.name}"


def ref_of(target: str, namespace: str) -> Ref:
    """Return the workload that ``str()`` of a Ref names; raises ValueError for a kind that is not known."""
    prefix, _, name = target.partition("/")
    for kind, how in WORKLOADS.items():
        if how.prefix == f"{prefix}/" and name:
            return Ref(kind, namespace, name)
    raise ValueError(f"{target} is no workload: one is {', '.join(f'{how.prefix}NAME' for how in WORKLOADS.values())}")


@dataclass(frozen=True)
class Workload:
    """A workload, by its own object."""

    ref: Ref
    wanted: int
    """How many pods it is to have."""
    ready: int
    """How many of them are ready, as its controller counts them."""
    item: Mapping[str, Any]
    """The API's object."""
    template: Mapping[str, Any]
    """The template of its pods: that of a Rollout may stand in the Deployment that it names."""
    note: str = ""
    """How it was found, where that is not by the component's name; or what else has its name."""

    @property
    def controller(self) -> str:
        """The object that owns it and writes it, as ``canary/pay`` for Flagger's; empty: there is none."""
        controller = controller_of(self.item)
        return f"{controller[0].lower()}/{controller[1]}" if controller else ""


@dataclass(frozen=True)
class Found:
    """The workloads of some components in one namespace."""

    namespace: str
    workloads: dict[str, Workload] = field(default_factory=dict)
    """By the component's name."""
    missing: dict[str, str] = field(default_factory=dict)
    """The component's name to why no workload was found, in one sentence."""

    @property
    def refs(self) -> dict[Ref, str]:
        """The workloads found, to the component's name."""
        return {workload.ref: component for component, workload in self.workloads.items()}


class Owners:
    """Whose pods and ReplicaSets are whose in one namespace, by their controllers' owner references."""

    def __init__(self, refs: Iterable[Ref]) -> None:
        self._refs = {(ref.kind, ref.name): ref for ref in refs}
        self._sets: dict[str, Ref] = {}

    def add(self, replica_set: Mapping[str, Any]) -> Ref | None:
        """Take note of whose a ReplicaSet is, and return it; None: of none of those asked for."""
        ref = self.of(replica_set)
        if ref is not None:
            self._sets[replica_set["metadata"]["name"]] = ref
        return ref

    def of(self, item: Mapping[str, Any]) -> Ref | None:
        """Return the workload that a pod or a ReplicaSet belongs to; None: to none of those asked for."""
        controller = controller_of(item)
        return self.named(*controller) if controller else None

    def named(self, kind: str, name: str) -> Ref | None:
        """Return the workload that an object is or belongs to, by its kind and name; pods are not known by name."""
        return self._sets.get(name) if kind == "ReplicaSet" else self._refs.get((kind, name))


def find(api: Kubernetes, namespace: str, *components: Component) -> Found:
    """Return the workloads of components that are in one namespace; raises CallFailed.

    A kind that the cluster does not serve (404), or that may not be read (403), has no workload; where a component
    then has none, its sentence names what may not be read. Deployments must be readable.
    """
    objects, unread = _objects(api, namespace, components)
    found = Found(namespace)
    hidden: list[Workload] | None = None
    for component in components:
        chosen = _choose(component, objects)
        if isinstance(chosen, str) or not chosen.wanted:
            hidden = _hidden_rollouts(api, namespace) if hidden is None else hidden
            chosen = _by_hidden(component, chosen, hidden) or chosen
        if isinstance(chosen, Workload):
            found.workloads[component.name] = chosen
        else:
            found.missing[component.name] = chosen + (f"; {', '.join(unread)} may not be read" if unread else "")
    return found


def owners(api: Kubernetes, namespace: str, refs: Iterable[Ref]) -> Owners:
    """Return whose pods are whose among some workloads of one namespace; raises CallFailed."""
    refs = tuple(refs)
    mine = Owners(refs)
    if any(WORKLOADS[ref.kind].by_sets for ref in refs):
        for item in api.items(*_SETS, namespace):
            mine.add(item)
    return mine


def pods_of(api: Kubernetes, ref: Ref) -> Iterator[dict[str, Any]]:
    """Yield the pods of a workload that neither are over nor leave, as the API has them; raises CallFailed."""
    mine = owners(api, ref.namespace, [ref])
    return (item for item in api.items("api/v1", "pods", ref.namespace, limit=_PODS)
            if stays(item) and mine.of(item) == ref)


def is_over(pod: Mapping[str, Any]) -> bool:
    """Whether a pod has ended for good: evicted ones stay listed as ``Failed`` (Kubernetes: "Pod Lifecycle")."""
    return (pod.get("status") or {}).get("phase") in _OVER


def stays(pod: Mapping[str, Any]) -> bool:
    """Whether a pod counts as one: it is not over, and nobody deletes it."""
    return not is_over(pod) and "deletionTimestamp" not in pod["metadata"]


def controller_of(item: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the kind and the name of an object's controller; None: it has none."""
    for reference in item["metadata"].get("ownerReferences") or []:
        if reference.get("controller"):
            return str(reference.get("kind", "")), str(reference.get("name", ""))
    return None


def _objects(api: Kubernetes, namespace: str,
             components: Iterable[Component]) -> tuple[list[Workload], list[str]]:
    """Return the workloads that may be one of the components', and the kinds that may not be read.

    A namespace may hold thousands of other services' objects: they are not kept.
    """
    components = tuple(components)
    names = {name for component in components for name in (component.deployment, component.name)}
    read: list[Workload] = []
    unread = []
    for kind in _kinds(components):
        how = WORKLOADS[kind]
        try:
            for item in api.items(how.api, how.plural, namespace):
                if _may_be(item, names):
                    read.append(_workload(kind, namespace, item))
                    # The Deployment of a Rollout has its template; Rollouts are read first.
                    names.add(_template_of(item))
        except CallFailed as failed:
            if failed.http_status not in (_NOT_FOUND, _FORBIDDEN) or kind == "Deployment":
                raise
            if failed.http_status == _FORBIDDEN:
                unread.append(how.plural)
    templates = {workload.ref.name: workload.template for workload in read if workload.ref.kind == "Deployment"}
    return [replace(workload, template=templates.get(_template_of(workload.item), workload.template))
            for workload in read], unread


def _by_hidden(component: Component, chosen: Workload | str, hidden: list[Workload]) -> Workload | None:
    """Return the Rollout that serves instead of a workload that is at 0, or that is not there; None: there is none.

    It has the component's name, or as the only one pods with the labels of the Deployment at 0.
    """
    if component.kind not in ("", "deployment", "rollout"):
        return None
    named = next((rollout for rollout in hidden if rollout.ref.name == component.deployment), None)
    if named is not None or isinstance(chosen, str):
        return named
    labels = _pod_labels(chosen).items()
    alike = [rollout for rollout in hidden if labels and labels <= _pod_labels(rollout).items()]
    return alike[0] if len(alike) == 1 else None


def _pod_labels(workload: Workload) -> dict[str, str]:
    return (workload.template.get("metadata") or {}).get("labels") or {}


def _hidden_rollouts(api: Kubernetes, namespace: str) -> list[Workload]:
    """Return the Rollouts that have pods, by their ReplicaSets: for where Rollouts themselves may not be read.

    Argo Rollouts notes on each ReplicaSet how many pods the Rollout is to have.
    """
    sets: dict[str, list[dict[str, Any]]] = {}
    try:
        for item in api.items(*_SETS, namespace):
            kind, name = controller_of(item) or ("", "")
            status = item.get("status") or {}
            if kind == "Rollout" and (status.get("replicas") or status.get("readyReplicas")):
                sets.setdefault(name, []).append(item)
    except CallFailed as failed:
        if failed.http_status not in (_NOT_FOUND, _FORBIDDEN):
            raise
    return [_by_sets(Ref("Rollout", namespace, name), items) for name, items in sets.items()]


def _by_sets(ref: Ref, sets: list[dict[str, Any]]) -> Workload:
    ready = sum(int((item.get("status") or {}).get("readyReplicas", 0)) for item in sets)
    said = [str((item["metadata"].get("annotations") or {}).get(_DESIRED, "")) for item in sets]
    wanted = max((number for text in said if (number := whole_number(text)) is not None),
                 default=sum(int((item.get("spec") or {}).get("replicas", 0)) for item in sets) or ready)
    return Workload(ref, wanted, ready, {"metadata": {"name": ref.name, "namespace": ref.namespace}},
                    (sets[-1].get("spec") or {}).get("template") or {},
                    "the Rollout may not be read: it is known by its ReplicaSets")


def _kinds(components: Iterable[Component]) -> list[str]:
    """Return the kinds to be read. What a configuration calls a Deployment may be a Rollout's template."""
    said = {component.kind for component in components}
    if not said & {"", "deployment", "rollout"}:
        return [kind for kind in WORKLOADS if kind.lower() in said]
    return [kind for kind in WORKLOADS if WORKLOADS[kind].by_sets or said & {"", kind.lower()}]


def _may_be(item: Mapping[str, Any], names: Iterable[str]) -> bool:
    return bool(item["metadata"]["name"] in names or _template_of(item) or _by_canary(item)
                or not {*names}.isdisjoint(_labels(item)))


def _workload(kind: str, namespace: str, item: Mapping[str, Any]) -> Workload:
    spec, status = item.get("spec") or {}, item.get("status") or {}
    ref = Ref(kind, namespace, item["metadata"]["name"])
    if kind == "DaemonSet":
        wanted, ready = status.get("desiredNumberScheduled", 0), status.get("numberReady", 0)
    else:
        wanted, ready = spec.get("replicas", 1), status.get("readyReplicas", 0)
    return Workload(ref, int(wanted), int(ready), item, spec.get("template") or {})


def _choose(component: Component, read: list[Workload]) -> Workload | str:
    """Return a component's workload, or why there is none."""
    fitting = [workload for workload in read if component.kind in ("", workload.ref.kind.lower())]
    named = _serving([workload for workload in fitting if workload.ref.name == component.deployment], read)
    if named:
        # Of several with the name those are meant that are to have pods.
        first = next((workload for workload in named if workload.wanted), named[0])
        others = [f"{workload.ref} with {workload.wanted}" for workload in named if workload.wanted
                  and workload.ref != first.ref]
        return replace(first, note=f"there is also {', '.join(others)}") if others else first
    what = component.workload or f"Deployment, StatefulSet, DaemonSet or Rollout {component.name}"
    if component.workload:
        return f"there is no {what} in the namespace"
    labelled = _serving([workload for workload in fitting if component.name in _labels(workload.item)], read)
    if len(labelled) == 1:
        return replace(labelled[0], note=f"found by its label {_LABEL}: {component.name}")
    several = ", ".join(str(workload.ref) for workload in labelled)
    return f"there is no {what} in the namespace" + (
        f", and several have the label {_LABEL}: {several}" if several else "")


def _serving(workloads: list[Workload], read: list[Workload]) -> list[Workload]:
    """Return instead of a Deployment that another's pods stand for the other: a Rollout, or Flagger's primary."""
    found: dict[Ref, Workload] = {}
    for workload in workloads:
        stand_ins = [other for other in read if workload.ref.kind == "Deployment" and (
            (other.ref.kind == "Rollout" and _template_of(other.item) == workload.ref.name)
            or (other.ref.name == workload.ref.name + _PRIMARY and _by_canary(other.item)))]
        for one in stand_ins:
            if one.wanted or not workload.wanted:
                found[one.ref] = replace(one, note=_instead(workload, one))
                break
        else:
            found[workload.ref] = workload
    return list(found.values())


def _instead(workload: Workload, stand_in: Workload) -> str:
    return f"{stand_in.ref} serves for {workload.ref}, which is to have {workload.wanted} pods"


def _template_of(item: Mapping[str, Any]) -> str:
    """Return the name of the Deployment that has a Rollout's template; empty: it has its own."""
    reference = (item.get("spec") or {}).get("workloadRef") or {}
    return str(reference.get("name", "")) if reference.get("kind") == "Deployment" else ""


def _by_canary(item: Mapping[str, Any]) -> bool:
    return (controller_of(item) or ("", ""))[0] == "Canary"


def _labels(item: Mapping[str, Any]) -> set[str]:
    """Return the names that a workload has by its label, its own or that of its pods."""
    template = ((item.get("spec") or {}).get("template") or {}).get("metadata") or {}
    return {str((metadata.get("labels") or {}).get(_LABEL, "")) for metadata in (item["metadata"], template)} - {""}
