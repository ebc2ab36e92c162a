"""What all kinds of objects have: names, labels, selectors, conditions, Events and times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

_CONTAINER = re.compile(r"^.*[cC]ontainers\{(.*)\}$|^.*$", re.DOTALL)
"""The ``fieldPath`` of an Event's object: ``spec.containers{server}``, ``spec.initContainers{wait}``."""
Json = Mapping[str, Any]
"""An object of the API, or a part of one."""


class Ref(NamedTuple):
    """An object, by its kind and name."""

    kind: str
    """As the API names it: ``Deployment``."""
    namespace: str
    """Empty: a kind without namespaces."""
    name: str

    def __str__(self) -> str:
        """Return it as people and remedies name it: ``deployment/pay``."""
        return f"{self.kind.lower()}/{self.name}"


class Meta(NamedTuple):
    """What every object has."""

    ref: Ref
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    created: float
    """Seconds since 1970 (UTC); 0: not known."""
    deleting: bool
    """Whether it is being deleted."""
    owner: Ref | None
    """Its controller."""

    @classmethod
    def of(cls, item: Json, kind: str = "") -> Meta:
        """Read an object's ``metadata``; ``kind`` is for items of a list, which do not say it themselves."""
        metadata = item.get("metadata") or {}
        namespace = str(metadata.get("namespace") or "")
        owner = next((owner for owner in metadata.get("ownerReferences") or [] if owner.get("controller")), None)
        return cls(
            Ref(str(item.get("kind") or kind), namespace, str(metadata.get("name", ""))),
            texts(metadata.get("labels")), texts(metadata.get("annotations")),
            seconds(metadata.get("creationTimestamp")), "deletionTimestamp" in metadata,
            Ref(str(owner.get("kind", "")), namespace, str(owner.get("name", ""))) if owner else None)


class Condition(NamedTuple):
    """One of an object's conditions."""

    kind: str
    """Its ``type``: ``Ready``, ``PodScheduled``, ``ReplicaFailure``."""
    status: str
    """``True``, ``False`` or ``Unknown``."""
    reason: str
    message: str
    since: float
    """Seconds since 1970 (UTC); 0: not known."""


class Event(NamedTuple):
    """What a component of the cluster said of an object."""

    about: Ref
    warning: bool
    """Whether its type is ``Warning``."""
    reason: str
    message: str
    times: int
    last: float
    """When it came last, seconds since 1970 (UTC); 0: not known."""
    by: str
    """Who said it: ``kubelet``, ``default-scheduler``; empty: not known."""
    container: str = ""
    """The container of a pod that it is about; empty: none, or not said."""

    @classmethod
    def of(cls, item: Json) -> Event:
        """Read an Event of either API (core v1, ``events.k8s.io`` v1)."""
        about = item.get("involvedObject") or item.get("regarding") or {}
        series = item.get("series") or {}
        last = max((seconds(moment) for moment in (
            series.get("lastObservedTime"), item.get("lastTimestamp"), item.get("deprecatedLastTimestamp"),
            item.get("eventTime"), item.get("firstTimestamp")) if moment), default=0.0)
        return cls(
            Ref(str(about.get("kind", "")), str(about.get("namespace") or ""), str(about.get("name", ""))),
            item.get("type") == "Warning", str(item.get("reason", "")),
            str(item.get("message") or item.get("note") or ""),
            max(int(count or 1) for count in (series.get("count"), item.get("count"), item.get("deprecatedCount"))),
            last, str((item.get("source") or {}).get("component") or item.get("reportingComponent")
                      or item.get("reportingController") or ""),
            _CONTAINER.sub(r"\1", str(about.get("fieldPath") or "")))


class Requirement(NamedTuple):
    """One of a selector's ``matchExpressions``."""

    key: str
    operator: str
    """``In``, ``NotIn``, ``Exists``, ``DoesNotExist``; for nodes also ``Gt`` and ``Lt``."""
    values: tuple[str, ...]

    def met(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet it; an operator that is not known is met by none."""
        value = labels.get(self.key)
        if self.operator in ("Gt", "Lt"):
            try:
                given, limit = int(value or ""), int(self.values[0])
            except (ValueError, IndexError):
                return False
            return given > limit if self.operator == "Gt" else given < limit
        return {"In": value in self.values, "NotIn": value not in self.values, "Exists": value is not None,
                "DoesNotExist": value is None}.get(self.operator, False)


class Selector(NamedTuple):
    """A label selector."""

    labels: Mapping[str, str] = {}
    expressions: tuple[Requirement, ...] = ()

    @classmethod
    def of(cls, item: Json | None) -> Selector:
        """Read a LabelSelector."""
        item = item or {}
        return cls(texts(item.get("matchLabels")), requirements(item.get("matchExpressions")))

    @property
    def empty(self) -> bool:
        """Whether it asks for nothing, and so selects everything."""
        return not self.labels and not self.expressions

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet it (Kubernetes: "Labels and Selectors")."""
        return (all(labels.get(key) == value for key, value in self.labels.items())
                and all(requirement.met(labels) for requirement in self.expressions))


def requirements(items: Any) -> tuple[Requirement, ...]:
    """Read ``matchExpressions`` or ``matchFields``."""
    return tuple(Requirement(str(item.get("key", "")), str(item.get("operator", "")),
                             tuple(map(str, item.get("values") or ()))) for item in items or ())


def conditions(item: Json) -> tuple[Condition, ...]:
    """Read an object's ``status.conditions``."""
    return tuple(Condition(
        str(one.get("type", "")), str(one.get("status", "")), str(one.get("reason") or ""),
        str(one.get("message") or ""), seconds(one.get("lastTransitionTime")))
        for one in (item.get("status") or {}).get("conditions") or [])


def seconds(moment: Any) -> float:
    """Return a Kubernetes time as seconds since 1970 (UTC); 0 for none."""
    try:
        return datetime.fromisoformat(str(moment)).timestamp() if moment else 0.0
    except ValueError:
        return 0.0


def texts(value: Any) -> dict[str, str]:
    """Return a map of texts; empty for none."""
    return {str(key): str(text) for key, text in (value or {}).items()}
