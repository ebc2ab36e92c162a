"""A workload's pods ask for more CPU than any node has, or has left.

Kubernetes' page "Resource Management for Pods and Containers": the sum of requests on a node never exceeds what is
allocatable, however little is used.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.placing import CLOSED
from responder.state.scheduling import lacking


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose pods no node has CPU enough for, no new node being on its way."""
    return lacking(state, "cpu", "CPU")


CHECK = Check(id="cpu_capacity_mismatch", family="scheduling", sign="room", find=find, follows=CLOSED)
