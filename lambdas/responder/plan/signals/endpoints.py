"""What stands behind the component's Service."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence import Finding
from responder.model.evidence.changes import Changes
from responder.model.evidence.endpoints import Endpoints
from responder.model.evidence.pods import Pods
from responder.plan.signals import Context, Signal, signal


@signal("State: nobody can be sent there.")
def service_missing(component: str) -> str:
    return f"there is no Service for {component}"


@signal("State: requests arrive where nobody is.")
def service_port_misfit(component: str, ports: str) -> str:
    return f"{component}'s Service sends to a port where no container listens ({ports})"


@signal("State: requests are sent to nobody.")
def service_selects_nothing(component: str) -> str:
    return f"{component}'s Service selects no pod"


def read(context: Context) -> Iterator[Signal]:
    """Yield what keeps the Service from reaching pods."""
    component = context.component
    newest = _newest(context)
    if newest is not None and newest.status == "empty" and _was_there(context):
        yield service_missing.emit(newest, component)
        return
    for finding in context.evidence.of(Endpoints, component):
        behind = finding.detail
        if not behind.exists:
            yield service_missing.emit(finding, component)
        elif not behind.fits:
            yield service_port_misfit.emit(finding, component, ", ".join(f"{port} to {target}"
                                                                         for port, target in behind.ports))
        elif not behind.selects and not _podless(context):
            yield service_selects_nothing.emit(finding, component)


def _newest(context: Context) -> Finding[Endpoints] | None:
    """Return the newest answer, that there is no Service among them; None: it was not asked for."""
    return max((finding for finding in context.evidence.every if isinstance(finding.detail, Endpoints)
                and finding.component == context.component and (finding.usable or finding.status == "empty")),
               key=lambda finding: finding.window.end if finding.window else 0.0, default=None)


def _was_there(context: Context) -> bool:
    """Whether the component is known to have had a Service: by an earlier look, or because it was deleted of late.

    A workload may do without one, so that there is none is no finding by itself.
    """
    names = {*context.workloads, context.service.component(context.component).service}
    return any(finding.detail.exists for finding in context.evidence.looks(Endpoints, context.component)) or any(
        change.kind == "Service" and change.what == "deleted" and (
            change.name in names or change.name.endswith(f"-{context.component}"))
        for finding in context.evidence.of(Changes) for change in finding.detail.changes)


def _podless(context: Context) -> bool:
    """Whether the component has no pod at all that a selector could select."""
    return any(not sum(pods.all for pods in finding.detail.templates.values())
               for finding in context.evidence.of(Pods, context.component) if finding.detail.templates is not None)
