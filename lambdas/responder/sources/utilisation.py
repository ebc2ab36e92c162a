"""What pods and nodes use, against what they asked for and may use.

Formats: the Kubernetes metrics API (PodMetrics and NodeMetrics v1beta1), AWS's page "Amazon EKS and Kubernetes
Container Insights metrics". Either may be missing; each then says so.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from responder.clients import aws, insights, kubernetes
from responder.clients.containers import app_of, goes_on
from responder.clients.failure import CallFailed
from responder.clients.owners import WORKLOADS, Owners, Ref, Workload, find, is_over, owners
from responder.model.evidence import Detail, Finding
from responder.model.evidence.cpu import Cpu
from responder.model.evidence.cpu_over_limit import CpuOverLimit
from responder.model.evidence.memory import Memory
from responder.model.evidence.node_cpu import NodeCpu
from responder.model.evidence.wear import Resource, Sample, Wear
from responder.model.quantity import quantity
from responder.model.service import Component
from responder.plan.wear import MEMORY
from responder.sources import METRIC_DATA, Query, Source, cluster_access, metric_data_budget
from responder.sources.kubernetes import SOURCE as KUBERNETES

_API = "apis/metrics.k8s.io/v1beta1"
_PODS = 10_000
_FORBIDDEN, _NOT_FOUND = 403, 404
_OLD_SECONDS = 180.0
"""metrics-server measures each 15 s, or each minute on EKS: what is older is of a pod that it lost."""
_MANY = 1_000
"""Of more pods than these the metrics alone are read: each pod's object is eight times as long."""
_FULLEST = 50
_PER_CENT = 100.0
_MINUTE = 60
"""Container Insights publishes each minute: AWS's page "MetricStat" has no data for a shorter period."""
_INSIGHTS_SECONDS = 240.0
"""A minute takes one, and is published one or two later."""


def collect(query: Query, api: kubernetes.Kubernetes | None = None) -> list[Finding[Detail]]:
    """Return per component ``cpu`` and ``memory``, ``node_cpu``; of Container Insights ``cpu_over_limit`` and ``wear``.

    A share is of the limits of the applications of all a component's pods, or of their requests where there is no
    limit; what stands beside the application is told apart.
    """
    service = query.service
    api = api or kubernetes.connect(service.cluster.name, query.deadline)
    found = {namespace: _Namespace(query, api, namespace) for namespace in service.namespaces}
    names = {component.name: found[service.namespace(component.name)].name_of(component)
             for component in service.components}
    findings: list[Finding[Detail]] = [*_insights(query, names), *_tends(query, names)]
    try:
        for one in found.values():
            one.read(query, api)
        nodes = _nodes(query, api)
    except CallFailed as failed:
        if failed.http_status != _NOT_FOUND:
            raise
        return [*findings, Finding(
            source=SOURCE.name, detail=Cpu(), status="empty", window=query.window,
            note="the cluster serves no metrics.k8s.io: metrics-server is not installed")]
    for component in service.components:
        findings += found[service.namespace(component.name)].findings(query, component)
    return [*findings, nodes]


@dataclass
class _Sum:
    """What containers of one name use and may use, added up as they are read."""

    used: float = 0.0
    limit: float = 0.0
    """0: at least one has none."""
    requested: float = 0.0
    unlimited: bool = False

    def add(self, used: float, allowed: _Allowed) -> None:
        """Add one container."""
        self.used += used
        self.unlimited = self.unlimited or not allowed.limit
        self.limit = 0.0 if self.unlimited else self.limit + allowed.limit
        self.requested += allowed.request


class _Allowed(NamedTuple):
    """What one container may use of CPU or memory, and what it has asked for; 0: nothing is set."""

    limit: float
    request: float


_Resources = tuple[_Allowed, _Allowed]
"""CPU in cores, and memory in bytes."""


class _Pod(NamedTuple):
    """Whose a pod is, and what its containers may use by name."""

    ref: Ref
    app: str
    allowed: dict[str, _Resources]


@dataclass
class _Used:
    """What the pods of one workload use."""

    pods: int = 0
    cpu: dict[str, _Sum] = field(default_factory=lambda: defaultdict(_Sum))
    """By container, in cores."""
    memory: dict[str, _Sum] = field(default_factory=lambda: defaultdict(_Sum))
    """By container, in bytes."""
    shares: dict[str, float] = field(default_factory=dict)
    """Pod to the share of its limit that the memory of its application is, where it has one."""


class _Measure(NamedTuple):
    """What metrics-server says of one pod."""

    pod: str
    containers: tuple[tuple[str, float, float], ...]
    """Name, cores and bytes."""


