"""Something has worn out for hours: a component's memory, or the credits of the database's machine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from sandbox.events.event import ComponentName, Event, Fields
from sandbox.places import NAMESPACE
from sandbox.platform.layers import Layer
from sandbox.platform.objects import KINDS
from sandbox.platform.usage import memory_metrics
from sandbox.platform.wear import Leak, history

if TYPE_CHECKING:
    from sandbox.parts import Sandbox

_MINUTES = 125


class Wear(Fields):
    """What wears out."""

    component: ComponentName | None = None
    credits: Literal["cpu", "io"] | None = None
    """Of the database's machine: it is slow without them, and has no more for hours."""
    mib_per_minute: float = Field(300, gt=0)
    used: float = Field(0.97, gt=0, lt=1)
    """The share of its memory limit that each process of the component holds already."""

    @model_validator(mode="after")
    def _one(self) -> Wear:
        if (self.component is None) == (self.credits is None):
            raise ValueError("component or credits")
        return self


Trace = tuple[Layer[str, Leak | None] | None, int]


def apply(sandbox: Sandbox, fields: Wear) -> Trace:
    """Let it be worn out, with the hours before."""
    now = time.time()
    if fields.component is None:
        with sandbox.lock:
            number = sandbox.world.database.set_fault(f"{fields.credits}_credits", now)
        for name, values in sandbox.world.database.credits_before(fields.credits or "", _MINUTES).items():
            sandbox.cloudwatch.put_metric_data(Namespace="AWS/RDS", MetricData=[
                {"MetricName": name, "Timestamp": (now // 60 - place - 1) * 60, "Value": value, "Dimensions": [
                    {"Name": "DBInstanceIdentifier", "Value": sandbox.world.database.writer}]}
                for place, value in enumerate(values)])
        return None, number
    name, kind = fields.component, KINDS[fields.component]
    limit = float(kind.memory_limit.removesuffix("Mi"))
    pods = [pod for pod in sandbox.cluster.items(f"/api/v1/namespaces/{NAMESPACE}/pods")
            if pod["metadata"].get("labels", {}).get("app") == name]
    # Processes that were started one after the other do not reach their limit at once.
    held = {pod["metadata"]["uid"]: limit * fields.used - 12.0 * place for place, pod in enumerate(pods)}
    leak = Leak(fields.mib_per_minute, now, held)
    with sandbox.lock:
        layer = sandbox.world.leaks.lay(name, leak, None)
    before = history(leak, limit * fields.used - 6.0 * len(pods), kind.memory_mib, _MINUTES)
    # What was published of these minutes before says what is usual; both are averaged.
    sandbox.cloudwatch.put_metric_data(Namespace="ContainerInsights", MetricData=[
        metric for place, mib in enumerate(before)
        for metric in memory_metrics(name, 2 * mib - kind.memory_mib, (now // 60 - place - 1) * 60)])
    return layer, 0


def heal(sandbox: Sandbox, trace: Trace) -> None:
    """Let it wear out no more."""
    layer, number = trace
    with sandbox.lock:
        if layer is not None:
            sandbox.world.leaks.lift(layer)
        else:
            sandbox.world.database.heal(time.time(), number)


EVENT = Event("wear", Wear, apply, heal)
