"""A claim names a volume that is not there.

Kubernetes' page "Persistent Volumes", "Reserving a PersistentVolume": ``volumeName`` waits for just that volume.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.binding import unbound
from responder.state.trouble import hurt


def find(state: State) -> Iterator[Found]:
    """Yield the workloads (or claims) that wait for a volume by name."""
    for one in unbound(state):
        if "volume" in one.kinds:
            severity = hurt(state, one.users[0]) if one.users else "risks"
            yield Found(
                one.object, f"claim {one.claim.ref.name} names volume {one.volume}, which is not there", severity,
                one.basis, one.apps, one.said, "create that volume, or take volumeName off the claim", one.since)


CHECK = Check(id="missing_persistent_volume", family="scheduling", sign="volume", find=find)
