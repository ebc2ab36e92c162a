"""A readiness probe runs a command that its container does not have: no request reaches its pod.

Kubernetes' page "Configure Liveness, Readiness and Startup Probes". What is read: ``responder/state/probing.py``.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.probing import misfits


def find(state: State) -> Iterator[Found]:
    """Yield the workloads whose readiness probe is set so that it cannot pass."""
    return misfits(state, "readiness", "command")


CHECK = Check(id="readiness_probe_incorrect_command", family="runtime", sign="definition", find=find)
