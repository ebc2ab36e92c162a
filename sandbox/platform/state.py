"""The true state behind the platform, apart from what Kubernetes holds: database, providers, network, AWS itself.

The drill's events change it, the flow of requests follows from it, and the stand-ins show it in their vendors' forms.
Times are seconds since 1970 (UTC).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any

from sandbox.account import Account
from sandbox.account.events import HealthEvent, TrailEvent
from sandbox.platform.database import Database
from sandbox.platform.layers import Layers
from sandbox.platform.payments import Disturbed
from sandbox.platform.shape import Shape
from sandbox.platform.spoken import Spoken


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
    broken: list[Broken] = field(default_factory=list)
    """One entry for each time that a path was broken."""
    settings: dict[tuple[str, str], list[Setting]] = field(default_factory=dict)
    """(key, value) of the gateway's configuration to what reading it does; the newest counts."""
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
    node_faults: Layers[str, str] = field(default_factory=Layers)
    """Node to ``not_ready``, ``cordoned`` or ``gone``."""
    hung: set[str] = field(default_factory=set)
    """Uids of pods whose process runs and does nothing more; another pod in its place is well."""
    pod_faults: Layers[str, str] = field(default_factory=Layers)
    """Uid of a pod that is hung, or component whose pods are deadlocked, to the fault."""
    deadlocked: dict[str, set[str]] = field(default_factory=dict)
    """Component to the uids of its pods that wait for each other. A pod that starts beside one of them waits as well,
    so a pod comes up only after all are gone."""
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
