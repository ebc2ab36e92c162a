"""A startup probe ends its container before it can have started, or waits too short for an answer.

Kubernetes' page "Configure Liveness, Readiness and Startup Probes". What is read: ``responder/state/probing.py``.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.checks.no_endpoints import UNSERVED
from responder.state import State
from responder.state.probing import failures


def find(state: State) -> Iterator[Found]:
    """Yield the workloads whose startup probe is set so that it cannot pass."""
    for one in failures(state, "startup", "timing"):
        yield Found(str(one.owner), one.sentence, "stops" if one.everywhere else "lessens",
                    "said" if one.by_kubelet and one.sure else "guessed", (one.owner.name,), one.said,
                    f"give {one.owner} a startup probe, or a longer delay, timeout and failure threshold",
                    one.since)


CHECK = Check(id="startup_probe_incorrect_timing", family="runtime", sign="definition", find=find,
              follows=("pod_cpu_overload", "cpu_throttled", *UNSERVED))
