"""A node runs short of room on its disk: images and dead containers are removed, then pods put off.

Kubernetes' page "Node-pressure Eviction".
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.machines import pressed


def find(state: State) -> Iterator[Found]:
    """Yield nodes whose kubelet says that they run short of it."""
    return pressed(state, "DiskPressure", "room on its disk")


CHECK = Check(id="node_disk_pressure", family="infrastructure", sign="node", find=find)
