"""What pods and nodes use, against what they asked for and may use.

Formats: the Kubernetes metrics API (PodMetrics and NodeMetrics v1beta1), AWS's page "Amazon EKS and Kubernetes
Container Insights metrics". Either may be missing; each then says so.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from responder.clients import aws, kubernetes
from responder.clients.failure import CallFailed
from responder.model.evidence import Detail, Finding
from responder.model.evidence.cpu import Cpu
from responder.model.evidence.cpu_over_limit import CpuOverLimit
from responder.model.evidence.memory import Memory
from responder.model.evidence.node_cpu import NodeCpu
from responder.model.quantity import quantity
from responder.model.service import Component
from responder.sources import METRIC_DATA, Query, Source, cluster_access
from responder.sources.kubernetes import SOURCE as KUBERNETES

_API = "apis/metrics.k8s.io/v1beta1"
_PODS = 10_000
_NOT_FOUND = 404
_MINUTE = 60
"""Container Insights publishes each minute: AWS's page "MetricStat" has no data for a shorter period."""
_INSIGHTS_SECONDS = 240.0
"""A minute takes one, and is published one or two later."""


def collect(query: Query, api: kubernetes.Kubernetes | None = None) -> list[Finding[Detail]]:
    """Return per component ``cpu`` and ``memory``, ``node_cpu``, and Container Insights' ``cpu_over_limit``.

    A share is of the limits of all a component's pods, or of their requests where there is no limit.
    """
    namespace = query.service.cluster.namespace
    findings: list[Finding[Detail]] = [*_insights(query)]
    api = api or kubernetes.connect(query.service.cluster.name, query.deadline)
    allowed = {item["metadata"]["name"]: _Allowed.of(item["spec"]["template"]["spec"]["containers"])
               for item in api.items("apis/apps/v1", "deployments", namespace)}
    try:
        used = _used(api, namespace)
        nodes = _nodes(query, api)
    except CallFailed as failed:
        if failed.http_status != _NOT_FOUND:
            raise
        return [*findings, Finding(
            source=SOURCE.name, detail=Cpu(), status="empty", window=query.window,
            note="the cluster serves no metrics.k8s.io: metrics-server is not installed")]
    for component in query.service.components:
        name = component.deployment
        if not used[name].pods or name not in allowed:
            findings.append(Finding(source=SOURCE.name, detail=Cpu(), status="empty", component=component.name,
                                    window=query.window, note="there are no metrics of its pods"))
            continue
        findings += _shares(query, component, used[name], allowed[name])
    return [*findings, nodes]


@dataclass
class _Used:
    """What the pods of one Deployment use, added up as they are read."""

    pods: int = 0
    cpu: float = 0.0
    """Cores."""
    memory: float = 0.0
    """Bytes."""


@dataclass(frozen=True)
class _Allowed:
    """What one pod may use, and what it has asked for; 0: nothing is set."""

    cpu_limit: float
    cpu_request: float
    memory_limit: float
    memory_request: float

    @classmethod
    def of(cls, containers: list[dict[str, Any]]) -> _Allowed:
        """Add up a pod's containers."""
        cpu_limit, cpu_request, memory_limit, memory_request = (
            sum(quantity(((container.get("resources") or {}).get(kind) or {}).get(resource, "0"))
                for container in containers)
            for resource in ("cpu", "memory") for kind in ("limits", "requests"))
        return cls(cpu_limit, cpu_request, memory_limit, memory_request)


def _used(api: kubernetes.Kubernetes, namespace: str) -> dict[str, _Used]:
    """Return what the pods of each Deployment use, by its name."""
    used: dict[str, _Used] = defaultdict(_Used)
    for item in api.items(_API, "pods", namespace, limit=_PODS):
        # A Deployment's pods bear its name, the template's hash and five characters of chance.
        mine = used[item["metadata"]["name"].rsplit("-", 2)[0]]
        mine.pods += 1
        for container in item.get("containers") or []:
            usage = container.get("usage") or {}
            mine.cpu += quantity(usage.get("cpu", "0"))
            mine.memory += quantity(usage.get("memory", "0"))
    return used


