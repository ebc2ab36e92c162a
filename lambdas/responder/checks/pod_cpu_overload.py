"""A workload's pods have more to compute than they may, or than they did: they stand still at their CPU limit.

Kubernetes' page "Assign CPU Resources to Containers and Pods". Its own throttling stands out among all workloads', or
began while it was looked at; those that wait for it are slow and compute no more.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from responder.checks import Check, Found
from responder.state import State
from responder.state.measuring import limit, rise, series, stands_out


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose CPU is over what they may use."""
    throttled = {ref: values for ref, values in series(state, "throttled").items() if ref.kind != "Node"}
    cpu = series(state, "cpu")
    requests = series(state, "requests")
    for ref, values in sorted(throttled.items()):
        its, used, most = median(values), cpu.get(ref, ()), limit(state, ref, "cpu")
        step = rise(values)
        began = step is not None and step[1] > 2 * step[0]
        now = max(its, step[1] if step else 0.0)
        if not (began or stands_out(its, [median(other) for ref_, other in throttled.items() if ref_ != ref])):
            continue
        # A few stops in bursts are no overload: the workload must use what it may, or stand still for long.
        top = max((median(used), (rise(used) or (0.0, 0.0))[1]), default=0.0) if used else 0.0
        if not ((most and top >= most / 2) or (not most and now >= top > 0)):
            continue
        more = requests.get(ref, ())
        load = rise(more) if more else None
        why = ", with more requests" if load and load[1] > 2 * load[0] else ""
        yield Found(str(ref), f"{ref} has more to compute than its CPU limit allows{why}", "lessens", "seen",
                    (ref.name,), f"cpu {top:.3g} cores of {most:.3g}; throttled {now:.3g} s/s",
                    f"raise the CPU limit of {ref}, add replicas, or find what it computes")


CHECK = Check(id="pod_cpu_overload", family="performance", find=find, follows=("node_problem",))
