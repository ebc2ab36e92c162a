"""A container must not run as root, and its image would: the kubelet does not create it.

Kubernetes' page "Configure a Security Context for a Pod or Container": ``runAsNonRoot``; a user that an image gives by
name cannot be checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref
from responder.state.starting import containers, sayings
from responder.state.trouble import hurt, waiting_pods

_SAID = re.compile(r"runAsNonRoot and (?:image will run as root|image has non-numeric user|runAsUser)|"
                   r"container's runAsUser breaks non-root policy")
_MEND = "set runAsUser to a number above 0 that the image can run as, or mend its USER"


def find(state: State) -> Iterator[Found]:
    """Yield workloads by what the kubelet says; else those that ask for both root and not root."""
    told: set[Ref] = set()
    for said in sayings(state):
        if said.app not in told and said.by == "kubelet" and _SAID.search(said.text):
            told.add(said.app)
            yield Found(str(said.app), f"{said.app} must not run as root, and its image would", hurt(state, said.app),
                        "said", (said.app.name,), said.text, _MEND, said.since)
    for pod in waiting_pods(state):
        app = state.owner(pod)
        for one, status in containers(pod):
            user = one.runs_as if one.runs_as is not None else pod.spec.runs_as
            running = status is not None and status.running
            if user == 0 and (one.non_root or pod.spec.non_root) and app not in told and not running:
                told.add(app)
                yield Found(str(app), f"container {one.name} of {app} is to run as root and must not", hurt(state, app),
                            "seen", (app.name,), "runAsNonRoot: true, runAsUser: 0", _MEND, pod.meta.created)


CHECK = Check(id="non_root_refused", family="startup", sign="definition", find=find)
