"""A container's ``postStart`` hook fails: the kubelet kills the container.

Kubernetes' page "Container Lifecycle Hooks".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref
from responder.state.starting import containers, sayings
from responder.state.trouble import hurt, waiting_pods

_SAID = re.compile(r"PostStartHook|postStart hook|Exec lifecycle hook")
_MEND = "mend the postStart hook, or do what it does in an init container"


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose hook is said to fail, or whose container waits or ended for it."""
    told: set[Ref] = set()
    for said in sayings(state):
        if said.app not in told and said.by == "kubelet" and _SAID.search(said.text):
            told.add(said.app)
            yield Found(str(said.app), f"the postStart hook of {said.app} fails, and the kubelet kills its container",
                        hurt(state, said.app), "said", (said.app.name,), said.text, _MEND, said.since)
    for pod in waiting_pods(state):
        app = state.owner(pod)
        for one, status in containers(pod):
            if status is not None and status.waiting == "PostStartHookError" and app not in told:
                told.add(app)
                yield Found(str(app), f"the postStart hook of container {one.name} of {app} fails", hurt(state, app),
                            "said", (app.name,), status.waiting, _MEND, pod.meta.created)


CHECK = Check(id="post_start_hook_failed", family="startup", sign="definition", find=find)
