"""How an event changes objects of Kubernetes, whatever the platform's workloads are in this world.

``sandbox/platform/workloads.py`` says what a word about a Deployment means there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sandbox.places import NAMESPACE
from sandbox.platform.cluster import EDITED, Object
from sandbox.platform.workloads import CHANGED, all_at_once, fitted, kind_of, parts

if TYPE_CHECKING:
    from sandbox.parts import Sandbox
    from sandbox.platform.changes import ObjectChange


def patched(sandbox: Sandbox, kind: str, name: str, patch: Object, namespace: str | None = None,
            manager: str = EDITED) -> list[ObjectChange]:
    """Patch an object strategically, or the objects that it is here; returns what was changed.

    ``manager`` is the tool that writes.
    """
    ours = kind == "Deployment" and name in CHANGED and (namespace or NAMESPACE) == NAMESPACE
    if not ours:
        return [sandbox.changes.patch(kind, name, patch, namespace, manager)]
    with sandbox.lock:
        if all_at_once(patch):
            sandbox.world.at_once.add(name)
    made = [sandbox.changes.patch(part.kind, part.name, part.patch, namespace, manager)
            for part in parts(sandbox.world.shape, kind, name, patch)]
    if "template" in (patch.get("spec") or {}):
        _stop(sandbox, name, only_stuck=False)
    return made


def applied(sandbox: Sandbox, manifests: Iterable[Object]) -> list[ObjectChange]:
    """Create objects, or make them what the manifests say."""
    return [sandbox.changes.apply(item) for manifest in manifests for item in fitted(sandbox.world.shape, manifest)]


def deleted(sandbox: Sandbox, kind: str, name: str, namespace: str | None = None) -> list[ObjectChange]:
    """Delete an object; of a workload, what it is here."""
    met = kind_of(sandbox.world.shape, name) if kind == "Deployment" else kind
    return [sandbox.changes.delete(met, name, namespace)]


def take_back(sandbox: Sandbox, changes: Iterable[ObjectChange]) -> None:
    """Take changes back, the newest first."""
    for change in reversed(list(changes)):
        sandbox.changes.take_back(change)
        if change.kind == "StatefulSet":
            # It waits for a pod of the bad template to be ready, for ever (Kubernetes' page "StatefulSets", "Forced
            # rollback"): whoever takes the change back deletes that pod.
            _stop(sandbox, change.name, only_stuck=True)


def _stop(sandbox: Sandbox, name: str, *, only_stuck: bool) -> None:
    """Delete the pods of a StatefulSet, as its author does: all where all are changed at once, or those not ready."""
    if kind_of(sandbox.world.shape, name) != "StatefulSet" or not (only_stuck or name in sandbox.world.at_once):
        return
    path = f"/api/v1/namespaces/{NAMESPACE}/pods"
    for pod in sandbox.cluster.items(path):
        if (pod["metadata"].get("labels") or {}).get("app") == name and not (only_stuck and _ready(pod)):
            sandbox.cluster.delete("Pod", pod["metadata"]["name"])


def _ready(pod: Object) -> bool:
    return any(item["type"] == "Ready" and item["status"] == "True"
               for item in pod.get("status", {}).get("conditions") or [])
