"""A claim's provisioner makes no volume.

Kubernetes' page "Persistent Volumes", "Dynamic": what a provisioner cannot do it says in an Event
``ProvisioningFailed``; one that does not run says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.binding import unbound
from responder.state.trouble import hurt


def find(state: State) -> Iterator[Found]:
    """Yield the workloads (or claims) that wait for a provisioner."""
    for one in unbound(state):
        if "provisioner" in one.kinds:
            severity = hurt(state, one.users[0]) if one.users else "risks"
            yield Found(
                one.object, f"claim {one.claim.ref.name} waits for a volume that its provisioner does not make",
                severity, one.basis, one.apps, one.said, "look at the provisioner's pods, rights and quotas", one.since)


CHECK = Check(id="pvc_provisioning_failed", family="scheduling", sign="volume", find=find)
