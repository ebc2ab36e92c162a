"""A node takes no new pods, and pods wait that could run there.

Kubernetes' page "Nodes", "Manual Node administration": ``kubectl cordon`` and ``uncordon``.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.scheduling import held


def find(state: State) -> Iterator[Found]:
    """Yield the nodes that are cordoned while pods wait for one; as a mere risk, those that nobody waits for."""
    waiting = held(state, "cordon")
    apps = tuple(one.app.name for one in waiting)
    cordoned = sorted(node.name for node in state.nodes if node.unschedulable)
    message = min((one.message for one in waiting if one.message), default="spec.unschedulable: true")
    since = min((one.since for one in waiting if one.since), default=0.0)
    if waiting and not cordoned:
        yield from (Found(str(one.app), f"nodes are cordoned, and pods of {one.app} wait for one", "stops", one.basis,
                          (one.app.name,), one.message, "uncordon a node", one.since) for one in waiting)
    for name in cordoned:
        hit = tuple(one.app.name for one in waiting if not one.nodes or name in one.nodes)
        if hit:
            yield Found(
                f"node/{name}", f"node {name} is cordoned, and pods of {', '.join(hit)} wait for a node", "stops",
                "said" if any(one.basis == "said" for one in waiting) else "seen", hit, message,
                f"kubectl uncordon {name}, when what it was cordoned for is done; or add a node", since)
        elif not apps:
            yield Found(f"node/{name}", f"node {name} is cordoned: no new pod is placed there", "risks", "seen", (),
                        "spec.unschedulable: true", f"kubectl uncordon {name}, when what it was cordoned for is done")


CHECK = Check(id="node_cordon_mismatch", family="scheduling", sign="room", find=find)
