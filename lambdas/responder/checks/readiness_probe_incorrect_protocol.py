"""A readiness probe asks in a protocol that its container does not speak: no request reaches its pod.

Kubernetes' page "Configure Liveness, Readiness and Startup Probes". What is read: ``responder/state/probing.py``.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.probing import failures


def find(state: State) -> Iterator[Found]:
    """Yield the workloads whose readiness probe is set so that it cannot pass."""
    for one in failures(state, "readiness", "protocol"):
        yield Found(str(one.owner), one.sentence, "stops" if one.everywhere else "lessens",
                    "said" if one.by_kubelet else "seen", (one.owner.name,), one.said,
                    f"let the readiness probe of {one.owner} ask in the protocol that its container speaks",
                    one.since)


CHECK = Check(id="readiness_probe_incorrect_protocol", family="runtime", sign="definition", find=find)
