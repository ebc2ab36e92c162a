"""A parameter of the database was set to a value that breaks its clients."""

from __future__ import annotations

from responder.model.change import PARAMETER_GROUP
from responder.plan.causes import DATABASE_CONNECTION
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import changes, database, trail

MECHANISM = Mechanism(
    id="database_parameters",
    cause=DATABASE_CONNECTION,
    title="changed database parameters",
    subject="changed parameter of {database}",
    remedies=("restore_parameter_group",),
    needs=changes.database_parameters_changed,
    objects=(PARAMETER_GROUP,),
    weights={
        changes.database_parameters_changed: 2.5,
        changes.database_parameter_fits: 2.5,
        database.database_fails_over: -3.0,
        database.database_storage_full: -2.5,
        database.database_storage_gone: -2.5,
        database.database_connections_gone: -2.0,
        database.database_waits_for_locks: -2.0,
        trail.credentials_rotated: -1.5,
        database.database_connections_at_maximum: -1.5,
        database.database_failed_over: -1.5,
        database.database_cpu_high: -1.0,
    },
)
