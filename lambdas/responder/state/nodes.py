"""The machines, and what runs on them beside pods. Formats: the Kubernetes API reference (Node v1), systemd's
``systemctl status``, AWS' page "Detect node health issues with the EKS node monitoring agent".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from responder.state.basics import Condition, Json, Meta, Ref, conditions
from responder.state.pods import amounts


class Taint(NamedTuple):
    """A taint."""

    key: str
    value: str
    effect: str


class Node(NamedTuple):
    """A node."""

    meta: Meta
    conditions: tuple[Condition, ...]
    taints: tuple[Taint, ...]
    unschedulable: bool
    """Whether it is cordoned."""
    allocatable: Mapping[str, float]
    """Resource to what pods may ask for: ``cpu`` in cores, ``memory`` in bytes, ``pods``."""
    runtime: str = ""
    """The container runtime and its version; empty: not known."""

    @classmethod
    def of(cls, item: Json) -> Node:
        """Read a Node."""
        spec, status = item.get("spec") or {}, item.get("status") or {}
        return cls(
            Meta.of(item, "Node"), conditions(item),
            tuple(Taint(str(one.get("key", "")), str(one.get("value") or ""), str(one.get("effect", "")))
                  for one in spec.get("taints") or ()),
            bool(spec.get("unschedulable")), amounts(status.get("allocatable")),
            str((status.get("nodeInfo") or {}).get("containerRuntimeVersion") or ""))

    @property
    def ref(self) -> Ref:
        """The node, by name."""
        return self.meta.ref

    @property
    def name(self) -> str:
        """Its name."""
        return self.meta.ref.name

    def condition(self, kind: str) -> Condition | None:
        """Return one of its conditions; None where it has none such."""
        return next((one for one in self.conditions if one.kind == kind), None)

    @property
    def ready(self) -> bool:
        """Whether its kubelet says that it is well."""
        said = self.condition("Ready")
        return said is not None and said.status == "True"


class NodeService(NamedTuple):
    """A service of the machine's own: the kubelet, the container runtime, kube-proxy."""

    node: str
    name: str
    active: bool | None
    """Whether it runs; None: what is said cannot be read."""
    state: str
    """As it is called: ``active (running)``, ``inactive (dead)``, ``failed (Result: exit-code)``."""
    since: float = 0.0
    """Seconds since 1970 (UTC); 0: not known."""
    lines: tuple[str, ...] = ()
    """Its last log lines, newest last."""
