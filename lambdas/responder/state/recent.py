"""What is of now, and what was long ago."""

from __future__ import annotations

from responder.state.once import once
from responder.state.pods import Ended, Pod, Status
from responder.state.state import State

KEPT_SECONDS = 3600.0
"""So long does the API server keep an Event (kube-apiserver's ``--event-ttl``, where nobody says otherwise): what the
cluster itself has forgotten is no trouble of now.
"""


@once
def now_of(state: State) -> float:
    """Return when the state was read; where that is not said, the newest moment that is in it, else 0."""
    if state.now:
        return state.now
    ends = (one.finished for pod in state.pods for status in every_status(pod)
            for one in (status.last, status.ended) if one)
    return max((*(event.last for event in state.events), *ends), default=0.0)


def is_recent(state: State, moment: float, seconds: float = KEPT_SECONDS) -> bool:
    """Whether a moment (seconds since 1970, UTC) is of the last hour, or so long ago; one that is not known may be."""
    return moment == 0 or now_of(state) - moment <= seconds


def every_status(pod: Pod) -> tuple[Status, ...]:
    """Return the states of all containers of a pod, those of init containers too."""
    return (*pod.statuses, *pod.init_statuses)


def last_end(status: Status) -> Ended | None:
    """Return how a container ended last, whether it is started anew or not."""
    return status.ended or status.last


def is_down(status: Status) -> bool:
    """Whether a container does not run now, and is not done: it waits to be started again, or ended badly."""
    if status.running:
        return False
    return status.waiting == "CrashLoopBackOff" or (status.ended is not None and status.ended.exit_code != 0)
