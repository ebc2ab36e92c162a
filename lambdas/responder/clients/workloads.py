"""What Kubernetes says of workloads, nodes and limits, reduced to what remedies and sources use.

Formats: the Kubernetes API reference (Deployment, ReplicaSet, Pod, Node, ResourceQuota v1, HorizontalPodAutoscaler v1
and v2). Each function here raises CallFailed where the API does not answer, and NotFound for an object that is not
there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from responder.clients.kubernetes import Kubernetes
from responder.clients.watched import KINDS, listed
from responder.model.codec import Json
from responder.model.quantity import quantity

REVISION = "deployment.kubernetes.io/revision"
"""Annotation that numbers a Deployment's ReplicaSets."""
_HASH = "pod-template-hash"
_OWN_PODS = 10_000
_ALL_PODS = 20_000
_SETS = "apis/apps/v1", "replicasets"


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
class Deployment:
    """A Deployment."""

    name: str
    uid: str
    resource_version: str
    generation: int
    annotations: Mapping[str, str]
    owner: str
    """The GitOps tool that owns it; empty: none."""
    replicas: int
    ready: int
    paused: bool
    selector: str
    """Its pods, as a label selector: ``app=payment-gateway,tier=backend``."""
    template: Json
    """The pod template, as it came."""
    template_annotations: Mapping[str, str]
    pods: PodSpec

    @property
    def revision(self) -> str:
        """The number of the current revision; empty where it has none yet."""
        return self.annotations.get(REVISION, "")


@dataclass(frozen=True)
class ReplicaSet:
    """A ReplicaSet of a Deployment: one of its revisions."""

    name: str
    revision: int
    created: float
    """Seconds since 1970 (UTC)."""
    images: tuple[str, ...]
    template: Json
    """The pod template as its Deployment had it."""


@dataclass(frozen=True, slots=True)
class Pod:
    """The fields of a pod that are needed, so that thousands of pods take little memory."""

    name: str
    uid: str
    node: str
    """Empty: no node has it yet."""
    ready: bool


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
class Autoscaler:
    """A HorizontalPodAutoscaler."""

    name: str
    minimum: int
    maximum: int
    owner: str
    """The GitOps tool that owns it; empty: none."""


@dataclass(frozen=True)
class Quota:
    """A ResourceQuota; amounts are CPUs, bytes or numbers."""

    name: str
    hard: Mapping[str, float]
    used: Mapping[str, float]


def deployment(api: Kubernetes, namespace: str, name: str) -> Deployment:
    """Return a Deployment."""
    return deployment_of(api.get("apis/apps/v1", "deployments", namespace, name))


def deployment_of(item: Mapping[str, Any]) -> Deployment:
    """Return a Deployment from the API's object."""
    metadata, spec = item["metadata"], item["spec"]
    template = spec.get("template") or {}
    labels = (spec.get("selector") or {}).get("matchLabels") or {}
    return Deployment(
        metadata["name"], metadata.get("uid", ""), metadata.get("resourceVersion", ""),
        int(metadata.get("generation", 0)), metadata.get("annotations") or {}, gitops(metadata),
        int(spec.get("replicas", 1)), int((item.get("status") or {}).get("readyReplicas", 0)),
        bool(spec.get("paused")), ",".join(f"{key}={value}" for key, value in sorted(labels.items())), template,
        (template.get("metadata") or {}).get("annotations") or {}, pod_spec(template.get("spec") or {}))


def pod_spec(spec: Mapping[str, Any]) -> PodSpec:
    """Return what a pod's specification asks of a node."""
    return PodSpec(needs(spec), spec.get("nodeSelector") or {},
                   frozenset(toleration.get("key") for toleration in spec.get("tolerations") or []))


def needs(spec: Mapping[str, Any]) -> Needs:
    """Return what a pod requests, by its specification."""
    requests = [(container.get("resources") or {}).get("requests") or {} for container in spec.get("containers") or []]
    return Needs(sum(quantity(request.get("cpu", 0)) for request in requests),
                 sum(quantity(request.get("memory", 0)) for request in requests))


def replica_sets(api: Kubernetes, namespace: str, name: str) -> list[ReplicaSet]:
    """Return the ReplicaSets of a Deployment that have a revision's number, newest revision first."""
    found = []
    for item in api.items(*_SETS, namespace):
        number = (item["metadata"].get("annotations") or {}).get(REVISION, "")
        if owner(item, "Deployment") == name and number.isdigit():
            found.append(_replica_set(item, int(number)))
    return sorted(found, key=lambda one: -one.revision)


def replica_set(api: Kubernetes, namespace: str, name: str) -> ReplicaSet:
    """Return a ReplicaSet."""
    item = api.get(*_SETS, namespace, name)
    number = (item["metadata"].get("annotations") or {}).get(REVISION, "")
    return _replica_set(item, int(number) if number.isdigit() else 0)


def _replica_set(item: Mapping[str, Any], revision: int) -> ReplicaSet:
    metadata = item["metadata"]
    template = json.loads(json.dumps(item["spec"]["template"]))
    ((template.get("metadata") or {}).get("labels") or {}).pop(_HASH, None)
    return ReplicaSet(metadata["name"], revision, datetime.fromisoformat(metadata["creationTimestamp"]).timestamp(),
                      tuple(container["image"] for container in template["spec"]["containers"]), template)


def pods_of(api: Kubernetes, namespace: str, name: str) -> list[Pod]:
    """Return the pods of a Deployment that are not terminating."""
    sets = {item["metadata"]["name"] for item in api.items(*_SETS, namespace) if owner(item, "Deployment") == name}
    return [Pod(item["metadata"]["name"], item["metadata"]["uid"], item["spec"].get("nodeName") or "", is_ready(item))
            for item in api.items("api/v1", "pods", namespace, limit=_OWN_PODS)
            if owner(item, "ReplicaSet") in sets and "deletionTimestamp" not in item["metadata"]]


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


def _node(item: Mapping[str, Any]) -> Node:
    metadata, spec = item["metadata"], item.get("spec") or {}
    room = (item.get("status") or {}).get("allocatable") or {}
    return Node(
        metadata["name"], metadata.get("resourceVersion", ""), metadata.get("annotations") or {},
        metadata.get("labels") or {}, is_ready(item), bool(spec.get("unschedulable")),
        frozenset(str(taint.get("key")) for taint in spec.get("taints") or []
                  if taint.get("effect") in ("NoSchedule", "NoExecute")),
        Needs(*(quantity(room.get(resource, 0)) for resource in ("cpu", "memory", "pods"))))


def autoscaler_of(api: Kubernetes, namespace: str, name: str) -> Autoscaler | None:
    """Return the autoscaler that scales a Deployment; None where there is none."""
    scalers = KINDS["HorizontalPodAutoscaler"]
    for item in listed(api, scalers.groups, scalers.plural, namespace):
        spec = item["spec"]
        if (spec.get("scaleTargetRef") or {}).get("name") == name:
            return Autoscaler(item["metadata"]["name"], spec.get("minReplicas", 1), spec["maxReplicas"],
                              gitops(item["metadata"]))
    return None


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


def gitops(metadata: Mapping[str, Any]) -> str:
    """Return the GitOps tool that owns an object, by the labels that it sets; empty: none does."""
    marks = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
    if "argocd.argoproj.io/instance" in marks or "argocd.argoproj.io/tracking-id" in marks:
        return "Argo CD"
    if "kustomize.toolkit.fluxcd.io/name" in marks or "helm.toolkit.fluxcd.io/name" in marks:
        return "Flux"
    return ""
