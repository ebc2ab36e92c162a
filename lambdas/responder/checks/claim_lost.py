"""A workload's claim was bound, and its volume is gone.

Kubernetes' page "Persistent Volumes": the phase ``Lost`` of a claim.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref
from responder.state.binding import uses
from responder.state.trouble import hurt, latest


def find(state: State) -> Iterator[Found]:
    """Yield the workloads (or claims) whose volume is gone."""
    users: dict[Ref, set[Ref]] = {}
    for claim, user in uses(state):
        users.setdefault(claim, set()).add(user)
    for one in state.claims:
        gone = one.phase == "Bound" and one.volume and state.lists("PersistentVolume", "") and not any(
            volume.meta.ref.name == one.volume for volume in state.volumes)
        if one.phase != "Lost" and not gone:
            continue
        apps = sorted(users.get(one.ref, ()))
        event = latest(event for event in state.about(one.ref) if event.reason in ("ClaimLost", "ClaimMisbound"))
        yield Found(
            str(apps[0]) if len(apps) == 1 else str(one.ref),
            f"claim {one.ref.name} has lost its volume {one.volume}: what was on it is gone, or is not attached to it",
            hurt(state, apps[0]) if apps and not _serve(state, apps) else "risks",
            "said" if one.phase == "Lost" else "seen",
            tuple(ref.name for ref in apps), event.message if event else f"phase: {one.phase}, volume: {one.volume}",
            "restore the volume from a snapshot, and do not delete the claim before", event.last if event else 0.0)


def _serve(state: State, apps: list[Ref]) -> bool:
    """Whether all that use it have their pods: they go on until one is started anew."""
    found = [state.workload(ref) for ref in apps]
    return all(one is not None and one.wanted is not None and one.ready >= one.wanted for one in found)


CHECK = Check(id="claim_lost", family="scheduling", sign="volume", find=find)
