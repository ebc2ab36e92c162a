"""The database ``payments-db``: its faults, connections, parameters and events, and what ends each fault.

It is an RDS instance with a standby (Multi-AZ), or an Aurora cluster of two instances; ``engines.py`` says how each
engine speaks. Times are seconds since 1970 (UTC). Sources: AWS's pages "Amazon RDS event categories and event
messages", "Amazon CloudWatch metrics for Amazon RDS" and "Amazon CloudWatch metrics for Amazon Aurora".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from sandbox.platform.engines import ENGINES, Engine

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
PORT = 5432
"""Of every engine here, as the rules of the security group and of the drills' policies have it."""
_DRAIN_SECONDS = 6.0
"""How long pooled connections with an old password stay open."""
_GIB = 2**30
_FULL_GIB = 100.0
"""What is used of the storage when it is full."""
WRITER, READER, CLUSTER = "payments-db", "payments-db-2", "payments-cluster"
"""The instance, the second one where it is a cluster, and that cluster."""
_ZONES = ("us-east-1a", "us-east-1b")
"""The zones of the two machines: instance and standby, or the cluster's two instances."""
_OLD_WRITER_SECONDS = 15.0
"""So long at the end of an Aurora failover the clients' old addresses lead to what is a reader by now."""


@dataclass
class RdsEvent:
    """One event, as DescribeEvents gives it."""

    at: float
    message: str
    categories: tuple[str, ...]
    identifier: str = WRITER
    """The instance or the cluster that it is of."""

    @property
    def kind(self) -> str:
        """The type of its source."""
        return "db-cluster" if self.identifier == CLUSTER else "db-instance"


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


CPU_CREDITS, IO_CREDITS = "cpu_credits", "io_credits"
"""The machine, or its volume, has used up what it had saved, and is held to its baseline."""
_CPU_CREDITS, _PER_CENT = 576.0, 100.0
"""The balance of a db.t4g.medium that has rested for a day, and a volume's that has."""
_NO_FAULT = DatabaseFault(0, "", 0.0)


