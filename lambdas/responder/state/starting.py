"""What is said of containers that do not start, or do not stay.

Sources: the message of a waiting container, that of its last end (Kubernetes: "Determine the Reason for Pod Failure"),
Events of its pod, and what the workload logs. Of pods that serve the kubelet's words are old.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from responder.state.basics import Ref
from responder.state.once import once
from responder.state.pods import Container, Pod, Status
from responder.state.state import State
from responder.state.trouble import waiting_pods

_PATH = re.compile(r"""(?<![\w/.-])(/[\w.@%+-]+(?:/[\w.@%+-]+)*)""")


class Said(NamedTuple):
    """One message about a pod."""

    pod: Pod
    app: Ref
    text: str
    since: float
    by: str
    """``kubelet`` or ``log``."""


@once
def sayings(state: State) -> tuple[Said, ...]:
    """Return what is said of pods: first all of those that do not serve, then what the others log."""
    serving = (pod for pod in state.pods if pod.ready and not pod.over and not pod.meta.deleting)
    first, last = (sorted(pods, key=lambda pod: pod.ref) for pods in (waiting_pods(state), serving))
    return tuple(said for pod in (*first, *last) for said in _of(state, pod))


def _of(state: State, pod: Pod) -> Iterator[Said]:
    app = state.owner(pod)
    for status in (*pod.init_statuses, *pod.statuses) if not pod.ready else ():
        for text in (status.message, *(ended.message for ended in (status.ended, status.last) if ended)):
            if text and not status.running:
                yield Said(pod, app, text, pod.meta.created, "kubelet")
    for event in sorted(state.about(pod.ref), key=lambda event: (-event.last, event.message)) if _held(pod) else ():
        yield Said(pod, app, event.message, event.last, "kubelet")
    for name in sorted({app.name, pod.ref.name}):
        for text in _logged(state).get(name, ()):
            yield Said(pod, app, text, pod.meta.created, "log")


@once
def _logged(state: State) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in state.lines:
        if line.is_error:
            found.setdefault(line.component, []).append(line.text)
    return found


def _held(pod: Pod) -> bool:
    """Whether a container of a pod does not run, so that what was said of its start may hold still."""
    states = (*pod.init_statuses, *pod.statuses)
    return not pod.ready and (not states or any(not one.running and not one.ready for one in states))


def containers(pod: Pod) -> tuple[tuple[Container, Status | None], ...]:
    """Return a pod's containers, init containers first, each with how it is."""
    states = {one.name: one for one in (*pod.init_statuses, *pod.statuses)}
    return tuple((one, states.get(one.name)) for one in (*pod.spec.init_containers, *pod.spec.containers))


def code(status: Status | None) -> int | None:
    """Return the exit code with which a container that does not run ended last; None: it runs, or never ended."""
    if status is None or status.running:
        return None
    ended = status.ended or status.last
    return ended.exit_code if ended is not None else None


def below_mount(pod: Pod, text: str, kinds: frozenset[str] | None = None) -> str:
    """Return the volume of a pod that a path in a text is below; empty: none. ``kinds`` are kinds of volumes."""
    volumes = {one.name: one.kind for one in pod.spec.volumes}
    mounts = sorted(((mount.path.rstrip("/"), mount.volume) for one, _ in containers(pod) for mount in one.mounts
                     if kinds is None or volumes.get(mount.volume, "") in kinds), key=lambda one: (-len(one[0]), one))
    for path in _PATH.findall(text):
        for root, name in mounts:
            if root and (path == root or path.startswith(f"{root}/")):
                return name
    return ""
