"""A node runs short of process ids: nothing new can be started there.

Kubernetes' page "Node-pressure Eviction".
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.machines import pressed


def find(state: State) -> Iterator[Found]:
    """Yield nodes whose kubelet says that they run short of it."""
    return pressed(state, "PIDPressure", "process ids")


CHECK = Check(id="node_pid_pressure", family="infrastructure", sign="node", find=find)
