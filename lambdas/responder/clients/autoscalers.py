"""Who scales a workload: a HorizontalPodAutoscaler, or KEDA's ScaledObject behind one.

Formats: the Kubernetes API reference (HorizontalPodAutoscaler v1 and v2); KEDA's page "ScaledObject specification"
(``minReplicaCount`` is 0 and ``maxReplicaCount`` 100 where they are not set; the annotations
``autoscaling.keda.sh/paused`` and ``paused-replicas`` pause it). KEDA writes its autoscaler anew from the ScaledObject,
so the bounds are changed there. Raises CallFailed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from responder.clients.failure import CallFailed
from responder.clients.kubernetes import Kubernetes, NotFound
from responder.clients.owners import Ref, controller_of
from responder.clients.ownership import Keeper, keeper
from responder.clients.watched import KINDS, listed

HPA, SCALED_OBJECT = "HorizontalPodAutoscaler", "ScaledObject"
FIELDS = {HPA: ("minReplicas", "maxReplicas"), SCALED_OBJECT: ("minReplicaCount", "maxReplicaCount")}
"""The names of the bounds."""
_PAUSED = ("autoscaling.keda.sh/paused", "autoscaling.keda.sh/paused-replicas")
_FORBIDDEN = 403
_DEFAULTS = {HPA: (1, 0), SCALED_OBJECT: (0, 100)}


@dataclass(frozen=True)
class Autoscaler:
    """What has the bounds of an autoscaler."""

    kind: str
    """``HPA`` or ``SCALED_OBJECT``."""
    name: str
    resource_version: str
    minimum: int
    maximum: int
    keeper: Keeper | None
    """Who puts the bounds back; None: nobody is known to."""
    paused: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def of(api: Kubernetes, ref: Ref) -> Autoscaler | None:
    """Return the autoscaler that scales a workload; None where there is none."""
    scalers = KINDS[HPA]
    for item in listed(api, scalers.groups, scalers.plural, ref.namespace):
        target = item["spec"].get("scaleTargetRef") or {}
        if target.get("name") == ref.name and target.get("kind", ref.kind) == ref.kind:
            owner = controller_of(item)
            if owner and owner[0] == SCALED_OBJECT and owner[1]:
                return _scaled_object(api, ref.namespace, owner[1]) or _autoscaler(HPA, item)
            return _autoscaler(HPA, item)
    return None


def patch(api: Kubernetes, namespace: str, scaler: Autoscaler, bounds: tuple[int, int], manager: str) -> None:
    """Set an autoscaler's bounds, only while it is as it was seen; raises Refused."""
    kind = KINDS[scaler.kind]
    # An older form of the API takes the same two fields.
    api.patch(kind.groups[-1], kind.plural, namespace, scaler.name, {
        "metadata": {"resourceVersion": scaler.resource_version}, "spec": dict(zip(
            FIELDS[scaler.kind], bounds, strict=True))}, manager=manager, kind="application/merge-patch+json")


def _scaled_object(api: Kubernetes, namespace: str, name: str) -> Autoscaler | None:
    kind = KINDS[SCALED_OBJECT]
    try:
        item = api.get(kind.groups[0], kind.plural, namespace, name)
    except NotFound:
        return None
    except CallFailed as failed:
        if failed.http_status != _FORBIDDEN:
            raise
        return None  # Where it may not be changed it may not be read: the autoscaler names it.
    return _autoscaler(SCALED_OBJECT, item)


def _autoscaler(kind: str, item: Mapping[str, Any]) -> Autoscaler:
    metadata, spec = item["metadata"], item.get("spec") or {}
    least, most = (spec.get(field, default) for field, default in zip(FIELDS[kind], _DEFAULTS[kind], strict=True))
    notes = metadata.get("annotations") or {}
    return Autoscaler(kind, metadata["name"], metadata.get("resourceVersion", ""), int(least), int(most), keeper(item),
                      any(notes.get(mark, "false") != "false" for mark in _PAUSED))
