"""The objects whose changes are remembered, read from Kubernetes and reduced to what people set.

Leaves that must not be stored are hidden (``model/shown.py``), and so is a body as a whole that is too large. Secrets
are not read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from responder.clients import marks
from responder.clients.failure import CallFailed
from responder.clients.kubernetes import Kubernetes
from responder.model.codec import Json
from responder.model.shown import HIDDEN, RULES, hide, mark
from responder.model.watched import Snapshot, Watched

_LIMIT = 2000
_BODY_BYTES = 200_000
_CONTROLLERS = frozenset({"kube-controller-manager", "kube-scheduler", "kubelet"})
_OWNED = frozenset({"f:spec", "f:data", "f:binaryData"})
"""The parts of an object that people set, as ``managedFields`` names them."""

Reduce = Callable[[dict[str, Any]], Json]


class Kind(NamedTuple):
    """How a kind of object is read."""

    groups: tuple[str, ...]
    """API groups, in the order in which they are tried."""
    plural: str
    namespaced: bool
    reduce: Reduce
    """Returns what people set of an object."""


def _spec(item: dict[str, Any]) -> Any:
    return item.get("spec") or {}


def _deployment(item: dict[str, Any]) -> Any:
    template = json.loads(json.dumps(item["spec"].get("template") or {}))
    template.pop("metadata", None)
    return {"replicas": item["spec"].get("replicas"), "strategy": item["spec"].get("strategy"),
            "paused": bool(item["spec"].get("paused")), "template": template}


def _data(item: dict[str, Any]) -> Any:
    return {key: item[key] for key in ("data", "binaryData") if item.get(key)}


def _service(item: dict[str, Any]) -> Any:
    return {key: value for key, value in _spec(item).items()
            if key in ("selector", "ports", "type", "externalName", "publishNotReadyAddresses")}


def _node(item: dict[str, Any]) -> Any:
    taints = [taint for taint in _spec(item).get("taints") or []
              if not str(taint.get("key", "")).startswith("node.kubernetes.io/")]
    return {"unschedulable": bool(_spec(item).get("unschedulable")), "taints": taints}


KINDS: dict[str, Kind] = {
    "Deployment": Kind(("apis/apps/v1",), "deployments", True, _deployment),
    "ConfigMap": Kind(("api/v1",), "configmaps", True, _data),
    "Service": Kind(("api/v1",), "services", True, _service),
    "NetworkPolicy": Kind(("apis/networking.k8s.io/v1",), "networkpolicies", True, _spec),
    "HorizontalPodAutoscaler": Kind(("apis/autoscaling/v2", "apis/autoscaling/v1"), "horizontalpodautoscalers", True,
                                    _spec),
    "ResourceQuota": Kind(("api/v1",), "resourcequotas", True, _spec),
    "LimitRange": Kind(("api/v1",), "limitranges", True, _spec),
    "PodDisruptionBudget": Kind(("apis/policy/v1", "apis/policy/v1beta1"), "poddisruptionbudgets", True, _spec),
    "Node": Kind(("api/v1",), "nodes", False, _node),
}
_IGNORED = frozenset({"kube-root-ca.crt"})


def snapshot(api: Kubernetes, namespace: str) -> tuple[dict[str, Watched], dict[str, str]]:
    """Return the watched objects of a namespace, and the kinds that could not be read, with the reason.

    Raises CallFailed where no kind could be.
    """
    found: dict[str, Watched] = {}
    failed: dict[str, str] = {}
    last: CallFailed | None = None
    for name, kind in KINDS.items():
        try:
            for item in listed(api, kind.groups, kind.plural, namespace if kind.namespaced else ""):
                one = watched(name, item)
                if one.name not in _IGNORED:
                    found[one.key] = one
        except CallFailed as error:
            failed[name] = error.note
            last = error
            if error.status in ("timeout", "unauthorized", "throttled"):
                break
    if last is not None and not found:
        raise last
    return found, failed


def check_plausible(before: Snapshot, objects: Snapshot) -> None:
    """Raise CallFailed if every object of the cluster is missing that was there before (the database has its own).

    An answer without any node or workload does not come from the cluster that was there.
    """
    were = [one for one in before.values() if one.kind in KINDS]
    if were and not objects:
        raise CallFailed("empty", f"the cluster shows none of the {len(were)} objects that were there, nodes "
                                  "included: such an answer is not believed")


def listed(api: Kubernetes, groups: tuple[str, ...], plural: str, namespace: str) -> list[dict[str, Any]]:
    """List a kind, by the newest of its API groups that the cluster serves."""
    for place, group in enumerate(groups):
        try:
            return list(api.items(group, plural, namespace, limit=_LIMIT))
        except CallFailed as error:
            if error.http_status != 404 or place == len(groups) - 1:
                raise
    return []


def watched(kind: str, item: dict[str, Any]) -> Watched:
    """Return one object, reduced to what people set."""
    metadata = item["metadata"]
    whole = KINDS[kind].reduce(item)
    key = marks.key()
    # The size comes first: what is not kept need not be looked through.
    body = {HIDDEN: mark(whole, key)} if len(json.dumps(whole)) > _BODY_BYTES else hide(whole, key)
    written, by = _last_written(metadata)
    return Watched(kind, metadata["name"], body, metadata.get("namespace", ""),
                   _seconds(metadata.get("creationTimestamp")), written, by, RULES,
                   tuple(sorted(set(_configmaps(item)))) if kind == "Deployment" else ())


def _configmaps(deployment: dict[str, Any]) -> Iterator[str]:
    """Yield the names of the ConfigMaps that a Deployment's pods mount or take variables from.

    Format: the Kubernetes API reference (PodSpec v1: volumes, and env and envFrom of containers).
    """
    spec = (_spec(deployment).get("template") or {}).get("spec") or {}
    references = []
    for volume in spec.get("volumes") or []:
        sources = (volume.get("projected") or {}).get("sources") or []
        references += [source.get("configMap") for source in (volume, *sources)]
    for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
        references += [item.get("configMapRef") for item in container.get("envFrom") or []]
        references += [(item.get("valueFrom") or {}).get("configMapKeyRef") for item in container.get("env") or []]
    return (reference["name"] for reference in references if reference and reference.get("name"))


def _last_written(metadata: dict[str, Any]) -> tuple[float, str]:
    """Return when people's settings were last written, and by which manager."""
    newest, by = 0.0, ""
    for entry in metadata.get("managedFields") or []:
        if entry.get("manager") in _CONTROLLERS or entry.get("subresource") == "status":
            continue
        fields = entry.get("fieldsV1") or {}
        if not _OWNED & fields.keys():
            continue
        moment = _seconds(entry.get("time"))
        if moment >= newest:
            newest, by = moment, str(entry.get("manager", ""))
    return newest or _seconds(metadata.get("creationTimestamp")), by[:100]


def _seconds(moment: Any) -> float:
    return datetime.fromisoformat(moment).timestamp() if isinstance(moment, str) else 0.0
