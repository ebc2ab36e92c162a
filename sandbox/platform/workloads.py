"""What the platform's workloads are in each world, and what a drill that speaks of Deployments means there.

A drill speaks of the Deployments ``payment-gateway`` and ``backend``; in a world of other workloads its words go to
what these are there:

- ``statefulset``: both are StatefulSets. The gateway's pods start one after the other (OrderedReady, the default), the
  backend's together (Parallel). A StatefulSet has no surge, no pause and no strategy that stops all pods first: those
  fields are left out; where a drill asks for ``Recreate``, its author deletes the pods after each change of the
  template, as people do.
- ``rollout``: both are Argo Rollouts with a canary strategy without steps, which rolls as a Deployment does. The
  gateway's has its own template; the backend's takes it from a Deployment at 0 that its ``workloadRef`` names, to which
  changes of the template go.

Sources: Kubernetes' page "StatefulSets"; Argo Rollouts' pages "Rollout Specification" and "Migrating to Rollouts".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.platform.cluster import Object
from sandbox.platform.shape import Shape

CHANGED = ("payment-gateway", "backend")
"""The components that are no Deployments in some worlds."""
REFERRING = "backend"
"""The component whose Rollout takes its template from a Deployment."""
_PARALLEL = "backend"
_ROLLOUTS = "argoproj.io/v1alpha1"
_OF_A_STATEFUL_SET = ("replicas", "selector", "template", "minReadySeconds", "revisionHistoryLimit")
_OF_A_ROLLOUT = (*_OF_A_STATEFUL_SET, "paused", "progressDeadlineSeconds")
_ALL_AT_ONCE = {"maxSurge": 0, "maxUnavailable": "100%"}


@dataclass(frozen=True)
class Part:
    """A part of a change, and the object that it goes to."""

    kind: str
    name: str
    patch: Object


def kind_of(shape: Shape, name: str) -> str:
    """The kind of the workload that a component is."""
    if name not in CHANGED:
        return "Deployment"
    return {"deployment": "Deployment", "statefulset": "StatefulSet", "rollout": "Rollout"}[shape.workloads]


def fitted(shape: Shape, manifest: Object) -> list[Object]:
    """The manifests by which a manifest is met in a world; a workload, an autoscaler, or anything else."""
    name, kind = manifest["metadata"]["name"], manifest["kind"]
    if kind == "HorizontalPodAutoscaler":
        target = manifest["spec"]["scaleTargetRef"]
        met = kind_of(shape, target["name"]) if target["kind"] == "Deployment" else target["kind"]
        if met == target["kind"]:
            return [manifest]
        return [{**manifest, "spec": {**manifest["spec"], "scaleTargetRef": {
            **target, "kind": met, "apiVersion": _ROLLOUTS if met == "Rollout" else "apps/v1"}}}]
    if kind != "Deployment" or kind_of(shape, name) == "Deployment":
        return [manifest]
    if shape.workloads == "statefulset":
        return [{**manifest, "kind": "StatefulSet", "spec": _stateful(name, manifest["spec"])}]
    return _rollout(manifest)


def parts(shape: Shape, kind: str, name: str, patch: Object) -> list[Part]:
    """The parts of a patch, and what each goes to; a part that has no place there is left out."""
    met = kind_of(shape, name) if kind == "Deployment" else kind
    if met == kind:
        return [Part(kind, name, patch)]
    spec = patch.get("spec") or {}
    rest = {key: value for key, value in patch.items() if key != "spec"}
    if met == "StatefulSet":
        return _parts(met, name, rest, _only(spec, _OF_A_STATEFUL_SET))
    own = _only(spec, _OF_A_ROLLOUT)
    if "strategy" in spec:
        own["strategy"] = {"canary": _canary(spec["strategy"])}
    if name != REFERRING or "template" not in own:
        return _parts(met, name, rest, own)
    template = own.pop("template")
    return [Part("Deployment", name, {"spec": {"template": template}}), *_parts(met, name, rest, own)]


def all_at_once(patch: Object) -> bool:
    """Whether a patch asks for the strategy that stops all pods before it starts new ones."""
    return ((patch.get("spec") or {}).get("strategy") or {}).get("type") == "Recreate"


def _parts(kind: str, name: str, rest: Object, spec: Object) -> list[Part]:
    patch = {**rest, **({"spec": spec} if spec else {})}
    return [Part(kind, name, patch)] if patch else []


def _only(spec: Mapping[str, Any], fields: tuple[str, ...]) -> Object:
    return {key: value for key, value in spec.items() if key in fields}


def _stateful(name: str, spec: Mapping[str, Any]) -> Object:
    together = {"podManagementPolicy": "Parallel"} if name == _PARALLEL else {}
    return {**_only(spec, _OF_A_STATEFUL_SET), "serviceName": name, "updateStrategy": {"type": "RollingUpdate"},
            **together}


def _canary(strategy: Mapping[str, Any]) -> Object:
    return dict(_ALL_AT_ONCE) if strategy.get("type") == "Recreate" else dict(strategy.get("rollingUpdate") or {})


def _rollout(manifest: Object) -> list[Object]:
    name, spec = manifest["metadata"]["name"], manifest["spec"]
    rollout = {**manifest, "apiVersion": _ROLLOUTS, "kind": "Rollout", "spec": {
        **_only(spec, _OF_A_ROLLOUT), "strategy": {"canary": _canary(spec.get("strategy") or {})}}}
    if name != REFERRING:
        return [rollout]
    del rollout["spec"]["template"]
    rollout["spec"]["workloadRef"] = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    return [{**manifest, "spec": {**spec, "replicas": 0}}, rollout]
