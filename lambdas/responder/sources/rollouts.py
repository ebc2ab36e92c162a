"""Recent code deployments: the revisions of each workload, as its controller keeps them.

Formats: the Kubernetes API reference (ReplicaSet v1 and ControllerRevision v1); the annotations
``deployment.kubernetes.io/revision`` and ``rollout.argoproj.io/revision`` number the ReplicaSets of a Deployment and
of an Argo Rollout, StatefulSets and DaemonSets have ControllerRevisions. The creation of either is when its revision
was first rolled out; going back to it later raises its number but not that time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from responder.clients import kubernetes
from responder.clients.containers import app_of
from responder.clients.failure import CallFailed
from responder.clients.owners import WORKLOADS, Found, Owners, Ref, Workload, find
from responder.clients.workloads import gitops
from responder.model.evidence import Finding
from responder.model.evidence.rollouts import Revision, Rollouts
from responder.model.plain_json import whole_number
from responder.model.service import Component
from responder.sources import KUBERNETES_API, KUBERNETES_LIMIT, Budget, Query, Source, of_cluster
from responder.sources.kubernetes import SOURCE as PODS
from responder.sources.kubernetes import seconds

_MOST = 20
_FORBIDDEN = 403
_NUMBERS = {"Deployment": "deployment.kubernetes.io/revision", "Rollout": "rollout.argoproj.io/revision"}
"""Annotation that numbers the ReplicaSets of a kind."""
_HASH = "rollouts-pod-template-hash"
_SETS, _REVISIONS = "replicasets", "controllerrevisions"


def collect(query: Query, api: kubernetes.Kubernetes | None = None) -> list[Finding[Rollouts]]:
    """Return per component ``rollouts``; raises CallFailed."""
    service = query.service
    api = api or kubernetes.connect(service.cluster.name, query.deadline)
    findings: dict[str, Finding[Rollouts]] = {}
    for namespace in service.namespaces:
        mine = [component for component in service.components if service.namespace(component.name) == namespace]
        found = find(api, namespace, *mine)
        history, unread = _history(api, found, mine)
        for component in mine:
            workload = found.workloads.get(component.name)
            findings[component.name] = Finding(
                source=SOURCE.name, detail=Rollouts(), status="empty", component=component.name, window=query.window,
                note=found.missing[component.name]) if workload is None else _rollouts(
                query, component.name, workload, history[workload.ref],
                unread if not WORKLOADS[workload.ref.kind].by_sets else "")
    return [findings[component.name] for component in service.components]


class _Kept(NamedTuple):
    """One revision, as its controller keeps it."""

    revision: Revision
    hash: str
    """The hash of a Rollout's template; empty for other kinds."""


def _history(api: kubernetes.Kubernetes, found: Found,
             components: list[Component]) -> tuple[dict[Ref, list[_Kept]], str]:
    """Return the revisions of each workload, and what could not be read.

    A namespace may hold thousands of other services' objects: they are not kept.
    """
    component_of = {found.workloads[component.name].ref: component for component in components
                    if component.name in found.workloads}
    whose = Owners(component_of)
    history: dict[Ref, list[_Kept]] = defaultdict(list)
    by_sets = {WORKLOADS[ref.kind].by_sets for ref in component_of}
    unread = ""
    for plural in [plural for plural, own in ((_SETS, True), (_REVISIONS, False)) if own in by_sets]:
        try:
            for item in api.items("apis/apps/v1", plural, found.namespace):
                ref = whose.of(item)
                if ref is None:
                    continue
                kept = _revision(item, ref, component_of[ref])
                if kept is not None:
                    history[ref].append(kept)
        except CallFailed as failed:
            # Rights of before do not name ControllerRevisions.
            if plural == _SETS or failed.http_status != _FORBIDDEN:
                raise
            unread = f"{plural} may not be read"
    return history, unread


