"""A workload's pods cannot be spread as they must be.

Kubernetes' page "Pod Topology Spread Constraints": ``DoNotSchedule`` keeps a pod waiting where it would unbalance.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.placing import labels
from responder.state.scheduling import held, waits
from responder.state.trouble import hurt


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose spread is said to hold a pod; else those that spread over a label that no node has."""
    told = set()
    for one in held(state, "spread"):
        told.add(one.app)
        topology = ", ".join(sorted({term.topology for term in one.spec.spread}))
        yield Found(
            str(one.app), f"a pod of {one.app} would break its spread over {topology or 'a topology'} on each node",
            hurt(state, one.app), one.basis, (one.app.name,), one.message,
            "add nodes in the zone that lacks pods, or schedule anyway (ScheduleAnyway)", one.since)
    for wait in waits(state):
        missing = sorted({term.topology for term in wait.spec.spread if state.nodes and not any(
            term.topology in labels(node) for node in state.nodes)})
        if missing and not wait.message and wait.app not in told:
            told.add(wait.app)
            yield Found(
                str(wait.app), f"{wait.app} is spread over {', '.join(missing)}, a label that no node has",
                hurt(state, wait.app), "seen", (wait.app.name,), f"topologyKey: {', '.join(missing)}",
                "label the nodes, or spread over a label that they have", wait.since)


CHECK = Check(id="topology_spread_unmet", family="scheduling", sign="placement", find=find)
