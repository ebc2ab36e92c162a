"""What RDS says of the database."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence import Evidence, Finding
from responder.model.evidence.connections import Connections
from responder.model.evidence.cpu import Cpu
from responder.model.evidence.database_cluster import DatabaseCluster
from responder.model.evidence.database_proxy import DatabaseProxy
from responder.model.evidence.events import DatabaseEvent, DatabaseEvents
from responder.model.evidence.free_storage import FreeStorage
from responder.model.evidence.instance import DatabaseInstance
from responder.model.evidence.waits import Waits
from responder.plan import wording
from responder.plan.database_clients import other_clients
from responder.plan.failovers import Failover, stage
from responder.plan.signals import Context, Signal, signal

_RDS = "rds"
_FULL_SHARE = 0.9
"""A resource of which nine tenths are taken is the bottleneck, or nearly."""
_HIGH_CPU = 85.0
"""Per cent."""
_GIB = 2**30
_NEW_SECONDS = 300.0
"""An event this long before the end of the window is of this incident."""
_UNENDED_SECONDS = 900.0
"""A failover that began this long before and of which no end is told goes on: RDS writes an event when it is over."""
_FEWEST_SESSIONS = 4.0
"""So few sessions that are active, or connections that are usual, say nothing."""
_WITHOUT_FAULT = ("available", "backing-up", "storage-optimization")
_LOCKS = ("lock/", "wait/lock/")
_MYSQL_ROW_LOCKS = (
    "row_lock_wait", "aurora_lock_thread_slot_futex", "mdl_context::cond_wait_status", "lock_wait_suspended")
"""MySQL's waits for rows and for the metadata of tables (AWS: "Aurora MySQL wait events"); its other ``synch/…/lock``
are latches, as PostgreSQL's LWLock are: they are held for microseconds, and no transaction holds them."""


@signal("State: RDS itself says so.")
def database_not_available(status: str) -> str:
    return f"RDS: the instance is {status}"


@signal("State: RDS itself says so.")
def database_storage_full(status: str) -> str:
    return f"RDS: the instance is {status}"


@signal("State: RDS sees nothing wrong, which it may not know.")
def database_available(status: str) -> str:
    return f"RDS: the instance is {status}"


@signal("State: measured; without it a want of connections is the pool's, not the database's.")
def database_connections_at_maximum(value: float, maximum: int, usual: float) -> str:
    return f"RDS: {wording.count(value)} of {maximum} connections are taken; usual are {wording.count(usual)}"


@signal("State: nobody gets in, or nobody gets there; who holds the old ones keeps them when the way breaks.")
def database_connections_gone(value: float, usual: float) -> str:
    return f"RDS: {wording.count(value)} connections where {wording.count(usual)} are usual"


@signal("State: who holds a connection keeps it while the way is broken; a database that is deaf or full has none, or"
        " all.")
def database_connections_usual(value: float) -> str:
    return f"RDS: {wording.count(value)} connections, as usual"


@signal("State: measured by RDS itself; a runaway query, or too much of everything.")
def database_cpu_high(value: float) -> str:
    return f"RDS: CPU at {wording.share(value / 100)}"


@signal("State: measured by RDS itself, whatever the errors say.")
def database_storage_gone(gib: float) -> str:
    return f"RDS: {wording.decimal(gib)} GiB of storage are free"


@signal("When and what: RDS itself tells of the failover under way.")
def database_fails_over(message: str) -> str:
    return f"RDS: {message}"


@signal("When and what: the failover is over; clients that keep old connections may still fail.")
def database_failed_over(message: str) -> str:
    return f"RDS: {message}"


@signal("When and what: RDS itself tells that the failover failed; waiting does not end it.")
def database_failover_failed(message: str) -> str:
    return f"RDS: {message}"


@signal("State: the proxy is not let in: what it brings is wrong, whatever the callers bring.")
def proxy_is_not_let_in(target: str) -> str:
    return f"RDS Proxy: {target} refuses the proxy's credentials"


@signal("State: the proxy itself does not get through to the database, so it is not the callers' way that is broken.")
def proxy_does_not_get_through(target: str, reason: str) -> str:
    return f"RDS Proxy: {target} is unavailable ({reason})"


@signal("RDS writes an event for each failover as it begins; none means most likely none.")
def no_failover() -> str:
    return "RDS tells of no failover"


@signal("State: what the sessions wait for.")
def database_waits_for_locks(share: float) -> str:
    return f"Performance Insights: {wording.share(share)} of the load waits for locks"


@signal("Where: another client than the service's own.")
def one_client_holds_connections(client: str) -> str:
    return f"Performance Insights: {client} holds most of the sessions"


