"""The container runtime does not create or start a container, for a reason that no other check knows.

Kubernetes' page "Debug Pods"; the waiting reasons ``CreateContainerError``, ``CreateContainerConfigError`` and
``RunContainerError`` of the kubelet.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref
from responder.state.starting import containers
from responder.state.trouble import hurt, latest, waiting_pods

_WAITS = frozenset({"CreateContainerError", "CreateContainerConfigError", "RunContainerError"})


def find(state: State) -> Iterator[Found]:
    """Yield workloads of which a container waits to be created or started."""
    told: set[Ref] = set()
    for pod in sorted(waiting_pods(state), key=lambda one: one.ref):
        app = state.owner(pod)
        for one, status in containers(pod):
            if status is not None and status.waiting in _WAITS and app not in told:
                told.add(app)
                event = latest(event for event in state.about(pod.ref) if event.message.startswith("Error: "))
                yield Found(str(app), f"container {one.name} of {app} is not created: {status.waiting}",
                            hurt(state, app), "said", (app.name,),
                            status.message or (event.message if event else status.waiting),
                            "read what the kubelet says of it", pod.meta.created)


CHECK = Check(id="container_not_created", family="startup", find=find, follows=(
    "missing_config", "bad_command", "non_root_refused", "volume_mount_permission_denied", "volume_mount_failed",
    "containerd_unavailable", "kubelet_unavailable", "node_disk_pressure"))
