"""What Kubernetes says of workloads, nodes and limits, reduced to what remedies and sources use.

Formats: the Kubernetes API reference (Deployment, StatefulSet, DaemonSet, Pod, Node, ResourceQuota v1), Argo Rollouts'
"Rollout Specification". Each function here raises CallFailed where the API does not answer, and NotFound for an object
that is not there. ``revisions`` has a workload's earlier templates, ``autoscalers`` who scales it, ``ownership`` who
puts it back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from responder.clients import owners
from responder.clients.failure import CallFailed
from responder.clients.kubernetes import Kubernetes, NotFound
from responder.clients.owners import WORKLOADS, Ref
from responder.clients.ownership import Keeper, gitops_owns, keeper
from responder.clients.ownership import gitops as gitops
from responder.clients.revisions import NUMBERS, OF_POD
from responder.model.codec import Json
from responder.model.quantity import quantity
from responder.model.service import Component

REVISION = NUMBERS["Deployment"]
"""Annotation that numbers a Deployment's ReplicaSets."""
_ALL_PODS = 20_000


class Needs(NamedTuple):
    """What a pod takes on a node."""

    cpu: float
    memory: float
    """Bytes."""
    pods: float = 1.0


@dataclass(frozen=True)
class PodSpec:
    """Where a pod may run, and what it requests."""

    needs: Needs
    selector: Mapping[str, str] = field(default_factory=dict)
    """Labels that a node must have."""
    tolerated: frozenset[str | None] = frozenset()
    """Keys of taints that the pod tolerates; None: all of them."""


@dataclass(frozen=True)
class Update:
    """How far a Rollout is (Argo Rollouts: ``status``)."""

    stable: str
    """The hash of the revision that serves, and that an update which is aborted goes back to."""
    wanted: str
    """The hash of the revision that is rolled out."""
    aborted: bool
    seen: bool
    """Whether its controller has seen what it is to be."""

    @property
    def running(self) -> bool:
        """Whether an update is under way, or was aborted: two revisions are there."""
        return bool(self.stable and self.wanted) and self.stable != self.wanted


@dataclass(frozen=True)
class Workload:
    """A workload of any kind."""

    ref: Ref
    uid: str
    resource_version: str
    generation: int
    annotations: Mapping[str, str]
    keeper: Keeper | None
    """Who puts it back as it was; None: nobody is known to."""
    scaled_by_gitops: bool
    """Whether a repository says how many pods it has."""
    replicas: int
    ready: int
    paused: bool
    """Whether somebody paused it; a pause that is a step of a Rollout is none."""
    selector: str
    """Its pods, as a label selector: ``app=payment-gateway,tier=backend``."""
    template: Json
    """The pod template, as it came."""
    template_annotations: Mapping[str, str]
    pods: PodSpec
    on_delete: bool = False
    """Whether a pod gets a new template only when somebody deletes it (``updateStrategy: OnDelete``)."""
    update: Update | None = None
    """Of a Rollout."""
    template_of: str = ""
    """The Deployment that has a Rollout's template (``workloadRef``); empty: its own."""

    @property
    def name(self) -> str:
        """Its name."""
        return self.ref.name

    @property
    def revision(self) -> str:
        """The number of the current revision; empty where it has none yet, or its kind does not say."""
        return self.annotations.get(NUMBERS.get(self.ref.kind, ""), "")

    @property
    def target(self) -> str:
        """It as what a remedy changes: ``statefulset/pay``."""
        return str(self.ref)


@dataclass(frozen=True, slots=True)
class Pod:
    """The fields of a pod that are needed, so that thousands of pods take little memory."""

    name: str
    uid: str
    node: str
    """Empty: no node has it yet."""
    ready: bool
    revision: str = ""
    """Of a StatefulSet's or DaemonSet's pod, which revision it runs: the end of its name at least."""


