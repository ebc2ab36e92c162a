"""Recent code deployments: the revisions of each Deployment, as Kubernetes keeps them.

Format: the Kubernetes API reference (Deployment and ReplicaSet v1); the annotation
``deployment.kubernetes.io/revision`` numbers a Deployment's ReplicaSets. A ReplicaSet's creation is when its revision
was first rolled out; going back to it later raises its number but not that time.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from responder.clients import kubernetes
from responder.clients.workloads import REVISION, gitops, owner
from responder.model.evidence import Finding
from responder.model.evidence.rollouts import Revision, Rollouts
from responder.sources import Query, Source
from responder.sources.kubernetes import SOURCE as PODS
from responder.sources.kubernetes import seconds

_MOST = 20


def collect(query: Query, api: kubernetes.Kubernetes | None = None) -> list[Finding[Rollouts]]:
    """Return per component ``rollouts``; raises CallFailed."""
    service, namespace = query.service, query.service.cluster.namespace
    api = api or kubernetes.connect(service.cluster.name, query.deadline)
    # A namespace may hold thousands of other services' objects: they are not kept.
    mine = {component.deployment for component in service.components}
    deployments = {item["metadata"]["name"]: item for item in api.items("apis/apps/v1", "deployments", namespace)
                   if item["metadata"]["name"] in mine}
    sets: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in api.items("apis/apps/v1", "replicasets", namespace):
        name = owner(item, "Deployment")
        if name in mine:
            sets[name].append(item)
    return [_rollouts(query, component.name, deployments[component.deployment], sets[component.deployment])
            if component.deployment in deployments else
            Finding(source=SOURCE.name, detail=Rollouts(), status="empty", component=component.name,
                    window=query.window, note=f"there is no Deployment {component.deployment} in {namespace}")
            for component in service.components]


def _rollouts(query: Query, component: str, deployment: dict[str, Any],
              sets: list[dict[str, Any]]) -> Finding[Rollouts]:
    metadata = deployment["metadata"]
    revisions = revisions_of(sets, (metadata.get("annotations") or {}).get(REVISION, ""))
    newest = next((revision for revision in revisions if revision.current), None)
    return Finding(
        source=SOURCE.name, status="ok" if revisions else "empty", component=component, window=query.window, unit="s",
        value=round(query.window.end - newest.created, 1) if newest else None,
        query=f"kubectl -n {metadata['namespace']} rollout history deployment/{metadata['name']}",
        detail=Rollouts(revisions=tuple(revisions[:_MOST]), owner=gitops(metadata)))


def revisions_of(sets: list[dict[str, Any]], current: str) -> list[Revision]:
    """Return the revisions among a Deployment's ReplicaSets, newest first."""
    found = []
    for item in sets:
        revision = (item["metadata"].get("annotations") or {}).get(REVISION, "")
        if revision.isdigit():
            found.append(Revision(
                revision=int(revision), replica_set=item["metadata"]["name"], current=revision == current,
                created=seconds(item["metadata"]["creationTimestamp"]),
                images=tuple(container["image"] for container in item["spec"]["template"]["spec"]["containers"])))
    return sorted(found, key=lambda revision: -revision.revision)


SOURCE = Source(
    name="rollouts",
    phases=frozenset({"diagnose"}),
    collect=collect,
    statements=PODS.statements,
    kubernetes_group=PODS.kubernetes_group,
)
