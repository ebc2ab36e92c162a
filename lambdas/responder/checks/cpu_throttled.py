"""A workload's containers are held at their CPU limit for most of the time.

Kubernetes' page "Assign CPU Resources to Containers and Pods": the kernel stops a container for the rest of a period
(100 ms) once it has used its share. Half of the time stopped means that all that it does takes twice as long.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from responder.checks import Check, Found
from responder.state import State
from responder.state.measuring import limit, series

_MOST = 0.5
"""Seconds in a second that a workload's threads stand still."""


def find(state: State) -> Iterator[Found]:
    """Yield workloads that stand still for as long as they run."""
    for ref, throttled in sorted(series(state, "throttled").items()):
        cpu = series(state, "cpu").get(ref, ())
        most = limit(state, ref, "cpu")
        if len(throttled) < 2 or not most or ref.kind == "Node":
            continue
        stopped, used = median(throttled), median(cpu) if cpu else 0.0
        if stopped >= _MOST and used >= most / 2:
            what = f"{ref} stands still for {stopped:.2g} s in each second: it is at its CPU limit"
            yield Found(str(ref), what, "lessens", "seen", (ref.name,),
                        f"cpu {used:.3g} of {most:g}; throttled {stopped:.3g} s/s",
                        f"raise the CPU limit of {ref}, or add replicas")


CHECK = Check(id="cpu_throttled", family="runtime", find=find, follows=("pod_cpu_overload",))
