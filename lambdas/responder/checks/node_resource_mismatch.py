"""A workload's pods ask for a resource that no node has, or has left: GPUs, huge pages, local storage.

Kubernetes' pages "Device Plugins" and "Local ephemeral storage": a node offers what its device plugin registers.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.placing import CLOSED, asks
from responder.state.scheduling import held, scaling
from responder.state.trouble import hurt


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose pods ask for what no node has."""
    for one in held(state, "resource"):
        if not scaling(state, one.pods):
            names = sorted(name for container in asks(state, one.pods[0]).containers
                           for name in container.requests if name not in ("cpu", "memory"))
            yield Found(
                str(one.app), f"a pod of {one.app} asks for {', '.join(names) or 'a resource'}, which no node has left",
                hurt(state, one.app), one.basis, (one.app.name,), one.message or f"requests: {', '.join(names)}",
                "ask for less, add such a node, or look at the device plugin of the nodes that should have it",
                one.since)


CHECK = Check(id="node_resource_mismatch", family="scheduling", sign="room", find=find, follows=CLOSED)
