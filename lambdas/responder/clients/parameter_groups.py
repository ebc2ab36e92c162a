"""The database's parameter groups as the change ledger keeps them: the parameters that people set.

A body has ``parameters`` {name: value}; a value that waits for a reboot says so (``model/change.py``: ``AT_REBOOT``).
RDS says neither when a value was written nor by whom. The group of a DB cluster is called ``cluster-pg:NAME`` here, as
its ARN has it, for one of an instance may have the same name. Formats: AWS's pages "DescribeDBParameters" and
"DescribeDBClusterParameters".
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from responder.clients import aws, marks
from responder.clients.failure import CallFailed
from responder.model.change import AT_REBOOT, CLUSTER_GROUP, PARAMETER_GROUP
from responder.model.service import Database
from responder.model.shown import RULES, hide, is_hidden
from responder.model.watched import Snapshot, Watched, snapshot_of

_PAGES = 20


def configured(database: Database | None) -> tuple[str, ...]:
    """Return the names of the configured groups, the instance's first; those of a cluster begin with ``cluster-pg:``.
    """
    if database is None:
        return ()
    return tuple([database.parameter_group] * bool(database.parameter_group)
                 + [CLUSTER_GROUP + database.cluster_parameter_group] * bool(database.cluster_parameter_group))


def snapshot(database: Database | None, seconds: int) -> tuple[dict[str, Watched], dict[str, str]]:
    """Return the configured groups, or nothing where none is configured; if one is unreadable, its kind and the reason.

    ``seconds`` limits each answer. There is no retry, because the next snapshot comes soon.
    """
    found: list[Watched] = []
    for group in configured(database):
        try:
            found.append(_watched(group, user_set(group, seconds, attempts=1)))
        except CallFailed as error:
            return {}, {PARAMETER_GROUP: error.note}
    return snapshot_of(*found), {}


def _watched(group: str, rows: list[dict[str, Any]]) -> Watched:
    values = hide({row["ParameterName"]: str(row.get("ParameterValue", "")) for row in rows}, marks.key())
    waiting = {row["ParameterName"] for row in rows
               if (row.get("ApplyType"), row.get("ApplyMethod")) != ("dynamic", "immediate")}
    body = {"parameters": {name: value + AT_REBOOT if name in waiting and not is_hidden(value) else value
                           for name, value in values.items()}}
    return Watched(PARAMETER_GROUP, group, body, rules=RULES)


def carry_forward(before: Snapshot, last: float | None) -> dict[str, Watched]:
    """Return the group as the ``last`` snapshot has it (seconds since 1970, UTC), for one that cannot read it."""
    return snapshot_of(*(replace(group, unread_since=group.unread_since or last) for group in before.values()
                         if group.kind == PARAMETER_GROUP))


def user_set(group: str, seconds: int, attempts: int = 3) -> list[dict[str, Any]]:
    """Return the rows of the parameters that somebody set in a group; raises CallFailed."""
    rds, found = aws.client("rds", seconds, None, attempts), []
    describe = rds.describe_db_cluster_parameters if is_cluster(group) else rds.describe_db_parameters
    marker: dict[str, str] = {}
    with aws.failures("RDS"):
        for _ in range(_PAGES):
            answer = describe(**named(group), Source="user", **marker)
            found += answer.get("Parameters", [])
            if not answer.get("Marker"):
                break
            marker = {"Marker": answer["Marker"]}
        else:
            raise CallFailed("partial", f"parameter group {group} has more than {_PAGES} pages of values")
        # Every group has hundreds of parameters, so that none at all is no answer.
        if not found and not describe(**named(group)).get("Parameters"):
            raise CallFailed("empty", f"RDS shows no parameter of {group}, which cannot be so")
    return found


def is_cluster(group: str) -> bool:
    """Whether a group is of a DB cluster."""
    return group.startswith(CLUSTER_GROUP)


def named(group: str) -> dict[str, str]:
    """Return the argument by which RDS's calls name a group."""
    if is_cluster(group):
        return {"DBClusterParameterGroupName": group.removeprefix(CLUSTER_GROUP)}
    return {"DBParameterGroupName": group}


def rights(database: Database | None, *verbs: str) -> tuple[tuple[tuple[str, ...], str], ...]:
    """Return what calls of the configured groups need: IAM's actions, and the group's ARN with placeholders.

    ``verbs`` are of Describe, Modify and Reset.
    """
    found = []
    for group in configured(database):
        of, name = ("Cluster", group) if is_cluster(group) else ("", f"pg:{group}")
        found.append((tuple(f"rds:DescribeDB{of}Parameters" if verb == "Describe" else
                            f"rds:{verb}DB{of}ParameterGroup" for verb in verbs),
                      f"arn:{{partition}}:rds:{{region}}:{{account}}:{name}"))
    return tuple(found)
