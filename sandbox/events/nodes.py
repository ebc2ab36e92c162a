"""Nodes fail: a number of them, those with most gateway pods first, or those that are named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from sandbox.events.event import Event, Fields
from sandbox.places import NAMESPACE
from sandbox.platform.layers import Layer
from sandbox.platform.objects import NODES, nodes
from sandbox.platform.state import Way

if TYPE_CHECKING:
    from sandbox.parts import Sandbox


_HALF = 0.5


class Nodes(Fields):
    """Which nodes, and how they fail."""

    fault: Literal["not_ready", "cordoned", "gone", "kubelet", "lossy", "dns"]
    share: float | None = Field(None, gt=0, le=1)
    """Of ``lossy``: of the connections from and to its pods; of ``dns``: of its pods' lookups. Else there is none."""
    count: int | None = Field(None, ge=1, le=3)
    names: list[Literal["node-a", "node-b", "node-c"]] | None = Field(None, min_length=1)

    @model_validator(mode="after")
    def _one(self) -> Nodes:
        if self.count is not None and self.names is not None:
            raise ValueError("count or names, not both")
        if self.share is not None and self.fault not in ("lossy", "dns"):
            raise ValueError(f"no share: a node is {self.fault}, or it is not")
        return self


@dataclass(frozen=True)
class Trace:
    """What was laid on the nodes."""

    faults: tuple[Layer[str, str], ...] = ()
    ways: tuple[Layer[str, Way | None], ...] = ()


def apply(sandbox: Sandbox, fields: Nodes) -> Trace:
    """Let the nodes fail."""
    names = [str(name) for name in fields.names or _fullest(sandbox)[:fields.count or 1]]
    if fields.fault in ("lossy", "dns"):
        with sandbox.lock:
            way = Way(fields.fault, fields.share or _HALF)
            return Trace(ways=tuple(sandbox.world.node_ways.lay(name, way, None) for name in names))
    with sandbox.lock:
        layers = tuple(sandbox.world.node_faults.lay(name, fields.fault, "") for name in names)
        if fields.fault == "kubelet":
            sandbox.world.ill_kubelets.update(names)
        elif fields.fault != "cordoned":
            sandbox.world.silent_nodes.update(names)
    for name in names:
        if fields.fault == "gone":
            sandbox.cluster.delete_now(f"/api/v1/nodes/{name}")
        if fields.fault == "cordoned":
            sandbox.cluster.patch("Node", name, {"spec": {"unschedulable": True}})
    return Trace(layers)


def _fullest(sandbox: Sandbox) -> list[str]:
    """The nodes, those with most gateway pods first."""
    held = dict.fromkeys(NODES, 0)
    for pod in sandbox.cluster.items(f"/api/v1/namespaces/{NAMESPACE}/pods"):
        node = pod["spec"].get("nodeName")
        if node and pod["metadata"].get("labels", {}).get("app") == "payment-gateway":
            held[node] = held.get(node, 0) + 1
    return sorted(held, key=lambda name: (-held[name], name))


def heal(sandbox: Sandbox, trace: Trace) -> None:
    """Let each node recover whose last fault of the kind this was."""
    with sandbox.lock:
        for way in trace.ways:
            sandbox.world.node_ways.lift(way)
    for layer in trace.faults:
        node, fault = layer.place, layer.value
        with sandbox.lock:
            sandbox.world.node_faults.lift(layer)
            left = sandbox.world.node_faults.at(node)
            if not {"not_ready", "gone"} & set(left):
                sandbox.world.silent_nodes.discard(node)
            if "kubelet" not in left:
                sandbox.world.ill_kubelets.discard(node)
        if fault in left:
            continue
        if fault == "gone":
            sandbox.create_node(next(item for item in nodes() if item["metadata"]["name"] == node))
        if fault == "cordoned" and "gone" not in left:
            sandbox.cluster.patch("Node", node, {"spec": {"unschedulable": None}})
    sandbox.kubelet.beat_now()


EVENT = Event("nodes", Nodes, apply, heal)
