"""A workload's pods ask for more memory than any node has, or has left.

Kubernetes' page "Resource Management for Pods and Containers": the sum of requests on a node never exceeds what is
allocatable, however little is used.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.needs import needs, written
from responder.state.placing import CLOSED
from responder.state.scheduling import held, scaling
from responder.state.trouble import hurt


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose pods no node has memory enough for, no new node being on its way."""
    most = max((node.allocatable.get("memory", 0.0) for node in state.nodes), default=0.0)
    for one in held(state, "memory"):
        if scaling(state, one.pods):
            continue
        asked = needs(one.spec, "memory")
        never = asked > most > 0
        why = f"the largest node has {written('memory', most)}" if never else "no node has so much left"
        yield Found(
            str(one.app), f"a pod of {one.app} asks for {written('memory', asked)} of memory, and {why}",
            hurt(state, one.app), one.basis, (one.app.name,),
            one.message or f"requests.memory: {asked:g}, allocatable at most: {most:g}",
            "ask for less" if never else "ask for less, or add a node or free one", one.since,
            "placement" if never else "room", stands_alone=never)


CHECK = Check(id="memory_capacity_mismatch", family="scheduling", sign="room", find=find, follows=CLOSED)
