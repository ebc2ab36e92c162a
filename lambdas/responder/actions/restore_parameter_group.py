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
from typing import Any

from responder.actions import Action, ActionFailed, Case, Plan, asking
from responder.clients import aws, parameter_groups
from responder.model.change import ABSENT, AT_REBOOT, MISSING, Change
from responder.model.masking import unkept
from responder.model.redact import decided
from responder.model.service import Service
from responder.model.shown import is_hidden
from responder.sources import Statement

_CALL_SECONDS = 5
_EACH = 20
"""RDS takes so many parameters a call."""
_LOOK_SECONDS = 2.0
_FINAL = frozenset({"DBParameterGroupNotFound", "InvalidParameterValue", "InvalidParameterCombination",
                    "DBParameterGroupNotFoundFault"})
_DEFAULT = "(the engine's default)"


def plan(case: Case) -> Plan:
    """Say which values would be put back; see ``Action.plan``."""
    database = case.service.database
    group = database.parameter_group if database else ""
    changes = [change for change in (Change.from_json(item) for item in case.facts.get("changes", []))
               if change.name == group and change.what == "changed"]
    target = f"parameter-group/{group}"
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for item in (item for change in changes for item in change.fields):
        name = str(item.path[-1])
        before[name], after[name] = _value(item.before), _value(item.after)
    if not before:
        return Plan(target, "put back what changed in the parameter group",
                    refusal="no parameter is known that was changed and can be put back")
    summary = f"put back {', '.join(sorted(before))} in parameter group {group}"
    now = _values(group)
    hidden = next((name for name in sorted(before) if is_hidden(before[name]) or is_hidden(after[name])
                   or unkept({name: now.get(name)})), "")
    if hidden:
        return Plan(target, summary, refusal=f"what {hidden} of parameter group {group} was before, or is now, looked "
                                             "like a secret, which is not kept: it cannot be put back exactly")
    refusal = _since(now, before, after)
    missing = {name: value for name, value in before.items() if now.get(name) != value}
    diff = decided([(name, _shown(now.get(name)), _shown(missing[name])) for name in sorted(missing)], " = ")
    return Plan(target, summary, diff=diff,
                before={"values": {name: now.get(name) for name in sorted(before)}},
                parameters={"group": group, "back": before, "instance": database.instance if database else ""},
                refusal=refusal or ("" if missing else "the values are as they were before"))


def apply(case: Case, plan: Plan) -> str:
    """Put the values back and wait until RDS says that they are in effect; a repeat finds them there."""
    group, back = plan.parameters["group"], plan.parameters["back"]
    now = _values(group)
    again = _since(now, back, plan.before["values"])
    if again:
        raise ActionFailed(f"{again} it was planned: nothing was put back")
    changed = _set(group, now, back)
    state = _settled(plan.parameters["instance"], group, case.deadline)
    said = plan.summary if changed else f"{plan.summary}: it was done before"
    return said if state == "in-sync" else f"{said}; RDS says that it is {state}"


def revert(case: Case, plan: Plan) -> str:
    """Give what was put back the value again that it had, unless somebody has set another one since."""
    group, now = plan.parameters["group"], _values(plan.parameters["group"])
    own = {name: value for name, value in plan.before["values"].items()
           if now.get(name) == plan.parameters["back"][name]}
    if not own and any(now.get(name) != value for name, value in plan.before["values"].items()):
        raise ActionFailed(f"parameter group {group} has other values by somebody else: nothing was taken back")
    _set(group, now, own)
    return f"{plan.summary}: taken back"


def _since(now: Mapping[str, str], *known: Mapping[str, str | None]) -> str:
    """Say which parameter has neither of two known values, because somebody has set another one."""
    return next((f"{name} has been changed again since" for name in sorted(known[0])
                 if now.get(name) not in [values[name] for values in known]), "")


def _value(recorded: Any) -> Any:
    """Return a recorded value without what is said of a reboot, a hidden one as it is; None where there is none."""
    if recorded is ABSENT:
        return None
    return recorded.removesuffix(AT_REBOOT) if isinstance(recorded, str) else recorded


def _values(group: str) -> dict[str, str]:
    return {row["ParameterName"]: str(row.get("ParameterValue", ""))
            for row in parameter_groups.user_set(group, _CALL_SECONDS)}


def _set(group: str, now: Mapping[str, str], wanted: Mapping[str, str | None]) -> bool:
    """Bring a group's parameters to values, None for the engine's default; returns whether any was another."""
    rds = aws.client("rds", _CALL_SECONDS)
    given = [{"ParameterName": name, "ParameterValue": value, "ApplyMethod": "immediate"}
             for name, value in sorted(wanted.items()) if value is not None and now.get(name) != value]
    without = [{"ParameterName": name, "ApplyMethod": "immediate"}
               for name, value in sorted(wanted.items()) if value is None and name in now]
    with asking("RDS", _FINAL):
        for part in _parts(given):
            rds.modify_db_parameter_group(DBParameterGroupName=group, Parameters=part)
        for part in _parts(without):
            rds.reset_db_parameter_group(DBParameterGroupName=group, ResetAllParameters=False, Parameters=part)
    return bool(given or without)


def _settled(instance: str, group: str, deadline: float) -> str:
    """Return what RDS says of the group on the instance, as soon as that is no longer ``applying``."""
    while True:
        with aws.failures("RDS"):
            found = aws.client("rds", _CALL_SECONDS).describe_db_instances(DBInstanceIdentifier=instance)["DBInstances"]
        state = next((str(item.get("ParameterApplyStatus", "")) for instance_ in found
                      for item in instance_.get("DBParameterGroups") or []
                      if item.get("DBParameterGroupName") == group), "used by another instance only")
        if state != "applying" or time.monotonic() + _LOOK_SECONDS + _CALL_SECONDS > deadline:
            return state
        time.sleep(_LOOK_SECONDS)


def _parts(items: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    return [list(items[start:start + _EACH]) for start in range(0, len(items), _EACH)]


def _shown(value: str | None) -> str:
    return _DEFAULT if value is None else value or MISSING


def _statements(service: Service) -> tuple[Statement, ...]:
    database = service.database
    if database is None or not database.parameter_group:
        return ()
    return (Statement(("rds:DescribeDBParameters", "rds:ModifyDBParameterGroup", "rds:ResetDBParameterGroup"),
                      (parameter_groups.arn(database.parameter_group),)),
            Statement(("rds:DescribeDBInstances",),
                      (f"arn:{{partition}}:rds:{{region}}:{{account}}:db:{database.instance}",)))


ACTION = Action(
    name="restore_parameter_group",
    risk="medium",
    default_policy="approve",
    reversible=True,
    keep_when_not_helped=False,
    plan=plan,
    apply=apply,
    revert=revert,
    statements=_statements,
    deadline_seconds=30.0,
)
