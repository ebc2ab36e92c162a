"""What is in front of the entry: the load balancer and its target group, by the objects and tags that say so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cli.init.decide.components import Chosen
from cli.init.facts import Balancer, Balancers, Cluster, Facts, TargetGroup
from cli.init.readers import Asked

_CLUSTER = ("elbv2.k8s.aws/cluster", "ingress.k8s.aws/cluster")
_STACKS = ("ingress.k8s.aws/stack", "service.k8s.aws/stack", "gateway.k8s.aws.alb/stack")
_RESOURCES = ("ingress.k8s.aws/resource", "service.k8s.aws/resource")


@dataclass(frozen=True)
class InFront:
    """The load balancer of the entry."""

    balancer: Balancer | None = None
    group: TargetGroup | None = None
    why: str = ""
    others: tuple[str, ...] = ()
    """Other load balancers that may be, each with its reason."""


def in_front(asked: Asked, facts: Facts, chosen: Chosen) -> InFront:
    """Return the load balancer in front of the entry: the one with the best reason, and the others with theirs."""
    ranked = sorted(_candidates(asked, facts, chosen),
                    key=lambda one: (one[0], one[1].scheme != "internet-facing", one[1].dimension))
    if not ranked:
        return InFront()
    _, balancer, group, why = ranked[0]
    others = dict.fromkeys(f"{one.dimension} ({one.scheme}; {reason})" for _, one, _, reason in ranked[1:]
                           if one.arn != balancer.arn)
    return InFront(balancer, group, why, tuple(others))


def _candidates(asked: Asked, facts: Facts, chosen: Chosen) -> Iterator[tuple[int, Balancer, TargetGroup | None, str]]:
    """Yield balancers, each with its rank (0 is best), the target group, and why it may be the one."""
    entry = next((one for one in chosen.components if one.name == chosen.entry), None)
    services = {entry.service, *entry.hosts} - {""} if entry else set()
    routes = facts.of(Cluster).routes
    bound = {route.target_group: route for route in routes if route.target_group and route.service in services}
    ingresses = {route.by.partition("/")[2] for route in routes if route.service in services and not route.target_group}
    for balancer in facts.of(Balancers).found:
        for group in balancer.target_groups:
            if group.arn in bound:
                yield 0, balancer, group, f"seen: {bound[group.arn].by} registers the pods of {chosen.entry} there"
            elif reason := _tagged(asked, services, group):
                yield 1, balancer, group, reason
        stack = _first(balancer.tags, _STACKS)
        if _first(balancer.tags, _CLUSTER) != asked.cluster or not stack:
            continue
        namespace, _, name = stack.partition("/")
        if namespace == asked.namespace and name in ingresses | services:
            yield 2, balancer, None, f"likely: its tag says that it is of {stack}"
        elif namespace == asked.namespace or not name:
            yield 3, balancer, None, f"a guess: its tag says that it is of {stack}"


def _tagged(asked: Asked, services: set[str], group: TargetGroup) -> str:
    """Say why a target group is the entry's: its tag is ``NAMESPACE/INGRESS-SERVICE:PORT`` or ``NAMESPACE/SERVICE``."""
    if _first(group.tags, _CLUSTER) != asked.cluster:
        return ""
    resource, stack = _first(group.tags, _RESOURCES), _first(group.tags, _STACKS)
    name = resource.partition("/")[2].rpartition(":")[0]
    in_namespace = resource.startswith(f"{asked.namespace}/") or stack.startswith(f"{asked.namespace}/")
    if in_namespace and any(name == service or name.endswith(f"-{service}") for service in services):
        return f"seen: its target group's tag names {resource}"
    if in_namespace and stack.partition("/")[2] in services:
        return f"seen: its target group's tag names the Service {stack}"
    return ""


def _first(tags: object, names: tuple[str, ...]) -> str:
    values = dict(tags) if isinstance(tags, dict) else {}
    return next((str(values[name]) for name in names if values.get(name)), "")
