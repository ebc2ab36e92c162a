"""No node has room for another pod: each has as many as it may.

Kubernetes' page "Considerations for large clusters": ``allocatable.pods``; on EKS as many as the instance type has IP
addresses (AWS: "Choose an optimal EC2 node instance type").
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.placing import CLOSED
from responder.state.scheduling import held, scaling
from responder.state.trouble import hurt


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose pods find each node full of pods."""
    for one in held(state, "pods"):
        if not scaling(state, one.pods):
            yield Found(
                str(one.app), f"no node may run one more pod: those of {one.app} wait", hurt(state, one.app), one.basis,
                (one.app.name,), one.message or "each node has as many pods as it may", "add a node, or let the nodes "
                "have more pods (EKS: prefix delegation and max-pods)", one.since)


CHECK = Check(id="too_many_pods", family="scheduling", sign="room", find=find, follows=CLOSED)
