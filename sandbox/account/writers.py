"""Controllers and tools that write to the platform's own objects in a busy account; none of it is a person's change.

The platform is installed by Helm. An autoscaler of the frontend has just taken a pod away, by the ``scale``
subresource; its owner then let it rest, so that a drill's pods are its own affair. Karpenter has tainted a node and
thought better of it. Sources: Kubernetes' pages "Server-Side Apply" (managers of fields) and "Horizontal Pod
Autoscaling" (``selectPolicy: Disabled``); Helm's "Labels and Annotations"; Karpenter's "Disruption".
"""

from __future__ import annotations

import time
from typing import Any

from sandbox.places import NAMESPACE
from sandbox.platform.cluster import Cluster, Object
from sandbox.platform.containers import iso

HELM, HPA, KARPENTER = "helm", "kube-controller-manager", "karpenter"
"""Names under which they write."""
SCALED = "frontend"
_NODE = "/api/v1/nodes/node-c"
_RESTS = {"selectPolicy": "Disabled"}


def installed(manifest: Object) -> Object:
    """A manifest as Helm writes it."""
    metadata = manifest["metadata"]
    return {**manifest, "metadata": {
        **metadata, "labels": {**(metadata.get("labels") or {}), "app.kubernetes.io/managed-by": "Helm",
                               "helm.sh/chart": "payments-4.2.0"},
        "annotations": {**(metadata.get("annotations") or {}), "meta.helm.sh/release-name": "payments",
                        "meta.helm.sh/release-namespace": NAMESPACE}}}


def scaler() -> Object:
    """The frontend's autoscaler."""
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": SCALED, "namespace": NAMESPACE}, "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": SCALED},
                "minReplicas": 1, "maxReplicas": 8, "behavior": {"scaleUp": _RESTS, "scaleDown": _RESTS},
                "metrics": [{"type": "Resource", "resource": {
                    "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}]}}


def write(cluster: Cluster, replicas: int) -> None:
    """Let the autoscaler set the frontend's pods, and Karpenter taint a node and take the taint away."""
    cluster.request("PATCH", f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{SCALED}/scale?fieldManager={HPA}",
                    {"spec": {"replicas": replicas}}, "application/merge-patch+json")
    cluster.create(f"/api/v1/namespaces/{NAMESPACE}/events", _rescaled(replicas))
    taint: list[dict[str, Any]] = [{"key": "karpenter.sh/disrupted", "effect": "NoSchedule"}]
    for taints in (taint, []):
        cluster.request("PATCH", f"{_NODE}?fieldManager={KARPENTER}", {
            "metadata": {"labels": {"karpenter.sh/initialized": "true"}}, "spec": {"taints": taints}},
            "application/merge-patch+json")


def _rescaled(replicas: int) -> Object:
    moment = iso(time.time())
    return {"apiVersion": "v1", "kind": "Event", "metadata": {
        "name": f"{SCALED}.rescaled-{int(time.time())}", "namespace": NAMESPACE},
        "involvedObject": {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "name": SCALED,
                           "namespace": NAMESPACE},
        "type": "Normal", "reason": "SuccessfulRescale", "count": 1, "firstTimestamp": moment, "lastTimestamp": moment,
        "message": f"New size: {replicas}; reason: All metrics below target",
        "source": {"component": "horizontal-pod-autoscaler"}}
