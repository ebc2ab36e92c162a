"""The true state behind the platform, apart from what Kubernetes holds: database, providers, network, AWS itself.

The drill's events change it, the flow of requests follows from it, and the stand-ins show it in their vendors' forms.
Times are seconds since 1970 (UTC).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.account import Account
from sandbox.account.events import HealthEvent, TrailEvent
from sandbox.platform.cluster import Object
from sandbox.platform.database import Database
from sandbox.platform.dependencies import Dependency
from sandbox.platform.foreign import Foreign
from sandbox.platform.layers import Layers
from sandbox.platform.payments import Disturbed
from sandbox.platform.shape import Shape
from sandbox.platform.spoken import Spoken
from sandbox.platform.versions import Behaviour
from sandbox.platform.wear import Leak

LOOKUPS_A_REQUEST = 0.5
"""Lookups of all components together for one request of a customer: most answers are remembered."""
LOOKUPS_A_RESOLVER = 1000.0
"""Lookups a second that one pod of the cluster's DNS answers."""


@dataclass
class Provider:
    """The true state of a payment provider, and what its status page says."""

    fault: str = ""
    """``down``, ``errors``, ``slow``, ``unauthorized``, ``throttled``, ``tls`` or empty."""
    error_rate: float = 0.002
    latency_ms: float = 90.0
    status_page: str = "operational"
    """``operational``, ``degraded``, ``outage`` or ``maintenance``."""
    since: float = 0.0
    """When it became so."""


