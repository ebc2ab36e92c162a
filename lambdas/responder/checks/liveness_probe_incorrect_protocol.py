"""A liveness probe asks in a protocol that its container does not speak: the kubelet ends it again and again.

Kubernetes' page "Configure Liveness, Readiness and Startup Probes". What is read: ``responder/state/probing.py``.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.probing import misfits


def find(state: State) -> Iterator[Found]:
    """Yield the workloads whose liveness probe is set so that it cannot pass."""
    return misfits(state, "liveness", "protocol")


CHECK = Check(id="liveness_probe_incorrect_protocol", family="runtime", sign="definition", find=find)
