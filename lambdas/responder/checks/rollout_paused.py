"""A Deployment is paused: what is changed in it is not rolled out.

Kubernetes' page "Deployments", "Pausing and Resuming a rollout of a Deployment".
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State


def find(state: State) -> Iterator[Found]:
    """Yield paused workloads; their pods go on, so it is a mere risk."""
    for one in state.apps:
        if one.paused and one.wanted:
            yield Found(str(one.ref), f"{one.ref} is paused: changes to it are not rolled out", "risks", "seen",
                        (one.ref.name,), "spec.paused: true", f"kubectl rollout resume {shlex.quote(str(one.ref))}")


CHECK = Check(id="rollout_paused", family="startup", find=find)
