"""What the change ledger knows of the time just before the symptom."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.change import PARAMETER_GROUP, Change, FieldChange
from responder.model.evidence import Finding
from responder.model.evidence.calls import Calls
from responder.model.evidence.changes import Changes
from responder.model.evidence.rollouts import Rollouts
from responder.model.plain_json import whole_number
from responder.plan import wording
from responder.plan.changes import in_effect
from responder.plan.effects import Effect, effect_of, of_a_caller_alone, selects_others
from responder.plan.kinds import REACH, ErrorKind
from responder.plan.signals import AnySignalKind, Context, Signal, killed, pods, signal
from responder.plan.signals.calls import longest_ms
from responder.plan.times import SUSPICION_SECONDS, just_before, may_have_caused

GOVERNED_BY = {
    ErrorKind.LOCK: ("timeout", "max_execution_time", "max_statement_time"),
    ErrorKind.READ_ONLY: ("read_only",),
    ErrorKind.CONNECTIONS: ("connections",),
    ErrorKind.SPACE: ("temp_file", "tmp_", "wal_"),
    ErrorKind.CREDENTIALS: ("password", "ssl", "secure_transport", "authentication")}
"""A kind of error to parts of the names of the parameters that govern it (PostgreSQL: "Server Configuration", MySQL:
"Server System Variables")."""
_LIMITS_MS = frozenset({"statement_timeout", "lock_timeout", "deadlock_timeout", "idle_in_transaction_session_timeout",
                        "max_execution_time"})
"""Parameters that limit a time in milliseconds; 0 is no limit."""


@signal("When: values are read by running pods; which component reads a ConfigMap is not known for sure, so less than"
        " for a rollout of the component itself.")
def configuration_changed(change: str, when: str) -> str:
    return f"{change} {when}"


@signal("When: the pods' own definition changed without a new image.")
def workload_changed(change: str, when: str) -> str:
    return f"{change} {when}"


@signal("What and when: a pod's priority decides nothing by itself, only who goes first where room is short; the room"
        " is then with others, and giving the priority back does not bring it back. As strong as any other change of "
        "a workload.")
def priority_changed(change: str, when: str) -> str:
    return f"{change} {when}"


@signal("When and where: the variables of the way to the database changed.")
def database_settings_changed(change: str, when: str) -> str:
    return f"{change} {when}"


@signal("When: as with a rollout, yet a group has many parameters and most break nothing. One that only logs or "
        "counts, that waits for a reboot, or that cannot bring errors of this kind, is not told here.")
def database_parameters_changed(change: str, when: str) -> str:
    return f"{change} {when}"


@signal("What: the very setting that changed is the one that brings such errors.")
def database_parameter_fits(component: str, parameter: str) -> str:
    return f"{parameter} governs what {component}'s errors speak of"


@signal("When and where: how the pods resolve names changed.")
def dns_policy_changed(change: str, when: str) -> str:
    return f"{change} {when}"


@signal("When: capacity was taken away.")
def replicas_reduced(change: str, when: str) -> str:
    return f"{change} {when}"


@signal("When: the containers may use less CPU than before, and what is throttled serves less.")
def cpu_limit_reduced(change: str, when: str) -> str:
    return f"{change} {when}"


@signal("When: what may pass changed.")
def network_policy_changed(change: str, when: str) -> str:
    return f"{change} {when}"


@signal("When: where requests are sent changed.")
def service_changed(change: str, when: str) -> str:
    return f"{change} {when}"


@signal("When: what may be created changed.")
def quota_changed(change: str, when: str) -> str:
    return f"{change} {when}"


@signal("When: how far the workload may grow changed.")
def autoscaler_changed(change: str, when: str) -> str:
    return f"{change} {when}"


@signal("When: where pods may run changed.")
def node_changed(change: str, when: str) -> str:
    return f"{change} {when}"


@signal("What and where meet: a change of where pods may run and pods that find no node, a change of a probe and pods"
        " that fail it. Its time counts apart. Nodes, priorities or a bad moment seldom do just what was changed a "
        "moment before.")
def change_explains_pods(component: str, fields: str) -> str:
    return f"what was changed of {component} ({fields}) is what decides the state that its pods are in"


@signal("The ledger sees every object of the namespace; where it saw nothing a change is unlikely, and a way that "
        "broke without one broke below Kubernetes; a process that hangs needs none.")
def nothing_changed() -> str:
    return ("the change ledger knows of no change that bears on it within "
            f"{wording.duration(SUSPICION_SECONDS)} before the symptom")


@signal("When: the ledger sees every object of the namespace; something else changed, and a setting that stayed as it"
        " was is not what began now.")
def configuration_unchanged(component: str) -> str:
    return (f"no configuration that bears on {component} changed within {wording.duration(SUSPICION_SECONDS)} before "
            "the symptom")


@signal("When: the ledger sees every object of the namespace, and a release alone changed: what an image has in itself "
        "is the release's fault, and no variable of the way to the database changed.")
def database_settings_unchanged(component: str) -> str:
    return (f"of {component} the image alone changed within {wording.duration(SUSPICION_SECONDS)} before the symptom, "
            "and no variable of the way to its database")


@signal("When: the ledger sees every object of the namespace; something else changed, and a way that stayed open is "
        "not what closed now.")
def network_unchanged(component: str) -> str:
    return (f"no NetworkPolicy, Service or DNS setting that bears on {component} changed within "
            f"{wording.duration(SUSPICION_SECONDS)} before the symptom")


OF_EFFECT = {
    Effect.CONFIGURATION: configuration_changed, Effect.WORKLOAD: workload_changed, Effect.PRIORITY: priority_changed,
    Effect.DATABASE_SETTINGS: database_settings_changed, Effect.DATABASE_PARAMETERS: database_parameters_changed,
    Effect.DNS_POLICY: dns_policy_changed, Effect.FEWER_REPLICAS: replicas_reduced, Effect.LESS_CPU: cpu_limit_reduced,
    Effect.NETWORK_POLICY: network_policy_changed, Effect.SERVICE: service_changed, Effect.QUOTA: quota_changed,
    Effect.AUTOSCALER: autoscaler_changed, Effect.NODE: node_changed}
"""A release has none: see ``versions.py``."""
_SETTINGS = frozenset({Effect.CONFIGURATION, Effect.WORKLOAD, Effect.DATABASE_SETTINGS, Effect.RELEASE})
_REVISIONS = _SETTINGS | {Effect.DNS_POLICY, Effect.PRIORITY, Effect.FEWER_REPLICAS, Effect.LESS_CPU}
"""Effects by which the ledger may tell why there is a new revision."""
_WAYS = frozenset({Effect.NETWORK_POLICY, Effect.SERVICE, Effect.DNS_POLICY, Effect.WORKLOAD})
_DECIDED_BY: dict[AnySignalKind, set[str]] = {
    pods.pods_unscheduled: {"nodeSelector", "affinity", "tolerations", "topologySpreadConstraints", "nodeName",
                            "schedulerName", "requests"},
    pods.pods_fail_probe: {"readinessProbe", "livenessProbe", "startupProbe", "ports", "command", "args"},
    killed.killed_by_probe: {"livenessProbe", "startupProbe", "ports", "command", "args"},
    pods.pods_crash: {"command", "args", "env", "envFrom", "livenessProbe", "startupProbe", "securityContext",
                      "volumes", "volumeMounts"},
    pods.pods_configuration: {"env", "envFrom", "volumes", "volumeMounts"},
    pods.pods_held_by_init: {"initContainers"},
    pods.pods_oom_killed: {"limits"}}
"""A state of pods to the fields of a pod's template that decide it (Kubernetes API reference, "PodSpec")."""


