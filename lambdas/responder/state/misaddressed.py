"""Addresses that lead nowhere, or to another app than their name says; and whose fault it is."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Literal, NamedTuple

from responder.state.addresses import Given, given
from responder.state.basics import Ref
from responder.state.listening import declared
from responder.state.names import core, means, resembles, shared_prefix, words
from responder.state.once import once
from responder.state.routing import Service
from responder.state.state import State

Fault = Literal["missing", "port", "other"]
"""There is no such Service; it has no such port; it is another app's than the variable's name says."""
_WELL_KNOWN = frozenset((80, 443))
"""Ports at which a Service is offered whatever its pods listen on."""
_GATEWAY = re.compile(r"(?:^|[^a-z])(?:api)?(?:gateway|ingress|proxy|edge|router|nginx|openresty|envoy|traefik|haproxy|"
                      r"kong|apisix|caddy)(?:[^a-z]|$)", re.IGNORECASE)
_TELEMETRY = re.compile(r"OTEL|OTLP|COLLECTOR|JAEGER|ZIPKIN|TELEMETRY|TRAC(?:ING|ER)|STATSD|METRICS|SENTRY|PROFILER",
                        re.IGNORECASE)
"""What a monitoring that is not there is told is dropped, and work goes on (OpenTelemetry: "Error Handling")."""


class Wrong(NamedTuple):
    """An address that cannot be meant so."""

    given: Given
    fault: Fault
    at_service: bool
    """Whether the Service is at fault and not who calls it."""
    right: str
    """What it is likely to be: a Service's name, or its ports; empty: not known."""
    sure: bool
    """Whether the objects contradict each other; else it is unusual."""


@once
def wrong(state: State) -> tuple[Wrong, ...]:
    """Return the addresses of the cluster's own that lead nowhere, or to another than they say."""
    everyone = given(state)
    by_target: dict[Ref, list[Given]] = defaultdict(list)
    namesakes: dict[str, list[Given]] = defaultdict(list)
    for one in everyone:
        by_target[one.target.ref].append(one)
        namesakes[one.address.variable].append(one)
    here = _here(state)
    found: list[Wrong] = []
    for one in everyone:
        if one.target.service is None:
            found += _missing(state, one, namesakes, by_target[one.target.ref])
        elif not _offers(state, one.target.service, one.address.port):
            ports = ", ".join(str(port.number) for port in one.target.service.ports)
            at_service = _service_is_at_fault(state, one, by_target[one.target.ref])
            found.append(Wrong(one, "port", at_service, ports, True))
        else:
            found += _other(one, here, namesakes, by_target[one.target.ref])
    return tuple(found)


def _offers(state: State, service: Service, port: int) -> bool:
    """Whether a Service takes requests at a port; a headless one's pods take them at any of theirs."""
    if not port or service.kind == "ExternalName" or not service.ports:
        return True
    behind = state.behind(service)
    headless = service.address == "None"
    return any(one.number == port for one in service.ports) or (headless and (
        not behind or any(port in declared(one.template) or not declared(one.template) for one in behind)))


def _service_is_at_fault(state: State, one: Given, callers: list[Given]) -> bool:
    """Whether a Service left a port that its callers agree on, or that its pods listen on."""
    service = one.target.service
    owners = {its.owner for its in callers if its.address.port}
    agreeing = {its.owner for its in callers if its.address.port == one.address.port}
    if len(agreeing) > 1:
        return len(agreeing) * 2 > len(owners)
    if len(owners) > 1 or service is None:
        return False
    listened = {port for workload in state.behind(service) for port in declared(workload.template)}
    offered = {port.number for port in service.ports}
    return one.address.port in listened and not offered & (listened | _WELL_KNOWN)


