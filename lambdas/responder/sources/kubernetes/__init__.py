"""What Kubernetes says about the service's workloads: pods, why they wait, what ended them, and Events.

A component's workload may be of any kind and is found by its name (``clients/owners.py``); each namespace is read once.
Formats: the Kubernetes API reference (``objects.py``, ``services.py``, ``events.py``, ``nodes.py`` and ``limits.py``
have what is read of each kind).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

from responder.clients import kubernetes
from responder.clients.containers import App, app_of
from responder.clients.failure import CallFailed
from responder.clients.owners import Owners, Ref, Workload, find, is_over, owners
from responder.model.evidence import Detail, Finding
from responder.model.evidence.pods import OfTemplate, Pods, Sidecar
from responder.model.service import Component
from responder.sources import KUBERNETES_API, KUBERNETES_LIMIT, Budget, Query, Source, cluster_access, of_cluster
from responder.sources.kubernetes import limits, live, nodes, services
from responder.sources.kubernetes.events import ProbeCounts, about, event_of
from responder.sources.kubernetes.live import Live
from responder.sources.kubernetes.nodes import Node
from responder.sources.kubernetes.objects import Pod, active_template, labels_of, seconds, troubles
from responder.sources.kubernetes.read import optional
from responder.state.basics import Ref as StateRef
from responder.state.routing import Policy

_PODS = 10_000
_POLICIES = 20
_EVENTS = 2_000
_ALL_NODES = 5_000
_NODES = 200
_NAMED = 50
"""Names that a finding has of one kind, at most."""
_FAILING = 20
_PLACED = 100
READERS = "incident-responder:readers"
"""The group of ``kubernetes/rbac.yaml`` that may read."""


def collect(query: Query, api: kubernetes.Kubernetes | None = None) -> list[Finding[Detail]]:
    """Return per component ``pods`` and ``endpoints``, for the cluster ``nodes``, ``limits`` and ``problems``.

    Raises CallFailed.

    In aftercare only ``nodes`` is asked for.
    """
    service = query.service
    api = api or kubernetes.connect(service.cluster.name, query.deadline)
    now = Live(query.window.end)
    if query.phase == "aftercare":
        return [nodes.finding(query, _nodes(query, api, now))]
    read = _namespaces(query, api, now)
    # The nodes are read after the pods: a node that has joined in between must not count as gone.
    there = _nodes(query, api, now)
    findings: list[Finding[Detail]] = []
    for component in service.components:
        seen = read[service.namespace(component.name)]
        findings += [_unread(query, component, seen)] if isinstance(seen, CallFailed) else _component(
            query, component, seen, there)
    findings += [nodes.finding(query, there), limits.finding(query, api, service.namespaces, now)]
    names = {ref.name: component for seen in read.values() if not isinstance(seen, CallFailed)
             for ref, component in seen.found.refs.items()}
    return [*findings, live.finding(query, api, now, names)]


def _namespaces(query: Query, api: kubernetes.Kubernetes, now: Live) -> dict[str, _Seen | CallFailed]:
    """Read each namespace, or say why that is not allowed; raises CallFailed where none may be read."""
    read: dict[str, _Seen | CallFailed] = {}
    for namespace in query.service.namespaces:
        try:
            read[namespace] = _Seen(query, api, namespace, now)
        except CallFailed as failed:
            if failed.status != "unauthorized":
                raise
            read[namespace] = failed
    failures = [failed for failed in read.values() if isinstance(failed, CallFailed)]
    if len(failures) == len(read):
        raise failures[0]
    return read


def _unread(query: Query, component: Component, failed: CallFailed) -> Finding[Detail]:
    return Finding(source=SOURCE.name, detail=Pods(), status=failed.status, component=component.name,
                   window=query.window, note=failed.note)


def _nodes(query: Query, api: kubernetes.Kubernetes, now: Live) -> list[Node] | None:
    read = optional(api, ("api/v1",), "nodes", "", now.kept("Node", lambda item: Node.of(item, query.window.end)),
                    _ALL_NODES)
    if read is not None:
        now.listed("Node", "")
    return read


class _Seen:
    """What was read of one namespace."""

    def __init__(self, query: Query, api: kubernetes.Kubernetes, namespace: str, now: Live) -> None:
        """Read a namespace, and keep of it what the checks need; raises CallFailed."""
        service = query.service
        mine = [component for component in service.components if service.namespace(component.name) == namespace]
        self.found = find(api, namespace, *mine)
        self.apps: dict[Ref, App] = {}
        """The application's container of each workload."""
        self.pods: dict[Ref, list[Pod]] = defaultdict(list)
        self.over: dict[Ref, Counter[str]] = defaultdict(Counter)
        """Pods that are over, by their reason: they are no longer pods."""
        self.warnings: dict[Ref, Counter[str]] = defaultdict(Counter)
        """Reasons of warnings within the window."""
        self.probes: dict[Ref, ProbeCounts] = defaultdict(ProbeCounts)
        self._components = {self.found.workloads[component.name].ref: component for component in mine
                            if component.name in self.found.workloads}
        for workload in self.found.workloads.values():
            self.apps[workload.ref] = app_of(self._components[workload.ref], workload.template)
            now.workload(workload)
        for name in self.found.missing:
            now.gone(_configured(query.service.component(name), namespace))
        whose = owners(api, namespace, self.apps)
        self._named: dict[str, Ref] = {}
        self._read_pods(query, api, whose, now)
        self._read_warnings(query, api, whose, now)
        self._read_kills(query, api)
        self.policies = optional(api, ("apis/networking.k8s.io/v1",), "networkpolicies", namespace,
                                 now.kept("NetworkPolicy", Policy.of))
        """None: they could not be read."""
        self.services = services.read(api, namespace, now)
        """None: they could not be read."""

    def _read_pods(self, query: Query, api: kubernetes.Kubernetes, whose: Owners, now: Live) -> None:
        read = 0
        for item in api.items("api/v1", "pods", self.found.namespace, limit=_PODS):
            read += 1
            ref = whose.of(item)
            if ref is None:
                continue
            self._named[item["metadata"]["name"]] = ref
            now.pod(item)
            if is_over(item):
                status = item.get("status") or {}
                self.over[ref][str(status.get("reason") or status.get("phase"))] += 1
            else:
                self.pods[ref].append(Pod.of(item, self._app(ref, item), query.window.start))
        self.cut = f"cut at {_PODS} pods" if read >= _PODS else ""
        """What limits the answer; empty: nothing."""

    def _app(self, ref: Ref, pod: dict[str, Any]) -> str:
        """Return the application's container of a pod; pods of an older template may have another than the newest."""
        names = {container.get("name") for container in (pod.get("spec") or {}).get("containers") or []}
        return self.apps[ref].name if self.apps[ref].name in names else app_of(self._components[ref], pod).name

    def _read_warnings(self, query: Query, api: kubernetes.Kubernetes, whose: Owners, now: Live) -> None:
        """Count warnings within the window per workload, by reason; their texts weigh nothing."""
        for item in api.items("api/v1", "events", self.found.namespace, limit=_EVENTS, fieldSelector="type=Warning"):
            kind, name = about(item)
            ref = self._named.get(name) if kind == "Pod" else whose.named(kind, name)
            if ref is None:
                continue
            now.event(item)
            event = event_of(item, query.window)
            if event is not None:
                self.warnings[ref][event.reason] += event.times
                self.probes[ref].add(event)

    def _read_kills(self, query: Query, api: kubernetes.Kubernetes) -> None:
        """Count the containers that the kubelet ended for a probe: no warning says so."""
        for item in api.items("api/v1", "events", self.found.namespace, limit=_EVENTS, fieldSelector="reason=Killing"):
            event = event_of(item, query.window)
            ref = self._named.get(event.name) if event and event.kind == "Pod" else None
            if event and ref is not None and event.reason == "Killing":
                self.probes[ref].add(event)


