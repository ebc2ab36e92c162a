"""What a workload sends and gets is late: it is slow of itself, and computes no more than before.

Its own time stands far above the others', or has stepped up while it was looked at, with no more CPU, no throttling and
no callee that is slow. Where several apps of one node are so, it is the node.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.slowness import computes, nodes_of, slow


def find(state: State) -> Iterator[Found]:
    """Yield the one workload that is slow without computing; of several it cannot be told which is the first."""
    found = {ref: one for ref, one in slow(state).items() if not computes(state, ref)}
    if len(found) != 1:
        return
    ref, one = next(iter(found.items()))
    before = f" (before: {one.before * 1000:.0f} ms)" if one.before else ""
    yield Found(str(ref), f"half of the requests of {ref} take {one.now * 1000:.0f} ms{before}, and its CPU is calm",
                "lessens", "seen" if one.before or one.awaited else "guessed", (ref.name,),
                f"p50 {one.now:.3g} s; nodes {', '.join(sorted(nodes_of(state, ref.name)))}",
                f"look at the network of the pods of {ref}")


CHECK = Check(id="pod_network_delay", family="performance", find=find, follows=(
    "pod_cpu_overload", "cpu_throttled", "oom_killed", "node_network_delay", "node_network_packet_loss",
    "database_connections_exhausted", "node_problem", "node_memory_pressure", "disk_full"))
