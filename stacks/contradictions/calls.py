"""The graph of calls: who calls itself, whom nobody calls, and names that two things have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.model.service import Service
from stacks.nearest import Found

_CLUSTER = re.compile(r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}")
"""Amazon EKS API reference: "CreateCluster"."""
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""Kubernetes: "Object Names and IDs", RFC 1123 label names."""


def _itself(service: Service) -> Iterator[Found]:
    for index, component in enumerate(service.components):
        for place, called in enumerate(component.calls):
            if called == component.name:
                yield ("components", index, "calls", place), repr(called), "no call of itself: leave it out"
            elif called in component.calls[:place]:
                yield ("components", index, "calls", place), f"{called!r} again", "each callee once"


def _one_name(service: Service) -> Iterator[Found]:
    """Find a database or a provider that has another's name, by which calls could not be told apart."""
    taken = {component.name: "a component" for component in service.components}
    if service.database:
        if service.database.name in taken:
            yield (("database", "name"), repr(service.database.name),
                   "a name that no component has, and that components name in `calls`")
        taken.setdefault(service.database.name, "the database")
    for index, provider in enumerate(service.providers):
        if provider.name in taken:
            yield ("providers", index, "name"), repr(provider.name), f"a name that {taken[provider.name]} does not have"
        taken.setdefault(provider.name, "another provider")


def _names_in_kubernetes(service: Service) -> Iterator[Found]:
    name = service.cluster.name
    if not _CLUSTER.fullmatch(name):
        at_end = name.rpartition("/")[2]
        yield (("cluster", "name"), repr(name),
               f"the cluster's name alone: {at_end}" if name.startswith("arn:") else "the name of an EKS cluster")


def _namespaces(service: Service) -> Iterator[Found]:
    given = [(("cluster", "namespace"), service.cluster.namespace), *(
        (("components", index, "namespace"), component.namespace)
        for index, component in enumerate(service.components) if component.namespace)]
    for path, name in given:
        if not _NAMESPACE.fullmatch(name):
            yield path, repr(name), "the name of a namespace: lower-case letters, digits and hyphens"


def _cycles(service: Service) -> Iterator[Found]:
    """Find components that call each other in a ring: of these none is told to be only impacted by another."""
    told: set[frozenset[str]] = set()
    numbers = {component.name: index for index, component in enumerate(service.components)}
    for ring in _rings(service, service.entry):
        if frozenset(ring) not in told and len(ring) > 1:
            told.add(frozenset(ring))
            last = service.component(ring[-1])
            yield (("components", numbers[last.name], "calls", last.calls.index(ring[0])),
                   f"calls in a ring: {' → '.join([*ring, ring[0]])}",
                   "calls in one direction, those made while a request is served: in a ring, the responder cannot tell "
                   "which component only suffers from another")


def _rings(service: Service, entry: str) -> Iterator[list[str]]:
    """Yield each ring that a way through the graph runs into, from the entry on."""
    graph, done = service.graph, set()
    for start in sorted(graph, key=lambda name: name != entry):
        way: list[tuple[str, Iterator[str]]] = [] if start in done else [(start, iter(graph[start]))]
        while way:
            names = [name for name, _ in way]
            following = next(way[-1][1], None)
            if following is None:
                done.add(way.pop()[0])
            elif following in names:
                yield names[names.index(following):]
            elif following in graph and following not in done:
                way.append((following, iter(graph[following])))


def _nobody_calls(service: Service) -> Iterator[Found]:
    called = {name for calls in service.graph.values() for name in calls}
    if any(name not in service.graph and not service.target(name) for name in called):
        return  # One of those that are misspelt may be meant.
    advice = "its name among the `calls` of a component: else its failures explain nothing"
    if service.database and service.database.name not in called:
        yield ("database", "name"), f"{service.database.name!r}, which nothing calls", advice
    for index, dependency in enumerate(service.dependencies):
        if dependency.name not in called:
            yield ("dependencies", index, "name"), f"{dependency.name!r}, which nothing calls", advice
    # A second provider is called only once the switch says so.
    if service.providers and not called & {provider.name for provider in service.providers}:
        yield ("providers", 0, "name"), f"{service.providers[0].name!r}, and no provider that anything calls", advice


def _unreached(service: Service) -> Iterator[Found]:
    graph = service.graph
    reached, waiting = {service.entry}, [service.entry]
    while waiting:
        for name in graph.get(waiting.pop(), ()):
            if name in graph and name not in reached:
                reached.add(name)
                waiting.append(name)
    if service.entry not in graph:
        return
    for index, component in enumerate(service.components):
        if component.name not in reached:
            yield (("components", index, "name"), f"{component.name!r}, which is not reached from {service.entry}",
                   "its name among the `calls` of a component that is")


ERRORS = (_itself, _one_name, _names_in_kubernetes, _namespaces)
WARNINGS = (_cycles, _nobody_calls, _unreached)
