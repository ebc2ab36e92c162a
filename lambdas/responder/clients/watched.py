"""The objects whose changes are remembered, read from Kubernetes and reduced to what people set.

Of each object the record has ``kind``, ``name``, ``namespace``, ``body`` (what people set), ``created``, ``written``
(when what people set was last written, seconds since 1970, UTC), ``by`` (the field manager that wrote it) and
``rules`` (by which values were hidden). The body is exact but for the leaves that must not be stored: those are hidden
(``model/shown.py``), and so is a body as a whole that is too large. Secrets are not read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from responder.clients import marks
from responder.clients.failure import CallFailed
from responder.clients.kubernetes import Kubernetes
from responder.model.shown import HIDDEN, RULES, hide, mark

_LIMIT = 2000
_BODY_BYTES = 200_000
_CONTROLLERS = frozenset({"kube-controller-manager", "kube-scheduler", "kubelet"})

Reduce = Callable[[dict[str, Any]], Any]


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


KINDS: dict[str, tuple[tuple[str, ...], str, bool, Reduce]] = {
    "Deployment": (("apis/apps/v1",), "deployments", True, _deployment),
    "ConfigMap": (("api/v1",), "configmaps", True, _data),
    "Service": (("api/v1",), "services", True, _service),
    "NetworkPolicy": (("apis/networking.k8s.io/v1",), "networkpolicies", True, _spec),
    "HorizontalPodAutoscaler": (("apis/autoscaling/v2", "apis/autoscaling/v1"), "horizontalpodautoscalers", True,
                                _spec),
    "ResourceQuota": (("api/v1",), "resourcequotas", True, _spec),
    "LimitRange": (("api/v1",), "limitranges", True, _spec),
    "PodDisruptionBudget": (("apis/policy/v1", "apis/policy/v1beta1"), "poddisruptionbudgets", True, _spec),
    "Node": (("api/v1",), "nodes", False, _node),
}
"""Kind to its API groups in the order of trying, plural, whether it is namespaced, and what people set of it."""
_IGNORED = frozenset({"kube-root-ca.crt"})


def look(api: Kubernetes, namespace: str) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return the watched objects of a namespace by ``Kind/name``, and which kinds could not be read.

    Raises CallFailed where no kind could be.
    """
    found: dict[str, dict[str, Any]] = {}
    failed: list[str] = []
    last: CallFailed | None = None
    for kind, (groups, plural, namespaced, reduce) in KINDS.items():
        try:
            for item in listed(api, groups, plural, namespace if namespaced else ""):
                name = item["metadata"]["name"]
                if name not in _IGNORED:
                    found[f"{kind}/{name}"] = watched(kind, item, reduce)
        except CallFailed as error:
            failed.append(f"{kind}: {error.note}")
            last = error
            if error.status in ("timeout", "unauthorized", "throttled"):
                break
    if last is not None and not found:
        raise last
    return found, failed


def believe(before: Mapping[str, Mapping[str, Any]], objects: Mapping[str, Any]) -> None:
    """Raise CallFailed where none of the cluster's objects that were there is shown; the database's are not its own.

    Not a node and not a workload: whatever answers so, it is not the cluster that was there.
    """
    were = [key for key, item in before.items() if item["kind"] in KINDS]
    if were and not objects:
        raise CallFailed("empty", f"the cluster shows none of the {len(were)} objects that were there, nodes "
                                  "included: that is no change, but an answer that cannot be so")


def listed(api: Kubernetes, groups: tuple[str, ...], plural: str, namespace: str) -> list[dict[str, Any]]:
    """List a kind, by the newest of its API groups that the cluster serves."""
    for place, group in enumerate(groups):
        try:
            return list(api.items(group, plural, namespace, limit=_LIMIT))
        except CallFailed as error:
            if error.http_status != 404 or place == len(groups) - 1:
                raise
    return []


def watched(kind: str, item: dict[str, Any], reduce: Reduce) -> dict[str, Any]:
    """Reduce one object."""
    metadata = item["metadata"]
    body = reduce(item)
    key = marks.key()
    # The size comes first: what is not kept need not be looked through.
    body = {HIDDEN: mark(body, key)} if len(json.dumps(body)) > _BODY_BYTES else hide(body, key)
    written, by = _last_written(metadata)
    return {"kind": kind, "name": metadata["name"], "namespace": metadata.get("namespace", ""), "body": body,
            "rules": RULES, "created": _seconds(metadata.get("creationTimestamp")), "written": written,
            "by": by}


def _last_written(metadata: dict[str, Any]) -> tuple[float, str]:
    """When, and by which manager, what people set was last written."""
    newest, by = 0.0, ""
    for entry in metadata.get("managedFields") or []:
        if entry.get("manager") in _CONTROLLERS or entry.get("subresource") == "status":
            continue
        fields = entry.get("fieldsV1") or {}
        if not {"f:spec", "f:data", "f:binaryData"} & fields.keys():
            continue
        moment = _seconds(entry.get("time"))
        if moment >= newest:
            newest, by = moment, str(entry.get("manager", ""))
    return newest or _seconds(metadata.get("creationTimestamp")), by[:100]


def _seconds(moment: Any) -> float:
    return datetime.fromisoformat(moment).timestamp() if isinstance(moment, str) else 0.0
