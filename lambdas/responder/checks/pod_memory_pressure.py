"""A workload's memory grows towards its limit: it gets there in about as long again as it was looked at.

Kubernetes' page "Assign Memory Resources to Containers and Pods": at the limit the kernel ends it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from statistics import median

from responder.checks import Check, Found
from responder.state import State
from responder.state.measuring import FAR, limit, series, spread


def find(state: State) -> Iterator[Found]:
    """Yield workloads that come near their memory limit."""
    for ref, values in sorted(series(state, "memory").items()):
        most = limit(state, ref, "memory") if ref.kind != "Node" else 0.0
        if not most or len(values) < 6:
            continue
        half = len(values) // 2
        before, after = median(values[:half]), median(values[half:])
        noise = spread([later - earlier for earlier, later in pairwise(values)])
        grows = after - before > FAR * noise and after > before
        if values[-1] < most and grows and values[-1] + 2 * (after - before) >= most:
            share = values[-1] / most
            yield Found(str(ref), f"the memory of {ref} grows, and is at {share:.0%} of its limit", "risks", "seen",
                        (ref.name,), f"memory {values[-1] / 2**20:.0f} MiB of {most / 2**20:.0f} MiB",
                        f"raise the memory limit of {ref}, or find what it keeps")


CHECK = Check(id="pod_memory_pressure", family="performance", find=find)
