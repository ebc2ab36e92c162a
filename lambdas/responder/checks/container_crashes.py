"""A container ends again and again, or has ended and does not come back; nothing else here says why.

Kubernetes' page "Pod Lifecycle": CrashLoopBackOff. What its end tells is the exit code, and its last words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.checks.no_endpoints import ENDED, UNSERVED, UNSTARTED
from responder.state import State
from responder.state.basics import Ref
from responder.state.pods import Status
from responder.state.recent import is_down, is_recent, last_end
from responder.state.sayings import sayings, serves_nobody

_CODES = {0: "it ends without an error", 1: "an error of its own", 2: "wrong use of a command",
          128: "it could not be started", 134: "it aborted", 137: "SIGKILL", 139: "a segmentation fault",
          143: "SIGTERM"}
"""128 and more: the number of the signal that ended it, and 128 (Bash's manual, "Exit Status")."""
_TOLD = frozenset(("OOMKilled", "StartError", "ContainerCannotRun"))
_ANY = re.compile(r"\S")


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose containers do not stay up."""
    told: set[tuple[Ref, str]] = set()
    lines = {one.owner: one.text for one in sayings(state, _ANY)}
    hooked = {event.about for event in state.events if event.reason == "FailedPostStartHook"}
    for pod in sorted(state.pods, key=lambda one: one.ref):
        owner = state.owner(pod)
        for status in pod.statuses if not (pod.over or pod.meta.deleting or pod.ref in hooked) else ():
            if not _crashes(state, status) or (owner, status.name) in told:
                continue
            told.add((owner, status.name))
            end = last_end(status)
            code = end.exit_code if end else 0
            why = f" with exit code {code} ({_CODES.get(code, 'its own')})" if end else ""
            said = (end.message if end else "") or lines.get(owner, "") or status.message
            yield Found(
                str(owner), f"container {status.name} of {owner} ends{why}, {status.restarts} restarts",
                "stops" if serves_nobody(state, owner) else "lessens", "said", (owner.name,), said,
                f"read the last lines of {owner}'s log", end.finished if end else 0.0)


def _crashes(state: State, status: Status) -> bool:
    end = last_end(status)
    if end and (end.reason in _TOLD or end.exit_code in (126, 127)):
        return False  # It has a check of its own.
    if end and not (is_recent(state, end.finished) or status.waiting):
        return False
    often = end is not None and end.exit_code != 0 and bool(end.finished) and status.restarts > 1 and not status.ready
    return is_down(status) or often


CHECK = Check(id="container_crashes", family="runtime", find=find, follows=(*UNSTARTED, *UNSERVED, *ENDED))
