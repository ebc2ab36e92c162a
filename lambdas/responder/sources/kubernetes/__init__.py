"""What Kubernetes says about the service's workloads: pods, why they wait, what ended them, and Events.

Formats: the Kubernetes API reference (Pod, Event and ReplicaSet v1; ``objects.py`` has what is read of each).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from responder.clients import kubernetes
from responder.clients.failure import CallFailed
from responder.clients.watched import listed
from responder.clients.workloads import is_ready, owner
from responder.model.evidence import Detail, Finding
from responder.model.evidence.endpoints import Endpoints
from responder.model.evidence.limits import Autoscaler, Budget, Limits, UsedUp
from responder.model.evidence.nodes import Nodes
from responder.model.evidence.pods import OfTemplate, Pods
from responder.model.frozen import dataclass
from responder.model.masking import mask
from responder.model.quantity import quantity
from responder.sources import Query, Source, cluster_access
from responder.sources.kubernetes.objects import (
    Addresses,
    ClusterService,
    Deployment,
    Node,
    Pod,
    Policy,
    seconds,
)

_PODS = 10_000
_POLICIES = 20
_EVENTS = 2_000
_NODES = 200
_NAMED = 50
"""Names that a finding has of one kind, at most."""
_FAILING = 20
_NEARLY = 0.95
"""Share of a quota from which it counts as used up."""
READERS = "incident-responder:readers"
"""The group of ``kubernetes/rbac.yaml`` that may read."""

T = TypeVar("T")


def collect(query: Query, api: kubernetes.Kubernetes | None = None) -> list[Finding[Detail]]:
    """Return per component ``pods`` and ``endpoints``, for the cluster ``nodes`` and ``limits``; raises CallFailed.

    In aftercare only ``nodes`` is asked for.
    """
    service = query.service
    api = api or kubernetes.connect(service.cluster.name, query.deadline)
    if query.phase == "aftercare":
        return [_nodes(query, _optional(api, ("api/v1",), "nodes", "", Node.of))]
    seen = _read(query, api)
    findings: list[Finding[Detail]] = []
    for component in service.components:
        name = component.deployment
        if name not in seen.deployments:
            findings.append(Finding(
                source=SOURCE.name, detail=Pods(), status="empty", component=component.name, window=query.window,
                query=_command(service.cluster.namespace, name),
                note=f"there is no Deployment {name} in {service.cluster.namespace}"))
            continue
        findings.append(_pods(query, component.name, seen.deployments[name], seen))
        findings.append(_endpoints(query, component.name, seen.deployments[name], seen))
    return [*findings, _nodes(query, seen.nodes), _limits(query, api, service.cluster.namespace)]


@dataclass(frozen=True)
class _Seen:
    """What was read of the service's namespace, and of the nodes."""

    deployments: dict[str, Deployment]
    pods: dict[str, list[Pod]]
    """By the name of their Deployment."""
    warnings: dict[str, Counter[str]]
    """Reasons of warnings within the window, by the name of the Deployment that they are about."""
    policies: list[Policy] | None
    """None: they could not be read."""
    services: dict[str, ClusterService]
    addresses: dict[str, Addresses]
    nodes: list[Node] | None
    """None: they could not be read."""
    cut: str
    """What limits the answer; empty: nothing."""


def _read(query: Query, api: kubernetes.Kubernetes) -> _Seen:
    namespace = query.service.cluster.namespace
    deployments = [Deployment.of(item) for item in api.items("apis/apps/v1", "deployments", namespace)]
    deployment_of_set = {item["metadata"]["name"]: owner(item, "Deployment")
                         for item in api.items("apis/apps/v1", "replicasets", namespace)}
    pods: dict[str, list[Pod]] = defaultdict(list)
    deployment_of_pod: dict[str, str] = {}
    read = 0
    for item in api.items("api/v1", "pods", namespace, limit=_PODS):
        read += 1
        name = deployment_of_set.get(owner(item, "ReplicaSet"), "")
        if name:
            pod = Pod.of(item)
            pods[name].append(pod)
            deployment_of_pod[pod.name] = name
    warnings = _warnings(query, api, namespace, deployment_of_pod, deployment_of_set)
    policies = _optional(api, ("apis/networking.k8s.io/v1",), "networkpolicies", namespace, Policy.of)
    services = _optional(api, ("api/v1",), "services", namespace, ClusterService.of) or []
    addresses = _optional(api, ("api/v1",), "endpoints", namespace, Addresses.of) or []
    # The nodes are read after the pods: a node that has joined in between must not count as gone.
    nodes = _optional(api, ("api/v1",), "nodes", "", Node.of)
    there = {node.name for node in nodes or []}
    return _Seen(
        {deployment.name: deployment for deployment in deployments},
        {name: [_placed(pod, there) for pod in mine] for name, mine in pods.items()}, warnings, policies,
        {service.name: service for service in services}, {item.name: item for item in addresses}, nodes,
        f"cut at {_PODS} pods" if read >= _PODS else "")


