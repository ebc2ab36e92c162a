"""A Service's selector finds no pods, or those of another app, while its own app is there.

Kubernetes' page "Service": the endpoints of a Service are the pods whose labels meet its selector.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.names import means, shared_prefix
from responder.state.routing import Service
from responder.state.workloads import Workload


def find(state: State) -> Iterator[Found]:
    """Yield Services whose selector misses their app."""
    for service in state.services:
        if not service.selector or service.kind == "ExternalName":
            continue
        behind = state.behind(service)
        own = None if any(one.ref.name == service.ref.name for one in behind) else _own(state, service)
        if own is None or own in behind:
            continue
        if not behind and not state.selected(service):
            yield _found(service, own, "which no pod has")
        elif behind and not any(own in state.behind(other) for other in state.services):
            names = ", ".join(sorted(str(one.ref) for one in behind))
            yield _found(service, own, f"which {names} has")


def _own(state: State, service: Service) -> Workload | None:
    """Return the app that a Service is for: of its own name, or the one whose labels meet most of its selector."""
    here = [one for one in state.apps if one.ref.namespace == service.ref.namespace and one.ref.kind not in (
        "Job", "CronJob")]
    prefix = shared_prefix([one.ref.name for one in here])
    named = [one for one in here if one.ref.name == service.ref.name] or [
        one for one in here if means(one.ref.name, service.ref.name, prefix)]
    if len(named) == 1:
        return named[0]
    selector = dict(service.selector)
    near = [one for one in here if sum(one.labels.get(key) != value for key, value in selector.items()) == 1
            and len(selector) > 1]
    valued = [one for one in here if set(one.labels.values()) & set(selector.values())]
    for found in (near, valued):
        if len(found) == 1 and not named and not state.behind(service):
            return found[0]
    return None


def _found(service: Service, own: Workload, rest: str) -> Found:
    selector = ",".join(f"{key}={value}" for key, value in sorted(service.selector.items()))
    labels = ",".join(f"{key}={value}" for key, value in sorted(own.labels.items()))
    return Found(
        str(service.ref), f"Service {service.ref.name} selects {selector}, {rest}; the pods of {own.ref} have {labels}",
        "stops", "seen", (own.ref.name,), f"selector {selector}; labels {labels}",
        f"let the selector of Service {service.ref.name} meet the labels of {own.ref}")


CHECK = Check(id="service_selector_mismatch", family="routing", sign="route", find=find)
