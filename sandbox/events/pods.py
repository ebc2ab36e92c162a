"""Pods of a component run and serve nobody, or badly: they hang, wait for each other, err or are slow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from sandbox.events.event import ComponentName, Event, Fields
from sandbox.places import NAMESPACE
from sandbox.platform.layers import Layer
from sandbox.platform.state import Odd

if TYPE_CHECKING:
    from sandbox.parts import Sandbox


_ERRS, _SLOW_MS = 0.8, 3000.0


class Pods(Fields):
    """The component, and how many of its pods hang; all where nothing is said."""

    component: ComponentName
    fault: Literal["hung", "deadlocked", "errs", "slow"]
    count: int | None = Field(None, ge=1)
    error_rate: float | None = Field(None, gt=0, le=1)
    """Of ``errs``: the share of a pod's requests that fail, though it is ready; 0.8 where nothing is said."""
    latency_ms: float | None = Field(None, gt=0)
    """Of ``slow``: added to each of its requests; 3000 where nothing is said."""

    @model_validator(mode="after")
    def _all(self) -> Pods:
        if self.fault == "deadlocked" and self.count is not None:
            raise ValueError("no count: all pods wait for each other")
        for name, given, fault in (("error_rate", self.error_rate, "errs"), ("latency_ms", self.latency_ms, "slow")):
            if given is not None and self.fault != fault:
                raise ValueError(f"{name} only of pods that are {fault!r}")
        return self


@dataclass(frozen=True)
class Trace:
    """What was laid on the pods."""

    faults: tuple[Layer[str, str], ...] = ()
    odd: tuple[Layer[str, Odd | None], ...] = ()


def apply(sandbox: Sandbox, fields: Pods) -> Trace:
    """Let the pods hang, wait, err or be slow."""
    uids = sorted(pod["metadata"]["uid"] for pod in sandbox.cluster.items(f"/api/v1/namespaces/{NAMESPACE}/pods")
                  if pod["metadata"].get("labels", {}).get("app") == fields.component)
    with sandbox.lock:
        world = sandbox.world
        if fields.fault == "deadlocked":
            world.deadlocked[fields.component] = world.deadlocked.get(fields.component, set()) | set(uids)
            return Trace((world.pod_faults.lay(fields.component, fields.fault, ""),))
        if fields.fault == "hung":
            world.hung = world.hung | set(uids[:fields.count])
            return Trace(tuple(world.pod_faults.lay(uid, fields.fault, "") for uid in uids[:fields.count]))
        odd = (Odd(error_rate=fields.error_rate or _ERRS) if fields.fault == "errs"
               else Odd(latency_ms=fields.latency_ms or _SLOW_MS))
        return Trace(odd=tuple(world.odd_pods.lay(uid, odd, None) for uid in uids[:fields.count]))


def heal(sandbox: Sandbox, trace: Trace) -> None:
    """Let the pods work again that no other event holds."""
    with sandbox.lock:
        world = sandbox.world
        for odd in trace.odd:
            world.odd_pods.lift(odd)
        for layer in trace.faults:
            world.pod_faults.lift(layer)
            if not world.pod_faults.at(layer.place):
                world.hung = world.hung - {layer.place}
                world.deadlocked.pop(layer.place, None)


EVENT = Event("pods", Pods, apply, heal)
