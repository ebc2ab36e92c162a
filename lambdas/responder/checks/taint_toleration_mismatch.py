"""The nodes that a workload could run on have a taint that it does not tolerate.

Kubernetes' page "Taints and Tolerations". Taints by which Kubernetes marks a node that is not well are the node's own
problem, and a cordon's has a check of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.placing import kind_of, untolerated
from responder.state.scheduling import held
from responder.state.trouble import hurt


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose pods a taint keeps off all nodes."""
    for one in held(state, "taint"):
        taints = sorted({f"{taint.key}={taint.value}:{taint.effect}" for node in state.nodes
                         for taint in untolerated(one.spec, node) if kind_of(taint.key) in ("taint", "control")})
        yield Found(
            str(one.app), f"{one.app} does not tolerate the taint of the nodes that it could run on"
            + (f": {', '.join(taints)}" if taints else ""), hurt(state, one.app), one.basis, (one.app.name,),
            one.message or ", ".join(taints), f"give {one.app} a toleration, or take the taint off a node", one.since)


CHECK = Check(id="taint_toleration_mismatch", family="scheduling", sign="placement", find=find)