CREDENTIALS = {
    "primary-client-certificate": (
        "[SSL: SSLV3_ALERT_CERTIFICATE_EXPIRED] sslv3 alert certificate expired (_ssl.c:1006)"),
    "primary-api-key": "HTTP 401 Unauthorized: expired API key provided",
    "primary-trusted-root": (
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1006)")}
"""What the gateway shows to the provider ``primary``, or trusts, to what its calls end in once that has expired."""


@dataclass(frozen=True)
class Broken:
    """A path below Kubernetes that is broken."""

    source: str
    target: str
    fault: str
    """``blocked``, ``lossy`` or ``dns``."""


@dataclass(frozen=True, eq=False)
class Surge:
    """More or fewer requests, for a time."""

    factor: float
    client: str = ""
    """The address from which all surplus comes; empty where it comes from everybody."""


@dataclass(frozen=True)
class Setting:
    """What a value in the gateway's configuration does to the pods that read it."""

    error_rate: float
    latency_ms: float
    """Added to each request."""
    log: str


@dataclass(frozen=True)
class Way:
    """What becomes of the packets of one node: some are lost, or some of its pods' lookups get no answer."""

    fault: str
    """``lossy`` or ``dns``."""
    share: float
    """Of connections, or of lookups."""


@dataclass(frozen=True)
class Odd:
    """What is wrong with the process in one pod; another pod in its place is well."""

    error_rate: float = 0.0
    latency_ms: float = 0.0


@dataclass
class World:
    """The state behind the flow.

    Where events may overlap, layers hold what each of them set; the plain field beside them is what counts.
    """

    requests_per_second: float = 40.0
    surges: list[Surge] = field(default_factory=list)
    """What events do to the number of requests, the oldest first."""
    background_error_rate: float = 0.004
    database: Database = field(default_factory=Database)
    passwords: Layers[None, str] = field(default_factory=Layers)
    parameters: Layers[str, str | None] = field(default_factory=Layers)
    """Parameter of the database's group to what events set; None is the engine's default."""
    providers: dict[str, Provider] = field(default_factory=lambda: {"primary": Provider(), "fallback": Provider()})
    provider_faults: Layers[str, Provider] = field(default_factory=Layers)
    expired: list[tuple[str, float]] = field(default_factory=list)
    """Names of ``CREDENTIALS`` that have expired, each with when."""
    payments: list[Disturbed] = field(default_factory=list)
    """What events do to kinds of payments, the oldest first."""
    dependencies: dict[str, Dependency] = field(default_factory=dict)
    """What the gateway calls besides, in the order in which it does; none in most drills."""
    dependency_faults: Layers[str, tuple[str, float]] = field(default_factory=Layers)
    """Dependency to the faults, with the share of calls that fail by each (0: as usual for it)."""
    broken: list[Broken] = field(default_factory=list)
    """One entry for each time that a path was broken."""
    settings: dict[tuple[str, str], list[Setting]] = field(default_factory=dict)
    """(key, value) of the gateway's configuration to what reading it does; the newest counts."""
    foreign: Foreign = field(default_factory=Foreign)
    """Flags, commits, and what they do."""
    shape: Shape = field(default_factory=Shape)
    """How the platform runs on Kubernetes."""
    settled: bool = False
    """Whether the platform has begun: pods that are there before have run for long."""
    account: Account = field(default_factory=Account)
    """What others run and do in the same AWS account."""
    splunk: str = "plain"
    """How the logs look in Splunk: a value of ``worlds/splunk.py``."""
    newrelic: Spoken = field(default_factory=lambda: Spoken("whole"))
    """What instruments the components for New Relic."""
    trail: list[TrailEvent] = field(default_factory=list)
    health: list[HealthEvent] = field(default_factory=list)
    control_plane_down: bool = False
    control_plane_faults: Layers[None, str] = field(default_factory=Layers)
    silent_nodes: set[str] = field(default_factory=set)
    """Nodes whose machine is dead: nothing on them runs."""
    ill_kubelets: set[str] = field(default_factory=set)
    """Nodes whose kubelet is dead, while the machine and all containers on it go on."""
    node_faults: Layers[str, str] = field(default_factory=Layers)
    """Node to ``not_ready``, ``cordoned``, ``gone`` or ``kubelet``."""
    node_ways: Layers[str, Way | None] = field(default_factory=Layers)
    """Node to what becomes of its packets."""
    odd_pods: Layers[str, Odd | None] = field(default_factory=Layers)
    """Uid of a pod to what is wrong with its process."""
    leaks: Layers[str, Leak | None] = field(default_factory=Layers)
    """Component to how its processes keep memory."""
    memory: dict[str, float] = field(default_factory=dict)
    """Name of a component's pod to the MiB that its process holds, as the kubelet last saw it."""
    resolvers: int | None = None
    """Pods of the cluster's DNS that answer; None: nobody looked."""
    foreign_lookups: Layers[None, float] = field(default_factory=Layers)
    """Lookups a second that others in the cluster ask for."""
    hung: set[str] = field(default_factory=set)
    """Uids of pods whose process runs and does nothing more; another pod in its place is well."""
    pod_faults: Layers[str, str] = field(default_factory=Layers)
    """Uid of a pod that is hung, or component whose pods are deadlocked, to the fault."""
    deadlocked: dict[str, set[str]] = field(default_factory=dict)
    """Component to the uids of its pods that wait for each other. A pod that starts beside one of them waits as well,
    so a pod comes up only after all are gone."""
    behind: dict[str, float] = field(default_factory=dict)
    """Uid of a pod to the seconds for which a request that comes now waits there; a pod without a queue is left out."""
    at_once: set[str] = field(default_factory=set)
    """StatefulSets whose author stops all pods at each change, where a drill speaks of the strategy ``Recreate``."""
    kill_switch: Layers[None, str] = field(default_factory=Layers)

    @property
    def factor(self) -> float:
        """Requests a second against the usual."""
        return math.prod((surge.factor for surge in self.surges), start=1.0)

    @property
    def floods(self) -> dict[str, float]:
        """Client to the part of ``factor`` that comes from it alone."""
        found: dict[str, float] = {}
        factor = 1.0
        for surge in self.surges:
            if surge.client:
                found[surge.client] = found.get(surge.client, 0.0) + factor * (surge.factor - 1)
            factor *= surge.factor
        return found

    def loss_on(self, pod: Object) -> float:
        """The share of connections from and to a pod that are lost at its node."""
        return sum(way.share for way in self._ways(pod) if way.fault == "lossy")

    def unresolved(self, pod: Object) -> float:
        """The share of a pod's lookups that get no answer: by its node, or for want of the cluster's DNS."""
        own = sum(way.share for way in self._ways(pod) if way.fault == "dns")
        return min(1.0, own + (1.0 - own) * self._unanswered())

    def _unanswered(self) -> float:
        asked = sum(self.foreign_lookups.at(None)) + LOOKUPS_A_REQUEST * self.requests_per_second * self.factor
        return 0.0 if self.resolvers is None else max(0.0, 1.0 - self.resolvers * LOOKUPS_A_RESOLVER / asked)

    def _ways(self, pod: Object) -> list[Way]:
        found = self.node_ways.at(pod["spec"].get("nodeName") or "")
        return [way for way in found[-1:] if way]

    def behaviour_of(self, pod: Object, of_version: Behaviour) -> Behaviour:
        """How the code in a pod behaves: as its version does, unless something is wrong with just this process."""
        found = [odd for odd in self.odd_pods.at(pod["metadata"]["uid"])[-1:] if odd]
        return replace(of_version, error_rate=max(of_version.error_rate, found[0].error_rate),
                       latency_ms=of_version.latency_ms + found[0].latency_ms) if found else of_version

    def callee_fails(self, component: str, now: float) -> str:
        """Which of those that a component calls outside of the cluster does not serve it; empty: none."""
        if component != "payment-gateway":
            return ""
        if self.database.fault or self.database.down(now):
            return "database"
        return next((name for name in ("primary",) if self.providers[name].fault), "")

    def setting(self, key: str, value: str) -> Setting | None:
        """What reading a value of the gateway's configuration does, or None where it does nothing."""
        found = self.settings.get((key, value))
        return found[-1] if found else None

    def refusal(self, provider: str) -> str:
        """What calls of a provider end in because of what the gateway shows or trusts; empty: nothing of it."""
        return next((CREDENTIALS[name] for name, _ in self.expired if name.startswith(f"{provider}-")), "")

    def path(self, source: str, target: str) -> str:
        """The fault of a path, or an empty text."""
        return next((item.fault for item in self.broken if (item.source, item.target) == (source, target)), "")

    def blocked(self, target: str) -> bool:
        """Whether the security group's rule for the path to ``target`` is gone."""
        return any((item.target, item.fault) == (target, "blocked") for item in self.broken)

    def record(self, name: str, source: str, user: str = "deployer", resources: tuple[tuple[str, str], ...] = (),
               **parameters: Any) -> None:
        """Add a call to CloudTrail."""
        self.trail.append(TrailEvent(time.time(), name, f"{source}.amazonaws.com", user, resources, parameters))

    def record_of_service(self, name: str, source: str, **additional: Any) -> None:
        """Add an event to CloudTrail that no call caused: AWS itself did something."""
        by = f"{source}.amazonaws.com"
        self.trail.append(TrailEvent(time.time(), name, by, by, additional=additional))
