"""A claim asks for more than any volume of its class holds.

Kubernetes' page "Persistent Volumes", "Binding": the volume is at least as large as the claim asks for.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.binding import unbound
from responder.state.trouble import hurt


def find(state: State) -> Iterator[Found]:
    """Yield the workloads (or claims) that wait for a larger volume."""
    for one in unbound(state):
        if "size" in one.kinds:
            severity = hurt(state, one.users[0]) if one.users else "risks"
            yield Found(
                one.object, f"claim {one.claim.ref.name} asks for {one.claim.size / 2**30:g} GiB, more than "
                f"{one.volume or 'there is'} holds", severity,
                one.basis, one.apps, one.said, "ask for less, or provide a larger volume", one.since)


CHECK = Check(id="pvc_capacity_mismatch", family="scheduling", sign="volume", find=find)