def read(context: Context) -> Iterator[Signal]:
    """Yield what RDS says of the database whose calls fail."""
    if not context.in_database:
        return
    evidence = context.evidence
    instance = evidence.one(DatabaseInstance, source=_RDS)
    if instance is not None:
        yield from _status(instance)
    cluster = evidence.one(DatabaseCluster, source=_RDS)
    if cluster is not None:
        yield from _cluster(cluster)
    proxy = evidence.one(DatabaseProxy, source=_RDS)
    if proxy is not None:
        yield from _proxy(proxy)
    connections = evidence.one(Connections, source=_RDS)
    if connections is not None and connections.value is not None:
        yield from _connections(context, connections, connections.value)
    cpu = evidence.one(Cpu, source=_RDS)
    if cpu is not None and cpu.value is not None and cpu.value >= _HIGH_CPU and cpu.value > 2 * (cpu.baseline or 0):
        yield database_cpu_high.emit(cpu, cpu.value)
    storage = evidence.one(FreeStorage, source=_RDS)
    if storage is not None and storage.value is not None and (
            storage.value < _GIB and storage.value < 0.1 * (storage.baseline or 1024 * _GIB)):
        yield database_storage_gone.emit(storage, storage.value / _GIB)
    events = evidence.one(DatabaseEvents, source=_RDS)
    if events is not None and events.window is not None:
        yield from _failover(events, events.window.end - _NEW_SECONDS)
    waits = evidence.one(Waits, source=_RDS)
    if waits is not None:
        yield from _waits(context, waits)


def _status(instance: Finding[DatabaseInstance]) -> Iterator[Signal]:
    status = instance.detail.status
    if status and status not in _WITHOUT_FAULT:
        yield database_not_available.emit(instance, status)
    if status == "storage-full":
        yield database_storage_full.emit(instance, status)
    elif status in ("available", "backing-up"):
        yield database_available.emit(instance, status)


def _connections(context: Context, finding: Finding[Connections], value: float) -> Iterator[Signal]:
    usual, maximum, at = finding.baseline or 0.0, finding.detail.maximum, finding.detail.at
    if maximum and value >= _FULL_SHARE * maximum:
        yield database_connections_at_maximum.emit(finding, value, maximum, usual)
    elif usual >= _FEWEST_SESSIONS and value <= 0.1 * usual:
        yield database_connections_gone.emit(finding, value, usual)
    elif usual >= _FEWEST_SESSIONS and 0.5 * usual <= value <= 1.5 * usual and (
            at is None or context.onset is None or at >= context.onset):
        # The mean of a minute that began before the symptom says how it was, not how it is.
        yield database_connections_usual.emit(finding, value)


def _cluster(finding: Finding[DatabaseCluster]) -> Iterator[Signal]:
    cluster, status = finding.detail.cluster, finding.detail.status
    if status == "failing-over":
        yield database_fails_over.emit(finding, f"DB cluster {cluster} is {status}")
    elif status and status not in _WITHOUT_FAULT:
        yield database_not_available.emit(finding, status)


def _proxy(finding: Finding[DatabaseProxy]) -> Iterator[Signal]:
    """What keeps the proxy from the instance that takes writes; what keeps it from a reader is no outage of writes."""
    unavailable = [target for target in finding.detail.targets if target.writes and target.state == "UNAVAILABLE"]
    for target in unavailable[:1]:
        if target.reason == "AUTH_FAILURE":
            yield proxy_is_not_let_in.emit(finding, target.name)
        elif target.reason != "PENDING_PROXY_CAPACITY":
            yield proxy_does_not_get_through.emit(finding, target.name, target.reason or "no reason is told")


def _failover(finding: Finding[DatabaseEvents], since: float) -> Iterator[Signal]:
    told: list[tuple[Failover, DatabaseEvent]] = [
        (found, event) for event in finding.detail.events if (found := stage(event))]
    if not told or told[-1][1].at < since - (_UNENDED_SECONDS - _NEW_SECONDS if told[-1][0] == "started" else 0.0):
        yield no_failover.emit(finding)
        return
    last, event = told[-1]
    kinds = {"started": database_fails_over, "completed": database_failed_over, "failed": database_failover_failed}
    yield kinds[last].emit(finding, event.message)


def is_quiet(evidence: Evidence) -> bool:
    """Whether the database itself shows neither load nor sessions that wait, where both could be had."""
    cpu, waits = evidence.one(Cpu, source=_RDS), evidence.one(Waits, source=_RDS)
    if cpu is None or cpu.value is None or waits is None:
        return False
    return cpu.value < _HIGH_CPU and sum(waits.detail.waits.values()) < _FEWEST_SESSIONS


def _waits(context: Context, finding: Finding[Waits]) -> Iterator[Signal]:
    waits, clients = finding.detail.waits, finding.detail.clients
    total = sum(waits.values())
    locks = sum(load for name, load in waits.items() if is_lock(name))
    if total >= _FEWEST_SESSIONS and locks >= 0.5 * total:
        yield database_waits_for_locks.emit(finding, locks / total)
    most = max(clients, key=lambda name: clients[name], default="")
    if most in other_clients(context.service, finding.detail) and clients[most] >= 0.7 * sum(clients.values()):
        yield one_client_holds_connections.emit(finding, most)


def is_lock(wait: str) -> bool:
    """Whether a wait event is a wait for what a transaction holds: a row, a table, an advisory lock."""
    name = wait.lower()
    if ":" in name and "/" not in name:
        return name.startswith("lock:") and name != "lock:extend"
    return name.startswith(_LOCKS) or any(part in name for part in _MYSQL_ROW_LOCKS)
