"""A claim asks for access modes that no volume of its class offers.

Kubernetes' page "Persistent Volumes", "Access Modes": a volume must have all modes that the claim asks for.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.binding import unbound
from responder.state.trouble import hurt


def find(state: State) -> Iterator[Found]:
    """Yield the workloads (or claims) that wait for a volume with other access modes."""
    for one in unbound(state):
        if "mode" in one.kinds:
            severity = hurt(state, one.users[0]) if one.users else "risks"
            yield Found(
                one.object, f"claim {one.claim.ref.name} asks for {'|'.join(one.claim.modes)}, which "
                f"{one.volume or 'its class'} does not offer", severity,
                one.basis, one.apps, one.said, "ask for an access mode that the volume or the class offers", one.since)


CHECK = Check(id="pvc_access_mode_mismatch", family="scheduling", sign="volume", find=find)
