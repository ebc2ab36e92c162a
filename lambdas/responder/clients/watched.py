"""The objects whose changes are remembered, read from Kubernetes and reduced to what people set.

Leaves that must not be stored are hidden (``model/shown.py``), and so is a body as a whole that is too large. Secrets
are not read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from responder.clients import marks
from responder.clients.failure import CallFailed
from responder.clients.kubernetes import Kubernetes
from responder.clients.owners import WORKLOADS
from responder.model.codec import Json
from responder.model.shown import HIDDEN, RULES, hide, mark
from responder.model.watched import Snapshot, Watched, Writing, snapshot_of
from responder.model.writers import Role, writer

_LIMIT = 2000
_BODY_BYTES = 200_000
_AT_ROOT = ("f:data", "f:binaryData")
"""The parts of a ConfigMap that people set, as ``managedFields`` names them; of all other kinds it is ``f:spec``."""
_FORBIDDEN, _NOT_FOUND = 403, 404

Reduce = Callable[[dict[str, Any]], Json]


class Kind(NamedTuple):
    """How a kind of object is read."""

    groups: tuple[str, ...]
    """API groups, in the order in which they are tried."""
    plural: str
    namespaced: bool
    reduce: Reduce
    """Returns what people set of an object."""
    added: bool = False
    """Whether a cluster may not allow it yet (its rbac.yaml is older), or need not serve it."""

    @property
    def custom(self) -> bool:
        """Whether it is a kind that an operator brings, and no part of Kubernetes."""
        return "." in self.groups[0]


def _spec(item: dict[str, Any]) -> Any:
    return item.get("spec") or {}


def _template(item: dict[str, Any]) -> Any:
    template = json.loads(json.dumps(_spec(item).get("template") or {}))
    template.pop("metadata", None)
    return template


def _deployment(item: dict[str, Any]) -> Any:
    return {"replicas": item["spec"].get("replicas"), "strategy": item["spec"].get("strategy"),
            "paused": bool(item["spec"].get("paused")), "template": _template(item)}


def _stateful_set(item: dict[str, Any]) -> Any:
    return {"replicas": _spec(item).get("replicas"), "updateStrategy": _spec(item).get("updateStrategy"),
            "template": _template(item)}


def _daemon_set(item: dict[str, Any]) -> Any:
    return {"updateStrategy": _spec(item).get("updateStrategy"), "template": _template(item)}


def _rollout(item: dict[str, Any]) -> Any:
    """Argo Rollouts' page "Rollout Specification"; ``restartAt`` is a restart, as the template's annotations are."""
    return {**{key: value for key, value in _spec(item).items() if key != "restartAt"}, "template": _template(item)}


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
    "StatefulSet": Kind(("apis/apps/v1",), "statefulsets", True, _stateful_set, added=True),
    "DaemonSet": Kind(("apis/apps/v1",), "daemonsets", True, _daemon_set, added=True),
    "Rollout": Kind(("apis/argoproj.io/v1alpha1",), "rollouts", True, _rollout, added=True),
    "ScaledObject": Kind(("apis/keda.sh/v1alpha1",), "scaledobjects", True, _spec, added=True),
    "Canary": Kind(("apis/flagger.app/v1beta1",), "canaries", True, _spec, added=True),
}
_IGNORED = frozenset({"kube-root-ca.crt"})


def snapshot(api: Kubernetes, namespace: str, before: Snapshot | None = None
             ) -> tuple[dict[str, Watched], dict[str, str]]:
    """Return the watched objects of a namespace, and the kinds that could not be read, with the reason.

    ``before`` is the last snapshot: the kinds that need not be there are missed only where it has objects of them.
    Raises CallFailed where no kind could be read.
    """
    found: dict[str, Watched] = {}
    failed: dict[str, str] = {}
    last: CallFailed | None = None
    missed = {one.kind for one in (before or {}).values()}
    for name, kind in KINDS.items():
        if last is not None and _for_all(last):
            failed[name] = last.note
            continue
        try:
            for item in listed(api, kind.groups, kind.plural, namespace if kind.namespaced else ""):
                one = watched(name, item)
                if one.name not in _IGNORED:
                    found[one.key] = one
        except CallFailed as error:
            if kind.added and error.http_status in (_NOT_FOUND, _FORBIDDEN) and not (
                    error.http_status == _FORBIDDEN and (name in missed or not kind.custom)):
                continue
            failed[name] = error.note
            last = error
    if last is not None and not found:
        raise last
    return found, failed


def _for_all(failed: CallFailed) -> bool:
    """Whether the other kinds need not be asked for any more."""
    return failed.status in ("timeout", "unauthorized", "throttled") and failed.http_status != _FORBIDDEN


def carry_forward(before: Snapshot, last: float | None, kinds: Iterable[str]) -> dict[str, Watched]:
    """Return the objects of some kinds as the ``last`` snapshot has them (seconds since 1970, UTC), for one that
    cannot read them."""
    return snapshot_of(*(replace(one, unread_since=one.unread_since or last) for one in before.values()
                         if one.kind in kinds))


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
    writings = tuple(_writings(metadata))
    last = max((one for one in writings if writer(one.by).role is not Role.CONTROLLER), key=lambda one: one.at,
               default=Writing("", _seconds(metadata.get("creationTimestamp"))))
    return Watched(kind, metadata["name"], body, metadata.get("namespace", ""),
                   _seconds(metadata.get("creationTimestamp")), last.at, last.by, RULES,
                   tuple(sorted(set(_configmaps(item)))) if kind in WORKLOADS else (), writings=writings)


def _configmaps(workload: dict[str, Any]) -> Iterator[str]:
    """Yield the names of the ConfigMaps that a workload's pods mount or take variables from.

    Format: the Kubernetes API reference (PodSpec v1: volumes, and env and envFrom of containers).
    """
    spec = (_spec(workload).get("template") or {}).get("spec") or {}
    references = []
    for volume in spec.get("volumes") or []:
        sources = (volume.get("projected") or {}).get("sources") or []
        references += [source.get("configMap") for source in (volume, *sources)]
    for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
        references += [item.get("configMapRef") for item in container.get("envFrom") or []]
        references += [(item.get("valueFrom") or {}).get("configMapKeyRef") for item in container.get("env") or []]
    return (reference["name"] for reference in references if reference and reference.get("name"))


def _writings(metadata: dict[str, Any]) -> Iterator[Writing]:
    """Yield who owns which part of what people set, by an object's ``managedFields``."""
    for entry in metadata.get("managedFields") or []:
        fields = entry.get("fieldsV1") or {}
        own = fields.get("f:spec") or {part: fields[part] for part in _AT_ROOT if part in fields}
        if own and entry.get("subresource") != "status":
            yield Writing(str(entry.get("manager", ""))[:100], _seconds(entry.get("time")),
                          str(entry.get("subresource", "")), own)


def _seconds(moment: Any) -> float:
    return datetime.fromisoformat(moment).timestamp() if isinstance(moment, str) else 0.0
