"""Makes a ``State`` of the API's objects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from responder.state.admission import LimitRange, Quota
from responder.state.basics import Event, Json, Meta, Ref
from responder.state.nodes import Node
from responder.state.pods import Pod
from responder.state.routing import Endpoints, Policy, Route, Service, Subsets
from responder.state.state import State
from responder.state.storage import Claim, PersistentVolume, StorageClass
from responder.state.workloads import KINDS, Workload

_READERS: dict[str, tuple[str, Callable[[Json], Any]]] = {
    "Pod": ("pods", Pod.of), "Service": ("services", Service.of), "Endpoints": ("endpoints", Endpoints.of),
    "EndpointSlice": ("endpoints", Endpoints.of), "NetworkPolicy": ("policies", Policy.of),
    "Ingress": ("routes", Route.of), "HTTPRoute": ("routes", Route.of), "VirtualService": ("routes", Route.of),
    "DestinationRule": ("subsets", Subsets.of),
    "Node": ("nodes", Node.of), "Event": ("events", Event.of), "PersistentVolumeClaim": ("claims", Claim.of),
    "PersistentVolume": ("volumes", PersistentVolume.of), "StorageClass": ("storage_classes", StorageClass.of),
    "ResourceQuota": ("quotas", Quota.of), "LimitRange": ("limit_ranges", LimitRange.of),
    **dict.fromkeys(KINDS, ("workloads", Workload.of))}
"""Kind to the field of ``State`` that it is in, and what reads it."""


class Gather:
    """Takes the API's objects one by one and keeps of each what a ``State`` has of it, so that thousands need little
    memory.
    """

    def __init__(self) -> None:
        self._fields: dict[str, list[Any]] = defaultdict(list)
        self._keys: dict[Ref, tuple[str, ...]] = {}

    def add(self, item: Json) -> None:
        """Take an object, with its ``kind``.

        A kind that has no type of its own is kept by name; of a ConfigMap or Secret also the keys.
        """
        kind = str(item.get("kind") or "")
        if kind in _READERS:
            field, of = _READERS[kind]
            self._fields[field].append(of(item))
            return
        meta = Meta.of(item)
        self._fields["others"].append(meta)
        if kind in ("ConfigMap", "Secret"):
            self._keys[meta.ref] = tuple(sorted({*(item.get("data") or {}), *(item.get("binaryData") or {}),
                                                 *(item.get("stringData") or {})}))

    def state(self, base: State | None = None) -> State:
        """Return the state that the objects make up; all else is taken from ``base``."""
        values: dict[str, Any] = {name: tuple(found) for name, found in self._fields.items()}
        return (base or State())._replace(keys=self._keys, **values)


def state_of(items: Iterable[Json], base: State | None = None) -> State:
    """Return the state that objects of the API make up, each with its ``kind``; all else is taken from ``base``."""
    gather = Gather()
    for item in items:
        gather.add(item)
    return gather.state(base)
