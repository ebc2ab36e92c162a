"""Whom something hits, how hard, and whether it lasts: what checks of all kinds ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from responder.model.evidence.problems import Severity
from responder.state.basics import Event, Ref
from responder.state.pods import Pod
from responder.state.state import State
from responder.state.workloads import Workload


def hurt(state: State, ref: Ref) -> Severity:
    """Return what it does to a workload that some of its pods do not start."""
    found = state.workload(ref)
    return "lessens" if found is not None and found.ready > 0 else "stops"


def lasts(state: State, since: float, seconds: float) -> bool:
    """Whether something holds for so many seconds; True where a time is not known."""
    return not since or not state.now or state.now - since >= seconds


def lacks(state: State, ref: Ref) -> bool:
    """Whether a workload has fewer pods than it is to have; True where it is not known."""
    own, top = state.workload(ref), state.top(ref)
    found = own or (state.workload(top) if top else None)
    return found is None or short(found)


def short(workload: Workload) -> bool:
    """Whether a workload has fewer pods than it is to have; a Job's number is not known, so it is unless it is over."""
    failing = any(one.kind == "ReplicaFailure" and one.status == "True" for one in workload.conditions)
    if workload.wanted is None:
        return not any(one.kind in ("Complete", "Failed", "SuccessCriteriaMet") and one.status == "True"
                       for one in workload.conditions)
    stuck = any(one.kind == "Progressing" and one.status == "False" for one in workload.conditions)
    return workload.wanted > 0 and (workload.there < workload.wanted or failing or stuck)


def latest(events: Iterable[Event]) -> Event | None:
    """Return the newest of Events; of equally new ones the first by text."""
    return min(events, key=lambda event: (-event.last, event.message), default=None)


def wanting(state: State, workload: Workload) -> bool:
    """Whether a workload has fewer pods than it is to have, or one of its ReplicaSets has: while a rollout is held up,
    the old pods make up the number.
    """
    return short(workload) or any(short(one) for one in state.workloads if one.meta.owner == workload.ref)


def waiting_pods(state: State) -> Iterator[Pod]:
    """Yield pods that are to run and do not serve."""
    return (pod for pod in state.pods if not pod.over and not pod.meta.deleting and not pod.ready)