def _configured(component: Component, namespace: str) -> StateRef:
    """Return the workload that a component's configuration names."""
    return StateRef((component.kind or "deployment").capitalize(), namespace, component.deployment)


def _component(query: Query, component: Component, seen: _Seen, there: list[Node] | None) -> list[Finding[Detail]]:
    workload = seen.found.workloads.get(component.name)
    if workload is None:
        return [Finding(
            source=SOURCE.name, detail=Pods(), status="empty", component=component.name, window=query.window,
            query=f"kubectl -n {seen.found.namespace} get deploy,sts,ds,rollouts",
            note=seen.found.missing[component.name])]
    names = {node.name for node in there or []}
    active = active_template(workload)
    staying = [_placed(pod, names) for pod in seen.pods[workload.ref]
               if not pod.leaving and active in ("", pod.template)]
    bad = {node.name for node in there or [] if not node.ready}
    return [_pods(query, component, workload, staying, seen, bad),
            services.finding(query, component, workload, staying, seen.services)]


def _placed(pod: Pod, nodes: set[str]) -> Pod:
    """Return a pod as gone, and not ready, if its node does not belong to the cluster."""
    return replace(pod, gone=True, ready=False) if nodes and pod.node and pod.node not in nodes else pod


def _pods(query: Query, component: Component, workload: Workload, staying: list[Pod], seen: _Seen,
          bad: set[str]) -> Finding[Pods]:
    ref, app = workload.ref, seen.apps[workload.ref]
    ready, wanted = sum(pod.ready for pod in staying), workload.wanted
    templates: dict[str, OfTemplate] = defaultdict(lambda: OfTemplate(0, 0))
    for pod in staying:
        before = templates[pod.template]
        templates[pod.template] = OfTemplate(before.ready + pod.ready, before.all + 1)
    unready_on = Counter(pod.node for pod in staying if not pod.ready and pod.node)
    sidecars = _sidecars(staying)
    return Finding(
        source=SOURCE.name, status="partial" if seen.cut else "ok", component=component.name, window=query.window,
        unit="share", note=_note(workload, app, seen), left_out=max(0, len(unready_on) - _NODES) or None,
        value=round(min(1.0, ready / wanted), 3) if wanted else None,
        query=f"kubectl -n {ref.namespace} get {ref}; kubectl -n {ref.namespace} get pods{_selector(workload)}",
        detail=Pods(
            wanted=wanted, ready=ready, restarts=sum(pod.containers.restarts for pod in staying),
            waiting=Counter(reason for pod in staying for reason in pod.containers.waiting),
            terminated=Counter(reason for pod in staying for reason in pod.containers.terminated),
            unscheduled=sum(pod.unscheduled for pod in staying),
            unready_on=dict(unready_on.most_common(_NODES)),
            gone_nodes=tuple(sorted({pod.node for pod in staying if pod.gone})[:_NAMED]),
            templates=dict(templates), dns_policy=next((pod.dns_policy for pod in staying), ""),
            probing=sum(_probes(pod) for pod in staying),
            preparing=sum(pod.held for pod in staying),
            fell=sum(pod.fell and not pod.gone and pod.node not in bad for pod in staying),
            conditions=troubles(workload),
            policies=None if seen.policies is None else _selecting(seen.policies, labels_of(workload)),
            failing=tuple(sorted(pod.name for pod in staying if not pod.ready)[:_FAILING]),
            events=dict(seen.warnings[ref].most_common(20)), workload=str(ref), container=app.name,
            signalled=sum(pod.containers.signalled for pod in staying), probes=seen.probes[ref].told,
            placed=dict(sorted((pod.name, pod.node) for pod in staying if pod.node)[:_PLACED]),
            restarts_on=dict(_restarts_on(staying)),
            sidecars=sidecars, gated=sum(bool(pod.gates) and not pod.gone for pod in staying),
            gates=tuple(sorted({gate for pod in staying for gate in pod.gates})[:_NAMED])))


