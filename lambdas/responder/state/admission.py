"""What may refuse an object. Formats: the Kubernetes API reference (ResourceQuota, LimitRange v1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from responder.state.basics import Json, Meta, Ref
from responder.state.pods import amounts


class Quota(NamedTuple):
    """A ResourceQuota."""

    meta: Meta
    hard: Mapping[str, float]
    """Resource to its limit: ``requests.cpu`` in cores, ``limits.memory`` in bytes, ``pods``, ``services``, …"""
    used: Mapping[str, float]

    @classmethod
    def of(cls, item: Json) -> Quota:
        """Read a ResourceQuota."""
        spec, status = item.get("spec") or {}, item.get("status") or {}
        return cls(Meta.of(item, "ResourceQuota"), amounts(status.get("hard") or spec.get("hard")),
                   amounts(status.get("used")))

    @property
    def ref(self) -> Ref:
        """The quota, by name."""
        return self.meta.ref


class LimitRange(NamedTuple):
    """A LimitRange: for each kind of thing (``Container``, ``Pod``, …) and resource the bounds."""

    meta: Meta
    bounds: tuple[tuple[str, str, float | None, float | None], ...]
    """What it is of, resource, smallest and largest amount; None: no such bound."""

    @classmethod
    def of(cls, item: Json) -> LimitRange:
        """Read a LimitRange."""
        bounds = []
        for one in (item.get("spec") or {}).get("limits") or ():
            low, high = amounts(one.get("min")), amounts(one.get("max"))
            bounds += [(str(one.get("type", "")), name, low.get(name), high.get(name))
                       for name in sorted({*low, *high})]
        return cls(Meta.of(item, "LimitRange"), tuple(bounds))
