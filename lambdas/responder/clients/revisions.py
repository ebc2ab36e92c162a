"""The earlier templates of a workload's pods, as the cluster keeps them.

| kind | a revision is a | its number |
|---|---|---|
| Deployment | ReplicaSet | annotation ``deployment.kubernetes.io/revision`` |
| Rollout | ReplicaSet | annotation ``rollout.argoproj.io/revision`` |
| StatefulSet, DaemonSet | ControllerRevision | its field ``revision`` |

Sources: the Kubernetes API reference (ReplicaSet, ControllerRevision v1), "Rolling Back a Deployment", "Perform a
Rollback on a DaemonSet"; Argo Rollouts' ``kubectl argo rollouts undo``. Raises CallFailed, and NotFound for a revision
that is not there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from responder.clients.kubernetes import Kubernetes
from responder.clients.owners import WORKLOADS, Ref, controller_of
from responder.model.codec import Json
from responder.model.plain_json import whole_number

NUMBERS = {"Deployment": "deployment.kubernetes.io/revision", "Rollout": "rollout.argoproj.io/revision"}
"""Annotations that number ReplicaSets, and say the current number on their owner."""
HASHES = {"Deployment": "pod-template-hash", "Rollout": "rollouts-pod-template-hash"}
"""Labels that the controller adds to each template; those of a Rollout name its revisions in its status."""
OF_POD = "controller-revision-hash"
"""Label of a pod of a StatefulSet or DaemonSet: the name of its ControllerRevision, or the hash in it."""
_SETS, _REVISIONS = ("apis/apps/v1", "replicasets"), ("apis/apps/v1", "controllerrevisions")


@dataclass(frozen=True)
class Revision:
    """One revision."""

    name: str
    """Of the object that holds it."""
    revision: int
    created: float
    """Seconds since 1970 (UTC)."""
    images: tuple[str, ...]
    template: Json
    """The pod template as its workload had it."""
    hash: str = ""
    """What a Rollout's status calls it."""


def listed(api: Kubernetes, ref: Ref) -> list[Revision]:
    """Return the revisions of a workload that have a number, newest first."""
    by_sets = WORKLOADS[ref.kind].by_sets
    found = [_of_set(item, ref.kind) if by_sets else _of_revision(item)
             for item in api.items(*(_SETS if by_sets else _REVISIONS), ref.namespace)
             if controller_of(item) == (ref.kind, ref.name)]
    return sorted((one for one in found if one.revision), key=lambda one: -one.revision)


def get(api: Kubernetes, ref: Ref, name: str) -> Revision:
    """Return one revision by the name of the object that holds it."""
    if WORKLOADS[ref.kind].by_sets:
        return _of_set(api.get(*_SETS, ref.namespace, name), ref.kind)
    return _of_revision(api.get(*_REVISIONS, ref.namespace, name))


def _of_set(item: Mapping[str, Any], kind: str) -> Revision:
    number = (item["metadata"].get("annotations") or {}).get(NUMBERS[kind], "")
    template = json.loads(json.dumps(item["spec"]["template"]))
    marked = ((template.get("metadata") or {}).get("labels") or {}).pop(HASHES[kind], "")
    return _revision(item, whole_number(str(number)) or 0, template, str(marked))


def _of_revision(item: Mapping[str, Any]) -> Revision:
    # Its data is a patch of the workload that replaces the template.
    template = json.loads(json.dumps(((item.get("data") or {}).get("spec") or {}).get("template") or {}))
    template.pop("$patch", None)
    return _revision(item, int(item.get("revision") or 0), template, "")


def _revision(item: Mapping[str, Any], number: int, template: Json, marked: str) -> Revision:
    metadata = item["metadata"]
    return Revision(metadata["name"], number, datetime.fromisoformat(metadata["creationTimestamp"]).timestamp(),
                    tuple(container["image"] for container in (template.get("spec") or {}).get("containers") or []),
                    template, marked)
