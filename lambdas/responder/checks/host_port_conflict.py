"""A workload's pods want a port of the node itself that is taken on every node.

Kubernetes' page "Configuration Best Practices": ``hostPort`` limits where a pod can be scheduled.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.scheduling import held
from responder.state.trouble import hurt


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose pods find their host port taken."""
    for one in held(state, "ports"):
        ports = ", ".join(sorted({str(port.host_port or port.number) for container in one.spec.containers
                                  for port in container.ports if port.host_port or one.spec.host_network}))
        yield Found(
            str(one.app), f"a pod of {one.app} wants the node's port {ports or 'that it names'}, which is taken on "
            "each node", hurt(state, one.app), one.basis, (one.app.name,), one.message or f"hostPort: {ports}",
            "run fewer replicas, use a Service instead of a host port, or another port", one.since)


CHECK = Check(id="host_port_conflict", family="scheduling", sign="room", find=find)
