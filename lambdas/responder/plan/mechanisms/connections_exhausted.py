"""All connections of the database are taken."""

from __future__ import annotations

from responder.plan.causes import DATABASE_CONNECTION
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, database, probes

MECHANISM = Mechanism(
    id="connections_exhausted",
    cause=DATABASE_CONNECTION,
    title="database out of connections",
    subject="exhausted connections of {database}",
    remedies=("restore_database",),
    weights={
        calls.kind_connections: 2.5,
        database.database_connections_at_maximum: 2.5,
        database.one_client_holds_connections: 1.5,
        database.database_connections_gone: -3.0,
        calls.kind_dns: -2.5,
        calls.kind_read_only: -2.5,
        calls.kind_refused: -2.0,
        calls.kind_connect_timeout: -2.0,
        calls.kind_credentials: -2.0,
        calls.kind_space: -2.0,
        database.database_connections_usual: -2.0,
        probes.probe_is_refused: -1.5,
        probes.probe_does_not_get_through: -1.0,
        database.database_waits_for_locks: -0.5,
    },
)
