"""CPU and memory of pods and nodes, from the requests that they served: metrics.k8s.io and Container Insights.

Formats: the Kubernetes metrics API (PodMetrics and NodeMetrics v1beta1), and AWS's page "Amazon EKS and Kubernetes
Container Insights metrics".
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox.places import CLUSTER, NAMESPACE
from sandbox.platform.cluster import Cluster, Object
from sandbox.platform.flow import Served
from sandbox.platform.objects import KINDS
from sandbox.platform.versions import PROXY

_CPU_MILLICORES_IDLE = 5.0
_PROXY_MILLICORES_IDLE, _PROXY_MILLICORES_A_REQUEST, _PROXY_LIMIT_MILLICORES = 8.0, 3.0, 2000.0
_API = "/apis/metrics.k8s.io/v1beta1"


class Usage:
    """Counts work and shows it as CPU and memory."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._work: dict[str, tuple[str, list[int]]] = {}
        """Pod to its component and requests in each of the last seconds."""
        self._written: set[str] = set()

    def count(self, served: Iterable[Served]) -> None:
        """Count the requests of one second."""
        now: dict[str, tuple[str, int]] = {}
        for item in served:
            if item.pod:  # It has a row for each of its callers.
                now[item.pod] = (item.component, item.requests + now.get(item.pod, ("", 0))[1])
        for pod in set(self._work) | set(now):
            component, last = self._work.get(pod, (now.get(pod, ("", 0))[0], []))
            self._work[pod] = (component, [*last[-14:], now.get(pod, ("", 0))[1]])
        self._work = {pod: value for pod, value in self._work.items() if any(value[1]) or pod in now}

    def cpu_millicores(self, pod: str, limit: float) -> float:
        """CPU of a pod: a pod at its capacity uses nine tenths of its limit."""
        component, last = self._work.get(pod, ("", []))
        if component not in KINDS or not last:
            return _CPU_MILLICORES_IDLE
        share = sum(last) / len(last) / KINDS[component].capacity
        return min(limit, _CPU_MILLICORES_IDLE + share * 0.9 * limit)

    def proxy_millicores(self, pod: str) -> float:
        """CPU of the mesh's proxy in a pod: some at rest, and some for each request."""
        _, last = self._work.get(pod, ("", []))
        return _PROXY_MILLICORES_IDLE + _PROXY_MILLICORES_A_REQUEST * (sum(last) / len(last) if last else 0.0)

    def write(self, pods: Iterable[Object], held_mib: Mapping[str, float] | None = None) -> None:
        """Write PodMetrics and NodeMetrics, as metrics-server serves them; ``held_mib``: what pods' processes hold."""
        moment = datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        nodes: dict[str, list[float]] = {}
        seen: set[str] = set()
        for pod in pods:
            name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
            containers = []
            for container in _running(pod):
                if container["name"] == PROXY:
                    cpu, memory = self.proxy_millicores(name), _proxy_mib(pod)
                else:
                    cpu = self.cpu_millicores(name, _limit_millicores(container))
                    memory = (held_mib or {}).get(name) or _memory_mib(container["name"])
                containers.append({"name": container["name"], "usage": {
                    "cpu": f"{cpu:.0f}m", "memory": f"{memory:.0f}Mi"}})
                used = nodes.setdefault(pod["spec"].get("nodeName", ""), [0.0, 0.0])
                used[0] += cpu
                used[1] += memory
            path = f"{_API}/namespaces/{namespace}/pods"
            seen.add(f"{path}/{name}")
            self._put(path, {"apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics",
                             "metadata": {"name": name, "namespace": namespace}, "timestamp": moment,
                             "window": "15s", "containers": containers})
        for node, (cpu, memory) in nodes.items():
            seen.add(f"{_API}/nodes/{node}")
            self._put(f"{_API}/nodes", {
                "apiVersion": "metrics.k8s.io/v1beta1", "kind": "NodeMetrics", "metadata": {"name": node},
                "timestamp": moment, "window": "15s", "usage": {"cpu": f"{cpu + 120:.0f}m",
                                                                "memory": f"{memory + 700:.0f}Mi"}})
        for path in self._written - seen:
            self._cluster.delete_now(path)
        self._written = seen

    def insights(self, period: float, proxies: bool = False,
                 held_mib: Mapping[str, float] | None = None) -> list[dict[str, Any]]:
        """Container Insights' utilisation of each workload's pods against their limits, in per cent.

        A pod's limit is the sum of its containers'; ``proxies``: each pod has the mesh's beside the app.
        """
        found: dict[str, list[float]] = {}
        for pod, (component, _) in self._work.items():
            if component in KINDS:
                limit = _limit_of(KINDS[component].cpu_limit)
                used = self.cpu_millicores(pod, limit) + (self.proxy_millicores(pod) if proxies else 0.0)
                whole = limit + (_PROXY_LIMIT_MILLICORES if proxies else 0.0)
                found.setdefault(component, []).append(used / whole * 100)
        held = {component: [mib for pod, (its, _) in self._work.items() if its == component
                            for mib in [(held_mib or {}).get(pod)] if mib] for component in found}
        memory = [metric for component, values in held.items() if values
                  for metric in memory_metrics(component, sum(values) / len(values), period)]
        return memory + [{"MetricName": "pod_cpu_utilization_over_pod_limit", "Unit": "Percent", "Timestamp": period,
                 "Value": sum(values) / len(values),
                 "Dimensions": [{"Name": "ClusterName", "Value": CLUSTER}, {"Name": "Namespace", "Value": NAMESPACE},
                                {"Name": "PodName", "Value": component}]}
                for component, values in sorted(found.items())]

    def _put(self, path: str, body: Object) -> None:
        full = f"{path}/{body['metadata']['name']}"
        if full in self._written:
            self._cluster.merge(full, {key: body[key] for key in body if key not in ("apiVersion", "kind", "metadata")})
        else:
            self._cluster.create(path, body)