def _shares(query: Query, component: Component, used: _Used, allowed: _Allowed) -> list[Finding[Detail]]:
    cpu = Cpu(pods=used.pods, used=used.cpu, limit=allowed.cpu_limit * used.pods,
              requested=allowed.cpu_request * used.pods)
    memory = Memory(pods=used.pods, used=used.memory, limit=allowed.memory_limit * used.pods,
                    requested=allowed.memory_request * used.pods)
    return [Finding(
        source=SOURCE.name, component=component.name, window=query.window, unit="share of the limit", detail=detail,
        value=round(detail.used / (detail.limit or detail.requested), 3) if detail.limit or detail.requested else None,
        query=f"kubectl -n {query.service.cluster.namespace} top pods -l app={component.deployment}")
        for detail in (cpu, memory)]


def _nodes(query: Query, api: kubernetes.Kubernetes) -> Finding[NodeCpu]:
    allocatable = {item["metadata"]["name"]: quantity(((item.get("status") or {}).get("allocatable") or {}).get("cpu"))
                   for item in api.items("api/v1", "nodes", "")}
    shares = {item["metadata"]["name"]: quantity((item.get("usage") or {}).get("cpu", "0")) / allocatable[
        item["metadata"]["name"]] for item in api.items(_API, "nodes", "")
        if allocatable.get(item["metadata"]["name"])}
    fullest = max(shares, key=lambda name: shares[name], default="")
    return Finding(
        source=SOURCE.name, status="ok" if shares else "empty", window=query.window, unit="share of allocatable",
        value=round(shares[fullest], 3) if shares else None, query="kubectl top nodes",
        note="" if shares else "there are no metrics of nodes", detail=NodeCpu(fullest=fullest, nodes=len(shares)))


def _insights(query: Query) -> list[Finding[CpuOverLimit]]:
    service = query.service
    names = {f"c{index}": component for index, component in enumerate(service.components)}
    try:
        with aws.failures("CloudWatch"):
            answer = aws.client("cloudwatch", max(2, int(query.deadline - time.monotonic()))).get_metric_data(
                MetricDataQueries=[{"Id": key, "MetricStat": {
                    "Metric": {"Namespace": "ContainerInsights", "MetricName": "pod_cpu_utilization_over_pod_limit",
                               "Dimensions": [{"Name": "ClusterName", "Value": service.cluster.name},
                                              {"Name": "Namespace", "Value": service.cluster.namespace},
                                              {"Name": "PodName", "Value": component.deployment}]},
                    "Period": _MINUTE, "Stat": "Average"}} for key, component in names.items()],
                StartTime=datetime.fromtimestamp((query.window.end - _INSIGHTS_SECONDS) // _MINUTE * _MINUTE, UTC),
                EndTime=datetime.fromtimestamp(query.window.end, UTC), ScanBy="TimestampDescending")
    except CallFailed as failed:
        return [Finding(source=SOURCE.name, detail=CpuOverLimit(), status=failed.status, window=query.window,
                        note=failed.note)]
    values = {result["Id"]: result["Values"] for result in answer.get("MetricDataResults", [])}
    return [Finding(source=SOURCE.name, detail=CpuOverLimit(), component=component.name, window=query.window, unit="%",
                    value=round(float(values[key][0]), 1), query="ContainerInsights pod_cpu_utilization_over_pod_limit")
            for key, component in names.items() if values.get(key)]


SOURCE = Source(
    name="utilisation",
    phases=frozenset({"diagnose"}),
    collect=collect,
    statements=lambda service: (*cluster_access(service), METRIC_DATA),
    kubernetes_group=KUBERNETES.kubernetes_group,
)
