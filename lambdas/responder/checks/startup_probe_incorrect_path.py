"""A startup probe asks for a page that its container does not have: the kubelet ends it again and again.

Kubernetes' page "Configure Liveness, Readiness and Startup Probes". What is read: ``responder/state/probing.py``.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.probing import failures


def find(state: State) -> Iterator[Found]:
    """Yield the workloads whose startup probe is set so that it cannot pass."""
    for one in failures(state, "startup", "path"):
        yield Found(str(one.owner), one.sentence, "stops" if one.everywhere else "lessens",
                    "said" if one.by_kubelet else "seen", (one.owner.name,), one.said,
                    f"set the startup probe's path of {one.owner} to a page that answers", one.since)


CHECK = Check(id="startup_probe_incorrect_path", family="runtime", sign="definition", find=find)
