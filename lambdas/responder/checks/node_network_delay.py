"""All that goes to and from a node is late: the apps of one node are slow together, and those of the others are not.

They compute no more than before, and the node sends no more segments twice than others do, so nothing is lost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.measuring import lossy
from responder.state.slowness import computes, nodes_of, slow


def find(state: State) -> Iterator[Found]:
    """Yield the node that the slow apps have in common, where most of its apps are slow and no others are."""
    found = {ref: one for ref, one in slow(state).items() if not computes(state, ref)}
    measured = {one.ref for one in state.measures if one.name == "p50"}
    on: dict[str, set[str]] = defaultdict(set)
    for ref in measured:
        for node in nodes_of(state, ref.name):
            on[node].add(ref.name)
    names = {ref.name for ref in found}
    common = sorted(node for node, apps in on.items() if names <= apps and 2 * len(names) > len(apps))
    if len(names) < 2 or len(common) != 1 or len(on) < 2 or common[0] in lossy(state):
        return
    node = common[0]
    slowest = max(one.now for one in found.values())
    yield Found(f"node/{node}", f"{len(names)} of {len(on[node])} apps of node {node} are slow together, no others are",
                "lessens", "seen", tuple(names), f"p50 up to {slowest:.3g} s; {', '.join(sorted(names))}",
                f"look at the network of node {node}; cordon it")


CHECK = Check(id="node_network_delay", family="performance", sign="node", find=find,
              follows=("node_problem", "node_memory_pressure", "node_network_packet_loss"))
