"""A case as live state and as what is known of its symptom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.external.cloud_opsbench import observed
from bench.external.cloud_opsbench.complete import completed
from bench.external.cloud_opsbench.objects import Objects
from responder.state import State, state_of
from responder.state.basics import Ref
from responder.state.state import Lines


@dataclass(frozen=True)
class Read:
    """What a case tells."""

    state: State
    namespace: str
    symptom: str
    """One sentence, as a person says it."""
    alerts: tuple[observed.Alert, ...]


def read(case: Mapping[str, Any]) -> Read:
    """Return what a case tells; what cannot be read is left out."""
    objects = Objects(case)
    items = [*completed(objects), *objects.events.values()]
    nodes = {item["metadata"]["name"] for item in objects.of("Node")}
    cluster = case.get("cluster")
    base = State(
        node_services=tuple(observed.node_services(case)),
        lines=(*observed.lines(case), *(Lines("cluster", line.strip(), 1, False)
                                        for line in (cluster.splitlines() if isinstance(cluster, str) else ())
                                        if line.strip())),
        connections=tuple(observed.connections(case)),
        measures=tuple(observed.measures(case, objects.namespace, nodes)), calls=observed.calls(case),
        known=frozenset(objects.known), now=objects.now,
        gone=tuple(Ref(*key) for key in sorted(objects.gone())))
    return Read(state_of(items, base), objects.namespace, str(case.get("symptom") or ""),
                tuple(observed.alerts(case)))
