"""A workload's claim has no volume, and why cannot be told.

Kubernetes' page "Persistent Volumes", "Binding": the scheduler holds a pod until its claims are bound.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.binding import claims_of, unbound
from responder.state.scheduling import held
from responder.state.trouble import hurt


def find(state: State) -> Iterator[Found]:
    """Yield workloads that the scheduler holds for a claim of which nothing else is known."""
    explained = {user for one in unbound(state) if one.kinds for user in one.users}
    for one in held(state, "unbound"):
        if one.app not in explained:
            claims = ", ".join(claims_of(one.spec))
            yield Found(str(one.app), f"a pod of {one.app} waits for claim {claims or 'that it uses'}, which has no "
                        "volume", hurt(state, one.app), one.basis, (one.app.name,), one.message,
                        "look at the claim's Events, its class, and the volumes that there are", one.since)


CHECK = Check(id="pvc_unbound", family="scheduling", sign="volume", find=find)
