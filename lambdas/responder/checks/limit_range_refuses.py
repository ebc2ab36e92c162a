"""A pod asks for more or less than a LimitRange of its namespace allows: the API server refuses it.

Kubernetes' page "Limit Ranges": ``min`` and ``max`` of a container, a pod or a claim, and limit to request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.admission import LimitRange
from responder.state.basics import Ref
from responder.state.needs import needs
from responder.state.pods import Container
from responder.state.refusals import refusals
from responder.state.trouble import hurt, wanting
from responder.state.workloads import Workload

_SAID = re.compile(r"(?:minimum|maximum) \S+ usage per \w+ is |max limit to request ratio per \w+ is ")
_MEND = "ask for an amount within the LimitRange of the namespace, or widen it"


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose pods are refused, by what is said; else those that lack pods and are out of bounds."""
    told: set[Ref] = set()
    for refusal in refusals(state):
        if refusal.top not in told and _SAID.search(refusal.message):
            yield Found(str(refusal.top), f"a LimitRange of namespace {refusal.top.namespace} refuses the pods of "
                        f"{refusal.top}", hurt(state, refusal.top), "said", (refusal.top.name,), refusal.message, _MEND,
                        refusal.since)
        told.add(refusal.top)
    for workload in state.apps:
        if workload.ref in told or not wanting(state, workload):
            continue
        said = next((said for one in state.limit_ranges if one.meta.ref.namespace == workload.ref.namespace
                     for said in _broken(workload, one)), "")
        if said:
            yield Found(str(workload.ref), f"{workload.ref} asks for an amount that a LimitRange of its namespace "
                        "forbids", hurt(state, workload.ref), "seen", (workload.ref.name,), said, _MEND)


def _broken(workload: Workload, limits: LimitRange) -> Iterator[str]:
    for kind, resource, low, high in limits.bounds:
        for asked, most in _amounts(workload, kind, resource):
            if high is not None and max(asked, most) > high:
                yield f"{limits.meta.ref.name}: {resource} of a {kind} is at most {high:g}, asked {max(asked, most):g}"
            if low is not None and 0 < asked < low:
                yield f"{limits.meta.ref.name}: {resource} of a {kind} is at least {low:g}, asked {asked:g}"


def _amounts(workload: Workload, kind: str, resource: str) -> list[tuple[float, float]]:
    if kind == "Pod":
        return [(needs(workload.template, resource), needs(workload.template, resource, limits=True))]
    return [_of(container, resource) for container in workload.template.containers] if kind == "Container" else []


def _of(container: Container, resource: str) -> tuple[float, float]:
    most = container.limits.get(resource, 0.0)
    return container.requests.get(resource, most), most


CHECK = Check(id="limit_range_refuses", family="admission", sign="quota", find=find)
