"""Put back the database parameters that somebody changed just before, as the change ledger recorded them from before.

Only those that changed and took effect at once: one that waits for a reboot broke nothing yet, and a reboot for its
sake is for people. What had no value of its own before gets the engine's default again. A group serves every instance
that uses it: what is put back is put back for all of them, as the change was one to all of them.

Sources: AWS's pages "ModifyDBParameterGroup", "ResetDBParameterGroup", "DescribeDBParameters", and "DB parameter groups
for Amazon RDS DB instances" for what takes effect when.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from responder.actions import Action, ActionFailed, Declined, Plan, RemediationContext, asking
from responder.clients import aws, parameter_groups
from responder.model.change import ABSENT, AT_REBOOT, MISSING
from responder.model.codec import Json
from responder.model.masking import unkept
from responder.model.redact import decided
from responder.model.service import Service
from responder.model.shown import is_hidden
from responder.plan.changes import made
from responder.plan.remedies.restore_parameter_group import REMEDY, Before, Facts, Parameters
from responder.plan.wording import listed
from responder.sources import Statement

_CALL_SECONDS = 5
_EACH = 20
"""Parameters that RDS takes a call."""
_LOOK_SECONDS = 2.0
_FINAL = frozenset({"DBParameterGroupNotFound", "InvalidParameterValue", "InvalidParameterCombination",
                    "DBParameterGroupNotFoundFault"})
_DEFAULT = "(the engine's default)"

Planned = Plan[Before, Parameters]


def plan(context: RemediationContext, facts: Facts) -> Planned | Declined:
    """Say which values would be put back; see ``Action.plan``."""
    database = context.service.database
    changed = {change.name for change in facts.changes}
    groups = parameter_groups.configured(database)
    group = next((name for name in groups if name in changed), groups[0] if groups else "")
    fields = {str(field.path[-1]): field for change in facts.changes
              if change.name == group and change.what == "changed" for field in change.fields}
    target = f"parameter-group/{group}"
    if not fields:
        return Declined(target, "put back what changed in the parameter group", (
            "what changed is too large to be kept on record" if facts.too_large
            else "no parameter is known that was changed and can be put back"))
    summary = (f"set {listed(sorted(fields))} of parameter group {group} back to what "
               f"{'it was' if len(fields) == 1 else 'they were'} ("
               f"{listed([made(change, facts.by) for change in facts.changes if change.name == group])})")
    now = _values(group)
    hidden = next((name for name, field in sorted(fields.items()) if is_hidden(field.before) or is_hidden(field.after)
                   or unkept({name: now.get(name)})), "")
    if hidden:
        return Declined(target, summary, f"what {hidden} of parameter group {group} was before, or is now, looked like "
                                         "a secret, which is not kept: it cannot be put back exactly")
    before, after = ({name: _value(side) for name, side in sides.items()} for sides in (
        {name: field.before for name, field in fields.items()}, {name: field.after for name, field in fields.items()}))
    missing = {name: value for name, value in before.items() if now.get(name) != value}
    diff = decided([(name, _shown(now.get(name)), _shown(missing[name])) for name in sorted(missing)], " = ")
    refusal = _since(now, before, after) or ("" if missing else "the values are as they were before")
    if refusal:
        return Declined(target, summary, refusal, diff=diff)
    return Plan(target, summary, Before({name: now.get(name) for name in sorted(before)}),
                Parameters(group, before, database.instance if database else "", (
                    database.cluster if database and parameter_groups.is_cluster(group) else "")), diff)


def apply(context: RemediationContext, plan: Planned) -> str:
    """Put the values back and wait until RDS says that they are in effect; a repeat finds them there."""
    group, back = plan.parameters.group, plan.parameters.back
    now = _values(group)
    again = _since(now, back, plan.before.values)
    if again:
        raise ActionFailed(f"{again} it was planned: nothing was put back")
    changed = _set(group, now, back)
    state = _settled(plan.parameters, context.deadline)
    said = plan.summary if changed else f"{plan.summary}: it was done before"
    return said if state == "in-sync" else f"{said}; RDS says that it is {state}"


def revert(context: RemediationContext, plan: Planned) -> str:
    """Give what was put back the value again that it had, unless somebody has set another one since."""
    group, back, before = plan.parameters.group, plan.parameters.back, plan.before.values
    now = _values(group)
    own = {name: value for name, value in before.items() if now.get(name) == back[name]}
    if not own and any(now.get(name) != value for name, value in before.items()):
        raise ActionFailed(f"parameter group {group} has other values by somebody else: nothing was rolled back")
    _set(group, now, own)
    return f"{plan.summary}: taken back"


def _since(now: Mapping[str, str], *known: Mapping[str, str | None]) -> str:
    """Say which parameter has neither of two known values, because somebody has set another one."""
    return next((f"{name} has been changed again since" for name in sorted(known[0])
                 if now.get(name) not in [values[name] for values in known]), "")


def _value(recorded: Json) -> str | None:
    """Return a recorded value without what is said of a reboot; None: the engine's default."""
    return None if recorded is ABSENT or recorded is None else str(recorded).removesuffix(AT_REBOOT)


