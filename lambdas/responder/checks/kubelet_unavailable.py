"""A node's kubelet reports no more, or does not run: nothing is started, probed or ended there.

Kubernetes' page "Nodes": the node controller sets the conditions to ``Unknown`` when it hears nothing for 40 seconds.
Pods that run go on; whether the machine itself is well cannot be told from that alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.machines import apps_on, is_stopped, said_of, services, silent


def find(state: State) -> Iterator[Found]:
    """Yield nodes whose kubelet is stopped or silent."""
    kubelets = services(state, "kubelet", "snap.kubelet-eks.daemon", "k3s-agent", "k3s")
    nodes = {node.name: node for node in state.nodes}
    for name in sorted({*nodes, *kubelets}):
        kubelet, condition = kubelets.get(name), silent(nodes[name]) if name in nodes else None
        if is_stopped(kubelet) and kubelet is not None:
            yield Found(f"node/{name}", f"the kubelet of node {name} does not run: {kubelet.state}", "stops", "said",
                        apps_on(state, name), said_of(kubelet), f"start the kubelet of node {name}", kubelet.since)
        elif condition is not None:
            yield Found(f"node/{name}", f"the kubelet of node {name} reports no more", "stops", "said",
                        apps_on(state, name), condition.message or condition.reason,
                        f"look at the kubelet of node {name}, and at the machine", condition.since)


CHECK = Check(id="kubelet_unavailable", family="infrastructure", sign="node", find=find,
              follows=("control_plane_unavailable",))
