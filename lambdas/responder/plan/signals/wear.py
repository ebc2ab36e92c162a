"""What has worn out slowly: memory that is not given back, and balances that are used up."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence.memory import Memory
from responder.model.evidence.pods import Pods
from responder.plan import wear, wording
from responder.plan.signals import Context, Signal, signal

_BY_KERNEL = "OOMKilled"
_DATABASE = ""
"""What is of no component is the database's."""


@signal("When and what: a process whose memory has risen for hours under the usual load keeps what it should give "
        "back; its limit is reached at a moment of its own, hours after whatever brought it.")
def memory_runs_out(component: str, now: float, per_hour: float, left: str) -> str:
    return (f"memory of {component} rises by {wording.share(per_hour)} of its limit an hour and is at "
            f"{wording.share(now)}; {left}")


@signal("State: the processes hold what they may. Alone it is no fault: many hold a cache of that size.")
def memory_at_limit(component: str, share: float) -> str:
    return f"pods of {component} hold {wording.share(share)} of the memory that they may"


@signal("State: the kernel ended containers for their memory, though their definition is as it was. A version that "
        "needs more from its start is ended just so.")
def ended_for_memory(component: str, count: int) -> str:
    return f"{wording.count(count)} containers of {component} were ended for their memory"


@signal("State: a machine or volume that has used up its balance is held to its baseline until it has saved again; "
        "what it serves is slow, and nothing that is restarted gives it more.")
def balance_used_up(resource: str, now: float, height: float) -> str:
    return f"the database's {resource} are used up: {wording.decimal(now)} of {wording.decimal(height)} are left"


@signal("When: at this pace nothing of it is left soon. It is not yet so, so it explains nothing by itself.")
def balance_runs_out(resource: str, left: str) -> str:
    return f"the database's {resource} run out: {left}"


def read(context: Context) -> Iterator[Signal]:
    """Yield what of the component, or of the database where it fails, has worn out."""
    evidence, component = context.evidence, context.component
    for found in wear.running_out(evidence, component):
        if found.resource == wear.MEMORY:
            yield memory_runs_out.emit(found.finding, component, found.now / found.limit,
                                       found.per_hour / found.limit, said(found))
    for held in evidence.of(Memory, component):
        if held.detail.limit and (held.value or 0.0) >= wear.FULL:
            yield memory_at_limit.emit(held, component, held.value or 0.0)
    for pods in evidence.of(Pods, component):
        count = sum(number for reason, number in pods.detail.terminated.items() if reason == _BY_KERNEL)
        if count:
            yield ended_for_memory.emit(pods, component, count)
    if context.in_database:
        for gone in wear.used_up(evidence, _DATABASE):
            yield balance_used_up.emit(gone.finding, gone.resource, gone.now, gone.height)
        for found in wear.running_out(evidence, _DATABASE):
            yield balance_runs_out.emit(found.finding, found.resource, said(found))


def said(found: wear.RunsOut) -> str:
    """Say how much time is left, with its bounds."""
    left = found.left
    most = wording.duration(left.most) if left.most != float("inf") else "not known"
    return (f"about {wording.duration(left.likely)} are left (at least {wording.duration(left.least)}, at most {most})"
            if left.likely >= 1 else "nothing is left")
