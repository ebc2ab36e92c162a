"""A workload's pods may not run beside pods that are on every node: their own, or another's.

Kubernetes' page "Assigning Pods to Nodes": required anti-affinity holds both ways, also of pods that run already.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.scheduling import held
from responder.state.trouble import hurt


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose pods are kept apart from pods on all nodes."""
    for one in held(state, "apart"):
        topology = ", ".join(sorted({term.topology for term in one.spec.apart})) or "kubernetes.io/hostname"
        yield Found(
            str(one.app), f"pod anti-affinity keeps a pod of {one.app} off each {topology}: pods that it may not be "
            "beside are on all", hurt(state, one.app), one.basis, (one.app.name,),
            one.message or f"podAntiAffinity: {topology}",
            "run fewer replicas, add nodes, or prefer anti-affinity instead of requiring it", one.since)


CHECK = Check(id="pod_anti_affinity_conflict", family="scheduling", sign="placement", find=find)
