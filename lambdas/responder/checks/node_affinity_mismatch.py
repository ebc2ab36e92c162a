"""A workload's required node affinity is met by no node.

Kubernetes' page "Assigning Pods to Nodes": ``requiredDuringSchedulingIgnoredDuringExecution``; one of the
terms must hold.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.pods import PodSpec
from responder.state.scheduling import held
from responder.state.trouble import hurt


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose pods find no node that meets their affinity."""
    for one in held(state, "affinity"):
        asked = _terms(one.spec)
        yield Found(
            str(one.app), f"{one.app} asks by node affinity for nodes with {asked or 'labels'}, and none that it could "
            "run on meets it", hurt(state, one.app), one.basis, (one.app.name,),
            one.message or f"nodeAffinity: {asked}",
            f"mend the node affinity of {one.app}, or label a node so that it meets it", one.since)


def _terms(spec: PodSpec) -> str:
    return " or ".join(" and ".join(f"{one.key} {one.operator} {'|'.join(one.values)}".strip() for one in term)
                       for term in spec.node_terms)


CHECK = Check(id="node_affinity_mismatch", family="scheduling", sign="placement", find=find)
