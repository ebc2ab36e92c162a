"""Segments to and from a node are lost: it sends far more of them twice than other nodes do.

TCP sends again what is not confirmed (RFC 9293); a delay that is even makes it do so at its onset alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.machines import apps_on
from responder.state.measuring import lossy


def find(state: State) -> Iterator[Found]:
    """Yield nodes that send much twice, where most do not."""
    for node, (now, others) in sorted(lossy(state).items()):
        yield Found(f"node/{node}", f"node {node} sends {now:.3g} segments twice in a second, others {others:.3g}",
                    "lessens", "seen", apps_on(state, node), f"retransmits {now:.3g}/s; others {others:.3g}/s",
                    f"look at the network of node {node}; cordon it")


CHECK = Check(id="node_network_packet_loss", family="performance", sign="node", find=find, follows=("node_problem",))
