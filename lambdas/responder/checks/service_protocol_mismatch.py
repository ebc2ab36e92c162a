"""A Service's port is of another protocol than its pods speak: UDP for TCP, or HTTP said of what speaks gRPC.

Kubernetes' pages "Protocols for Services" and "Service" (``appProtocol``); Istio's "Protocol Selection": the name of a
port, or its ``appProtocol``, says to a mesh how to read what goes through it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.listening import number, probe_port
from responder.state.pods import Pod, PodSpec
from responder.state.probing import probes
from responder.state.routing import Service, ServicePort

_MESH = frozenset(("istio-proxy", "linkerd-proxy"))
_SAYS = {"grpc": "grpc", "grpc-web": "grpc", "http": "http", "http2": "http2", "https": "https", "tls": "tls",
         "tcp": "tcp", "udp": "udp", "mongo": "mongo", "mysql": "mysql", "redis": "redis", "kubernetes.io/h2c": "http2"}


def find(state: State) -> Iterator[Found]:
    """Yield ports of Services whose protocol their pods do not speak."""
    for service in state.services:
        pods = list(state.selected(service))
        specs = [one.template for one in state.behind(service)] + [pod.spec for pod in pods]
        apps = tuple(one.ref.name for one in state.behind(service)) or tuple(map(state.app, pods))
        for port in service.ports:
            spoken = sorted(_transports(port, specs))
            name = service.ref.name
            if spoken and port.protocol not in spoken and not _pair(service, port):
                sure = _by_tcp(port, specs) or any(
                    one.reached is False and one.service == name for one in state.connections)
                yield Found(
                    str(service.ref), f"port {port.number} of Service {name} is {port.protocol}, and its pods listen "
                    f"to {port.target} by {', '.join(spoken)}", "stops" if sure else "risks",
                    "seen" if sure else "guessed", apps or (name,),
                    f"port {port.number} protocol {port.protocol}", f"set its protocol to {spoken[0]}")
            said, meant = _application(port), _probed(port, specs)
            if said and meant and said != meant:
                yield Found(
                    str(service.ref), f"port {port.number} of Service {name} says {said}, and its pods are probed by "
                    f"{meant}", "stops" if _in_mesh(pods) else "risks", "guessed", apps or (name,),
                    f"port {port.number} name {port.name} appProtocol {port.app_protocol}",
                    f"let the port's name and appProtocol say {meant}")


def _transports(port: ServicePort, specs: list[PodSpec]) -> set[str]:
    """Return the protocols by which pods declare the target of a port."""
    return {its.protocol for spec in specs for container in spec.containers for its in container.ports
            if its.number == number(port.target, spec) or (port.target and its.name == port.target)}


def _pair(service: Service, port: ServicePort) -> bool:
    """Whether a Service offers the same target by another protocol too, as resolvers do."""
    return any(other.target == port.target and other.protocol != port.protocol for other in service.ports)


def _application(port: ServicePort) -> str:
    said = port.app_protocol.lower() or re.split(r"[-_]", port.name.lower())[0]
    found = _SAYS.get(said, "")
    return {"http2": "grpc", "http": "http", "grpc": "grpc"}.get(found, "" if found in ("tcp", "") else found)


def _probed(port: ServicePort, specs: list[PodSpec]) -> str:
    """Return how a port's target is probed; empty: it is not, or in several ways."""
    ways = {{"grpc": "grpc", "httpGet": "http"}.get(probe.how, "") for spec in specs for container in spec.containers
            for _, probe in probes(container) if probe_port(probe, spec) == number(port.target, spec)} - {""}
    return ways.pop() if len(ways) == 1 else ""


def _by_tcp(port: ServicePort, specs: list[PodSpec]) -> bool:
    """Whether a port's target is probed, which is by TCP. What is declared binds nobody, and says TCP where nothing is
    said.
    """
    return any(probe_port(probe, spec) == number(port.target, spec) for spec in specs for container in spec.containers
               for _, probe in probes(container))


def _in_mesh(pods: list[Pod]) -> bool:
    return any(container.name in _MESH for pod in pods for container in (*pod.spec.containers,
                                                                         *pod.spec.init_containers))


CHECK = Check(id="service_protocol_mismatch", family="routing", sign="route", find=find)
