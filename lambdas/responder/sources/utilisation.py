"""What pods and nodes use, against what they asked for and may use.

Formats: the Kubernetes metrics API (PodMetrics and NodeMetrics v1beta1), AWS's page "Amazon EKS and Kubernetes
Container Insights metrics". Either may be missing; each then says so.
"""

from __future__ import annotations

import time
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from responder.clients import aws, kubernetes
from responder.clients.failure import CallFailed
from responder.model.finding import Finding
from responder.model.quantity import quantity
from responder.sources import METRIC_DATA, Question, Source, cluster_access
from responder.sources.kubernetes import SOURCE as KUBERNETES

_API = "apis/metrics.k8s.io/v1beta1"
_PODS = 10_000


def ask(question: Question, api: kubernetes.Kubernetes | None = None) -> list[Finding]:
    """Return per component ``cpu`` and ``memory``, ``node_cpu``, and Container Insights' ``cpu_over_limit``.

    ``cpu`` and ``memory``: value is use as a share of the limits of all its pods (of the requests where there is no
    limit); detail has ``pods``, ``used``, ``limit``, ``requested`` in cores or bytes. ``node_cpu``: the fullest
    node's share of its allocatable CPU.
    """
    service, namespace = question.service, question.service.cluster.namespace
    findings = _insights(question)
    api = api or kubernetes.connect(service.cluster.name, question.deadline)
    limits: dict[str, dict[str, tuple[float, float]]] = {}
    for item in api.items("apis/apps/v1", "deployments", namespace):
        limits[item["metadata"]["name"]] = _limits(item["spec"]["template"]["spec"]["containers"])
    used: dict[str, dict[str, float]] = defaultdict(lambda: {"cpu": 0.0, "memory": 0.0, "pods": 0.0})
    try:
        for item in api.items(_API, "pods", namespace, limit=_PODS):
            # A Deployment's pods bear its name, the template's hash and five characters of chance.
            name = item["metadata"]["name"].rsplit("-", 2)[0]
            used[name]["pods"] += 1
            for container in item.get("containers") or []:
                for resource in ("cpu", "memory"):
                    used[name][resource] += quantity((container.get("usage") or {}).get(resource, "0"))
        nodes = _nodes(question, api)
    except CallFailed as failed:
        if failed.http_status != 404:
            raise
        return [*findings, Finding(SOURCE.name, "cpu", "empty", window=question.window,
                                   note="the cluster serves no metrics.k8s.io: metrics-server is not installed")]
    for component in service.components:
        name = component.deployment
        if not used[name]["pods"] or name not in limits:
            findings.append(Finding(SOURCE.name, "cpu", "empty", component.name, window=question.window,
                                    note="there are no metrics of its pods"))
            continue
        for resource in ("cpu", "memory"):
            limit, requested = (value * used[name]["pods"] for value in limits[name][resource])
            findings.append(Finding(
                SOURCE.name, resource, component=component.name, window=question.window, unit="share of the limit",
                value=round(used[name][resource] / (limit or requested), 3) if limit or requested else None,
                query=f"kubectl -n {namespace} top pods -l app={name}",
                detail={"pods": used[name]["pods"], "used": used[name][resource], "limit": limit,
                        "requested": requested}))
    return [*findings, nodes]


def _limits(containers: list[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    """Per resource: limit and request of one pod."""
    return {resource: (sum(quantity(((c.get("resources") or {}).get("limits") or {}).get(resource, "0"))
                           for c in containers),
                       sum(quantity(((c.get("resources") or {}).get("requests") or {}).get(resource, "0"))
                           for c in containers)) for resource in ("cpu", "memory")}


def _nodes(question: Question, api: kubernetes.Kubernetes) -> Finding:
    allocatable = {item["metadata"]["name"]: quantity(((item.get("status") or {}).get("allocatable") or {}).get("cpu"))
                   for item in api.items("api/v1", "nodes", "")}
    shares = {item["metadata"]["name"]: quantity((item.get("usage") or {}).get("cpu", "0")) / allocatable[
        item["metadata"]["name"]] for item in api.items(_API, "nodes", "")
        if allocatable.get(item["metadata"]["name"])}
    fullest = max(shares, key=lambda name: shares[name], default="")
    return Finding(SOURCE.name, "node_cpu", "ok" if shares else "empty", window=question.window,
                   unit="share of allocatable", value=round(shares[fullest], 3) if shares else None,
                   query="kubectl top nodes", note="" if shares else "there are no metrics of nodes",
                   detail={"fullest": fullest, "nodes": len(shares)})


def _insights(question: Question) -> list[Finding]:
    service = question.service
    names = {f"c{index}": component for index, component in enumerate(service.components)}
    try:
        with aws.failures("CloudWatch"):
            answer = aws.client("cloudwatch", max(2, int(question.deadline - time.monotonic()))).get_metric_data(
                MetricDataQueries=[{"Id": key, "MetricStat": {
                    "Metric": {"Namespace": "ContainerInsights", "MetricName": "pod_cpu_utilization_over_pod_limit",
                               "Dimensions": [{"Name": "ClusterName", "Value": service.cluster.name},
                                              {"Name": "Namespace", "Value": service.cluster.namespace},
                                              {"Name": "PodName", "Value": component.deployment}]},
                    "Period": 10, "Stat": "Average"}} for key, component in names.items()],
                StartTime=datetime.fromtimestamp(question.window.end - 180, UTC),
                EndTime=datetime.fromtimestamp(question.window.end, UTC), ScanBy="TimestampDescending")
    except CallFailed as failed:
        return [Finding(SOURCE.name, "cpu_over_limit", failed.status, window=question.window, note=failed.note)]
    values = {result["Id"]: result["Values"] for result in answer.get("MetricDataResults", [])}
    return [Finding(SOURCE.name, "cpu_over_limit", component=component.name, window=question.window, unit="%",
                    value=round(float(values[key][0]), 1), query="ContainerInsights pod_cpu_utilization_over_pod_limit")
            for key, component in names.items() if values.get(key)]


SOURCE = Source(
    name="utilisation",
    phases=frozenset({"diagnose"}),
    ask=ask,
    statements=lambda service: (*cluster_access(service), METRIC_DATA),
    kubernetes_group=KUBERNETES.kubernetes_group,
)
