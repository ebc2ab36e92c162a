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
from responder.model.finding import Finding
from responder.sources import Question, Source
from responder.sources.kubernetes import SOURCE as PODS
from responder.sources.kubernetes import seconds


def ask(question: Question, api: kubernetes.Kubernetes | None = None) -> list[Finding]:
    """Return per component ``rollouts``; raises CallFailed.

    The value is how many seconds before the window's end the current revision was created. Detail has ``revisions``
    [{revision, replica_set, images, created, current}], newest first, and ``owner``: the GitOps tool that owns the
    Deployment, or an empty text.
    """
    service, namespace = question.service, question.service.cluster.namespace
    api = api or kubernetes.connect(service.cluster.name, question.deadline)
    # A namespace may hold thousands that are none of the service's: they are not kept.
    mine = {component.deployment for component in service.components}
    deployments = {item["metadata"]["name"]: item for item in api.items("apis/apps/v1", "deployments", namespace)
                   if item["metadata"]["name"] in mine}
    sets: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in api.items("apis/apps/v1", "replicasets", namespace):
        name = owner(item, "Deployment")
        if name in mine:
            sets[name].append(item)
    return [_rollouts(question, component.name, deployments[component.deployment], sets[component.deployment])
            if component.deployment in deployments else
            Finding(SOURCE.name, "rollouts", "empty", component.name, window=question.window,
                    note=f"there is no Deployment {component.deployment} in {namespace}")
            for component in service.components]


def _rollouts(question: Question, component: str, deployment: dict[str, Any],
              sets: list[dict[str, Any]]) -> Finding:
    metadata = deployment["metadata"]
    current = (metadata.get("annotations") or {}).get(REVISION, "")
    revisions = revisions_of(sets, current)
    newest = next((revision for revision in revisions if revision["current"]), None)
    return Finding(
        SOURCE.name, "rollouts", "ok" if revisions else "empty", component, window=question.window, unit="s",
        value=round(question.window.end - newest["created"], 1) if newest else None,
        query=f"kubectl -n {metadata['namespace']} rollout history deployment/{metadata['name']}",
        detail={"revisions": revisions[:20], "owner": gitops(metadata)})


def revisions_of(sets: list[dict[str, Any]], current: str) -> list[dict[str, Any]]:
    """Return the revisions among a Deployment's ReplicaSets, newest first."""
    found = []
    for item in sets:
        revision = (item["metadata"].get("annotations") or {}).get(REVISION, "")
        if revision.isdigit():
            found.append({
                "revision": int(revision), "replica_set": item["metadata"]["name"], "current": revision == current,
                "created": seconds(item["metadata"]["creationTimestamp"]),
                "images": [container["image"] for container in item["spec"]["template"]["spec"]["containers"]]})
    return sorted(found, key=lambda revision: -revision["revision"])


SOURCE = Source(
    name="rollouts",
    phases=frozenset({"diagnose"}),
    ask=ask,
    statements=PODS.statements,
    kubernetes_group=PODS.kubernetes_group,
)
