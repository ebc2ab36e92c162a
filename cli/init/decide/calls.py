"""Who calls whom: from traces, from a mesh, or from the addresses in the workloads' environment, in this order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cli.init.facts import Address, Call, Cluster, Facts, Front, MeshCalls, NewRelic, Workload
from responder.model.service import Component
from responder.model.service.hosts import Parties, bare

_OBSERVERS = re.compile(r"otel|new_?relic|sentry|datadog|^dd_|statsd|jaeger|zipkin|splunk|loki|fluent|proxy|"
                        r"^kubernetes_|prometheus|pyroscope|rollbar|bugsnag|vault_addr", re.I)
"""Variables that name where telemetry goes, or a proxy: nobody the service calls while it serves a request."""
ENVIRONMENT = "environment"


@dataclass(frozen=True)
class Edge:
    """That a workload calls a host."""

    caller: str
    """The workload's name."""
    host: str
    callee: str
    """The workload behind the host, by name; empty: none of the namespace's."""
    by: str
    """Who says so, for people."""
    count: int = 0
    """Calls that were seen; 0: it is known from the environment alone."""
    address: Address | None = None


@dataclass(frozen=True)
class Graph:
    """All calls that are known, each caller and host once, what was seen before what is only named."""

    edges: tuple[Edge, ...] = ()

    def of(self, caller: str) -> tuple[Edge, ...]:
        """Return a workload's calls; what its environment alone names is left out where its calls were seen."""
        edges = [edge for edge in self.edges if edge.caller == caller]
        seen = [edge for edge in edges if edge.count]
        return tuple(seen or edges)

    def unseen(self, caller: str) -> tuple[Edge, ...]:
        """Return what a workload's environment names, though its calls were seen and none went there."""
        return tuple(edge for edge in self.edges if edge.caller == caller and edge not in self.of(caller))

    @property
    def traced(self) -> bool:
        """Whether any call was seen."""
        return any(edge.count for edge in self.edges)


def graph(facts: Facts) -> Graph:
    """Return the calls of all workloads of the namespace."""
    cluster = facts.of(Cluster)
    workloads = {_known_as(one.name): one.name for one in cluster.workloads}
    parties = Parties(candidates(cluster), None, (), "")
    edges: dict[tuple[str, str], Edge] = {}
    for call in _seen(facts):
        caller = workloads.get(_known_as(call.caller))
        host = bare(call.host)
        if caller and host:
            before = edges.get((caller, host))
            edges[caller, host] = Edge(caller, host, parties.called(host), call.by,
                                       call.count + (before.count if before else 0))
    for edge in _named(cluster.workloads, parties):
        before = edges.get((edge.caller, edge.host))
        edges[edge.caller, edge.host] = edge if before is None else Edge(
            before.caller, before.host, before.callee, before.by, before.count, edge.address)
    return Graph(tuple(edge for edge in sorted(edges.values(), key=lambda one: (-one.count, one.caller, one.host))
                       if edge.callee != edge.caller))


def candidates(cluster: Cluster) -> tuple[Component, ...]:
    """Return each workload of the namespace as a component, with the names of the Services that select it."""
    found: dict[str, Component] = {}
    selecting = fronts_of(cluster)
    for workload in cluster.workloads:
        fronts = selecting[workload.target]
        named = workload.name if workload.name in fronts else (fronts[0] if fronts else "")
        found.setdefault(workload.name, Component(
            name=workload.name, workload=workload.target, service=named,
            hosts=tuple(name for name in fronts if name not in (named, workload.name))))
    return tuple(found.values())


def fronts_of(cluster: Cluster) -> dict[str, list[str]]:
    """Return the names of the Services that select each workload (``deployment/pay``), in the order of the list."""
    # By one label of each selector: a namespace may have thousands of both.
    by_label: dict[tuple[str, str], list[Front]] = {}
    for front in cluster.services:
        if front.selector:
            by_label.setdefault(min(front.selector.items()), []).append(front)
    return {workload.target: [front.name for label in workload.pod_labels.items() for front in by_label.get(label, ())
                              if front.selects(workload)] for workload in cluster.workloads}


def same(one: str, other: str) -> bool:
    """Whether two systems mean the same by two names: letters and digits alone count."""
    return _known_as(one) == _known_as(other)


def _known_as(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _seen(facts: Facts) -> Iterator[Call]:
    yield from facts.of(NewRelic).calls
    yield from facts.of(MeshCalls).calls


def _named(workloads: Sequence[Workload], parties: Parties) -> Iterable[Edge]:
    for workload in workloads:
        for address in workload.addresses:
            if not _OBSERVERS.search(address.name):
                yield Edge(workload.name, address.host, parties.called(address.host), address.where, 0, address)
