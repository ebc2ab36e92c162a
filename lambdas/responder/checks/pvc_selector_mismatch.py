"""A claim selects volumes by labels that none has, or of a provisioner that knows no selectors.

Kubernetes' page "Persistent Volumes", "Selector": all requirements must hold; a claim with a selector is never
provisioned for.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.binding import unbound
from responder.state.trouble import hurt


def find(state: State) -> Iterator[Found]:
    """Yield the workloads (or claims) whose selector no volume meets."""
    for one in unbound(state):
        if "selector" in one.kinds:
            severity = hurt(state, one.users[0]) if one.users else "risks"
            yield Found(
                one.object, f"the selector of claim {one.claim.ref.name} is met by no volume", severity,
                one.basis, one.apps, one.said, "mend the selector, or label the volume that is meant", one.since)


CHECK = Check(id="pvc_selector_mismatch", family="scheduling", sign="volume", find=find)
