"""One workload's pods."""

from __future__ import annotations

from dataclasses import field
from typing import NamedTuple

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


class OfTemplate(NamedTuple):
    """The pods of one template."""

    ready: int
    all: int


@dataclass(frozen=True)
class Pods(Detail):
    """One workload's pods.

    ``value`` is the share of the wanted pods that are ready. Pods that are leaving do not count.
    """

    wanted: int = 0
    ready: int = 0
    restarts: int = 0
    """Sum over all containers since they were created."""
    waiting: dict[str, int] = field(default_factory=dict)
    """Reason for which a container waits to its number."""
    terminated: dict[str, int] = field(default_factory=dict)
    """Reason for which a container ended, with another exit code than 0, to its number."""
    unscheduled: int = 0
    """Pods that no node takes."""
    unready_on: dict[str, int] = field(default_factory=dict)
    """Node to its number of pods that are not ready."""
    gone_nodes: tuple[str, ...] = ()
    """Nodes that pods are said to be on, and that are no more."""
    templates: dict[str, OfTemplate] | None = None
    """Hash of a pod template to its pods; None: not known."""
    dns_policy: str = ""
    probing: int = 0
    """Pods that run and are not ready."""
    preparing: int = 0
    """Pods whose init containers have not ended."""
    fell: int = 0
    """Pods that were ready since their containers started, and are so no more."""
    conditions: dict[str, str] = field(default_factory=dict)
    """The workload's conditions that say that something is wrong, to their reason."""
    policies: tuple[str, ...] | None = None
    """NetworkPolicies that select its pods; None: they could not be read."""
    failing: tuple[str, ...] = ()
    """Names of pods that are not ready, some of them."""
    events: dict[str, int] = field(default_factory=dict)
    """Reason of a warning to its number."""


KIND = Pods
