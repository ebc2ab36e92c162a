"""The database's process is down or deaf: nobody listens."""

from __future__ import annotations

from responder.plan.causes import DATABASE_CONNECTION
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, database, probes

MECHANISM = Mechanism(
    id="refuses_connections",
    cause=DATABASE_CONNECTION,
    title="database refuses connections",
    subject="refused connections to {database}",
    remedies=("restore_database",),
    weights={
        database.database_connections_gone: 2.5,
        calls.kind_refused: 1.5,
        probes.probe_is_refused: 1.5,
        calls.kind_credentials: -3.0,
        calls.kind_read_only: -3.0,
        calls.kind_space: -2.5,
        database.database_connections_at_maximum: -2.5,
        calls.kind_dns: -2.0,
        calls.kind_connections: -2.0,
        calls.kind_lock: -2.0,
        database.database_connections_usual: -2.0,
        probes.probe_gets_through: -1.5,
        probes.probe_resolves: -1.5,
        calls.kind_connect_timeout: -1.0,
        probes.probe_finds_bad_tls: -1.0,
        probes.probe_does_not_resolve: -0.7,
        calls.kind_reset: -0.5,
        probes.probe_does_not_get_through: -0.5,
        probes.probe_ends_in_tls: -0.5,
    },
)
