"""The database is reached and does not get on: locks, a runaway query, too much of everything."""

from __future__ import annotations

from responder.plan.causes import DATABASE_CONNECTION
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, database, probes

MECHANISM = Mechanism(
    id="slow_database",
    cause=DATABASE_CONNECTION,
    title="slow database",
    subject="slow answers of {database}",
    remedies=("restore_database",),
    weights={
        calls.slow_database_calls: 2.5,
        database.database_waits_for_locks: 2.5,
        calls.kind_lock: 2.0,
        database.database_cpu_high: 1.5,
        calls.kind_read_timeout: 1.0,
        calls.database_calls_end_quickly: -3.0,
        calls.kind_credentials: -2.5,
        calls.kind_dns: -2.0,
        calls.kind_read_only: -2.0,
        database.database_connections_gone: -2.0,
        calls.kind_refused: -1.5,
        calls.kind_space: -1.5,
        probes.probe_is_refused: -1.0,
        calls.kind_connections: -0.5,
        probes.probe_does_not_get_through: -0.5,
    },
)
