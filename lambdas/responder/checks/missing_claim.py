"""A workload's pods use a claim that is not there.

Kubernetes' page "Persistent Volumes", "Claims As Volumes": claims are of the pod's own namespace.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref
from responder.state.binding import claims_of, uses
from responder.state.scheduling import held
from responder.state.trouble import hurt

_SAID = re.compile(r'persistentvolumeclaim "(?P<name>[^"]+)" not found')


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose claim the scheduler misses; else those that name one that is not listed."""
    there, told = {claim.ref for claim in state.claims}, set()
    for one in held(state, "no_claim"):
        said = _SAID.search(one.message)
        name = said["name"] if said else ", ".join(claims_of(one.spec))
        claim = Ref("PersistentVolumeClaim", one.app.namespace, name)
        if claim not in there:
            told.add(one.app)
            yield _found(state, one.app, name, one.message, one.since, said=True)
    for claim, user in sorted(set(uses(state))):
        if claim not in there and user not in told and state.lists("PersistentVolumeClaim", claim.namespace):
            told.add(user)
            yield _found(state, user, claim.name, f"claimName: {claim.name}", 0.0, said=False)


def _found(state: State, app: Ref, claim: str, message: str, since: float, said: bool) -> Found:
    return Found(
        str(app), f"{app} uses claim {claim}, which is not there", hurt(state, app), "said" if said else "seen",
        (app.name,), message, f"create claim {claim} in namespace {app.namespace}, or name one that exists", since)


CHECK = Check(id="missing_claim", family="scheduling", sign="volume", find=find,
              follows=("namespace_storage_quota_exceeded",))
