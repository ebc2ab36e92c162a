"""Which workloads are the service's components, which of them customers reach first, and what was left out and why."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cli.init.decide.calls import Graph, candidates, fronts_of, same
from cli.init.facts import Application, Balancers, Cluster, Facts, NewRelic, Route, Workload
from cli.init.readers import Asked
from responder.model.service import Component

_PART_OF = "app.kubernetes.io/part-of"
_MOST_SHOWN = 12
_STAGE = re.compile(r"[\W_]*\b(prod|production|live|prd)\b[\W_]*", re.I)
"""What teams add to an application's name in New Relic: ``Payment Gateway (prod)``."""
_SIDECARS = ("istio-proxy", "linkerd-proxy", "envoy", "aws-otel-collector", "fluent-bit", "vault-agent")


@dataclass(frozen=True)
class Chosen:
    """The components."""

    components: tuple[Component, ...]
    why: str
    """Why these, for people."""
    left_out: tuple[str, ...] = ()
    """Other workloads of the namespace."""
    why_left_out: str = ""
    entry: str = ""
    """Empty: it is not known."""
    why_entry: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The components' names."""
        return tuple(component.name for component in self.components)


def chosen(asked: Asked, facts: Facts, graph: Graph) -> Chosen:
    """Return the components of a service."""
    cluster = facts.of(Cluster)
    names, why, otherwise = _names(asked, facts, graph)
    found = {component.name: component for component in candidates(cluster)}
    components = [found.get(name) or Component(name) for name in names]
    entry, why_entry = _entry(asked, facts, graph, components)
    # Requests flow from the entry: a reader meets the components in that order.
    ordered = _ordered(components, entry, graph)
    left = sorted(set(found) - set(names))
    return Chosen(tuple(ordered), why, tuple(left), otherwise if left else "", entry, why_entry)


def _names(asked: Asked, facts: Facts, graph: Graph) -> tuple[list[str], str, str]:
    """Return the names, why these, and why not the others."""
    cluster = facts.of(Cluster)
    if asked.components:
        return list(dict.fromkeys(asked.components)), "named with --component", "not named with --component"
    workloads = {workload.name: workload for workload in cluster.workloads}
    part = [name for name, one in workloads.items() if same(one.labels.get(_PART_OF, ""), asked.service)]
    if part:
        return part, f"seen: the label {_PART_OF}={asked.service}", f"they lack the label {_PART_OF}={asked.service}"
    selecting = fronts_of(cluster)
    serving = {name for name, one in workloads.items() if selecting[one.target]}
    start = next((name for name in workloads if same(name, asked.service)), "")
    if start and graph.traced:
        joined = _joined(start, graph) & workloads.keys()
        if len(joined) > 1:
            return (sorted(joined), f"seen: {start} bears the service's name, and calls lead from or to it",
                    "no call leads from or to them")
    if serving:
        return (sorted(serving), f"likely: all workloads of {asked.namespace} that a Service selects",
                "no Service selects their pods")
    return sorted(workloads), f"a guess: all workloads of {asked.namespace}", ""


def _joined(start: str, graph: Graph) -> set[str]:
    """Return the workloads that a call of ``start`` passes: those that it reaches, and those that reach it."""
    down, up = {start}, {start}
    pairs = {(edge.caller, edge.callee) for edge in graph.edges if edge.callee and edge.count}
    for reached, forwards in ((down, True), (up, False)):
        waiting = [start]
        while waiting:
            at = waiting.pop()
            for caller, callee in pairs:
                here, there = (caller, callee) if forwards else (callee, caller)
                if here == at and there not in reached:
                    reached.add(there)
                    waiting.append(there)
    return down | up


def _entry(asked: Asked, facts: Facts, graph: Graph, components: list[Component]) -> tuple[str, str]:
    cluster = facts.of(Cluster)
    for route in [*cluster.routes, *_by_tags(asked, facts.of(Balancers)), *_exposed(cluster)]:
        for component in components:
            if route.service and route.service in (component.service, *component.hosts):
                return component.name, f"seen: {route.by} leads to its Service"
    called = {edge.callee for component in components for edge in graph.of(component.name)}
    first = [component.name for component in components if component.name not in called]
    calling = [name for name in first if graph.of(name)]
    for names in (first, calling):
        if len(names) == 1:
            return names[0], "likely: no other component calls it"
    return "", f"none, or several, of {_shown(first or [one.name for one in components])} are called by nobody"


def _by_tags(asked: Asked, balancers: Balancers) -> Iterable[Route]:
    """Yield the ways that AWS Load Balancer Controller's tags tell of: ``NAMESPACE/INGRESS-SERVICE:PORT``."""
    for balancer in balancers.found:
        for group in balancer.target_groups:
            stack = group.tags.get("ingress.k8s.aws/stack", "")
            resource = group.tags.get("ingress.k8s.aws/resource", "")
            if group.tags.get("elbv2.k8s.aws/cluster") != asked.cluster or not resource.startswith(
                    f"{asked.namespace}/"):
                continue
            rest = resource.partition("/")[2].rpartition(":")[0]
            ingress = stack.partition("/")[2]
            if ingress and rest.startswith(f"{ingress}-"):
                yield Route(rest.removeprefix(f"{ingress}-"), f"the target group of ingress/{ingress}", group.arn)


def _exposed(cluster: Cluster) -> Iterable[Route]:
    return [Route(front.name, f"service/{front.name} (type LoadBalancer)") for front in cluster.services
            if front.kind == "LoadBalancer"]


def _ordered(components: list[Component], entry: str, graph: Graph) -> list[Component]:
    order, waiting = [], [entry] if entry else []
    while waiting:
        at = waiting.pop(0)
        if at not in order:
            order.append(at)
            waiting += [edge.callee for edge in graph.of(at) if edge.callee]
    place = {name: number for number, name in enumerate(order)}
    return sorted(components, key=lambda one: (place.get(one.name, len(order)), one.name))


def container_of(component: Component, workload: Workload | None) -> str:
    """Return the application's container where it has to be named: among several, none bears the component's name."""
    if workload is None or component.name in workload.containers:
        return ""
    own = [name for name in workload.containers if not name.startswith(_SIDECARS)]
    return own[0] if len(workload.containers) > 1 and len(own) == 1 else ""


def other_names(chosen_ones: Chosen, facts: Facts) -> list[tuple[str, str]]:
    """Return components that New Relic has by another name: (component, New Relic's name)."""
    applications: tuple[Application, ...] = facts.of(NewRelic).applications
    exact = {application.name for application in applications}
    found = []
    for name in chosen_ones.names:
        others = [one.name for one in applications if one.name != name and same(_STAGE.sub("", one.name), name)]
        if name not in exact and others:
            found.append((name, min(others, key=len)))
    return found


def _shown(names: Iterable[str]) -> str:
    every = sorted(names)
    more = f" and {len(every) - _MOST_SHOWN} more" if len(every) > _MOST_SHOWN else ""
    return ", ".join(every[:_MOST_SHOWN]) + more
