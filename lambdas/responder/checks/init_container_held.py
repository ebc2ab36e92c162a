"""An init container of a workload waits for something that does not come: its containers do not start.

Kubernetes' page "Init Containers": waiting for a Service is what they are often used for.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref
from responder.state.starting import containers
from responder.state.trouble import hurt, waiting_pods

_LONG_SECONDS = 300.0
"""A migration or a download may take minutes; what waits for another component takes seconds where that is well."""


def find(state: State) -> Iterator[Found]:
    """Yield workloads of which an init container runs for long."""
    told: set[Ref] = set()
    for pod in sorted(waiting_pods(state), key=lambda one: one.ref):
        app = state.owner(pod)
        for one, status in containers(pod):
            sidecar = one.restarts_always or one not in pod.spec.init_containers
            long = status is not None and status.running and bool(status.running_since and state.now) and (
                state.now - status.running_since >= _LONG_SECONDS)
            if long and status is not None and not sidecar and app not in told:
                told.add(app)
                yield Found(str(app), f"init container {one.name} of {app} has not ended for "
                            f"{(state.now - status.running_since) / 60:.0f} min: it may wait for something",
                            hurt(state, app), "seen", (app.name,), " ".join((*one.command, *one.args)),
                            f"read the log of container {one.name}, and look at what it waits for",
                            status.running_since)


CHECK = Check(id="init_container_held", family="startup", find=find)
