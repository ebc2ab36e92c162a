"""A gateway sends requests to a Service that is not there, that is another's, or to a port that it does not have.

Kubernetes' pages "Ingress" and "Gateway API", Istio's "Virtual Service"; and what stands in front of others is told its
upstreams in variables like anybody (``responder/state/misaddressed.py``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.addresses import target
from responder.state.misaddressed import is_gateway, sentence, written, wrong
from responder.state.names import resembles
from responder.state.routing import Route, Service
from responder.state.sayings import by_owner, sayings

_SAID = re.compile(r"host not found in upstream|no healthy upstream|no live upstreams|Unable to find instance for|"
                   r"Error obtaining Endpoints for Service|Service \"[^\"]*\" does not have any active Endpoint|"
                   r"response_flags?\W+(?:NR|NC|UH)\b|route_not_found|cluster_not_found", re.IGNORECASE)
"""nginx, Envoy, Spring Cloud Gateway and ingress-nginx."""
_NO_ROUTE = re.compile(r"No matching handler|[Nn]o (?:matching )?[Rr]oute (?:matched|found|matches)|404 NOT_FOUND|"
                       r"No static resource|no Route matched with those values|NotFoundException.*gateway")
"""What a gateway says of a request that none of its routes is for."""


def find(state: State) -> Iterator[Found]:
    """Yield routes, and gateways among the workloads, that lead nowhere or elsewhere."""
    said = {owner: one.text for owner, one in by_owner(sayings(state, _SAID)).items()}
    for route in state.routes:
        for name, port, subset in route.targets:
            yield from _of_route(state, route, name, port)
            yield from _of_subset(state, route, name, subset)
        yield from _elsewhere(state, route)
    for owner, line in by_owner(sayings(state, _NO_ROUTE)).items():
        if is_gateway(state, owner) or _in_front(state, owner.name):
            yield Found(str(owner), f"{owner} has no route for requests that it gets", "lessens", "said", (owner.name,),
                        line.text, f"compare the routes of {owner} with what is called")
    for one in wrong(state):
        owner = one.given.owner
        if is_gateway(state, owner) and not (one.at_service and one.fault == "port"):
            yield Found(str(owner), sentence(one), "stops" if one.sure else "risks",
                        "said" if owner in said else "seen" if one.sure else "guessed", (owner.name,),
                        said.get(owner, written(one)),
                        f"set {one.given.address.variable} of {owner}" + (f" to {one.right}" if one.right else ""))


def _in_front(state: State, name: str) -> bool:
    """Whether a workload calls several, and is called by none but those that serve nobody (clients that make load)."""
    served = {one.ref.name for service in state.services for one in state.behind(service)}
    return len(state.calls.get(name, ())) > 1 and not any(
        name in called and caller in served for caller, called in state.calls.items())


def _of_route(state: State, route: Route, name: str, port: str) -> Iterator[Found]:
    to = target(state, route.meta.ref.namespace, name) if name else None
    ref = route.meta.ref
    if to is None:
        return
    if to.service is None:
        if not state.lists("Service", to.ref.namespace):
            return
        alike = sorted(one.ref.name for one in state.services if one.ref.namespace == to.ref.namespace
                       and resembles(one.ref.name, to.ref.name))
        mend = f"let it lead to {alike[0]}" if alike else f"create Service {to.ref.name}, or let it lead elsewhere"
        yield Found(str(ref), f"{ref} leads to Service {to.ref.name}, which is not there", "stops", "seen",
                    (), f"backend {name}:{port}", mend)
    elif port and not _has(to.service, port):
        ports = ", ".join(str(one.number) for one in to.service.ports)
        yield Found(str(ref), f"{ref} leads to port {port} of Service {to.ref.name}, which has {ports}", "stops",
                    "seen", tuple(one.ref.name for one in state.behind(to.service)), f"backend {name}:{port}",
                    f"let it lead to port {ports}")


def _of_subset(state: State, route: Route, name: str, subset: str) -> Iterator[Found]:
    """Yield a route to a subset that no rule for its Service knows: a mesh answers such requests with 503."""
    ref = route.meta.ref
    to = target(state, ref.namespace, name) if subset else None
    rules = [one for one in state.subsets if to and (found := target(state, one.meta.ref.namespace, one.host))
             and found.ref == to.ref]
    if to and rules and not any(subset in one.names for one in rules):
        known = ", ".join(sorted({known for one in rules for known in one.names}))
        yield Found(str(ref), f"{ref} leads to subset {subset} of {to.ref.name}, which has {known or 'none'}", "stops",
                    "seen", (to.ref.name,), f"host {name}; subset {subset}", f"let it lead to one of {known}")


def _has(service: Service, port: str) -> bool:
    return service.kind == "ExternalName" or any(port in (str(one.number), one.name) for one in service.ports)


def _elsewhere(state: State, route: Route) -> Iterator[Found]:
    """Yield a mesh's route for one Service that leads to others alone."""
    space = route.meta.ref.namespace
    own = [found.service for host in route.hosts if (found := target(state, space, host)) and found.service]
    to = [found.service for name, _, _ in route.targets if (found := target(state, space, name)) and found.service]
    if len(own) == 1 and to and route.meta.ref.kind == "VirtualService" and not any(
            _alike(own[0].ref.name, one.ref.name) for one in to):
        name, others = own[0].ref.name, ", ".join(sorted({one.ref.name for one in to}))
        yield Found(str(route.meta.ref), f"{route.meta.ref} sends requests for {name} to {others}", "stops", "guessed",
                    tuple(one.ref.name for one in state.behind(own[0])), f"host {name}; destination {others}",
                    f"let it lead to {name}")


def _alike(name: str, other: str) -> bool:
    """Whether a Service is another, or one of its versions: ``reviews`` and ``reviews-v2``."""
    return name == other or other.startswith(f"{name}-") or name.startswith(f"{other}-")


CHECK = Check(id="gateway_misroute", family="routing", sign="route", find=find)
