"""A node is not ready: nothing new is placed there, and its pods are no endpoints after a while.

Kubernetes' page "Nodes". Mostly the consequence of something that has a check of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.machines import apps_on, silent


def find(state: State) -> Iterator[Found]:
    """Yield nodes whose kubelet says that they are not ready; one whose kubelet says nothing has another check."""
    for node in state.nodes:
        said = node.condition("Ready")
        if said is not None and said.status != "True" and silent(node) is None:
            yield Found(str(node.ref), f"node {node.name} is not ready: {said.reason}", "stops", "said",
                        apps_on(state, node.name), said.message or said.reason,
                        f"look at the kubelet of node {node.name}", said.since)


CHECK = Check(id="node_not_ready", family="infrastructure", sign="node", find=find, follows=(
    "kubelet_unavailable", "containerd_unavailable", "cni_unavailable", "node_problem", "node_disk_pressure",
    "node_memory_pressure", "node_pid_pressure"))