class _Namespace:
    """The workloads of one namespace, and what their pods use."""

    def __init__(self, query: Query, api: kubernetes.Kubernetes, namespace: str) -> None:
        """Find the workloads; raises CallFailed."""
        self._namespace = namespace
        self._mine = [one for one in query.service.components if query.service.namespace(one.name) == namespace]
        self._found = find(api, namespace, *self._mine)
        self._used: dict[Ref, _Used] = defaultdict(_Used)

    def name_of(self, component: Component) -> tuple[str, str]:
        """Return the namespace and the name of a component's workload, as Container Insights calls its pods."""
        found = self._found.workloads.get(component.name)
        return self._namespace, found.ref.name if found else component.deployment

    def read(self, query: Query, api: kubernetes.Kubernetes) -> None:
        """Add up what the pods use; raises CallFailed, with 404 where there is no metrics-server."""
        oldest = query.window.end - _OLD_SECONDS
        measures = [measure for item in api.items(_API, "pods", self._namespace, limit=_PODS)
                    if (measure := _measure(item, oldest))]
        if len(measures) > _MANY:
            # So many pods are long to read: their ReplicaSets' names begin theirs, and their templates tell the rest.
            pods, whose = {}, owners(api, self._namespace, self._components())
        else:
            pods, whose = self._pods(api), None
        for measure in measures:
            pod = pods.get(measure.pod) if pods else self._named(measure.pod, whose)
            if pod is None:
                continue
            used = self._used[pod.ref]
            used.pods += 1
            for name, cores, size in measure.containers:
                cpu, memory = pod.allowed.get(name or pod.app, (_Allowed(0, 0), _Allowed(0, 0)))
                # The application may have another name in older pods.
                own = "" if name in ("", pod.app) else name
                used.cpu[own].add(cores, cpu)
                used.memory[own].add(size, memory)
                if not own and memory.limit:
                    used.shares[measure.pod] = round(size / memory.limit, 3)

    def _components(self) -> dict[Ref, Component]:
        """Return the component of each workload that was found."""
        return {self._found.workloads[one.name].ref: one for one in self._mine
                if one.name in self._found.workloads}

    def _pods(self, api: kubernetes.Kubernetes) -> dict[str, _Pod]:
        """Return the pods by name, with what each may use; none where they may not be read."""
        components = self._components()
        found: dict[str, _Pod] = {}
        seen: dict[tuple[Ref, str], tuple[str, dict[str, _Resources]]] = {}
        for ref, item in self._owned(api, components):
            # Pods of one template are alike, unless one was resized: they share what is read of them.
            alike = ref, repr(_resources(item))
            if alike not in seen:
                seen[alike] = app_of(components[ref], item).name, {
                    name: _allowed(resources) for name, resources in _resources(item)}
            found[item["metadata"]["name"]] = _Pod(ref, *seen[alike])
        return found

    def _owned(self, api: kubernetes.Kubernetes, refs: Iterable[Ref]) -> Iterator[tuple[Ref, dict[str, Any]]]:
        """Yield the pods that belong to workloads and are not over; none where they may not be read."""
        try:
            whose = owners(api, self._namespace, refs)
            for item in api.items("api/v1", "pods", self._namespace, limit=_PODS):
                ref = whose.of(item)
                if ref is not None and not is_over(item):
                    yield ref, item
        except CallFailed as failed:
            if failed.http_status not in (_FORBIDDEN, _NOT_FOUND):
                raise

    def _named(self, name: str, whose: Owners | None) -> _Pod | None:
        """Return whose a pod is by its name: it begins with that of its ReplicaSet, which has its owner.

        Where ReplicaSets are not known either, a Deployment's and a Rollout's pods bear its name, the template's hash
        and five characters of chance. A DaemonSet's pods lack the hash, and a StatefulSet's have a number.
        """
        first = name.rpartition("-")[0]
        ref = whose.named("ReplicaSet", first) if whose else None
        for component in self._mine:
            workload = self._found.workloads.get(component.name)
            if workload is None:
                continue
            by_sets = WORKLOADS[workload.ref.kind].by_sets
            cut = first.rpartition("-")[0] if by_sets else first
            if ref == workload.ref or (ref is None and not (whose and by_sets) and workload.ref.name == cut):
                return _Pod(workload.ref, app_of(component, workload.template).name, {
                    own: _allowed(resources) for own, resources in _resources(workload.template)})
        return None

    def findings(self, query: Query, component: Component) -> list[Finding[Detail]]:
        """Return what a component's pods use."""
        workload = self._found.workloads.get(component.name)
        used = self._used.get(workload.ref) if workload else None
        if workload is None or used is None:
            return [Finding(source=SOURCE.name, detail=Cpu(), status="empty", component=component.name,
                            window=query.window, note="there are no metrics of its pods that are of now")]
        return _shares(query, component, workload, used)