def _placed(pod: Pod, nodes: set[str]) -> Pod:
    """Return a pod as gone, and not ready, if its node does not belong to the cluster."""
    return replace(pod, gone=True, ready=False) if nodes and pod.node and pod.node not in nodes else pod


def _optional(api: kubernetes.Kubernetes, groups: tuple[str, ...], plural: str, namespace: str,
              of: Callable[[dict[str, Any]], T]) -> list[T] | None:
    """List a kind; None where it may not be read, or does not exist."""
    try:
        return [of(item) for item in listed(api, groups, plural, namespace)]
    except CallFailed as failed:
        if failed.status in ("timeout", "throttled", "malformed"):
            raise
        return None


def _endpoints(query: Query, component: str, deployment: Deployment, seen: _Seen) -> Finding[Endpoints]:
    """What stands behind the component's Service, which has the component's name."""
    service, addresses = seen.services.get(component), seen.addresses.get(component)
    ready, not_ready = (addresses.ready, addresses.not_ready) if addresses else (0, 0)
    pods = seen.pods.get(deployment.name, [])
    ports = service.ports if service else ()
    return Finding(
        source=SOURCE.name, component=component, window=query.window, unit="addresses", value=float(ready),
        query=f"kubectl -n {query.service.cluster.namespace} get service,endpoints {component}",
        detail=Endpoints(
            exists=service is not None, ready=ready, not_ready=not_ready, ports=ports,
            selects=sum(service.selects(pod) for pod in pods if not pod.leaving) if service else 0,
            fits=not deployment.listening or all(target in deployment.listening for _, target in ports)))


def _nodes(query: Query, nodes: list[Node] | None) -> Finding[Nodes]:
    if nodes is None:
        return Finding(source=SOURCE.name, detail=Nodes(), status="unauthorized", window=query.window,
                       query="kubectl get nodes", note="the nodes may not be read")
    ready = [node.name for node in nodes if node.ready]
    not_ready = [node.name for node in nodes if not node.ready]
    pressure: dict[str, list[str]] = defaultdict(list)
    for node in nodes:
        for kind in node.pressure:
            pressure[kind].append(node.name)
    return Finding(
        source=SOURCE.name, status="ok" if nodes else "empty", window=query.window, unit="share",
        value=len(ready) / len(nodes) if nodes else None, query="kubectl get nodes",
        note="" if nodes else "the cluster has no node", left_out=max(0, len(nodes) - _NODES) or None,
        detail=Nodes(
            names=tuple([*ready, *not_ready][:_NODES]), not_ready=tuple(not_ready[:_NAMED]),
            unschedulable=tuple([node.name for node in nodes if node.unschedulable][:_NAMED]),
            pressure={kind: tuple(names[:_NAMED]) for kind, names in pressure.items()}))


def _limits(query: Query, api: kubernetes.Kubernetes, namespace: str) -> Finding[Limits]:
    scalers = _optional(api, ("apis/autoscaling/v2", "apis/autoscaling/v1"), "horizontalpodautoscalers", namespace,
                        _autoscaler) or []
    quotas = [used for quota in _optional(api, ("api/v1",), "resourcequotas", namespace, _used_up) or []
              for used in quota]
    budgets = _optional(api, ("apis/policy/v1", "apis/policy/v1beta1"), "poddisruptionbudgets", namespace,
                        _budget) or []
    return Finding(
        source=SOURCE.name, window=query.window, unit="limits reached",
        value=float(len(quotas) + sum(scaler.current >= (scaler.maximum or 0) for scaler in scalers)),
        query=f"kubectl -n {namespace} get hpa,quota,pdb",
        detail=Limits(autoscalers=tuple(scalers[:_NAMED]), quotas=tuple(quotas[:_NAMED]),
                      budgets=tuple(budgets[:_NAMED])))


def _autoscaler(item: dict[str, Any]) -> Autoscaler:
    spec = item["spec"]
    return Autoscaler(item["metadata"]["name"], (spec.get("scaleTargetRef") or {}).get("name", ""),
                      spec.get("maxReplicas"), (item.get("status") or {}).get("currentReplicas", 0))


