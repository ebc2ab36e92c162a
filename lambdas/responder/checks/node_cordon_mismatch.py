"""A node takes no new pods, and pods wait that could run there.

Kubernetes' page "Nodes", "Manual Node administration": ``kubectl cordon`` and ``uncordon``.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.scheduling import Held, held
from responder.state.trouble import hurt


def find(state: State) -> Iterator[Found]:
    """Yield the workload that waits for a node that is cordoned, or the nodes that several wait for; as a mere risk,
    those that nobody waits for.
    """
    waiting = held(state, "cordon")
    cordoned = sorted(node.name for node in state.nodes if node.unschedulable)
    hits = {name: [one for one in waiting if not one.nodes or name in one.nodes] for name in cordoned}
    if len(waiting) == 1 or not any(hits.values()):
        for one in waiting:
            names = [name for name in cordoned if hits[name]]
            verb = "is" if len(names) == 1 else "are"
            closed = f"{', '.join(names) or 'nodes'} that they could run on {verb} cordoned"
            yield Found(
                str(one.app), f"pods of {one.app} wait for a node, and {closed}", hurt(state, one.app), one.basis,
                (one.app.name,),
                one.message or f"spec.unschedulable: true ({', '.join(names)})", _mend(names), one.since)
    else:
        yield from (_of_node(name, hit) for name, hit in hits.items() if hit)
    if not waiting:
        yield from (Found(f"node/{name}", f"node {name} is cordoned: no new pod is placed there", "risks", "seen", (),
                          "spec.unschedulable: true", _mend([name])) for name in cordoned)


def _of_node(name: str, hit: list[Held]) -> Found:
    apps = tuple(one.app.name for one in hit)
    return Found(
        f"node/{name}", f"node {name} is cordoned, and pods of {', '.join(apps)} wait for a node", "stops",
        "said" if any(one.basis == "said" for one in hit) else "seen", apps,
        min((one.message for one in hit if one.message), default="spec.unschedulable: true"), _mend([name]),
        min((one.since for one in hit if one.since), default=0.0))


def _mend(names: list[str]) -> str:
    return f"kubectl uncordon {shlex.join(names) or 'NODE'}, when what it was cordoned for is done; or add a node"


CHECK = Check(id="node_cordon_mismatch", family="scheduling", sign="room", find=find)
