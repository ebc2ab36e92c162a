"""A workload's volume can be reached only from nodes on which its pods cannot run.

Kubernetes' page "Persistent Volumes", "Node Affinity"; a volume of one zone (AWS: an EBS volume) is such a one.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref
from responder.state.binding import claims_of
from responder.state.placing import labels
from responder.state.scheduling import held, waits
from responder.state.storage import PersistentVolume
from responder.state.trouble import hurt

_MEND = "let the pods run where the volume is, add a node there, or move the data"


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose volume is said to be elsewhere; else those whose volume no node that is known reaches."""
    told: set[Ref] = set()
    for one in held(state, "volume_node"):
        told.add(one.app)
        claims = ", ".join(claims_of(one.spec))
        yield Found(str(one.app), f"the volume of claim {claims or 'of a pod'} is not where {one.app} could run",
                    hurt(state, one.app), "said", (one.app.name,), one.message, _MEND, one.since)
    for wait in waits(state):
        names = claims_of(wait.spec)
        far = [volume for volume in state.volumes if volume.claim is not None and volume.claim.name in names
               and volume.claim.namespace == wait.pod.ref.namespace and not _reached(state, volume)]
        if far and not wait.message and wait.app not in told:
            told.add(wait.app)
            name = far[0].meta.ref.name
            yield Found(str(wait.app), f"volume {name} of {wait.app} can be reached from no node that is there",
                        hurt(state, wait.app), "seen", (wait.app.name,), f"nodeAffinity of volume {name}", _MEND,
                        wait.since)


def _reached(state: State, volume: PersistentVolume) -> bool:
    return not volume.node_terms or not state.nodes or any(
        term and all(one.met(labels(node)) for one in term) for node in state.nodes for term in volume.node_terms)


CHECK = Check(id="volume_node_conflict", family="scheduling", sign="volume", find=find)
