"""A liveness probe ends its container before it can have started, or waits too short for an answer.

Kubernetes' page "Configure Liveness, Readiness and Startup Probes". What is read: ``responder/state/probing.py``.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.checks.no_endpoints import UNSERVED
from responder.state import State
from responder.state.probing import misfits


def find(state: State) -> Iterator[Found]:
    """Yield the workloads whose liveness probe is set so that it cannot pass."""
    return misfits(state, "liveness", "timing")


CHECK = Check(id="liveness_probe_incorrect_timing", family="runtime", sign="definition", find=find,
              follows=("pod_cpu_overload", "cpu_throttled", *UNSERVED))
