"""A workload is told a wrong address of a callee: no such Service, not its port, or another app's.

Kubernetes' pages "DNS for Services and Pods" and "Service". What is read: ``responder/state/misaddressed.py``.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.databases import uses
from responder.state.misaddressed import is_gateway, sentence, written, wrong


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose variables lead nowhere, or elsewhere; ports of databases have a check of their own."""
    databases = {(use.given.owner, use.given.address) for use in uses(state)}
    for one in wrong(state):
        owner, address = one.given.owner, one.given.address
        if one.at_service or is_gateway(state, owner) or (one.fault == "port" and (owner, address) in databases):
            continue
        right = f" to {one.right}" if one.right and one.fault != "port" else (
            f" to port {one.right}" if one.right else "")
        yield Found(str(owner), sentence(one), "stops" if one.sure else "risks", "seen" if one.sure else "guessed",
                    (owner.name,), written(one), f"set {address.port_variable or address.variable} of {owner}{right}")


CHECK = Check(id="service_env_var_address_mismatch", family="routing", sign="definition", find=find)