def read(context: Context) -> Iterator[Signal]:
    """Yield each change that bears on the failures, and what is known not to have changed."""
    for finding in context.evidence.of(Changes):
        seen: set[Effect] = set()
        for change in finding.detail.changes:
            effect = _effect(context, change)
            if effect is Effect.DATABASE_PARAMETERS:
                fits, possible = _governing(context, change)
                if fits:
                    yield database_parameter_fits.emit(finding, context.component, fits)
                if not possible:
                    continue
            if effect is None:
                continue
            seen.add(effect)
            if effect in OF_EFFECT:
                yield OF_EFFECT[effect].emit(finding, change.sentence(context.service.shown_keys), _when(
                    context, change))
            if effect is Effect.WORKLOAD and change.name in context.workloads:
                yield from _explained(context, finding, change)
        yield from _unchanged(context, finding, seen)


def _effect(context: Context, change: Change) -> Effect | None:
    """Return what a change is for the failures; None where its time or its kind acquits it."""
    where = context.mode.where
    if not just_before(change, context.onset):
        return None
    effect = effect_of(context.service, context.component, where, change)
    if effect is Effect.NETWORK_POLICY and selects_others(context.service, context.component, where, change,
                                                          context.evidence):
        return None
    return None if of_a_caller_alone(context.service, context.component, change, context.evidence) else effect


