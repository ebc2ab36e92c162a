"""A workload that others need is scaled to nothing.

Kubernetes' page "Deployments", "Scaling a Deployment": 0 is a number like another. It may be meant so: only what is
called, or what a Service leads to and nothing else does, is told.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.workloads import Workload

# Flagger (page "How it works") scales what it was given to 0, and runs a copy of it as NAME-primary.
_SCALED = "scaledobject.keda.sh/name"
"""Whom KEDA scales may be at 0 in ordinary operation."""


def find(state: State) -> Iterator[Found]:
    """Yield workloads with no pods wanted, and callers or a Service of their own."""
    for one in state.apps:
        if one.wanted != 0 or one.meta.deleting or one.ref.kind not in ("Deployment", "StatefulSet", "Rollout"):
            continue
        callers = sorted(caller for caller, called in state.calls.items() if one.ref.name in called)
        services = sorted(service.ref.name for service in state.services if _alone(state.behind(service), one))
        stands_in = state.workload(one.ref._replace(name=f"{one.ref.name}-primary"))
        if (not callers and not services) or (stands_in is not None and stands_in.wanted):
            continue
        needs = f"{', '.join(callers)} call it" if callers else f"Service {', '.join(services)} leads to it alone"
        meant = _SCALED in {**one.meta.labels, **one.meta.annotations}
        yield Found(str(one.ref), f"{one.ref} is scaled to 0 replicas, and {needs}", "risks" if meant else "stops",
                    "seen", (one.ref.name,), "spec.replicas: 0",
                    f"kubectl scale {shlex.quote(str(one.ref))} --replicas=N, unless it is meant so")


def _alone(behind: tuple[Workload, ...], one: Workload) -> bool:
    return one in behind and all(other.wanted == 0 for other in behind)


CHECK = Check(id="deployment_zero_replicas", family="startup", find=find)
