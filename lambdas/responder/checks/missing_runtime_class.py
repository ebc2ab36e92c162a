"""A workload names a RuntimeClass that is not there, or that its node has no handler for.

Kubernetes' page "Runtime Class": a pod whose RuntimeClass does not exist, or whose handler the container runtime does
not know, does not run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.model.evidence.problems import Basis, Severity
from responder.state import State
from responder.state.basics import Ref
from responder.state.refusals import refusals
from responder.state.trouble import hurt, latest, waiting_pods, wanting

_REFUSED = re.compile(r'RuntimeClass "(?P<name>[^"]+)" not found')
_NO_HANDLER = re.compile(r'no runtime for "(?P<name>[^"]+)" is configured|'
                         r"failed to find runtime handler (?P<other>\S+)")


def find(state: State) -> Iterator[Found]:
    """Yield workloads by what the API server and the kubelet say; else those that name what is not there."""
    told: set[Ref] = set()
    for refusal in refusals(state):
        said = _REFUSED.search(refusal.message)
        if said is not None and refusal.top not in told:
            told.add(refusal.top)
            yield _found(refusal.top, said["name"], hurt(state, refusal.top), "said", refusal.message, refusal.since)
    for pod in waiting_pods(state):
        event = latest(event for event in state.about(pod.ref) if _NO_HANDLER.search(event.message))
        top = state.owner(pod)
        if event is not None and top not in told:
            told.add(top)
            said = _NO_HANDLER.search(event.message)
            name = (said["name"] or said["other"]) if said else ""
            yield _found(top, name, hurt(state, top), "said", event.message, event.last)
    for workload in state.apps if state.lists("RuntimeClass", "") else ():
        name = workload.template.runtime_class
        if name and workload.ref not in told and workload.wanted != 0 and not state.has(Ref("RuntimeClass", "", name)):
            severity = hurt(state, workload.ref) if wanting(state, workload) else "risks"
            yield _found(workload.ref, name, severity, "seen", f"runtimeClassName: {name}", 0.0)


def _found(ref: Ref, name: str, severity: Severity, basis: Basis, said: str, since: float) -> Found:
    return Found(
        str(ref), f"{ref} wants the container runtime {name}, which is not there", severity, basis, (ref.name,), said,
        f"install runtime class {name} and its handler on the nodes, or name another", since)


CHECK = Check(id="missing_runtime_class", family="admission", sign="admission", find=find)