@dataclass(frozen=True)
class Node:
    """A node."""

    name: str
    resource_version: str
    annotations: Mapping[str, str]
    labels: Mapping[str, str]
    ready: bool
    closed: bool
    """Whether it takes no new pods (cordoned)."""
    taints: frozenset[str]
    """Keys of the taints that keep pods away."""
    room: Needs
    """What it has for pods in all."""

    def takes(self, pod: PodSpec) -> bool:
        """Whether it is ready, open, and takes a pod with these tolerations and this selector."""
        chosen = all(self.labels.get(key) == value for key, value in pod.selector.items())
        return self.ready and chosen and not self.closed and (
            None in pod.tolerated or not self.taints - pod.tolerated)


@dataclass(frozen=True)
class Quota:
    """A ResourceQuota; amounts are CPUs, bytes or numbers."""

    name: str
    hard: Mapping[str, float]
    used: Mapping[str, float]


def deployment(api: Kubernetes, namespace: str, name: str) -> Workload:
    """Return a Deployment."""
    return get(api, Ref("Deployment", namespace, name))


def get(api: Kubernetes, ref: Ref) -> Workload:
    """Return a workload by its kind and name; a Rollout with the template of the Deployment that it names."""
    how = WORKLOADS[ref.kind]
    item = api.get(how.api, how.plural, ref.namespace, ref.name)
    found = workload_of(ref, item)
    if not found.template_of:
        return found
    named = WORKLOADS["Deployment"]
    return workload_of(ref, item, api.get(named.api, named.plural, ref.namespace, found.template_of))


def of_component(api: Kubernetes, namespace: str, component: Component) -> Workload:
    """Return the workload that runs a component, of whatever kind; NotFound says why there is none."""
    missing = f"there is no {component.workload or f'Deployment {component.name}'} in {namespace}"
    try:
        found = owners.find(api, namespace, component)
        if component.name in found.workloads:
            return get(api, found.workloads[component.name].ref)
        missing = found.missing[component.name]
    except CallFailed as failed:
        if failed.http_status not in (403, 404):
            raise
    # A list is bounded, and an older rbac.yaml does not allow it: the object itself is asked for as well.
    kind = next((kind for kind in WORKLOADS if kind.lower() == component.kind), "Deployment")
    try:
        return get(api, Ref(kind, namespace, component.deployment))
    except NotFound as error:
        raise NotFound(missing) from error


def workload_of(ref: Ref, item: Mapping[str, Any], named: Mapping[str, Any] | None = None) -> Workload:
    """Return a workload from the API's object, and from that of the Deployment that has its template."""
    metadata, spec, status = item["metadata"], item["spec"], item.get("status") or {}
    source = named or item
    template = source["spec"].get("template") or {}
    labels = ((spec.get("selector") or source["spec"].get("selector") or {}).get("matchLabels")) or {}
    reference = spec.get("workloadRef") or {}
    by_node = ref.kind == "DaemonSet"
    # Whoever keeps the template keeps the workload.
    kept = (keeper(named) if named else None) or keeper(item)
    return Workload(
        ref, metadata.get("uid", ""), metadata.get("resourceVersion", ""), int(source["metadata"].get("generation", 0)),
        metadata.get("annotations") or {}, kept, bool(kept and kept.gitops and gitops_owns(metadata, "replicas")),
        int(status.get("desiredNumberScheduled", 0) if by_node else spec.get("replicas", 1)),
        int(status.get("numberReady" if by_node else "readyReplicas", 0)), bool(spec.get("paused")),
        ",".join(f"{key}={value}" for key, value in sorted(labels.items())), template,
        (template.get("metadata") or {}).get("annotations") or {}, pod_spec(template.get("spec") or {}),
        (spec.get("updateStrategy") or {}).get("type") == "OnDelete",
        _update(metadata, status) if ref.kind == "Rollout" else None,
        str(reference.get("name", "")) if reference.get("kind") == "Deployment" else "")


def _update(metadata: Mapping[str, Any], status: Mapping[str, Any]) -> Update:
    # Before version 1.0 it was no number.
    observed, wanted = str(status.get("observedGeneration", "")), str(metadata.get("generation", ""))
    return Update(str(status.get("stableRS", "")), str(status.get("currentPodHash", "")), bool(status.get("abort")),
                  observed == wanted or not observed.isdecimal())


def pod_spec(spec: Mapping[str, Any]) -> PodSpec:
    """Return what a pod's specification asks of a node."""
    return PodSpec(needs(spec), spec.get("nodeSelector") or {},
                   frozenset(toleration.get("key") for toleration in spec.get("tolerations") or []))


