"""What is really so behind the platform, apart from what Kubernetes holds: database, providers, network, AWS itself.

The drill's events change it, the flow of requests follows from it, and the stand-ins show it in their vendors' forms.
Times are seconds since 1970 (UTC).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

DATABASE_FAULTS = ("refuses_connections", "connections_exhausted", "failing_over", "storage_full", "slow",
                   "rejects_credentials")
FAILOVER_SECONDS = 45.0
REBOOT_SECONDS = 8.0
MODIFY_SECONDS = 8.0
LEAK_AGAIN_SECONDS = 60.0
"""After a reboot a client that leaks needs so long to hold all connections again."""
APPLY_SECONDS = 4.0
"""So long after it was set a parameter is in effect."""
POOL = 10
_DRAIN_SECONDS = 6.0
"""Pooled connections with an old password live so much longer."""
_GIB = 2**30
_PARAMETERS = {"idle_in_transaction_session_timeout": "60000", "statement_timeout": "30000"}


@dataclass
class RdsEvent:
    """One event of the instance, as DescribeEvents gives it."""

    at: float
    message: str
    categories: tuple[str, ...]


@dataclass
class Database:
    """The RDS instance ``payments-db``."""

    host: str = "payments-db"
    user: str = "payments"
    password: str = "first-password"  # noqa: S105 - of a database that does not exist
    latency_ms: float = 4.0
    max_connections: int = 200
    allocated_gib: int = 100
    used_gib: float = 40.0
    zone: str = "us-east-1a"
    parameters: Mapping[str, str] = field(default_factory=lambda: dict(_PARAMETERS))
    """What people set in its parameter group."""
    in_effect: Mapping[str, str] = field(default_factory=lambda: dict(_PARAMETERS))
    """What of it the instance's processes know."""
    at_reboot: frozenset[str] = frozenset()
    """Those of ``parameters`` that wait for a reboot."""
    applied_at: float = 0.0
    """When the newest values are in effect."""
    fault: str = ""
    since: float = 0.0
    leaking: frozenset[str] = frozenset()
    """Uids of the pods that leak connections."""
    freed_at: float = 0.0
    """When a reboot last closed all connections."""
    busy: Literal["", "rebooting", "modifying"] = ""
    busy_until: float = 0.0
    grows_to_gib: int = 0
    events: list[RdsEvent] = field(default_factory=list)
    clients: dict[str, int] = field(default_factory=dict)
    """Connections by client (application name), as the last second left them."""

    def step(self, now: float, pods: Mapping[str, str]) -> None:
        """Let time pass; ``pods`` maps the uid of each running pod to its Deployment."""
        if self.busy and now >= self.busy_until:
            if self.busy == "modifying":
                self.allocated_gib = max(self.allocated_gib, self.grows_to_gib)
                self._say(now, "Finished applying modification to allocated storage", "configuration change")
                if self.fault == "storage_full" and self.free_gib > 1:
                    self.fault = ""
            else:
                self._say(now, "DB instance restarted", "availability")
            self.busy = ""
        if self.fault == "failing_over" and now - self.since >= FAILOVER_SECONDS:
            self.fault = ""
            self.zone = "us-east-1b" if self.zone == "us-east-1a" else "us-east-1a"
            self._say(now, "Multi-AZ instance failover completed", "failover", "notification")
        if self.applied_at and now >= self.applied_at:
            self._apply(self.at_reboot)
        if self.fault == "connections_exhausted" and not self.leaking & pods.keys():
            self.fault = ""
        gateway = sum(name == "payment-gateway" for name in pods.values())
        ledger = sum(name == "ledger-export" for name in pods.values())
        self.clients = self._connections(now, gateway, ledger)

    def _connections(self, now: float, gateway: int, ledger: int) -> dict[str, int]:
        held = {"payment-gateway": gateway * POOL * 6 // 10, "ledger-export": ledger * 2, "rdsadmin": 2}
        if self.fault == "refuses_connections" or self.down(now):
            return {"rdsadmin": 0}
        if self.exhausted(now):
            return {"payment-gateway": 3, "ledger-export": self.max_connections - 5, "rdsadmin": 2}
        if self.fault == "connections_exhausted":
            grown = int((now - self.freed_at) / LEAK_AGAIN_SECONDS * (self.max_connections - 60))
            return held | {"ledger-export": max(2, grown)}
        if self.fault == "slow":
            return held | {"payment-gateway": gateway * POOL}
        return held

    @property
    def free_gib(self) -> float:
        """Space that is left."""
        used = self.used_gib if self.fault != "storage_full" else 100.0
        return max(0.0, self.allocated_gib - used)

    def down(self, now: float) -> bool:
        """Whether nobody can connect because the instance is starting, or the standby takes over."""
        return self.fault == "failing_over" or (self.busy == "rebooting" and now < self.busy_until)

    def exhausted(self, now: float) -> bool:
        """Whether all connections are taken."""
        return self.fault == "connections_exhausted" and now - self.freed_at >= LEAK_AGAIN_SECONDS

    def old_pools_share(self, now: float) -> float:
        """The share of calls that go over pooled connections from before a rotation."""
        return max(0.0, 1.0 - (now - self.since) / _DRAIN_SECONDS) if self.fault == "rejects_credentials" else 0.0

    def status(self, now: float) -> str:
        """The instance's status, as DescribeDBInstances gives it."""
        if self.busy:
            return self.busy
        return "storage-full" if self.fault == "storage_full" else "available"

    def set_fault(self, fault: str, now: float, leaking: frozenset[str] = frozenset()) -> None:
        """Bring a fault about."""
        self.fault, self.since, self.leaking, self.freed_at = fault, now, leaking, 0.0
        if fault == "failing_over":
            self._say(now, "Multi-AZ instance failover started", "failover", "notification")
        if fault == "storage_full":
            self._say(now, "Allocated storage has been exhausted", "low storage")

    def heal(self, now: float) -> None:
        """Take the fault away."""
        if self.fault == "failing_over":
            self._say(now, "Multi-AZ instance failover completed", "failover", "notification")
        self.fault = ""

    def reboot(self, now: float, failover: bool) -> None:
        """What RebootDBInstance does."""
        self.busy, self.busy_until = "rebooting", now + REBOOT_SECONDS
        self._apply(frozenset())
        self._say(now, "Multi-AZ instance failover started" if failover else "DB instance shutdown",
                  "failover" if failover else "availability")
        if self.fault == "failing_over":
            self.since = now  # the standby begins anew
        elif self.fault in ("refuses_connections", "slow"):
            self.fault = ""
        elif self.fault == "connections_exhausted":
            self.freed_at = now + REBOOT_SECONDS
        if failover:
            self.zone = "us-east-1b" if self.zone == "us-east-1a" else "us-east-1a"

    def set_parameters(self, now: float, values: Mapping[str, str | None], *, at_once: bool = True) -> None:
        """What ModifyDBParameterGroup does, and ResetDBParameterGroup for the values that are None."""
        self.parameters = {name: value for name, value in {**self.parameters, **values}.items() if value is not None}
        self.at_reboot = self.at_reboot - values.keys() if at_once else self.at_reboot | values.keys()
        self.applied_at = now + APPLY_SECONDS

    def _apply(self, but: frozenset[str]) -> None:
        self.in_effect = ({name: value for name, value in self.parameters.items() if name not in but}
                          | {name: value for name, value in self.in_effect.items() if name in but})
        self.applied_at = 0.0

    def apply_status(self) -> str:
        """``ParameterApplyStatus`` of the group, as DescribeDBInstances gives it."""
        return "applying" if self.applied_at else "pending-reboot" if self.in_effect != self.parameters else "in-sync"

    def modify_storage(self, now: float, gib: int) -> None:
        """What ModifyDBInstance does with AllocatedStorage."""
        self.busy, self.busy_until, self.grows_to_gib = "modifying", now + MODIFY_SECONDS, gib
        self._say(now, "Applying modification to allocated storage", "configuration change")

    def metrics(self, now: float) -> dict[str, float]:
        """The instance's metrics in AWS/RDS, by name: connections, per cent, bytes, seconds."""
        slow = self.fault == "slow"
        away = self.down(now)
        idle = away or self.fault == "refuses_connections"
        return {"DatabaseConnections": float(sum(self.clients.values())),
                "CPUUtilization": 96.0 if slow else 3.0 if idle else 21.0,
                "FreeStorageSpace": self.free_gib * _GIB, "FreeableMemory": 5.2 * _GIB,
                "ReadLatency": 0.0 if idle else 0.0011, "WriteLatency": 0.0 if idle else 0.004 if slow else 0.0014,
                "DiskQueueDepth": 0.2, "ReadIOPS": 0.0 if idle else 120.0, "WriteIOPS": 0.0 if idle else 90.0,
                "ReplicaLag": 0.0}

    def waits(self, now: float) -> dict[str, float]:
        """Average active sessions by wait event, as Performance Insights gives them."""
        if self.down(now) or self.fault == "refuses_connections":
            return {}
        if self.fault == "slow":
            return {"Lock:transactionid": 21.4, "CPU": 1.9, "IO:DataFileRead": 0.2}
        return {"CPU": 0.21, "IO:DataFileRead": 0.08, "Client:ClientRead": 0.03}

    def _say(self, now: float, message: str, *categories: str) -> None:
        self.events = [*self.events[-50:], RdsEvent(now, message, categories)]


@dataclass
class Provider:
    """What is really so with a payment provider, and what its status page says."""

    fault: str = ""
    """``down``, ``errors``, ``slow`` or empty."""
    error_rate: float = 0.002
    latency_ms: float = 90.0
    status_page: str = "operational"
    """``operational``, ``degraded`` or ``outage``."""
    since: float = 0.0


@dataclass(frozen=True)
class Broken:
    """A path below Kubernetes that is broken."""

    source: str
    target: str
    fault: str
    """``blocked``, ``lossy`` or ``dns``."""


@dataclass(frozen=True)
class TrailEvent:
    """A management event in CloudTrail."""

    at: float
    name: str
    source: str
    """``rds.amazonaws.com``."""
    user: str
    resources: tuple[tuple[str, str], ...] = ()
    """(type, name)."""
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class HealthEvent:
    """An AWS Health event."""

    arn: str
    service: str
    code: str
    status: str
    """``open`` or ``closed``."""
    region: str
    at: float
    ended: float | None = None


@dataclass
class World:
    """The state behind the flow."""

    requests_per_second: float = 40.0
    factor: float = 1.0
    floods: dict[str, float] = field(default_factory=dict)
    """Client to the part of ``factor`` that comes from it alone."""
    background_error_rate: float = 0.004
    database: Database = field(default_factory=Database)
    providers: dict[str, Provider] = field(default_factory=lambda: {"primary": Provider(), "fallback": Provider()})
    broken: list[Broken] = field(default_factory=list)
    settings: dict[tuple[str, str], tuple[float, float, str]] = field(default_factory=dict)
    """(key, value) of the gateway's configuration to what reading it brings: error rate, latency in ms, log line."""
    trail: list[TrailEvent] = field(default_factory=list)
    health: list[HealthEvent] = field(default_factory=list)
    control_plane_down: bool = False
    silent_nodes: set[str] = field(default_factory=set)
    """Nodes whose machine is dead: nothing on them runs."""
    hung: set[str] = field(default_factory=set)
    """Uids of pods whose process runs and does nothing more; another pod in its place is well."""
    deadlocked: dict[str, set[str]] = field(default_factory=dict)
    """Component to the uids of its pods that wait for each other: whichever starts beside one of them waits as well,
    so only when all are gone does one come up."""

    def path(self, source: str, target: str) -> str:
        """The fault of a path, or an empty text."""
        return next((item.fault for item in self.broken if (item.source, item.target) == (source, target)), "")

    def record(self, name: str, source: str, user: str = "deployer", resources: tuple[tuple[str, str], ...] = (),
               **parameters: Any) -> None:
        """Add an event to CloudTrail."""
        self.trail.append(TrailEvent(time.time(), name, f"{source}.amazonaws.com", user, resources, parameters))