def _values(group: str) -> dict[str, str]:
    return {row["ParameterName"]: str(row.get("ParameterValue", ""))
            for row in parameter_groups.user_set(group, _CALL_SECONDS)}


def _set(group: str, now: Mapping[str, str], wanted: Mapping[str, str | None]) -> bool:
    """Bring a group's parameters to values, None for the engine's default; returns whether any was another."""
    rds, named = aws.client("rds", _CALL_SECONDS), parameter_groups.named(group)
    modify, reset = ((rds.modify_db_cluster_parameter_group, rds.reset_db_cluster_parameter_group)
                     if parameter_groups.is_cluster(group) else
                     (rds.modify_db_parameter_group, rds.reset_db_parameter_group))
    given = [{"ParameterName": name, "ParameterValue": value, "ApplyMethod": "immediate"}
             for name, value in sorted(wanted.items()) if value is not None and now.get(name) != value]
    without = [{"ParameterName": name, "ApplyMethod": "immediate"}
               for name, value in sorted(wanted.items()) if value is None and name in now]
    with asking("RDS", _FINAL):
        for part in _parts(given):
            modify(**named, Parameters=part)
        for part in _parts(without):
            reset(**named, ResetAllParameters=False, Parameters=part)
    return bool(given or without)


def _settled(wanted: Parameters, deadline: float) -> str:
    """Return what RDS says of the group on its instance or cluster, as soon as that is no longer ``applying``."""
    while True:
        states = _of_members(wanted.cluster) if parameter_groups.is_cluster(wanted.group) else _of_instance(wanted)
        state = next((state for state in states if state != "in-sync"),
                     states[0] if states else "used by another instance only")
        if state != "applying" or time.monotonic() + _LOOK_SECONDS + _CALL_SECONDS > deadline:
            return state
        time.sleep(_LOOK_SECONDS)


def _of_instance(wanted: Parameters) -> list[str]:
    with aws.failures("RDS"):
        found = aws.client("rds", _CALL_SECONDS).describe_db_instances(
            DBInstanceIdentifier=wanted.instance)["DBInstances"]
    return [str(item.get("ParameterApplyStatus", "")) for instance in found
            for item in instance.get("DBParameterGroups") or [] if item.get("DBParameterGroupName") == wanted.group]


def _of_members(cluster: str) -> list[str]:
    if not cluster:
        return []
    with aws.failures("RDS"):
        found = aws.client("rds", _CALL_SECONDS).describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"]
    return [str(member.get("DBClusterParameterGroupStatus", "")) for item in found
            for member in item.get("DBClusterMembers") or []]


def _parts(items: Sequence[dict[str, str]]) -> list[list[dict[str, str]]]:
    return [list(items[start:start + _EACH]) for start in range(0, len(items), _EACH)]


def _shown(value: str | None) -> str:
    return _DEFAULT if value is None else value or MISSING


def _statements(service: Service) -> tuple[Statement, ...]:
    database, arn = service.database, "arn:{partition}:rds:{region}:{account}:"
    if database is None:
        return ()
    shown = [(database.parameter_group, "rds:DescribeDBInstances", f"{arn}db:{database.instance}"),
             (database.cluster_parameter_group and database.cluster, "rds:DescribeDBClusters",
              f"{arn}cluster:{database.cluster}")]
    return (*(Statement(actions, (group,)) for actions, group in parameter_groups.rights(
        database, "Describe", "Modify", "Reset")),
            *(Statement((action,), (resource,)) for wanted, action, resource in shown if wanted))


ACTION = Action(
    remedy=REMEDY,
    plan=plan,
    apply=apply,
    revert=revert,
    statements=_statements,
    deadline_seconds=30.0,
)
