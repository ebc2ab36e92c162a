"""Changes of Kubernetes' objects that can be reverted one by one, in any order.

A change is reverted field by field: each field that it changed has its former value again, unless a later change that
still goes on set the same field. Then the field stays, and the later change takes over the former value, for when it
is reverted itself. Lists whose items have names (containers, ports, variables) count as fields by those names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.places import NAMESPACE
from sandbox.platform.cluster import EDITED, Cluster, Object
from sandbox.platform.merge import difference

_KEPT = ("name", "namespace", "labels", "annotations")
_REVISIONS = ("deployment.kubernetes.io/revision", "rollout.argoproj.io/revision",
              "rollout.argoproj.io/workload-generation")
"""Controllers write them whenever the template changes."""
Tree = Any
"""A JSON value, or ``None`` where there is none: the API keeps no nulls."""


@dataclass(eq=False)
class ObjectChange:
    """What an event did to one object."""

    kind: str
    name: str
    namespace: str
    """Unused where the kind has no namespaces."""
    before: Object | None
    """The object as it was, or None where there was none."""
    after: Object | None
    asked: Object
    """The fields that were asked for, whether or not that changed them."""


@dataclass(frozen=True)
class _Step:
    """A change at one place of the object."""

    before: Tree
    after: Tree
    asked: Tree

    def at(self, key: str) -> _Step:
        """The change at a field further in; a change of the whole is one of each field."""
        if _fields(self.before) is None or _fields(self.after) is None:
            return self
        return _Step(*((_fields(value) or {}).get(key) for value in (self.before, self.after, self.asked)))

    @property
    def here(self) -> bool:
        """Whether it set this place."""
        return self.before != self.after or self.asked is not None


class Changes:
    """All changes that have not been reverted, the oldest first."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._all: list[ObjectChange] = []

    def reset(self) -> None:
        """Forget all changes."""
        self._all = []

    def apply(self, manifest: Object) -> ObjectChange:
        """Create an object, or make it what the manifest says."""
        metadata = manifest["metadata"]
        return self._made(manifest["kind"], metadata["name"], metadata.get("namespace"), manifest,
                          lambda: self._cluster.apply(manifest))

    def patch(self, kind: str, name: str, patch: Object, namespace: str | None = None,
              manager: str = EDITED) -> ObjectChange:
        """Patch an object strategically, under the name of a tool."""
        return self._made(kind, name, namespace, patch,
                          lambda: self._cluster.patch(kind, name, patch, namespace, manager=manager))

    def delete(self, kind: str, name: str, namespace: str | None = None) -> ObjectChange:
        """Delete an object."""
        def gone() -> None:
            self._cluster.delete(kind, name, namespace)

        return self._made(kind, name, namespace, {}, gone)

    def take_back(self, change: ObjectChange) -> None:
        """Give the fields that a change set their former values."""
        place = self._all.index(change)
        later = [item for item in self._all[place + 1:]
                 if (item.kind, item.name, item.namespace) == (change.kind, change.name, change.namespace)]
        del self._all[place]
        mine = _Step(change.before, change.after, None)
        now = bare(self._cluster.get(change.kind, change.name, change.namespace))
        wanted = _former(now, mine, [_Step(item.before, item.after, item.asked) for item in later])
        for number, item in enumerate(later):
            between = [_Step(other.before, other.after, other.asked) for other in later[:number]]
            own = _Step(item.before, item.after, item.asked)
            item.before = _former(item.before, mine, between)
            item.after = _former(item.after, mine, [*between, own])
        self._write(change, now, wanted)

    def _made(self, kind: str, name: str, namespace: str | None, asked: Object,
              make: Callable[[], Object | None]) -> ObjectChange:
        before = bare(self._cluster.get(kind, name, namespace))
        after = bare(make())
        change = ObjectChange(kind, name, namespace or NAMESPACE, before, after, asked)
        self._all.append(change)
        return change

    def _write(self, change: ObjectChange, now: Object | None, wanted: Object | None) -> None:
        if wanted == now:
            return
        if wanted is None:
            self._cluster.delete(change.kind, change.name, change.namespace)
        elif now is None:
            self._cluster.apply(wanted)
        else:
            self._cluster.patch(change.kind, change.name, difference(now, wanted), change.namespace, strategic=False)


def bare(item: Object | None) -> Object | None:
    """An object without what the API server and controllers add."""
    if item is None:
        return None
    metadata = {key: value for key, value in item["metadata"].items() if key in _KEPT}
    annotations = {key: value for key, value in metadata.pop("annotations", {}).items() if key not in _REVISIONS}
    if annotations:
        # Without any, an object is the same whether a controller has written its revision yet or not.
        metadata["annotations"] = annotations
    return {key: value for key, value in item.items() if key not in ("status", "metadata")} | {"metadata": metadata}


def _former(now: Tree, mine: _Step, later: Sequence[_Step]) -> Tree:
    """``now``, with each field that the step set as it was before, unless a later step set it."""
    if mine.before == mine.after:
        return now
    before, after, present = _fields(mine.before), _fields(mine.after), _fields(now)
    if before is None or after is None or present is None:
        # An object that was deleted, and that somebody has created again, stays as they made it.
        made_again = mine.after is None and now is not None
        return now if made_again or any(step.here for step in later) else mine.before
    found = {key: _former(present.get(key), mine.at(key), [step.at(key) for step in later])
             for key in [*present, *(key for key in before if key not in present)]}
    kept = {key: value for key, value in found.items() if value is not None}
    return list(kept.values()) if isinstance(now, list) else kept


def _fields(value: Tree) -> Mapping[str, Tree] | None:
    """The fields of a map, or of a list whose items have names; None of anything else."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, list) and value and all(isinstance(item, Mapping) and "name" in item for item in value):
        names = [str(item["name"]) for item in value]
        return dict(zip(names, value, strict=True)) if len(set(names)) == len(names) else None
    return None
