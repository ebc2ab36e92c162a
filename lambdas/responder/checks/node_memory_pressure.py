"""A node runs short of memory: its pods are put off, those that use more than they asked for first.

Kubernetes' page "Node-pressure Eviction".
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.machines import pressed


def find(state: State) -> Iterator[Found]:
    """Yield nodes whose kubelet says that they run short of it."""
    return pressed(state, "MemoryPressure", "memory")


CHECK = Check(id="node_memory_pressure", family="infrastructure", sign="node", find=find)
