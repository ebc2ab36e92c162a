"""A dependency of another kind than database and provider fails; a drill has it by ``start.dependencies``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from sandbox.events.event import Event, Fields, known
from sandbox.platform.dependencies import FAULTS, NAMES, made
from sandbox.platform.layers import Layer

if TYPE_CHECKING:
    from sandbox.parts import Sandbox

DependencyName = Annotated[str, AfterValidator(lambda value: known(value, NAMES, f"one of {', '.join(NAMES)}"))]


class DependencyFault(Fields):
    """Which one, and what befalls it."""

    name: DependencyName
    fault: Literal["down", "errors", "slow", "throttled", "emptied", "consumer_stopped"]
    """``emptied``: of a cache, once; ``consumer_stopped``: of a queue, who works its messages off."""
    error_rate: float = Field(0, ge=0, le=1)
    """Share of calls that fail, where the fault is down, errors or throttled; 0: as is usual for it."""

    @model_validator(mode="after")
    def _fits(self) -> DependencyFault:
        kind = made([self.name])[self.name].kind
        if self.fault not in FAULTS[kind]:
            raise ValueError(f"a fault of a {kind}: {', '.join(FAULTS[kind])}")
        return self


Trace = Layer[str, tuple[str, float]] | None


def apply(sandbox: Sandbox, fields: DependencyFault) -> Trace:
    """Let it be so; raises KeyError where the drill has no such dependency."""
    with sandbox.lock:
        world = sandbox.world
        dependency = world.dependencies[fields.name]
        if fields.fault == "emptied":
            dependency.warm = 0.0
            return None
        dependency.fault, dependency.error_rate = fields.fault, fields.error_rate
        return world.dependency_faults.lay(fields.name, (fields.fault, fields.error_rate), ("", 0.0))


def heal(sandbox: Sandbox, trace: Trace) -> None:
    """Let it be as the other events say, or well; a cache that was emptied fills by itself."""
    if trace is None:
        return
    with sandbox.lock:
        dependency = sandbox.world.dependencies[trace.place]
        dependency.fault, dependency.error_rate = sandbox.world.dependency_faults.lift(trace)


EVENT = Event("dependency", DependencyFault, apply, heal)
