"""A node runs short of process ids: nothing new can be started there.

Kubernetes' page "Node-pressure Eviction".
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.machines import apps_on


def find(state: State) -> Iterator[Found]:
    """Yield nodes whose kubelet says that they run short of it."""
    for node in state.nodes:
        said = node.condition("PIDPressure")
        if said is not None and said.status == "True":
            yield Found(str(node.ref), f"node {node.name} runs short of process ids", "lessens", "said",
                        apps_on(state, node.name), said.message or said.reason,
                        f"find what uses it on node {node.name}, or add a node", said.since)


CHECK = Check(id="node_pid_pressure", family="infrastructure", sign="node", find=find)
