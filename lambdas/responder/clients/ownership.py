"""Who puts an object back as it was, and where it is changed instead: a GitOps tool, or the object that owns it.

Sources: Argo CD's page "Resource Tracking" (versions 1 and 2 by the label ``app.kubernetes.io/instance``, version 3 by
the annotation ``argocd.argoproj.io/tracking-id``), Flux' pages "Kustomization" and "HelmRelease" (labels), Kubernetes'
page "Owners and Dependents", KEDA's "Scaling Deployments, StatefulSets & Custom Resources", Flagger's "How it works".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from responder.model.writers import Role, writer

_TRACKING, _ARGO_LABEL, _SHARED_LABEL = (
    "argocd.argoproj.io/tracking-id", "argocd.argoproj.io/instance", "app.kubernetes.io/instance")
_FLUX = {"kustomize.toolkit.fluxcd.io": "Kustomization", "helm.toolkit.fluxcd.io": "HelmRelease"}
_OWNERS = {"ScaledObject": "KEDA", "Canary": "Flagger", "Rollout": "Argo Rollouts"}
"""Kinds of objects that own others, to who carries out what they say."""
ARGO_CD, FLUX = "Argo CD", "Flux"
_WORKLOADS = frozenset({"ReplicaSet", "Deployment", "StatefulSet", "DaemonSet"})


@dataclass(frozen=True)
class Keeper:
    """Who puts an object back."""

    who: str
    """The tool: ``Argo CD``."""
    place: str
    """What says how the object is to be: ``Application payments``, ``ScaledObject pay``."""
    gitops: bool = False
    """Whether that lies in a repository."""

    @property
    def instead(self) -> str:
        """Say where it is changed instead."""
        return f"revert the change in its repository ({self.place})" if self.gitops else f"change {self.place} instead"

    def __str__(self) -> str:
        return self.who


def keeper(item: Mapping[str, Any]) -> Keeper | None:
    """Return who puts an object back; None: nobody is known to."""
    metadata = item["metadata"]
    return _argo_cd(metadata) or _flux(metadata) or owning(item)


def owning(item: Mapping[str, Any]) -> Keeper | None:
    """Return the object that owns another and says how it is to be; None where there is none."""
    for reference in item["metadata"].get("ownerReferences") or []:
        kind = str(reference.get("kind", ""))
        if reference.get("controller") and kind not in _WORKLOADS:
            return Keeper(_OWNERS.get(kind, f"the controller of {kind} objects"),
                          f"{kind} {reference.get('name', '')}".strip())
    return None


def gitops(metadata: Mapping[str, Any]) -> str:
    """Return the GitOps tool that owns an object; empty: none does."""
    found = _argo_cd(metadata) or _flux(metadata)
    return found.who if found else ""


def gitops_owns(metadata: Mapping[str, Any], field: str) -> bool:
    """Whether a GitOps tool says what a field of the ``spec`` is, by who owns it or by what was applied last."""
    applied = str((metadata.get("annotations") or {}).get("kubectl.kubernetes.io/last-applied-configuration", ""))
    return f'"{field}"' in applied or any(
        f"f:{field}" in ((entry.get("fieldsV1") or {}).get("f:spec") or {}) for entry in _entries(metadata)
        if writer(str(entry.get("manager", ""))).role is Role.GITOPS)


def _argo_cd(metadata: Mapping[str, Any]) -> Keeper | None:
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    # APPLICATION:GROUP/KIND:NAMESPACE/NAME; a copy of it on another object (a controller's) is no tracking.
    application, _, rest = str(annotations.get(_TRACKING, "")).partition(":")
    if application and rest.rpartition("/")[2] in ("", metadata.get("name", "")):
        return Keeper(ARGO_CD, f"Application {application}", gitops=True)
    if labels.get(_ARGO_LABEL):
        return Keeper(ARGO_CD, f"Application {labels[_ARGO_LABEL]}", gitops=True)
    # Helm's charts set the same label, so it is believed only of what Argo CD writes.
    if labels.get(_SHARED_LABEL) and any(writer(str(entry.get("manager", ""))).what == ARGO_CD and writer(
            str(entry.get("manager", ""))).role is Role.GITOPS for entry in _entries(metadata)):
        return Keeper(ARGO_CD, f"Application {labels[_SHARED_LABEL]}", gitops=True)
    return None


def _flux(metadata: Mapping[str, Any]) -> Keeper | None:
    marks = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
    for domain, kind in _FLUX.items():
        name, namespace = marks.get(f"{domain}/name"), marks.get(f"{domain}/namespace")
        if name:
            return Keeper(FLUX, f"{kind} {name}" + (f" in {namespace}" if namespace else ""), gitops=True)
    return None


def _entries(metadata: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from metadata.get("managedFields") or []
