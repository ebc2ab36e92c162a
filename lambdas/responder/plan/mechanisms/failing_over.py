"""The database fails over to its standby, which heals by itself."""

from __future__ import annotations

from responder.plan.causes import DATABASE_CONNECTION
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, database, probes

MECHANISM = Mechanism(
    id="failing_over",
    cause=DATABASE_CONNECTION,
    title="database failover",
    subject="failover of {database}",
    remedies=("wait",),
    weights={
        database.database_fails_over: 4.0,
        database.database_failed_over: 2.0,
        calls.kind_read_only: 1.5,
        calls.kind_refused: 1.0,
        probes.probe_is_refused: 1.0,
        database.database_connections_gone: 0.7,
        calls.kind_reset: 0.5,
        calls.kind_credentials: -2.0,
        database.no_failover: -2.0,
        database.database_connections_usual: -1.5,
        calls.kind_dns: -1.0,
        probes.probe_gets_through: -0.7,
        probes.probe_resolves: -0.7,
        database.database_available: -0.3,
    },
)
