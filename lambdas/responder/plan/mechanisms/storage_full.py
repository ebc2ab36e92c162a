"""The database has no space left to write."""

from __future__ import annotations

from responder.plan.causes import DATABASE_CONNECTION
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, database, probes

MECHANISM = Mechanism(
    id="storage_full",
    cause=DATABASE_CONNECTION,
    title="database storage full",
    subject="full storage of {database}",
    remedies=("restore_database",),
    weights={
        calls.kind_space: 2.5,
        database.database_storage_full: 2.5,
        database.database_storage_gone: 2.5,
        calls.kind_connect_timeout: -2.5,
        calls.kind_dns: -2.5,
        calls.kind_credentials: -2.5,
        calls.kind_refused: -2.0,
        calls.kind_connections: -2.0,
        calls.kind_lock: -2.0,
        database.database_available: -2.0,
        database.database_connections_gone: -1.0,
        probes.probe_does_not_get_through: -1.0,
        probes.probe_is_refused: -1.0,
        calls.kind_read_only: -0.5,
    },
)
