"""The component was told to call a database at the wrong place, or in the wrong way."""

from __future__ import annotations

from responder.plan.causes import DATABASE_CONNECTION
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, database, probes

MECHANISM = Mechanism(
    id="wrong_database_settings",
    cause=DATABASE_CONNECTION,
    title="wrong database settings",
    subject="wrong database settings of {component}",
    remedies=("rollback",),
    brought_by=(changes.database_settings_changed,),
    weights={
        changes.database_settings_changed: 4.0,
        calls.other_host_called: 2.0,
        calls.kind_credentials: 2.0,
        calls.kind_dns: 1.5,
        calls.kind_read_only: 1.0,
        probes.probe_resolves: 0.5,
        probes.probe_gets_through: 0.3,
        changes.nothing_changed: -3.0,
        changes.configuration_unchanged: -2.5,
        calls.usual_host_called: -2.0,
        probes.probe_is_refused: -1.5,
        database.database_not_available: -1.0,
        probes.probe_does_not_get_through: -1.0,
        probes.probe_does_not_resolve: -0.5,
    },
)
