"""What ended the containers of the component that fails: the kubelet for a probe, or somebody else from outside."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence.pods import Pods
from responder.plan import wording
from responder.plan.signals import Context, Signal, signal

_ENDING = ("liveness", "startup")
"""Probes for which the kubelet ends a container."""


@signal("State: the process was ended from outside because it did not answer a question, and may be well: the "
        "definition of the question, or what it depends on. Nobody needs to restart what is restarted all the time.")
def killed_by_probe(component: str, times: int, probe: str, how: str) -> str:
    told = f", which failed by {how}" if how else ""
    return f"the kubelet ended containers of {component} {wording.count(times)} times for their {probe} probe{told}"


@signal("What: nobody listens at that port, or the path is none: no process answers such a question, however well it "
        "is, so the question is at fault. A process that has crashed or is starting refuses connections as well.")
def probe_asks_in_vain(component: str, probe: str, how: str) -> str:
    return f"the {probe} probe of {component} asks where nobody answers ({how})"


@signal("What: the process takes the connection and does not answer in time: it hangs, is starved, or has a queue; a "
        "time-out that is too short looks just so.")
def probe_waits_in_vain(component: str, probe: str) -> str:
    return f"the {probe} probe of {component} gets no answer in time"


@signal("What: the process answers, and says itself that it is not well: it asks more than itself, such as what it "
        "calls, or it knows of a fault of its own.")
def probe_is_denied(component: str, probe: str, how: str) -> str:
    return f"the {probe} probe of {component} is answered by {how}"


@signal("State: SIGTERM or SIGKILL ended it, and not an error of its own: a probe, an eviction, or a person. The "
        "Events that tell which are kept for an hour.")
def ended_from_outside(component: str, count: int) -> str:
    return f"{wording.count(count)} containers of {component} were ended by a signal, and not for their memory"


def read(context: Context) -> Iterator[Signal]:
    """Yield for which probe containers were ended, and what that probe got."""
    for finding in context.evidence.of(Pods, context.component):
        pods, component = finding.detail, context.component
        kills = {kind: pods.probes[kind] for kind in _ENDING if kind in pods.probes and pods.probes[kind].kills}
        for kind, probed in kills.items():
            yield killed_by_probe.emit(finding, component, probed.kills, kind, probed.how)
            if probed.how == "timeout":
                yield probe_waits_in_vain.emit(finding, component, kind)
            elif probed.how.startswith("status 5"):
                yield probe_is_denied.emit(finding, component, kind, probed.how)
            elif probed.how in ("refused", "other") or probed.how.startswith("status"):
                yield probe_asks_in_vain.emit(finding, component, kind, probed.how)
        if pods.signalled and not kills:
            yield ended_from_outside.emit(finding, component, pods.signalled)
