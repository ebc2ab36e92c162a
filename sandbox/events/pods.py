"""Pods of a component run and serve nobody: some or all hang, or all wait for each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from sandbox.events.event import ComponentName, Event, Fields
from sandbox.places import NAMESPACE
from sandbox.platform.layers import Layer

if TYPE_CHECKING:
    from sandbox.parts import Sandbox


class Pods(Fields):
    """The component, and how many of its pods hang; all where nothing is said."""

    component: ComponentName
    fault: Literal["hung", "deadlocked"]
    count: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _all(self) -> Pods:
        if self.fault == "deadlocked" and self.count is not None:
            raise ValueError("no count: all pods wait for each other")
        return self


def apply(sandbox: Sandbox, fields: Pods) -> list[Layer[str, str]]:
    """Let the pods hang or wait."""
    uids = sorted(pod["metadata"]["uid"] for pod in sandbox.cluster.items(f"/api/v1/namespaces/{NAMESPACE}/pods")
                  if pod["metadata"].get("labels", {}).get("app") == fields.component)
    with sandbox.lock:
        world = sandbox.world
        if fields.fault == "deadlocked":
            world.deadlocked[fields.component] = world.deadlocked.get(fields.component, set()) | set(uids)
            return [world.pod_faults.lay(fields.component, fields.fault, "")]
        world.hung = world.hung | set(uids[:fields.count])
        return [world.pod_faults.lay(uid, fields.fault, "") for uid in uids[:fields.count]]


def heal(sandbox: Sandbox, trace: list[Layer[str, str]]) -> None:
    """Let the pods work again that no other event holds."""
    with sandbox.lock:
        world = sandbox.world
        for layer in trace:
            world.pod_faults.lift(layer)
            if not world.pod_faults.at(layer.place):
                world.hung = world.hung - {layer.place}
                world.deadlocked.pop(layer.place, None)


EVENT = Event("pods", Pods, apply, heal)
