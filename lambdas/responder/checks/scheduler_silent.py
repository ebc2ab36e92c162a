"""A workload names a scheduler of its own, and that one does not place its pods.

Kubernetes' page "Configure Multiple Schedulers": a pod whose ``schedulerName`` nobody answers to waits, without an
Event.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref
from responder.state.scheduling import waits
from responder.state.trouble import hurt


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose pods wait for a scheduler that has not said a word."""
    told: set[Ref] = set()
    for wait in waits(state):
        name = wait.spec.scheduler
        if name != "default-scheduler" and not wait.message and wait.app not in told:
            told.add(wait.app)
            yield Found(
                str(wait.app), f"pods of {wait.app} wait for scheduler {name}, which says nothing: it does not run, or "
                "is called otherwise", hurt(state, wait.app), "seen", (wait.app.name,), f"schedulerName: {name}",
                f"get scheduler {name} running, or name default-scheduler", wait.since)


CHECK = Check(id="scheduler_silent", family="scheduling", sign="placement", find=find)