def _revision(item: dict[str, Any], ref: Ref, component: Component) -> _Kept | None:
    """Read a ReplicaSet or a ControllerRevision; None: it has no number."""
    metadata = item["metadata"]
    number = str((metadata.get("annotations") or {}).get(_NUMBERS[ref.kind], "")) if ref.kind in _NUMBERS else str(
        item.get("revision", ""))
    revision = whole_number(number)
    if revision is None:
        return None
    template = ((item if ref.kind in _NUMBERS else item.get("data") or {}).get("spec") or {}).get("template") or {}
    return _Kept(Revision(
        revision=revision, replica_set=metadata["name"], current=False,
        created=seconds(metadata["creationTimestamp"]), images=_images(component, template)),
        str((metadata.get("labels") or {}).get(_HASH, "")))


def _images(component: Component, template: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the images of a template's containers, the application's first: its tag is the component's version."""
    app = app_of(component, template).name
    containers = (template.get("spec") or {}).get("containers") or []
    return tuple(container.get("image", "") for container in sorted(
        containers, key=lambda container: container.get("name", "") != app))


def _rollouts(query: Query, component: str, workload: Workload, kept: list[_Kept], unread: str) -> Finding[Rollouts]:
    metadata, ref = workload.item["metadata"], workload.ref
    current = _current(workload, kept)
    revisions = sorted((replace(one.revision, current=one.revision.replica_set == current) for one in kept),
                       key=lambda revision: -revision.revision)
    newest = next((revision for revision in revisions if revision.current), None)
    return Finding(
        source=SOURCE.name, status="ok" if revisions else "empty", component=component, window=query.window, unit="s",
        value=round(query.window.end - newest.created, 1) if newest else None,
        note=unread or _note(workload, revisions),
        query=f"kubectl -n {ref.namespace} rollout history {ref}" if ref.kind != "Rollout" else
        f"kubectl argo rollouts -n {ref.namespace} get rollout {ref.name}",
        detail=Rollouts(revisions=tuple(revisions[:_MOST]), owner=gitops(metadata) or _by_flagger(workload)))


def _current(workload: Workload, kept: list[_Kept]) -> str:
    """Return the name of what holds the current revision: the one that is rolled out, or to which was gone back."""
    status, annotations = workload.item.get("status") or {}, workload.item["metadata"].get("annotations") or {}
    kind = workload.ref.kind
    if kind == "Rollout":
        # A Rollout that was aborted serves the revision before, and keeps the number of the one that failed.
        now = str((status.get("stableRS") if status.get("abort") else status.get("currentPodHash")) or "")
        found = next((one.revision.replica_set for one in kept if now and one.hash == now), "")
        if found:
            return found
    if kind == "StatefulSet" and status.get("updateRevision"):
        return str(status["updateRevision"])
    if kind in _NUMBERS and _NUMBERS[kind] in annotations:
        number = str(annotations[_NUMBERS[kind]])
        return next((one.revision.replica_set for one in kept if str(one.revision.revision) == number), "")
    # The controllers of the other kinds give the revision in use the highest number.
    newest = max(kept, key=lambda one: one.revision.revision, default=None)
    return newest.revision.replica_set if newest and (kind != "Deployment") else ""


def _note(workload: Workload, revisions: list[Revision]) -> str:
    """Say why there is no earlier revision, where that is by intention."""
    kept = (workload.item.get("spec") or {}).get("revisionHistoryLimit")
    if len(revisions) < 2 and kept == 0:
        return "earlier revisions are not kept (revisionHistoryLimit: 0)"
    return workload.note


def _by_flagger(workload: Workload) -> str:
    return "Flagger" if workload.controller.startswith("canary/") else ""


SOURCE = Source(
    name="rollouts",
    phases=frozenset({"diagnose"}),
    collect=collect,
    statements=PODS.statements,
    kubernetes_group=PODS.kubernetes_group,
    past=False,
    budget=Budget(KUBERNETES_API, 20, 1.0, KUBERNETES_LIMIT, scope=of_cluster,
                  a_look=lambda query: 6 * len(query.service.namespaces)),
)
