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
class Sidecar:
    """One container beside the application, over all pods."""

    blocks: int = 0
    """Pods whose application is ready, and that are not ready because of it."""
    restarts: int = 0
    """As of the application."""
    waiting: dict[str, int] = field(default_factory=dict)
    """Reason for which it waits to its number."""
    terminated: dict[str, int] = field(default_factory=dict)
    """Reason for which it ended to its number."""


@dataclass(frozen=True)
class Probed:
    """What one kind of probe did within the window, over all pods."""

    failed: int = 0
    """How often it failed, as the kubelet counts it."""
    kills: int = 0
    """How often the kubelet ended a container for it; a readiness probe ends none."""
    how: str = ""
    """How it failed most often: ``refused``, ``timeout``, ``status 404``, or else ``other``."""


@dataclass(frozen=True)
class Pods(Detail):
    """One workload's pods.

    ``value`` is the share of the wanted pods that are ready. Pods that are leaving, or over (evicted, failed), do not
    count. What is said of containers is of the application's, and of the init containers before it.
    """

    wanted: int = 0
    ready: int = 0
    restarts: int = 0
    """Within the window, as far as their times tell; in older records since the containers were created."""
    waiting: dict[str, int] = field(default_factory=dict)
    """Reason for which a container waits to its number."""
    terminated: dict[str, int] = field(default_factory=dict)
    """Reason for which a container ended of late, with another exit code than 0, to its number; in older records at
    any time."""
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
    """Reason of a warning to its number within the window."""
    workload: str = ""
    """What runs the component, as a remedy names it: ``statefulset/pay``. Empty in older records: its Deployment."""
    container: str = ""
    """The container that is the application; empty: it was not told from others."""
    sidecars: dict[str, Sidecar] = field(default_factory=dict)
    """Containers beside the application of which there is anything to tell, by name."""
    gated: int = 0
    """Pods whose containers are ready, and that are not because a readiness gate is closed."""
    signalled: int = 0
    """Containers that were ended by a signal of late (exit code 137 or 143), and not for their memory."""
    probes: dict[str, Probed] = field(default_factory=dict)
    """``liveness``, ``startup`` or ``readiness`` to what it did; kinds that never failed are left out."""
    placed: dict[str, str] = field(default_factory=dict)
    """Name of a pod to its node, of the pods that a node has taken; at most 100."""
    restarts_on: dict[str, int] = field(default_factory=dict)
    """Node to the restarts within the window of the applications there."""
    gates: tuple[str, ...] = ()
    """These gates: ``target-health.elbv2.k8s.aws/NAME`` is a load balancer's."""


KIND = Pods