def _restarts_on(pods: list[Pod]) -> Counter[str]:
    found: Counter[str] = Counter()
    for pod in pods:
        found[pod.node] += pod.containers.restarts
    return +found


def _probes(pod: Pod) -> bool:
    """Whether a pod waits for its application's readiness probe alone."""
    return pod.running and not pod.ready and not pod.gone and not pod.gates and not pod.blocked


def _sidecars(pods: list[Pod]) -> dict[str, Sidecar]:
    """Return what there is to tell of the containers beside the application, by their names."""
    found: dict[str, Sidecar] = {}
    for pod in pods:
        for one in pod.beside:
            before = found.get(one.name, Sidecar())
            found[one.name] = Sidecar(
                before.blocks + one.blocks, before.restarts + one.containers.restarts,
                dict(Counter(before.waiting) + Counter(one.containers.waiting)),
                dict(Counter(before.terminated) + Counter(one.containers.terminated)))
    return found


def _note(workload: Workload, app: App, seen: _Seen) -> str:
    """Say what limits the answer, how the workload and its application were found, and what was left out."""
    over = seen.over[workload.ref]
    told = ", ".join(f"{count} {reason}" for reason, count in sorted(over.items()))
    return "; ".join(part for part in (
        seen.cut, workload.note, f"the application is container {app.name}: {app.why}" if app.why else "",
        f"pods that are over do not count ({told})" if told else "") if part)


def _selector(workload: Workload) -> str:
    labels = labels_of(workload)
    return f" --selector {','.join(f'{key}={value}' for key, value in sorted(labels.items()))}" if labels else ""


def _selecting(policies: list[Policy], labels: dict[str, str]) -> tuple[str, ...]:
    names = [policy.meta.ref.name for policy in policies if policy.pods.selects(labels)]
    return tuple(names if len(names) <= _POLICIES else [*names[:_POLICIES], "…"])


SOURCE = Source(
    name="kubernetes",
    phases=frozenset({"isolate", "diagnose", "aftercare"}),
    collect=collect,
    statements=cluster_access,
    kubernetes_group=READERS,
    past=False,
    budget=Budget(KUBERNETES_API, 60, 1.0, KUBERNETES_LIMIT, scope=of_cluster,
                  a_look=lambda query: 15 * len(query.service.namespaces)),
)

__all__ = ["READERS", "SOURCE", "collect", "seconds"]
