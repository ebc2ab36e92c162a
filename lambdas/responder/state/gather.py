"""Makes a ``State`` of the API's objects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from responder.state.admission import LimitRange, Quota
from responder.state.basics import Event, Json, Meta, Ref
from responder.state.nodes import Node
from responder.state.pods import Pod
from responder.state.routing import Endpoints, Policy, Route, Service
from responder.state.state import State
from responder.state.storage import Claim, PersistentVolume, StorageClass
from responder.state.workloads import KINDS, Workload

_READERS: dict[str, tuple[str, Callable[[Json], Any]]] = {
    "Pod": ("pods", Pod.of), "Service": ("services", Service.of), "Endpoints": ("endpoints", Endpoints.of),
    "EndpointSlice": ("endpoints", Endpoints.of), "NetworkPolicy": ("policies", Policy.of),
    "Ingress": ("routes", Route.of), "HTTPRoute": ("routes", Route.of), "VirtualService": ("routes", Route.of),
    "Node": ("nodes", Node.of), "Event": ("events", Event.of), "PersistentVolumeClaim": ("claims", Claim.of),
    "PersistentVolume": ("volumes", PersistentVolume.of), "StorageClass": ("storage_classes", StorageClass.of),
    "ResourceQuota": ("quotas", Quota.of), "LimitRange": ("limit_ranges", LimitRange.of),
    **dict.fromkeys(KINDS, ("workloads", Workload.of))}
"""Kind to the field of ``State`` that it is in, and what reads it."""


def state_of(items: Iterable[Json], base: State | None = None) -> State:
    """Return the state that objects of the API make up, each with its ``kind``; all else is taken from ``base``.

    A kind that has no type of its own is kept by name; of a ConfigMap or Secret also the keys. An object that is no
    object is left out.
    """
    fields: dict[str, list[Any]] = defaultdict(list)
    keys: dict[Ref, tuple[str, ...]] = {}
    for item in items:
        kind = str(item.get("kind") or "")
        if kind in _READERS:
            field, of = _READERS[kind]
            fields[field].append(of(item))
            continue
        meta = Meta.of(item)
        fields["others"].append(meta)
        if kind in ("ConfigMap", "Secret"):
            keys[meta.ref] = tuple(sorted({*(item.get("data") or {}), *(item.get("binaryData") or {}),
                                           *(item.get("stringData") or {})}))
    values: dict[str, Any] = {name: tuple(found) for name, found in fields.items()}
    return (base or State())._replace(keys=keys, **values)