def _used_up(item: dict[str, Any]) -> list[UsedUp]:
    """Return what is used up of a quota."""
    status = item.get("status") or {}
    hard, used = status.get("hard") or {}, status.get("used") or {}
    return [UsedUp(item["metadata"]["name"], resource, str(hard[resource]), str(used.get(resource, "0")))
            for resource in sorted(hard)
            if quantity(used.get(resource, "0")) >= _NEARLY * quantity(hard[resource])]


def _budget(item: dict[str, Any]) -> Budget:
    return Budget(item["metadata"]["name"], (item.get("status") or {}).get("disruptionsAllowed", 0))


def _pods(query: Query, component: str, deployment: Deployment, seen: _Seen) -> Finding[Pods]:
    staying = [pod for pod in seen.pods.get(deployment.name, []) if not pod.leaving]
    bad = {node.name for node in seen.nodes or [] if not node.ready}
    ready, wanted = sum(pod.ready for pod in staying), deployment.wanted
    templates: dict[str, OfTemplate] = defaultdict(lambda: OfTemplate(0, 0))
    for pod in staying:
        before = templates[pod.template]
        templates[pod.template] = OfTemplate(before.ready + pod.ready, before.all + 1)
    unready_on = Counter(pod.node for pod in staying if not pod.ready and pod.node)
    return Finding(
        source=SOURCE.name, status="partial" if seen.cut else "ok", component=component, window=query.window,
        unit="share", note=seen.cut, left_out=max(0, len(unready_on) - _NODES) or None,
        value=round(min(1.0, ready / wanted), 3) if wanted else None,
        query=_command(deployment.namespace, deployment.name),
        detail=Pods(
            wanted=wanted, ready=ready, restarts=sum(pod.containers.restarts for pod in staying),
            waiting=Counter(reason for pod in staying for reason in pod.containers.waiting),
            terminated=Counter(reason for pod in staying for reason in pod.containers.terminated),
            unscheduled=sum(pod.unscheduled for pod in staying),
            unready_on=dict(unready_on.most_common(_NODES)),
            gone_nodes=tuple(sorted({pod.node for pod in staying if pod.gone})[:_NAMED]),
            templates=dict(templates), dns_policy=next((pod.dns_policy for pod in staying), ""),
            probing=sum(pod.running and not pod.ready and not pod.gone for pod in staying),
            preparing=sum(pod.held for pod in staying),
            fell=sum(pod.fell and not pod.gone and pod.node not in bad for pod in staying),
            conditions=deployment.conditions,
            policies=None if seen.policies is None else _selecting(seen.policies, deployment.labels),
            failing=tuple(sorted(pod.name for pod in staying if not pod.ready)[:_FAILING]),
            events=dict(seen.warnings[deployment.name].most_common(20))))


def _warnings(query: Query, api: kubernetes.Kubernetes, namespace: str, deployment_of_pod: dict[str, str],
              deployment_of_set: dict[str, str]) -> dict[str, Counter[str]]:
    """Count warnings within the window per Deployment, by reason; their texts weigh nothing."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for event in api.items("api/v1", "events", namespace, limit=_EVENTS, fieldSelector="type=Warning"):
        last = event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp")
        if last and seconds(last) < query.window.start:
            continue
        about = event.get("involvedObject") or {}
        name = str(about.get("name", ""))
        deployment = {"Pod": deployment_of_pod.get(name, ""), "ReplicaSet": deployment_of_set.get(name, ""),
                      "Deployment": name}.get(str(about.get("kind", "")), "")
        if deployment:
            found[deployment][mask(str(event.get("reason", "")))[:60]] += int(event.get("count") or 1)
    return found


def _selecting(policies: list[Policy], labels: dict[str, str]) -> tuple[str, ...]:
    names = [policy.name for policy in policies if policy.selects(labels)]
    return tuple(names if len(names) <= _POLICIES else [*names[:_POLICIES], "…"])


def _command(namespace: str, name: str) -> str:
    return f"kubectl -n {namespace} get pods,events --selector app={name}"


SOURCE = Source(
    name="kubernetes",
    phases=frozenset({"isolate", "diagnose", "aftercare"}),
    collect=collect,
    statements=cluster_access,
    kubernetes_group=READERS,
)

__all__ = ["READERS", "SOURCE", "collect", "is_ready", "owner", "seconds"]
