"""A node runs short of memory: its pods are put off, those that use more than they asked for first.

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
        said = node.condition("MemoryPressure")
        if said is not None and said.status == "True":
            yield Found(str(node.ref), f"node {node.name} runs short of memory", "lessens", "said",
                        apps_on(state, node.name), said.message or said.reason,
                        f"find what uses it on node {node.name}, or add a node", said.since)


CHECK = Check(id="node_memory_pressure", family="infrastructure", sign="node", find=find)
