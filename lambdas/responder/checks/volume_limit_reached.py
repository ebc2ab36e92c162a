"""The nodes cannot attach one more volume.

Kubernetes' page "Node-specific Volume Limits".
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.scheduling import held
from responder.state.trouble import hurt


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose pods find each node with as many volumes as it may have."""
    for one in held(state, "volumes"):
        yield Found(
            str(one.app), f"no node may attach one more volume: a pod of {one.app} waits", hurt(state, one.app),
            one.basis, (one.app.name,), one.message, "add a node, or detach volumes that nobody uses", one.since)


CHECK = Check(id="volume_limit_reached", family="scheduling", sign="room", find=find)