def needs(spec: Mapping[str, Any]) -> Needs:
    """Return what a pod requests, by its specification."""
    requests = [(container.get("resources") or {}).get("requests") or {} for container in spec.get("containers") or []]
    return Needs(sum(quantity(request.get("cpu", 0)) for request in requests),
                 sum(quantity(request.get("memory", 0)) for request in requests))


def pods_of(api: Kubernetes, ref: Ref) -> list[Pod]:
    """Return the pods of a workload that are neither over nor terminating."""
    return [Pod(item["metadata"]["name"], item["metadata"]["uid"], item["spec"].get("nodeName") or "", is_ready(item),
                (item["metadata"].get("labels") or {}).get(OF_POD, "")) for item in owners.pods_of(api, ref)]


def pod_is_ready(api: Kubernetes, namespace: str, name: str) -> bool:
    """Whether a pod is ready."""
    return is_ready(api.get("api/v1", "pods", namespace, name))


def any_pod(api: Kubernetes, namespace: str, selector: str) -> bool:
    """Whether a label selector selects any pod, terminating ones included."""
    return any(True for _ in api.items("api/v1", "pods", namespace, limit=1, labelSelector=selector))


def running(api: Kubernetes, namespace: str) -> Iterator[tuple[str, Needs]]:
    """Yield the node (empty: none yet) and the requests of each pod of a namespace that has not ended."""
    for pod in api.items("api/v1", "pods", namespace, limit=_ALL_PODS):
        if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
            spec = pod.get("spec") or {}
            yield spec.get("nodeName", ""), needs(spec)


def nodes(api: Kubernetes) -> list[Node]:
    """Return the cluster's nodes."""
    return [_node(item) for item in api.items("api/v1", "nodes", "")]


def node(api: Kubernetes, name: str) -> Node:
    """Return a node."""
    return _node(api.get("api/v1", "nodes", "", name))


def set_closed(api: Kubernetes, seen: Node, closed: bool | None, annotation: str, mark: str | None,
               manager: str) -> None:
    """Close a node to pods or open it (None), and note or take off by whom; only while it is as it was seen, so that
    what somebody closes at the same moment stays closed. Raises Refused, CallFailed.
    """
    api.patch("api/v1", "nodes", "", seen.name, {
        "metadata": {"resourceVersion": seen.resource_version, "annotations": {annotation: mark}},
        "spec": {"unschedulable": closed}}, manager=manager, kind="application/merge-patch+json")


def _node(item: Mapping[str, Any]) -> Node:
    metadata, spec = item["metadata"], item.get("spec") or {}
    room = (item.get("status") or {}).get("allocatable") or {}
    return Node(
        metadata["name"], metadata.get("resourceVersion", ""), metadata.get("annotations") or {},
        metadata.get("labels") or {}, is_ready(item), bool(spec.get("unschedulable")),
        frozenset(str(taint.get("key")) for taint in spec.get("taints") or []
                  if taint.get("effect") in ("NoSchedule", "NoExecute")),
        Needs(*(quantity(room.get(resource, 0)) for resource in ("cpu", "memory", "pods"))))


def quotas(api: Kubernetes, namespace: str) -> list[Quota]:
    """Return a namespace's quotas."""
    found = []
    for item in api.items("api/v1", "resourcequotas", namespace):
        status = item.get("status") or {}
        found.append(Quota(item["metadata"]["name"], *(
            {key: quantity(value) for key, value in (status.get(side) or {}).items()} for side in ("hard", "used"))))
    return found


def owner(item: Mapping[str, Any], kind: str) -> str:
    """Return the name of the controller of that kind that owns an object, or an empty text."""
    for reference in item["metadata"].get("ownerReferences") or []:
        if reference.get("kind") == kind and reference.get("controller"):
            return str(reference["name"])
    return ""


def is_ready(item: Mapping[str, Any]) -> bool:
    """Whether a pod or a node is ready, by its condition."""
    return any(condition["type"] == "Ready" and condition.get("status") == "True"
               for condition in (item.get("status") or {}).get("conditions") or [])
