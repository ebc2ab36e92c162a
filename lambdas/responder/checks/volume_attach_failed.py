"""A workload's volume cannot be attached to the node of its pod.

Kubernetes' page "Persistent Volumes", "Access Modes": ``ReadWriteOnce`` is of one node. A volume that is still attached
to a node that is gone stays so for six minutes (page "Non-Graceful node shutdown handling").
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Event, Ref
from responder.state.binding import claims_of
from responder.state.pods import Pod
from responder.state.trouble import hurt, lasts, latest, waiting_pods

_SAID = re.compile(r'Multi-Attach error for volume "(?P<multi>[^"]+)"|'
                   r'AttachVolume\.(?:Attach|NewAttacher) failed for volume "(?P<volume>[^"]+)"')
_ROLLING_SECONDS = 60.0
"""So long a volume may take from one node to the next in an ordinary rollout."""


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose volume is attached elsewhere or cannot be attached: by what is said; else by a claim of one
    node that pods on two nodes use.
    """
    told: dict[Ref, list[Event]] = defaultdict(list)
    for pod in waiting_pods(state):
        event = latest(event for event in state.about(pod.ref) if _SAID.search(event.message))
        if pod.node and not any(one.running for one in (*pod.statuses, *pod.init_statuses)) and event is not None and (
                lasts(state, pod.meta.created, _ROLLING_SECONDS)):
            told[state.owner(pod)].append(event)
    for app, events in sorted(told.items()):
        last = latest(events)
        said = _SAID.search(last.message) if last else None
        if last is None or said is None:
            continue
        why = "is still attached to another node" if said["multi"] else "cannot be attached"
        yield _found(state, app, f"volume {said['multi'] or said['volume']} of {app} {why}", last.message, last.last,
                     said=True)
    for pod in waiting_pods(state):
        app = state.owner(pod)
        other = _elsewhere(state, pod) if app not in told else None
        if other is not None:
            told[app] = []
            yield _found(state, app, f"a pod of {app} waits for a volume that is attached to node {other.node}",
                         f"{pod.ref.name} on {pod.node}, {other.ref.name} on {other.node}", pod.meta.created,
                         said=False)


def _elsewhere(state: State, pod: Pod) -> Pod | None:
    """Return a pod on another node that has a claim of one node which this one needs to start."""
    if not pod.node or pod.phase != "Pending" or any(one.running for one in (*pod.statuses, *pod.init_statuses)) or (
            not state.now or not pod.meta.created or not lasts(state, pod.meta.created, 2 * _ROLLING_SECONDS)):
        return None
    single = {claim.ref.name for claim in state.claims if claim.ref.namespace == pod.ref.namespace
              and claim.modes and set(claim.modes) <= {"ReadWriteOnce", "ReadWriteOncePod"}} & set(claims_of(pod.spec))
    waits = any(one.waiting in ("ContainerCreating", "PodInitializing") for one in (*pod.statuses, *pod.init_statuses))
    others = (one for one in state.pods if waits and one.node and one.node != pod.node and not one.over
              and one.ref.namespace == pod.ref.namespace and single & set(claims_of(one.spec)))
    return min(others, key=lambda one: one.ref, default=None)


def _found(state: State, app: Ref, sentence: str, message: str, since: float, said: bool) -> Found:
    return Found(str(app), sentence, hurt(state, app), "said" if said else "seen", (app.name,), message,
                 "end the pod that holds it (strategy Recreate does so), or detach it from a node that is gone", since)


CHECK = Check(id="volume_attach_failed", family="scheduling", sign="volume", find=find)
