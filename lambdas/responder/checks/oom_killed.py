"""The kernel ended a container because it reached its memory limit (or its node had none left), within the last hour.

Kubernetes' page "Assign Memory Resources to Containers and Pods": ``OOMKilled``, exit code 137. A limit that is too
small to start with is told by the container runtime instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref
from responder.state.pods import Pod, Status
from responder.state.recent import every_status, is_down, is_recent
from responder.state.sayings import serves_nobody

_TOO_SMALL = re.compile(r"OOM-killed \(memory limit too low\?\)|container init was OOM-killed", re.IGNORECASE)
"""runc, at the start of a container."""


def find(state: State) -> Iterator[Found]:
    """Yield workloads of which a container was ended for its memory."""
    told: dict[tuple[Ref, str], Found] = {}
    for pod in state.pods:
        for status in every_status(pod) if not pod.over or pod.phase == "Failed" else ():
            said = _said(state, pod, status)
            key = (state.owner(pod), status.name)
            if said and (key not in told or said[1] > told[key].since):
                told[key] = _found(state, key[0], pod, status, *said)
    for _, found in sorted(told.items()):
        yield found


def _said(state: State, pod: Pod, status: Status) -> tuple[str, float] | None:
    """Return what shows that a container was ended for its memory of late, and when that was."""
    for end in (status.ended, status.last):
        if end is None or not (end.reason == "OOMKilled" or _TOO_SMALL.search(end.message)):
            continue
        if is_recent(state, end.finished) and (end.finished or is_down(status) or not pod.ready):
            return f"{end.reason} (exit code {end.exit_code}) {end.message}".strip(), end.finished
    if _TOO_SMALL.search(status.message):
        return status.message, 0.0
    return None


def _found(state: State, owner: Ref, pod: Pod, status: Status, said: str, since: float) -> Found:
    limit = max((one.limits.get("memory", 0.0) for one in (*pod.spec.containers, *pod.spec.init_containers)
                 if one.name == status.name), default=0.0)
    bound = f"its limit of {limit / 2**20:.0f} MiB" if limit else "what its node had"
    again = f", restarted {status.restarts} times" if status.restarts > 1 else ""
    return Found(
        str(owner), f"container {status.name} of {owner} was ended by the kernel at {bound}{again}",
        "stops" if serves_nobody(state, owner) else "lessens", "said", (owner.name,), said,
        f"raise the memory limit of {owner}, or find out what needs it", since)


CHECK = Check(id="oom_killed", family="runtime", find=find, follows=("node_memory_pressure",))
