"""The database refuses the credentials that the component brings."""

from __future__ import annotations

from responder.plan.causes import DATABASE_CONNECTION
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, probes, trail

MECHANISM = Mechanism(
    id="rejected_credentials",
    cause=DATABASE_CONNECTION,
    title="rejected database credentials",
    subject="rejected credentials for {database}",
    remedies=("restore_database",),
    weights={
        calls.kind_credentials: 2.5,
        trail.credentials_rotated: 2.5,
        calls.kind_connect_timeout: -2.5,
        calls.kind_dns: -2.5,
        calls.kind_connections: -2.5,
        calls.kind_space: -2.5,
        calls.kind_lock: -2.5,
        calls.kind_read_only: -2.5,
        calls.kind_refused: -2.0,
        changes.database_settings_changed: -1.5,
        probes.probe_is_refused: -1.5,
        probes.probe_does_not_get_through: -1.0,
    },
)
