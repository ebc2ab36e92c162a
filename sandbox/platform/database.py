"""The RDS instance ``payments-db``: its faults, connections, parameters and events, and what ends each fault.

Times are seconds since 1970 (UTC).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

DATABASE_FAULTS = ("refuses_connections", "connections_exhausted", "failing_over", "storage_full", "slow",
                   "rejects_credentials")
FAILOVER_SECONDS = 45.0
REBOOT_SECONDS = 8.0
MODIFY_SECONDS = 8.0
LEAK_AGAIN_SECONDS = 60.0
"""After a reboot a client that leaks holds all connections again within this time."""
APPLY_SECONDS = 4.0
"""Time from setting a parameter until it is in effect."""
POOL = 10
_DRAIN_SECONDS = 6.0
"""How long pooled connections with an old password stay open."""
_GIB = 2**30
_FULL_GIB = 100.0
"""What is used of the storage when it is full."""
_PARAMETERS = {"idle_in_transaction_session_timeout": "60000", "statement_timeout": "30000"}


@dataclass
class RdsEvent:
    """One event of the instance, as DescribeEvents gives it."""

    at: float
    message: str
    categories: tuple[str, ...]


@dataclass(frozen=True)
class DatabaseFault:
    """One fault of the instance."""

    number: int
    """Tells it from others of its kind."""
    kind: str
    """One of ``DATABASE_FAULTS``."""
    since: float
    leaking: frozenset[str] = frozenset()
    """Uids of the pods that leak connections."""
    freed_at: float = 0.0
    """When a reboot last closed all connections."""


_NO_FAULT = DatabaseFault(0, "", 0.0)


@dataclass
class Database:
    """The RDS instance ``payments-db``."""

    engine: str = "postgres"
    """As RDS names it."""
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
    """Those values that the instance's processes use."""
    at_reboot: frozenset[str] = frozenset()
    """Those of ``parameters`` that wait for a reboot."""
    applied_at: float = 0.0
    """When the newest values are in effect."""
    faults: tuple[DatabaseFault, ...] = ()
    """The faults that are not over, the oldest first; the newest is the one that shows."""
    faults_so_far: int = 0
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
                if self.allocated_gib - _FULL_GIB > 1:
                    self._mend("storage_full")
            else:
                self._say(now, "DB instance restarted", "availability")
            self.busy = ""
        done = [item for item in self.faults if item.kind == "failing_over" and now - item.since >= FAILOVER_SECONDS]
        if done:
            self.faults = tuple(item for item in self.faults if item not in done)
            self.zone = "us-east-1b" if self.zone == "us-east-1a" else "us-east-1a"
            self._say(now, "Multi-AZ instance failover completed", "failover", "notification")
        if self.applied_at and now >= self.applied_at:
            self._apply(self.at_reboot)
        self.faults = tuple(item for item in self.faults
                            if item.kind != "connections_exhausted" or item.leaking & pods.keys())
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
            grown = int((now - self._shown.freed_at) / LEAK_AGAIN_SECONDS * (self.max_connections - 60))
            return held | {"ledger-export": max(2, grown)}
        if self.fault == "slow":
            return held | {"payment-gateway": gateway * POOL}
        return held

    @property
    def _shown(self) -> DatabaseFault:
        return self.faults[-1] if self.faults else _NO_FAULT

    @property
    def fault(self) -> str:
        """The kind of the fault that shows, or an empty text."""
        return self._shown.kind

    @property
    def since(self) -> float:
        """When the fault that shows began."""
        return self._shown.since

    @property
    def free_gib(self) -> float:
        """Space that is left."""
        used = self.used_gib if self.fault != "storage_full" else _FULL_GIB
        return max(0.0, self.allocated_gib - used)

    def down(self, now: float) -> bool:
        """Whether nobody can connect because the instance is starting, or the standby takes over."""
        return self.fault == "failing_over" or (self.busy == "rebooting" and now < self.busy_until)

    def exhausted(self, now: float) -> bool:
        """Whether all connections are taken."""
        return self.fault == "connections_exhausted" and now - self._shown.freed_at >= LEAK_AGAIN_SECONDS

    def old_pools_share(self, now: float) -> float:
        """The share of calls that go over pooled connections from before a rotation."""
        return max(0.0, 1.0 - (now - self.since) / _DRAIN_SECONDS) if self.fault == "rejects_credentials" else 0.0

    def status(self, now: float) -> str:
        """The instance's status, as DescribeDBInstances gives it."""
        if self.busy:
            return self.busy
        return "storage-full" if self.fault == "storage_full" else "available"

    def set_fault(self, fault: str, now: float, leaking: frozenset[str] = frozenset()) -> int:
        """Bring a fault about, over those that are there; returns its number, for ``heal``."""
        self.faults_so_far += 1
        self.faults = (*self.faults, DatabaseFault(self.faults_so_far, fault, now, leaking))
        if fault == "failing_over":
            self._say(now, "Multi-AZ instance failover started", "failover", "notification")
        if fault == "storage_full":
            self._say(now, "Allocated storage has been exhausted", "low storage")
        return self.faults_so_far

    def heal(self, now: float, number: int = 0) -> None:
        """Take one fault away, or all (0); does nothing for a fault that is already gone."""
        over = [item for item in self.faults if number in (0, item.number)]
        if any(item.kind == "failing_over" for item in over):
            self._say(now, "Multi-AZ instance failover completed", "failover", "notification")
        self.faults = tuple(item for item in self.faults if item not in over)

    def _mend(self, kind: str) -> None:
        self.faults = tuple(item for item in self.faults if item.kind != kind)

    def reboot(self, now: float, failover: bool) -> None:
        """Do what RebootDBInstance does: it ends the faults of the process; the others stay."""
        self.busy, self.busy_until = "rebooting", now + REBOOT_SECONDS
        self._apply(frozenset())
        self._say(now, "Multi-AZ instance failover started" if failover else "DB instance shutdown",
                  "failover" if failover else "availability")
        self._mend("refuses_connections")
        self._mend("slow")
        # A standby that was taking over begins anew.
        self.faults = tuple(
            replace(item, since=now) if item.kind == "failing_over"
            else replace(item, freed_at=now + REBOOT_SECONDS) if item.kind == "connections_exhausted"
            else item for item in self.faults)
        if failover:
            self.zone = "us-east-1b" if self.zone == "us-east-1a" else "us-east-1a"

    def set_parameters(self, now: float, values: Mapping[str, str | None], *, at_once: bool = True) -> None:
        """Do what ModifyDBParameterGroup does, and ResetDBParameterGroup for the values that are None."""
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
        """Do what ModifyDBInstance does with AllocatedStorage."""
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
