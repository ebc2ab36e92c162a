"""A workload is told a wrong address of a callee: no such Service, not its port, or another app's.

Kubernetes' pages "DNS for Services and Pods" and "Service". What is read: ``responder/state/misaddressed.py``.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.called import unoffered
from responder.state.databases import has_own_port, runs_here, uses
from responder.state.misaddressed import is_gateway, sentence, written, wrong


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose variables lead nowhere, or elsewhere; ports of databases have a check of their own."""
    databases = {(use.given.owner, use.given.address) for use in uses(state) if has_own_port(use)}
    said = {(one.caller, one.target.ref): one for one in unoffered(state)}
    told = set()
    for one in wrong(state):
        owner, address = one.given.owner, one.given.address
        if one.at_service or is_gateway(state, owner) or (one.fault == "port" and (owner, address) in databases):
            continue
        text = said[owner, one.given.target.ref].text if (owner, one.given.target.ref) in said else ""
        told.add((owner, one.given.target.ref))
        right = {"port": f" to port {one.right}"}.get(one.fault, f" to {one.right}") if one.right else ""
        yield Found(str(owner), sentence(one), "stops" if one.sure else "risks",
                    "said" if text else "seen" if one.sure else "guessed", (owner.name,), text or written(one),
                    f"set {address.port_variable or address.variable} of {owner}{right}")
    at_service = {one.given.target.ref for one in wrong(state) if one.at_service}
    for key, call in sorted(said.items(), key=lambda one: one[0]):
        service = call.target.service
        if key in told or service is None or service.ref in at_service or any(
                runs_here(state, one.ref) for one in state.behind(service)):
            continue
        ports = ", ".join(str(port.number) for port in service.ports)
        yield Found(str(call.caller), f"{call.caller} calls {service.ref.name} at port {call.port}, which has {ports}",
                    "stops", "said", (call.caller.name,), call.text,
                    f"let {call.caller} call {service.ref.name} at port {ports}")


CHECK = Check(id="service_env_var_address_mismatch", family="routing", sign="definition", find=find)
