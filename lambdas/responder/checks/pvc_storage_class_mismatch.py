"""A claim's StorageClass is not there, or no volume is of it.

Kubernetes' page "Persistent Volumes", "Class": a claim is bound only to a volume of its class; without a class and
without a default one, to a volume without a class.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.binding import unbound
from responder.state.trouble import hurt


def find(state: State) -> Iterator[Found]:
    """Yield the workloads (or claims) whose class has neither provisioner nor volume."""
    for one in unbound(state):
        if "class" in one.kinds:
            severity = hurt(state, one.users[0]) if one.users else "risks"
            yield Found(
                one.object, f"claim {one.claim.ref.name} is of class "
                f"{one.claim.storage_class if one.claim.storage_class is not None else '(default)'}, and neither a "
                "provisioner nor a volume is", severity, one.basis, one.apps, one.said,
                "name a StorageClass that exists, or the class of the volume that is meant", one.since)


CHECK = Check(id="pvc_storage_class_mismatch", family="scheduling", sign="volume", find=find)
