"""A workload's ``nodeSelector`` asks for labels that no node has.

Kubernetes' page "Assigning Pods to Nodes": all labels of ``nodeSelector`` must be on the node.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.scheduling import held
from responder.state.trouble import hurt


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose pods find no node with the labels that they ask for."""
    for one in held(state, "selector"):
        asked = ", ".join(f"{key}={value}" for key, value in sorted(one.spec.node_selector.items()))
        yield Found(
            str(one.app), f"{one.app} asks by nodeSelector for nodes with {asked or 'labels'}, and none that it could "
            "run on has them", hurt(state, one.app), one.basis, (one.app.name,),
            one.message or f"nodeSelector: {asked}",
            f"mend the nodeSelector of {one.app}, or label a node with {asked or 'it'}", one.since)


CHECK = Check(id="node_selector_mismatch", family="scheduling", sign="placement", find=find)
