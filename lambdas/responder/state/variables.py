"""Which variables the containers of a workload are given, and by which ConfigMaps and Secrets."""

from __future__ import annotations

from responder.state.basics import Ref
from responder.state.pods import PodSpec
from responder.state.state import State


def spec_of(state: State, owner: Ref) -> PodSpec | None:
    """Return what a workload's pods are to be: its template, or, where it is not here, one of its pods."""
    workload = state.workload(owner)
    if workload is not None:
        return workload.template
    return next((pod.spec for pod in sorted(state.pods, key=lambda one: one.ref)
                 if not pod.over and state.owner(pod) == owner), None)


def given_names(state: State, owner: Ref) -> frozenset[str] | None:
    """Return the names of all variables that a workload's containers are given, in capitals; None where that cannot be
    told: nothing is known of it, or a whole ConfigMap or Secret is taken in whose keys are not known.
    """
    spec = spec_of(state, owner)
    if spec is None:
        return None
    names: set[str] = set()
    for container in (*spec.containers, *spec.init_containers):
        for variable in container.environment:
            if variable.name:
                names.add(variable.name.upper())
                continue
            keys = state.keys.get(Ref(variable.source, owner.namespace, variable.object))
            if keys is None:
                return None
            names |= {key.upper() for key in keys}
    return frozenset(names)


def secrets(spec: PodSpec) -> frozenset[str]:
    """Return the Secrets that a pod's containers take variables or files from."""
    named = {variable.object for container in (*spec.containers, *spec.init_containers)
             for variable in container.environment if variable.source == "Secret"}
    mounted = {mount.volume for container in (*spec.containers, *spec.init_containers) for mount in container.mounts}
    named |= {volume.object for volume in spec.volumes if volume.kind == "secret" and volume.name in mounted}
    return frozenset(named - {""})
