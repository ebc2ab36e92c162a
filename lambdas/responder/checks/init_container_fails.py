"""An init container of a workload fails: its containers do not start.

Kubernetes' page "Init Containers": each must complete before the next starts.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref
from responder.state.starting import code, containers
from responder.state.trouble import hurt, waiting_pods


def find(state: State) -> Iterator[Found]:
    """Yield workloads of which an init container ended with an error and has not completed since."""
    told: set[Ref] = set()
    for pod in sorted(waiting_pods(state), key=lambda one: one.ref):
        app = state.owner(pod)
        if app in told or any(one.running for one in pod.statuses):
            continue
        names = {one.name for one in pod.init_statuses}
        for one, status in containers(pod):
            if status is None or one.name not in names or status.ready or not (code(status) or 0):
                continue
            told.add(app)
            ended = status.ended or status.last
            yield Found(str(app), f"init container {one.name} of {app} fails: the pod's containers do not start",
                        hurt(state, app), "said", (app.name,), (ended.message if ended else "")
                        or f"init container {one.name} ended with exit code {code(status)}",
                        f"read the log of container {one.name}", pod.meta.created)
            break


CHECK = Check(id="init_container_fails", family="startup", find=find, follows=(
    "missing_config", "volume_mount_permission_denied", "read_only_volume", "bad_command"))
