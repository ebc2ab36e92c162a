"""The component was told to call a database at the wrong place, or in the wrong way."""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan.advice import Advice, Case, Effort, replaces_all, said, thing
from responder.plan.causes import DATABASE_CONNECTION
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, database, probes


def improvements(case: Case) -> Iterator[Advice]:
    """A setting of the way to the database is tried before it goes out, and a pod that cannot log in is not ready."""
    change = case.change
    if change is None:
        return
    yield Advice(
        "try-database-login", "prevention", "Database settings went out that were never tried",
        said(case.told(change), case.seen('calls')), thing(change),
        f"let a job of the pipeline log in to {case.callee} with the new settings, from within the cluster, before "
        "they are applied", f"developers of {change.name}", Effort.CHECK,
        "the pipeline refuses the settings of this incident", case.trouble.whole)
    pods = case.pods()
    if pods and pods.wanted and pods.ready == pods.wanted:
        at_once = bool(replaces_all(change))
        yield Advice(
            "ready-after-login", "prevention", "Pods that could not reach their database counted as ready",
            f"all {pods.wanted} pods of {case.component} were ready while {case.seen('calls', most=1)}",
            f"{case.workload}, startup probe", f"let a new pod log in to {case.callee} once before it gets ready "
            "(a startup probe, not the readiness probe: a failing database must not take all pods away)"
            + (", and roll out with RollingUpdate, so that old pods stay meanwhile" if at_once else ""),
            case.developers, Effort.SETTING,
            "a pod with a wrong password stays unready, and the rollout stops there", case.trouble.whole)


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
        changes.database_settings_unchanged: -2.5,
        calls.usual_host_called: -2.0,
        probes.probe_is_refused: -1.5,
        database.database_not_available: -1.0,
        probes.probe_does_not_get_through: -1.0,
        probes.probe_does_not_resolve: -0.5,
    },
    improvements=improvements,
)
