"""A parameter of the database was set to a value that breaks its clients."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.change import CLUSTER_GROUP, PARAMETER_GROUP
from responder.model.evidence.trail import Trail
from responder.plan.advice import Advice, Case, Effort, said, thing
from responder.plan.causes import DATABASE_CONNECTION
from responder.plan.error_kind import ErrorKind
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import changes, database, trail


def improvements(case: Case) -> Iterator[Advice]:
    """A parameter is tried on another instance first, and is not changed by hand."""
    change = case.change
    if change is None:
        return
    called = next((event.by for finding in case.evidence.of(Trail) for event in finding.detail.events
                   if event.name in ("ModifyDBParameterGroup", "ModifyDBClusterParameterGroup")
                   and change.name.removeprefix(CLUSTER_GROUP) in event.resources and event.by), "")
    call = f"ModifyDB{'Cluster' if change.name.startswith(CLUSTER_GROUP) else ''}ParameterGroup"
    yield Advice(
        "try-parameters", "prevention", "A database parameter went live untried",
        said(case.told(change), case.seen('calls')), thing(change), "change it in code with a review, and on a "
        "staging instance under load first", "database administrators", Effort.CHECK,
        "the change of this incident fails the test on the staging instance", case.trouble.whole)
    yield Advice(
        "guard-parameters", "prevention", "The parameter group could be changed in production directly",
        f"CloudTrail tells of {call} by {called}" if called else case.told(change),
        f"DB parameter group {change.name}, who may change it", f"allow rds:{call} on it to the "
        "pipeline's role and the responder's alone", "SRE", Effort.ACCESS,
        f"`aws iam simulate-principal-policy` denies rds:{call} for people's roles",
        case.trouble.whole)


MECHANISM = Mechanism(
    id="database_parameters",
    cause=DATABASE_CONNECTION,
    lies_in="database",
    title="changed database parameters",
    subject="changed parameter of {database}",
    remedies=("restore_parameter_group",),
    needs=changes.database_parameters_changed,
    objects=(PARAMETER_GROUP,),
    kinds=frozenset({ErrorKind.READ_ONLY, ErrorKind.LOCK, ErrorKind.CONNECTIONS}),
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
    improvements=improvements,
)