@dataclass
class Database:
    """The database ``payments-db``."""

    engine: str = "postgres"
    """As RDS names it."""
    host: str = "payments-db"
    user: str = "payments"
    password: str = "first-password"  # noqa: S105 - of a database that does not exist
    latency_ms: float = 4.0
    max_connections: int = 200
    busy_share: float = 0.0
    """How much of what it can do its statements ask for, 0 to 1, where a cache is before it."""
    allocated_gib: int = 100
    used_gib: float = 40.0
    zone: str = _ZONES[0]
    """Where the writer is."""
    parameters: Mapping[str, str] = field(default_factory=lambda: dict(ENGINES["postgres"].parameters))
    """What people set in its parameter group."""
    in_effect: Mapping[str, str] = field(default_factory=lambda: dict(ENGINES["postgres"].parameters))
    """Those values that the instance's processes use."""
    at_reboot: frozenset[str] = frozenset()
    """Those of ``parameters`` that wait for a reboot."""
    applied_at: float = 0.0
    """When the newest values are in effect."""
    faults: tuple[DatabaseFault, ...] = ()
    """The faults that are not over, the oldest first; the newest is the one that shows."""
    faults_so_far: int = 0
    busy: Literal["", "rebooting", "modifying", "failing-over"] = ""
    busy_until: float = 0.0
    to_standby: bool = False
    """Whether the newest reboot leads to the standby."""
    grows_to_gib: int = 0
    events: list[RdsEvent] = field(default_factory=list)
    clients: dict[str, int] = field(default_factory=dict)
    """Connections by client (application name), as the last second left them."""

    @classmethod
    def of(cls, engine: str) -> Database:
        """Return the healthy database of an engine, as RDS names it."""
        own = dict(ENGINES[engine].parameters)
        return cls(engine=engine, parameters=own, in_effect=dict(own))

    @property
    def speech(self) -> Engine:
        """How its engine speaks."""
        return ENGINES[self.engine]

    @property
    def members(self) -> tuple[str, ...]:
        """Its instances, the first one first; one alone where it is no cluster."""
        return (WRITER, READER) if self.speech.aurora else (WRITER,)

    @property
    def writer(self) -> str:
        """The instance that takes writes."""
        return self.members[-1] if self.zone == _ZONES[1] else WRITER

    @property
    def readers(self) -> tuple[str, ...]:
        """The other instances."""
        return tuple(name for name in self.members if name != self.writer)

    @property
    def elsewhere(self) -> str:
        """The zone of the standby, or of the reader."""
        return _ZONES[self.zone == _ZONES[0]]

    def step(self, now: float, pods: Mapping[str, str]) -> None:
        """Let time pass; ``pods`` maps the uid of each running pod to its Deployment."""
        if self.busy and now >= self.busy_until:
            if self.busy == "modifying":
                self.allocated_gib = max(self.allocated_gib, self.grows_to_gib)
                self._say(now, "Finished applying modification to allocated storage", "configuration change")
                if self.allocated_gib - _FULL_GIB > 1:
                    self._mend("storage_full")
            elif self.busy == "failing-over":
                self._tell_failed_over(now)
            else:
                self._say(now, "DB instance restarted", "availability")
                if self.to_standby:
                    self._tell_failed_over(now)
            self.busy = ""
        done = [item for item in self.faults if item.kind == "failing_over" and now - item.since >= FAILOVER_SECONDS]
        if done:
            self.faults = tuple(item for item in self.faults if item not in done)
            self.zone = self.elsewhere
            self._tell_failed_over(now)
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
        return (self.fault == "failing_over" and not self.on_old_writer(now)) or (
            self.busy in ("rebooting", "failing-over") and now < self.busy_until)

    def on_old_writer(self, now: float) -> bool:
        """Whether its clients still write to the instance that an Aurora failover has made a reader."""
        return (self.fault == "failing_over" and self.speech.aurora
                and now - self.since >= FAILOVER_SECONDS - _OLD_WRITER_SECONDS)

    def exhausted(self, now: float) -> bool:
        """Whether all connections are taken."""
        return self.fault == "connections_exhausted" and now - self._shown.freed_at >= LEAK_AGAIN_SECONDS

    def old_pools_share(self, now: float) -> float:
        """The share of calls that go over pooled connections from before a rotation."""
        return max(0.0, 1.0 - (now - self.since) / _DRAIN_SECONDS) if self.fault == "rejects_credentials" else 0.0

    def status(self, now: float) -> str:
        """The writer's status, as DescribeDBInstances gives it."""
        if self.busy and self.busy != "failing-over":
            return self.busy
        return "storage-full" if self.fault == "storage_full" else "available"

    def cluster_status(self, now: float) -> str:
        """The cluster's status, as DescribeDBClusters gives it."""
        return "failing-over" if self.busy == "failing-over" or self.fault == "failing_over" else "available"

    def set_fault(self, fault: str, now: float, leaking: frozenset[str] = frozenset()) -> int:
        """Bring a fault about, over those that are there; returns its number, for ``heal``."""
        self.faults_so_far += 1
        self.faults = (*self.faults, DatabaseFault(self.faults_so_far, fault, now, leaking))
        if fault == "failing_over":
            self._tell_failing_over(now, self.readers[0] if self.readers else "")
        if fault == "storage_full":
            self._say(now, "Allocated storage has been exhausted", "low storage")
        return self.faults_so_far

    def heal(self, now: float, number: int = 0) -> None:
        """Take one fault away, or all (0); does nothing for a fault that is already gone."""
        over = [item for item in self.faults if number in (0, item.number)]
        if any(item.kind == "failing_over" for item in over):
            self._tell_failed_over(now)
        self.faults = tuple(item for item in self.faults if item not in over)

    def _mend(self, kind: str) -> None:
        self.faults = tuple(item for item in self.faults if item.kind != kind)

    def reboot(self, now: float, failover: bool) -> None:
        """Do what RebootDBInstance does: it ends the faults of the process; the others stay."""
        self._apply(frozenset())
        self._say(now, "Multi-AZ instance failover started" if failover else "DB instance shutdown",
                  "failover" if failover else "availability")
        self._begin_anew(now, "rebooting")
        self.to_standby = failover
        if failover:
            self.zone = self.elsewhere

    def fail_over(self, now: float) -> None:
        """Do what FailoverDBCluster does: a reader takes the writer's place, with a process of its own."""
        self._tell_failing_over(now, self.readers[0])
        self._begin_anew(now, "failing-over")
        self.zone = self.elsewhere

    def _begin_anew(self, now: float, busy: Literal["rebooting", "failing-over"]) -> None:
        """End what was wrong with the process that served; the other faults stay."""
        self.busy, self.busy_until = busy, now + REBOOT_SECONDS
        self._mend("refuses_connections")
        self._mend("slow")
        # A standby that was taking over begins anew.
        self.faults = tuple(
            replace(item, since=now) if item.kind == "failing_over"
            else replace(item, freed_at=now + REBOOT_SECONDS) if item.kind == "connections_exhausted"
            else item for item in self.faults)

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
        """The writer's metrics in AWS/RDS, by name: connections, per cent, bytes, seconds."""
        slow = self.fault == "slow"
        away = self.down(now)
        idle = away or self.fault == "refuses_connections"
        # Aurora's storage is the cluster's: its instances have local storage for temporary files alone.
        storage = ({"FreeLocalStorage": 28.4 * _GIB} if self.speech.aurora
                   else {"FreeStorageSpace": self.free_gib * _GIB, "ReplicaLag": 0.0})
        no_cpu, no_io = self.fault == CPU_CREDITS, self.fault == IO_CREDITS
        # A machine without credits is held to its baseline (Amazon EC2: "Burstable performance instances").
        return {"DatabaseConnections": float(sum(self.clients.values())),
                "CPUUtilization": (96.0 if slow else 3.0 if idle else 20.0 if no_cpu
                                   else max(21.0, 97.0 * self.busy_share)),
                "FreeableMemory": 5.2 * _GIB, "ReadLatency": 0.0 if idle else 0.21 if no_io else 0.0011,
                "WriteLatency": 0.0 if idle else 0.32 if no_io else 0.004 if slow else 0.0014,
                "DiskQueueDepth": 46.0 if no_io else 0.2, "ReadIOPS": 0.0 if idle else 120.0,
                "WriteIOPS": 0.0 if idle else 90.0, **storage,
                **({} if self.speech.aurora else {"CPUCreditBalance": 0.4 if no_cpu else _CPU_CREDITS,
                                                  "BurstBalance": 0.0 if no_io else _PER_CENT})}

    def credits_before(self, what: str, minutes: int) -> dict[str, list[float]]:
        """Each metric of credits to its values of the minutes before, the newest first, as CloudWatch is to average
        them with the full balance that was published."""
        name, full = ("CPUCreditBalance", _CPU_CREDITS) if what == "cpu" else ("BurstBalance", _PER_CENT)
        step = full / (minutes * 2 / 3)
        return {name: [max(0.0, min(full, step * number)) * 2 - full for number in range(minutes)]}

    def metrics_by_instance(self, now: float) -> dict[str, dict[str, float]]:
        """Each instance's metrics in AWS/RDS; a reader of Aurora is some milliseconds behind (AuroraReplicaLag)."""
        reader = {"DatabaseConnections": 2.0, "CPUUtilization": 5.0, "FreeableMemory": 6.1 * _GIB,
                  "FreeLocalStorage": 29.7 * _GIB, "ReadLatency": 0.0009, "AuroraReplicaLag": 18.0}
        return {self.writer: self.metrics(now), **dict.fromkeys(self.readers, reader)}

    def waits(self, now: float) -> Mapping[str, float]:
        """Average active sessions by wait event, as Performance Insights gives them."""
        if self.down(now) or self.fault == "refuses_connections":
            return {}
        return self.speech.lock_waits if self.fault == "slow" else self.speech.waits

    def _tell_failing_over(self, now: float, target: str) -> None:
        if not self.speech.aurora:
            self._say(now, "Multi-AZ instance failover started", "failover", "notification")
            return
        self._say(now, f"Started cross AZ failover to DB instance: {target}", "failover", of=CLUSTER)
        for name in self.members:
            self._say(now, "DB instance shutdown", "availability", of=name)

    def _tell_failed_over(self, now: float) -> None:
        if not self.speech.aurora:
            self._say(now, "Multi-AZ instance failover completed", "failover", "notification")
            return
        for name in self.members:
            self._say(now, "DB instance restarted", "availability", of=name)
        self._say(now, f"Completed failover to DB instance: {self.writer}", "failover", of=CLUSTER)

    def _say(self, now: float, message: str, *categories: str, of: str = "") -> None:
        self.events = [*self.events[-50:], RdsEvent(now, message, categories, of or self.writer)]