def _when(context: Context, change: Change) -> str:
    seconds = (context.onset or 0.0) - change.latest
    return f"{wording.duration(seconds)} before the symptom began" if seconds >= 1 else "as the symptom began"


def _unchanged(context: Context, finding: Finding[Changes], seen: set[Effect]) -> Iterator[Signal]:
    """Yield what is known not to have changed, and so is not what began now."""
    if context.onset is None or (finding.status != "ok" and finding.detail.lacks != (PARAMETER_GROUP,)):
        return  # What it did not see may have changed; the parameter group alone is suspected only where it was seen.
    if not seen & _REVISIONS and _revised(context, context.onset):
        return  # Where the cluster has a new revision that the ledger lacks, the ledger is not to be relied on.
    if not seen:
        yield nothing_changed.emit(finding)
        return
    if not seen & _SETTINGS:
        yield configuration_unchanged.emit(finding, context.component)
    elif seen & _SETTINGS == {Effect.RELEASE} and context.in_database:
        yield database_settings_unchanged.emit(finding, context.component)
    if not seen & _WAYS:
        yield network_unchanged.emit(finding, context.component)


def _revised(context: Context, onset: float) -> bool:
    """Whether the component's Deployment got a new revision just before the symptom, by its ReplicaSets."""
    return any(len(finding.detail.revisions) > 1 and revision.current and may_have_caused(onset, revision.created)
               for finding in context.evidence.of(Rollouts, context.component)
               for revision in finding.detail.revisions)


def _governing(context: Context, change: Change) -> tuple[str, bool]:
    """Return the changed parameter that governs what fails, empty: none; and whether the change can have caused it.

    Where the errors are of a kind that parameters govern, a change of any other is no hypothesis for them; nor is that
    of a time limit which the failing calls cannot have reached.
    """
    lasted_ms = longest_ms(context, *(finding.detail
                                      for finding in context.evidence.of(Calls, context.component)))
    names = [str(field.path[1]) for field in change.fields if in_effect(field) and not (
        lasted_ms is not None and _beyond(field, lasted_ms))]
    fits = next((name for kind in context.main_kinds for name in names
                 if any(part in name for part in GOVERNED_BY.get(kind, ()))), "")
    told = any(kind in GOVERNED_BY or kind in REACH for kind in context.main_kinds)
    return fits, bool(fits) or (bool(names) and not told)


def _beyond(field: FieldChange, milliseconds: float) -> bool:
    """Whether a field sets a time limit that so many milliseconds do not reach."""
    limit = whole_number(str(field.after)) if field.path[1] in _LIMITS_MS else None
    return limit is not None and limit > milliseconds


def _explained(context: Context, finding: Finding[Changes], change: Change) -> Iterator[Signal]:
    """Yield whether the fields that were changed are just what decides the state that the pods are in."""
    # A container's own name is no field.
    touched = {str(part) for field in change.fields for part in field.path} | {
        str(key) for field in change.fields for side in (field.before, field.after) if isinstance(side, dict)
        for key in side}
    states = {told.id for reader in (pods.read, killed.read) for told in reader(context)}
    for state, fields in _DECIDED_BY.items():
        if state.id in states and touched & fields:
            yield change_explains_pods.emit(finding, context.component, ", ".join(sorted(touched & fields)))
