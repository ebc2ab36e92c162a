"""A workload names a PriorityClass that is not there: the API server refuses each of its pods.

Kubernetes' page "Pod Priority and Preemption": "If the priority class is not found, the Pod is rejected."
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.model.evidence.problems import Basis, Severity
from responder.state import State
from responder.state.basics import Ref
from responder.state.refusals import refusals
from responder.state.trouble import hurt, wanting

_SAID = re.compile(r"no PriorityClass with name (?P<name>\S+) was found")


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose pods are refused, by what is said; else those that name what is not there."""
    told: set[Ref] = set()
    for refusal in refusals(state):
        said = _SAID.search(refusal.message)
        if said is not None and not state.has(Ref("PriorityClass", "", said["name"])):
            told.add(refusal.top)
            yield _found(refusal.top, said["name"], hurt(state, refusal.top), "said", refusal.message, refusal.since)
    for workload in state.apps if state.lists("PriorityClass", "") else ():
        name = workload.template.priority_class
        if name and workload.ref not in told and workload.wanted != 0 and not state.has(Ref("PriorityClass", "", name)):
            severity = hurt(state, workload.ref) if wanting(state, workload) else "risks"
            yield _found(workload.ref, name, severity, "seen", f"priorityClassName: {name}", 0.0)


def _found(ref: Ref, name: str, severity: Severity, basis: Basis, said: str, since: float) -> Found:
    return Found(str(ref), f"{ref} names PriorityClass {name}, which is not there: each of its new pods is refused",
                 severity, basis, (ref.name,), said, f"create PriorityClass {name}, or name one that exists", since)


CHECK = Check(id="missing_priority_class", family="admission", sign="admission", find=find)
