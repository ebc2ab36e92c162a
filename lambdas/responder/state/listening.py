"""On which ports a container listens, by what is said of it: nothing that the API serves knows it for certain.

Votes: the ports that it declares, ``PORT`` in its environment or flags, the target ports of the Services that select
its pod, and the ports of its probes.
"""

from __future__ import annotations

import re

from responder.model.plain_json import whole_number
from responder.state.pods import Container, Pod, PodSpec, Probe
from responder.state.state import State, selecting

_OWN_PORT = frozenset(("PORT", "SERVER_PORT", "LISTEN_PORT", "HTTP_PORT", "HTTPS_PORT", "GRPC_PORT", "APP_PORT",
                       "CONTAINER_PORT", "BIND_PORT", "SERVING_PORT", "ASPNETCORE_HTTP_PORTS"))
"""Variables by which programs are told on which port they are to listen."""
_FLAG = re.compile(r"^--?(?:port|http-port|grpc-port|server\.port|listen(?:-address)?|bind(?:-address)?|addr|address)"
                   r"[= ](?:\S*:)?(\d{2,5})$")
_IN_COMMAND = re.compile(r"(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\]|\$\(?\{?\w+\}?\)?|[= '\"]|^)?:(\d{2,5})\b"
                         r"|(?:^| )-[pP][= ]?(\d{2,5})\b|--port[= ](\d{2,5})\b")
"""Where a probe's command says its port: ``-addr=:8080``, ``http://localhost:8080/``, ``-p 6379``."""


def declared(spec: PodSpec) -> frozenset[int]:
    """Return the ports that the containers of a pod declare: they share one network."""
    return frozenset(port.number for container in spec.containers for port in container.ports if port.number)


def told(container: Container) -> frozenset[int]:
    """Return the ports that a container is told to listen on."""
    found = {int(one.value) for one in container.environment
             if one.name.upper() in _OWN_PORT and one.value.isdecimal() and len(one.value) <= 5}
    words = " ".join((*container.command, *container.args))
    found |= {int(match[1]) for argument in (*container.command, *container.args) if (match := _FLAG.match(argument))}
    found |= {int(port) for port in re.findall(r"--(?:port|server\.port)[= ](\d{2,5})\b", words)}
    return frozenset(found)


def number(name: str, spec: PodSpec) -> int:
    """Return a port as a number, given by number or by the name that a container declares; 0: there is none such."""
    given = whole_number(name)
    if given is not None:
        return given
    return next((port.number for container in spec.containers for port in container.ports
                 if name and port.name == name), 0)


def probe_port(probe: Probe, spec: PodSpec) -> int:
    """Return the port that a probe asks; 0: it cannot be told."""
    if probe.how != "exec":
        return number(probe.port, spec)
    match = _IN_COMMAND.search(" ".join(probe.command))
    return next((int(port) for port in match.groups() if port), 0) if match else 0


def targets(state: State, pod: Pod) -> frozenset[int]:
    """Return the ports that Services send requests to at a pod."""
    return frozenset(port for service in selecting(state).get(pod.ref, ())
                     for one in service.ports if (port := number(one.target, pod.spec)))


def speaks_for(state: State, pod: Pod, container: Container, without: Probe | None = None) -> frozenset[int]:
    """Return all ports that something says the pod listens on, a probe's own word left out."""
    probes = {probe_port(one, pod.spec) for one in (container.liveness, container.readiness, container.startup)
              if one is not None and one is not without}
    ways = [declared(pod.spec), told(container), targets(state, pod), frozenset(probes - {0})]
    return frozenset().union(*ways)
