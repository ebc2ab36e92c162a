"""A readiness probe asks in a protocol that its container does not speak: no request reaches its pod.

Kubernetes' page "Configure Liveness, Readiness and Startup Probes". What is read: ``responder/state/probing.py``.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.probing import misfits


def find(state: State) -> Iterator[Found]:
    """Yield the workloads whose readiness probe is set so that it cannot pass."""
    return misfits(state, "readiness", "protocol")


CHECK = Check(id="readiness_probe_incorrect_protocol", family="runtime", sign="definition", find=find)
