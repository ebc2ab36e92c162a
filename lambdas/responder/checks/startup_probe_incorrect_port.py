"""A startup probe asks a port on which its container does not listen: the kubelet ends it again and again.

Kubernetes' page "Configure Liveness, Readiness and Startup Probes". What is read: ``responder/state/probing.py``.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.probing import misfits


def find(state: State) -> Iterator[Found]:
    """Yield the workloads whose startup probe is set so that it cannot pass."""
    return misfits(state, "startup", "port")


CHECK = Check(id="startup_probe_incorrect_port", family="runtime", sign="definition", find=find)
