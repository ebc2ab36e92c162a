"""A new version of a component goes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field

from sandbox.account.writers import HELM
from sandbox.events.calling import CallingFields
from sandbox.events.change import patched, take_back
from sandbox.events.event import ComponentName, Event, Fields, like
from sandbox.platform.objects import image
from sandbox.platform.versions import Behaviour

if TYPE_CHECKING:
    from sandbox.parts import Sandbox
    from sandbox.platform.changes import ObjectChange


class Release(Fields):
    """The version, and how pods that run it behave."""

    component: ComponentName
    version: Annotated[str, BeforeValidator(str), like(
        r"[A-Za-z0-9][A-Za-z0-9._-]*", "letters, digits, dots, hyphens, underscores, with a letter or digit first")]
    error_rate: float = Field(0, ge=0, le=1)
    """Share of requests that fail in the component itself."""
    latency_ms: float = Field(0, ge=0)
    """Added to each request."""
    capacity: float | None = Field(None, gt=0)
    """Requests a second that one pod serves."""
    memory_mib: float | None = Field(None, gt=0)
    """What the process needs."""
    log: str = ""
    """The line that a failed request writes."""
    state: Literal["", "crash_loop", "image_missing", "not_ready", "oom_killed"] = ""
    start_seconds: float = Field(0, ge=0, le=600)
    """It serves so much later after its start than the version before."""
    calling: CallingFields = Field(default_factory=lambda: CallingFields.model_validate({}))
    """How it calls others; what is left open is as before."""


def apply(sandbox: Sandbox, fields: Release) -> list[ObjectChange]:
    """Publish the version and give the workload its image."""
    sandbox.newrelic.mark(fields.component, fields.version)
    sandbox.versions.add(fields.component, fields.version, Behaviour(
        fields.error_rate, fields.latency_ms, fields.capacity, fields.memory_mib, fields.log, fields.state,
        fields.calling.made, fields.start_seconds))
    containers = [{"name": fields.component,
                   "image": image(fields.component, fields.version, sandbox.world.shape)}]
    return patched(sandbox, "Deployment", fields.component, {
        "spec": {"template": {"spec": {"containers": containers}}}},
        manager=HELM if sandbox.world.account.busy else "kubectl-set")


def heal(sandbox: Sandbox, trace: list[ObjectChange]) -> None:
    """Give the workload its former image."""
    take_back(sandbox, trace)


EVENT = Event("release", Release, apply, heal)
