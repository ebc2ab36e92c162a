"""A Service sends requests to a port on which its pods do not listen, or left the port at which it is called.

Kubernetes' page "Service": ``targetPort`` is a number, or the name of a port that the pods' containers declare. What a
container declares binds nobody, so a port that is declared by none counts only where nothing reaches it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.model.plain_json import whole_number
from responder.state import State
from responder.state.basics import Ref
from responder.state.listening import declared, number, probe_port, told
from responder.state.misaddressed import Wrong, wrong
from responder.state.pods import PodSpec
from responder.state.probing import probes
from responder.state.routing import Service, ServicePort


def find(state: State) -> Iterator[Found]:
    """Yield Services whose target ports or own ports cannot be meant so."""
    for service in state.services:
        specs = _specs(state, service)
        if specs:
            yield from _targets(state, service, specs)
    called: dict[Ref, list[Wrong]] = defaultdict(list)
    for one in wrong(state):
        if one.fault == "port" and one.at_service:
            called[one.given.target.ref].append(one)
    for ref, found in sorted(called.items()):
        callers = sorted({str(one.given.owner) for one in found})
        ports = ", ".join(map(str, sorted({one.given.address.port for one in found})))
        apps = _apps(state, ref) or (ref.name,)
        yield Found(
            str(ref), f"Service {ref.name} has port {found[0].right}, and {', '.join(callers)} call it at {ports}",
            "stops", "seen", apps, f"port {found[0].right}; called at {ports}",
            f"give Service {ref.name} port {ports}, or correct it where it is called")


def _targets(state: State, service: Service, specs: list[PodSpec]) -> Iterator[Found]:
    wrongs = [(port, why) for port in service.ports for why in [_unmet(port, specs)] if why]
    tried = [one for one in state.connections if one.service == service.ref.name and one.reached is not None]
    refused = next((one.said for one in tried if not one.reached), "")
    for port, why in wrongs:
        named = whole_number(port.target) is None
        if any(one.reached for one in tried) and not named:
            continue
        # What is declared binds nobody: that it is no mistake is shown by another word for the same port.
        certain = named or (len(wrongs) == len(service.ports) and (bool(refused) or _agreed(specs)))
        yield Found(
            str(service.ref), f"port {port.number} of Service {service.ref.name} leads to {port.target}, {why}",
            "stops" if certain else "risks", ("said" if refused else "seen") if certain else "guessed",
            _apps(state, service.ref) or (service.ref.name,),
            f"port {port.number} targetPort {port.target}" + (f"; {refused}" if refused else ""),
            f"set targetPort of Service {service.ref.name} to the port on which its pods listen")


def _unmet(port: ServicePort, specs: list[PodSpec]) -> str:
    """Return why no pod listens at a port's target; empty: one may."""
    given = whole_number(port.target)
    if given is None:
        return "" if any(number(port.target, spec) for spec in specs) else "and no container declares a port so named"
    listened = {number for spec in specs for number in declared(spec) | _meant(spec)}
    if not listened or given in listened:
        return ""
    return f"and its pods listen on {', '.join(map(str, sorted(listened)))}"


def _meant(spec: PodSpec) -> set[int]:
    """Return the ports that containers are told to listen on, or are probed at."""
    found = {probe_port(probe, spec) for container in spec.containers for _, probe in probes(container)}
    return (found | {number for container in spec.containers for number in told(container)}) - {0}


def _agreed(specs: list[PodSpec]) -> bool:
    """Whether a port that is declared is also one that containers are told or probed at."""
    return any(declared(spec) & _meant(spec) for spec in specs)


def _specs(state: State, service: Service) -> list[PodSpec]:
    if not service.selector:
        return []
    return [one.template for one in state.behind(service)] + [
        pod.spec for pod in state.selected(service)]


def _apps(state: State, ref: Ref) -> tuple[str, ...]:
    return tuple(one.ref.name for service in state.services if service.ref == ref for one in state.behind(service))


CHECK = Check(id="service_port_mapping_mismatch", family="routing", sign="route", find=find)