def _measure(item: dict[str, Any], oldest: float) -> _Measure | None:
    """Read PodMetrics; None: they are older than ``oldest``, seconds since 1970 (UTC)."""
    if item.get("timestamp") and datetime.fromisoformat(item["timestamp"]).timestamp() < oldest:
        return None
    return _Measure(item["metadata"]["name"], tuple(
        (str(one.get("name", "")), quantity(usage.get("cpu", "0")), quantity(usage.get("memory", "0")))
        for one in item.get("containers") or [] for usage in [one.get("usage") or {}]))


def _resources(pod: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the resources of a pod's containers by name, as they are in effect.

    A pod may be resized as it runs: then its status tells (Kubernetes: "Resize CPU and Memory Resources assigned to
    Containers").
    """
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    in_effect = {one.get("name"): one["resources"] for one in (
        *(status.get("containerStatuses") or []), *(status.get("initContainerStatuses") or [])) if one.get("resources")}
    return [(one.get("name", ""), in_effect.get(one.get("name"), one.get("resources") or {})) for one in (
        *(spec.get("containers") or []), *filter(goes_on, spec.get("initContainers") or []))]


def _allowed(resources: dict[str, Any]) -> _Resources:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    cpu, memory = (_Allowed(quantity(limits.get(kind, "0")), quantity(requests.get(kind, "0")))
                   for kind in ("cpu", "memory"))
    return cpu, memory


def _shares(query: Query, component: Component, workload: Workload, used: _Used) -> list[Finding[Detail]]:
    app = app_of(component, workload.template)
    several = len(used.cpu) > 1
    name = app.name if several else ""
    cpu, memory = used.cpu[""], used.memory[""]
    details = (
        Cpu(pods=used.pods, used=cpu.used, limit=cpu.limit, requested=cpu.requested, container=name,
            sidecars=_of_limit(used.cpu)),
        Memory(pods=used.pods, used=memory.used, limit=memory.limit, requested=memory.requested, container=name,
               by_pod=dict(sorted(used.shares.items(), key=lambda one: (-one[1], one[0]))[:_FULLEST]),
               sidecars=_of_limit(used.memory)))
    return [Finding(
        source=SOURCE.name, component=component.name, window=query.window, unit="share of the limit", detail=detail,
        value=round(detail.used / (detail.limit or detail.requested), 3) if detail.limit or detail.requested else None,
        note=f"the application is container {name}" + (f": {app.why}" if app.why else "") if several else "",
        query=f"kubectl -n {workload.ref.namespace} top pods --containers") for detail in details]


def _of_limit(used: dict[str, _Sum]) -> dict[str, float]:
    """Return the share of its limit that each container beside the application uses."""
    return {name: round(total.used / total.limit, 3) for name, total in sorted(used.items()) if name and total.limit}


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


def _insights(query: Query, workloads: Mapping[str, tuple[str, str]]) -> list[Finding[CpuOverLimit]]:
    """Ask for the CPU of the pods of each component: ``workloads`` has their namespaces and names."""
    service = query.service
    names = {f"c{index}": component for index, component in enumerate(service.components)}
    try:
        with aws.failures("CloudWatch"):
            answer = aws.client("cloudwatch", max(2, int(query.deadline - time.monotonic()))).get_metric_data(
                MetricDataQueries=[{"Id": key, "MetricStat": {
                    "Metric": {"Namespace": "ContainerInsights", "MetricName": "pod_cpu_utilization_over_pod_limit",
                               "Dimensions": [{"Name": "ClusterName", "Value": service.cluster.name},
                                              {"Name": "Namespace", "Value": workloads[component.name][0]},
                                              {"Name": "PodName", "Value": workloads[component.name][1]}]},
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


def _tends(query: Query, workloads: Mapping[str, tuple[str, str]]) -> list[Finding[Wear]]:
    """Return how the memory of each component's pods went in the last hours, as a share of their limit."""
    names = {f"m{index}": component.name for index, component in enumerate(query.service.components)}
    metric = "pod_memory_utilization_over_pod_limit"
    try:
        series = insights.series(
            {key: insights.Asked("ContainerInsights", metric, insights.of_pods(query.service.cluster.name, *workloads[
                name])) for key, name in names.items()}, query.window.end, query.deadline)
    except CallFailed as failed:
        return [Finding(source=SOURCE.name, detail=Wear(), status=failed.status, window=query.window, note=failed.note)]
    return [Finding(
        source=SOURCE.name, component=name, window=query.window, unit="resources", value=1.0,
        query=f"ContainerInsights {metric}",
        detail=Wear({MEMORY: Resource(_PER_CENT, tuple(Sample(*one) for one in series[key]))}))
        for key, name in names.items() if series.get(key)]


SOURCE = Source(
    name="utilisation",
    phases=frozenset({"diagnose"}),
    collect=collect,
    statements=lambda service: (*cluster_access(service), METRIC_DATA),
    kubernetes_group=KUBERNETES.kubernetes_group,
    past=False,
    budget=metric_data_budget(3, lambda query: 4),
)
