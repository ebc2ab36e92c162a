"""A workload's pods must run beside pods that are nowhere that they could run.

Kubernetes' page "Assigning Pods to Nodes": required pod affinity.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.scheduling import held
from responder.state.trouble import hurt


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose pods find nobody that they must be beside."""
    for one in held(state, "beside"):
        labels = "; ".join(", ".join(f"{key}={value}" for key, value in sorted(term.selector.labels.items()))
                           for term in one.spec.beside)
        yield Found(
            str(one.app), f"{one.app} must run beside pods with {labels or 'certain labels'}, and there are none where "
            "it could run", hurt(state, one.app), one.basis, (one.app.name,), one.message or f"podAffinity: {labels}",
            "get those pods running, or mend the pod affinity", one.since)


CHECK = Check(id="pod_affinity_unmet", family="scheduling", sign="placement", find=find)
