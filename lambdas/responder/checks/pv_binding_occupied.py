"""A claim waits for a volume that belongs to another claim.

Kubernetes' page "Persistent Volumes", "Binding": a binding is one to one, and a volume that is released
keeps its old claim until somebody takes it off.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.binding import unbound
from responder.state.trouble import hurt


def find(state: State) -> Iterator[Found]:
    """Yield the workloads (or claims) that wait for an occupied volume."""
    for one in unbound(state):
        if "occupied" in one.kinds:
            severity = hurt(state, one.users[0]) if one.users else "risks"
            yield Found(
                one.object, f"claim {one.claim.ref.name} waits for volume {one.volume or 'that it names'}, which "
                "belongs to another claim", severity, one.basis, one.apps, one.said,
                "give the claim a volume of its own, or free that one (spec.claimRef)", one.since)


CHECK = Check(id="pv_binding_occupied", family="scheduling", sign="volume", find=find)
