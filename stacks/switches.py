"""Checks of the dependencies and the switches that a configuration names."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.service import ProviderSwitch, Service, Switch
from stacks.nearest import Found, nearest

_LONGEST_SECONDS = 200.0
"""Load shedding as a whole, so that its function ends within its time."""


def dependencies(service: Service) -> Iterator[Found]:
    """Find dependencies of one name, and measures that are of another kind."""
    names = [*service.graph, *([service.database.name] if service.database else []),
             *(provider.name for provider in service.providers), *(one.name for one in service.dependencies)]
    for index, one in enumerate(service.dependencies):
        if names.count(one.name) > 1:
            yield ("dependencies", index, "name"), repr(one.name), "a name that nothing else has"
        if one.elasticache and one.kind != "cache":
            yield ("dependencies", index, "elasticache"), one.kind, "kind cache"
        if one.sqs and one.kind != "queue":
            yield ("dependencies", index, "sqs"), one.kind, "kind queue"


def switches(service: Service) -> Iterator[Found]:
    """Find switches that stand nowhere, or bear on nothing that there is."""
    names = [switch.name for switch in service.switches]
    called = {name for calls in service.graph.values() for name in calls}
    for index, switch in enumerate(service.switches):
        at = ("switches", index)
        if names.count(switch.name) > 1:
            yield (*at, "name"), repr(switch.name), "a name that no other switch has"
        if switch.component not in service.graph:
            yield ((*at, "component"), repr(switch.component),
                   nearest(switch.component, set(service.graph), "a component"))
        if switch.of and switch.of not in called:
            yield (*at, "of"), repr(switch.of), nearest(switch.of, called, "what a component calls")
        if switch.purpose == "fail_open" and service.dependency(switch.of) is None:
            yield (*at, "of"), repr(switch.of), "the dependency that is done without"
        yield from (((*at, *path), found, expected) for path, found, expected in _values(switch))
        yield from (((*at, "place", *path), found, expected) for path, found, expected in place(switch.place))


def _values(switch: Switch) -> Iterator[Found]:
    if not switch.values or switch.usual in switch.values:
        yield ("values",), repr(list(switch.values)), "one value or more, other than the usual one"
    elif switch.purpose != "shed_load" and len(switch.values) > 1:
        yield ("values",), repr(list(switch.values)), "one value: only load shedding has steps"
    if not 0 < switch.step_seconds * max(1, len(switch.values)) <= _LONGEST_SECONDS:
        yield ("step_seconds",), str(switch.step_seconds), f"{_LONGEST_SECONDS:.0f} s or less for all steps together"


def place(switch: ProviderSwitch) -> Iterator[Found]:
    """Find a place that is none, or several."""
    if sum((bool(switch.config_map), bool(switch.ssm_parameter), switch.appconfig is not None)) != 1:
        yield (), "none or several places", "config_map, ssm_parameter or appconfig, one of them"
    if switch.ssm_parameter.endswith("/kill-switch"):
        yield (("ssm_parameter",), repr(switch.ssm_parameter),
               "a parameter that is no kill switch of the responder")
    if not switch.ssm_parameter and not switch.key:
        yield ("key",), "nothing", "the key that is read"
