"""A container ends again and again, or has ended and does not come back; nothing else here says why.

Kubernetes' page "Pod Lifecycle": CrashLoopBackOff. What its end tells is the exit code, and its last words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.checks.no_endpoints import CAUSES
from responder.state import State
from responder.state.basics import Ref
from responder.state.pods import Status
from responder.state.recent import every_status, is_down, is_recent, last_end
from responder.state.sayings import sayings, serves_nobody

_CODES = {0: "it ends without an error", 1: "an error of its own", 2: "wrong use of a command",
          126: "its command cannot be run", 127: "its command is not there", 128: "it could not be started",
          134: "it aborted", 137: "SIGKILL", 139: "a segmentation fault", 143: "SIGTERM"}
"""128 and more: the number of the signal that ended it, and 128 (Bash's manual, "Exit Status")."""
_ANY = re.compile(r"\S")


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose containers do not stay up."""
    told: set[tuple[Ref, str]] = set()
    lines = {one.owner: one.text for one in sayings(state, _ANY)}
    for pod in sorted(state.pods, key=lambda one: one.ref):
        owner = state.owner(pod)
        for status in every_status(pod) if not pod.over and not pod.meta.deleting else ():
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
    if end and (end.reason == "OOMKilled" or not (is_recent(state, end.finished) or status.waiting)):
        return False
    often = end is not None and end.exit_code != 0 and bool(end.finished) and status.restarts > 1 and not status.ready
    return is_down(status) or often


CHECK = Check(id="container_crashes", family="runtime", find=find, follows=(
    *(one for one in CAUSES if one != "container_crashes"), "liveness_probe_incorrect_command", "missing_config",
    "database_read_only", "database_connections_exhausted", "disk_full", "read_only_file_system", "missing_service",
    "address_in_use", "service_env_var_address_mismatch", "service_dns_resolution_failure", "missing_command",
    "startup_probe_incorrect_path", "startup_probe_incorrect_command"))