def memory_metrics(component: str, mib: float, at: float) -> list[dict[str, Any]]:
    """Container Insights' memory of a workload's pods against their limits, in per cent."""
    limit = float(KINDS[component].memory_limit.removesuffix("Mi"))
    return [{"MetricName": "pod_memory_utilization_over_pod_limit", "Unit": "Percent", "Timestamp": at,
             "Value": mib / limit * 100, "Dimensions": [
                 {"Name": "ClusterName", "Value": CLUSTER}, {"Name": "Namespace", "Value": NAMESPACE},
                 {"Name": "PodName", "Value": component}]}]


def definitions() -> list[Object]:
    """The two kinds as CustomResourceDefinitions, which stand for metrics-server's aggregated API."""
    return [{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
             "metadata": {"name": f"{plural}.metrics.k8s.io", "annotations": {
                 "api-approved.kubernetes.io": "https://github.com/kubernetes/metrics"}},
             "spec": {"group": "metrics.k8s.io", "scope": scope,
                      "names": {"plural": plural, "singular": plural[:-1], "kind": kind, "listKind": f"{kind}List"},
                      "versions": [{"name": "v1beta1", "served": True, "storage": True, "schema": {
                          "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}}
            for plural, kind, scope in (("pods", "PodMetrics", "Namespaced"), ("nodes", "NodeMetrics", "Cluster"))]


def _running(pod: Object) -> list[Object]:
    """The containers that go on, a native sidecar among them, as the kubelet's summary has them."""
    first = [item for item in pod["spec"].get("initContainers") or [] if item.get("restartPolicy") == "Always"]
    return [*first, *pod["spec"]["containers"]]


def _proxy_mib(pod: Object) -> float:
    """Memory of a proxy: between 60 and 250 MiB, by pod."""
    return 60.0 + int(hashlib.sha256(pod["metadata"]["uid"].encode()).hexdigest()[:6], 16) % 190


def _limit_millicores(container: Object) -> float:
    return _limit_of(str(((container.get("resources") or {}).get("limits") or {}).get("cpu", "1")))


def _limit_of(text: str) -> float:
    return float(text[:-1]) if text.endswith("m") else float(text) * 1000


def _memory_mib(component: str) -> float:
    return KINDS[component].memory_mib if component in KINDS else 40.0
