"""The cluster's nodes: which are ready, and which an autoscaler is bringing or taking.

Formats: the Kubernetes API reference (Node v1), its page "Well-Known Labels, Annotations and Taints", Karpenter's page
"Disruption", Cluster Autoscaler's FAQ, Cilium's page "Considerations on Node Pool Taints and Unmanaged Pods".
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from responder.clients.workloads import is_ready
from responder.model.evidence import Finding
from responder.model.evidence.nodes import Nodes
from responder.sources import Query
from responder.sources.kubernetes.objects import seconds

_NODES = 200
_NAMED = 50
"""Names that a finding has of one kind, at most."""
_COMING = frozenset({"node.cloudprovider.kubernetes.io/uninitialized", "karpenter.sh/unregistered",
                     "node.cilium.io/agent-not-ready"})
"""Taints of a node that joins."""
_COMING_SECONDS = 900.0
"""Karpenter gives a node up that has not registered by then; what takes longer is no longer coming."""
_GOING = frozenset({"karpenter.sh/disrupted", "karpenter.sh/disruption", "ToBeDeletedByClusterAutoscaler"})
"""Taints of a node that an autoscaler has emptied or is about to."""
_INTERRUPTED = "aws-node-termination-handler/"
"""How the taints of a node begin that AWS announced it would take (AWS Node Termination Handler)."""
_AT_ONCE_SECONDS = 5.0
_ZONE = "topology.kubernetes.io/zone"


@dataclass(frozen=True)
class Node:
    """A node."""

    name: str
    ready: bool
    unschedulable: bool
    pressure: tuple[str, ...]
    """Conditions that say that something is wrong with it."""
    coming: bool
    """Whether it has just joined and is to get ready."""
    going: bool
    """Whether an autoscaler takes it away."""
    zone: str = ""
    """Its availability zone; empty: its labels do not say."""

    @classmethod
    def of(cls, item: dict[str, Any], now: float) -> Node:
        """Read a node; ``now`` is in seconds since 1970 (UTC)."""
        metadata, spec = item["metadata"], item.get("spec") or {}
        conditions = {condition["type"]: condition for condition in (item.get("status") or {}).get("conditions") or []}
        taints = {str(taint.get("key")) for taint in spec.get("taints") or []}
        ready = is_ready(item)
        return cls(
            metadata["name"], ready, bool(spec.get("unschedulable")),
            # Some conditions say that something is well: ``StorageReady`` of EKS' node monitoring agent.
            tuple(kind for kind, condition in conditions.items()
                  if not kind.endswith("Ready") and condition.get("status") == "True"),
            coming=not ready and _joins(metadata, conditions.get("Ready", {}), taints, now),
            going="deletionTimestamp" in metadata or bool(taints & _GOING) or any(
                taint.startswith(_INTERRUPTED) for taint in taints),
            zone=str((metadata.get("labels") or {}).get(_ZONE) or ""))


def _joins(metadata: dict[str, Any], ready: dict[str, Any], taints: set[str], now: float) -> bool:
    """Whether a node that is not ready is new, and has not been ready yet."""
    created, since = metadata.get("creationTimestamp"), ready.get("lastTransitionTime")
    if not created or now - seconds(created) > _COMING_SECONDS:
        return False
    return bool(taints & _COMING or (since and seconds(since) - seconds(created) <= _AT_ONCE_SECONDS))


def finding(query: Query, nodes: list[Node] | None) -> Finding[Nodes]:
    """Return the state of the nodes; None: they may not be read."""
    if nodes is None:
        return Finding(source="kubernetes", detail=Nodes(), status="unauthorized", window=query.window,
                       query="kubectl get nodes", note="the nodes may not be read")
    staying = [node for node in nodes if not node.coming and not node.going]
    ready = [node.name for node in staying if node.ready]
    not_ready = [node.name for node in staying if not node.ready]
    pressure: dict[str, list[str]] = defaultdict(list)
    for node in staying:
        for kind in node.pressure:
            pressure[kind].append(node.name)
    return Finding(
        source="kubernetes", status="ok" if nodes else "empty", window=query.window, unit="share",
        value=len(ready) / len(staying) if staying else None, query="kubectl get nodes",
        note="" if nodes else "the cluster has no node", left_out=max(0, len(staying) - _NODES) or None,
        detail=Nodes(
            names=tuple([*ready, *not_ready][:_NODES]), not_ready=tuple(not_ready[:_NAMED]),
            unschedulable=tuple([node.name for node in staying if node.unschedulable][:_NAMED]),
            pressure={kind: tuple(names[:_NAMED]) for kind, names in pressure.items()},
            coming=tuple([node.name for node in nodes if node.coming][:_NAMED]),
            going=tuple([node.name for node in nodes if node.going][:_NAMED]), zones_down=_zones_down(staying)))


def _zones_down(nodes: list[Node]) -> tuple[str, ...]:
    ready = {node.zone for node in nodes if node.ready}
    return tuple(sorted({node.zone for node in nodes if node.zone} - ready))[:_NAMED] if ready else ()