def _missing(state: State, one: Given, namesakes: dict[str, list[Given]], of_target: list[Given]) -> Iterator[Wrong]:
    space = one.target.ref.namespace
    here = [service.ref.name for service in state.services if service.ref.namespace == space]
    if not (state.lists("Service", space) and (one.target.sure or here)) or one.target.ref.name == one.owner.name:
        return
    callers = {its.owner for its in of_target}
    meant = sorted(name for name in here if means(one.address.variable, name, shared_prefix(here)))
    alike = sorted(name for name in here if resembles(name, one.target.ref.name))
    elsewhere = sorted({its.target.ref.name for its in namesakes[one.address.variable]
                        if its.owner != one.owner and its.target.service})
    right = next(iter([*elsewhere, *meant, *alike]), "")
    exists = any(workload.ref.name == one.target.ref.name and workload.ref.namespace == space
                 for workload in state.apps)
    at_service = (len(callers) > 1 or exists or not right) and not elsewhere
    # A part that was never installed, or a host outside, is named by one alone, and nothing of its name is there.
    if (right or len(callers) > 1 or exists) and not _TELEMETRY.search(one.address.variable):
        yield Wrong(one, "missing", at_service, right, True)


_Here = dict[str, tuple[dict[str, list[str]], str]]
"""Of each namespace: what its Services' names say, and the prefix that they share."""


def _here(state: State) -> _Here:
    names: dict[str, list[str]] = defaultdict(list)
    for service in state.services:
        names[service.ref.namespace].append(service.ref.name)
    found: _Here = {}
    for space, its in names.items():
        prefix, by_core = shared_prefix(its), defaultdict[str, list[str]](list)
        for name in sorted(its):
            by_core[core(name, prefix)].append(name)
        found[space] = by_core, prefix
    return found


def _other(one: Given, here: _Here, namesakes: dict[str, list[Given]], of_target: list[Given]) -> Iterator[Wrong]:
    """Yield an address whose name says one Service and that leads to another's.

    Where several names lead to one Service, it stands in front of them: that is meant.
    """
    target, variable = one.target.ref, one.address.variable
    names, prefix = here.get(target.namespace, ({}, ""))
    told = set(words(variable))
    if means(variable, target.name, prefix) or (told and told <= set(words(target.name))) or (
            _GATEWAY.search(target.name)):
        return
    meant = names.get(core(variable, prefix), [])
    same = namesakes[variable]
    others = {its.target.ref.name for its in same if its.owner != one.owner and its.target.service}
    if len(meant) == 1 and target.name not in others:
        same_way = {core(its.address.variable) for its in of_target if its.owner == one.owner
                    and not means(its.address.variable, target.name, prefix)}
        if len(same_way) == 1:
            yield Wrong(one, "other", False, meant[0], True)
    elif len(others) == 1 and target.name not in others and len({its.owner for its in same}) > 2:
        yield Wrong(one, "other", False, min(others), False)


def is_gateway(state: State, ref: Ref) -> bool:
    """Whether a workload stands in front of others, by its name or its images."""
    found = state.workload(ref)
    first = next((one.image.partition("@")[0].rpartition("/")[2].partition(":")[0]
                  for one in (found.template.containers if found else ()) if not one.name.endswith("-proxy")), "")
    return bool(_GATEWAY.search(ref.name) or _GATEWAY.search(first))


def sentence(one: Wrong) -> str:
    """Return in one sentence what is wrong about an address."""
    address, target = one.given.address, one.given.target.ref
    says = f"{address.variable} of {one.given.owner} leads to {address.host}" + (
        f":{address.port}" if address.port else "")
    if one.fault == "missing":
        return f"{says}, and there is no Service {target.name}"
    if one.fault == "port":
        return f"{says}, and Service {target.name} has port {one.right}"
    return f"{says}, and not to Service {one.right}"


def written(one: Wrong) -> str:
    """Return the address as it is written, without what may be secret before its host."""
    address = one.given.address
    port = f" {address.port_variable}={address.port}" if address.port_variable else ""
    shown = address.host + (f":{address.port}" if address.port and not port else "")
    return f"{address.variable}={shown}{port}"
