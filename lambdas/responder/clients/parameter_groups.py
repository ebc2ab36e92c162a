"""The database's parameter group as the change ledger keeps it: the parameters that people set.

Its body has ``parameters`` {name: value}; a value that waits for a reboot says so (``model/change.py``: ``AT_REBOOT``).
RDS says neither when a value was written nor by whom. Format: AWS's page "DescribeDBParameters".
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from responder.clients import aws, marks
from responder.clients.failure import CallFailed
from responder.model.change import AT_REBOOT, PARAMETER_GROUP
from responder.model.service import Database
from responder.model.shown import RULES, hide, is_hidden
from responder.model.watched import Snapshot, Watched, snapshot_of

_PAGES = 20


def snapshot(database: Database | None, seconds: int) -> tuple[dict[str, Watched], dict[str, str]]:
    """Return the configured group, or nothing where none is configured; if it is unreadable, its kind and the reason.

    ``seconds`` limits each answer. There is no retry, because the next snapshot comes soon.
    """
    if database is None or not database.parameter_group:
        return {}, {}
    try:
        rows = user_set(database.parameter_group, seconds, attempts=1)
    except CallFailed as error:
        return {}, {PARAMETER_GROUP: error.note}
    values = hide({row["ParameterName"]: str(row.get("ParameterValue", "")) for row in rows}, marks.key())
    waiting = {row["ParameterName"] for row in rows
               if (row.get("ApplyType"), row.get("ApplyMethod")) != ("dynamic", "immediate")}
    body = {"parameters": {name: value + AT_REBOOT if name in waiting and not is_hidden(value) else value
                           for name, value in values.items()}}
    return snapshot_of(Watched(PARAMETER_GROUP, database.parameter_group, body, rules=RULES)), {}


def carry_forward(before: Snapshot, last: float | None) -> dict[str, Watched]:
    """Return the group as the ``last`` snapshot has it (seconds since 1970, UTC), for one that cannot read it."""
    return snapshot_of(*(replace(group, unread_since=group.unread_since or last) for group in before.values()
                         if group.kind == PARAMETER_GROUP))


def user_set(group: str, seconds: int, attempts: int = 3) -> list[dict[str, Any]]:
    """Return the rows of the parameters that somebody set in a group; raises CallFailed."""
    rds, found = aws.client("rds", seconds, None, attempts), []
    marker: dict[str, str] = {}
    with aws.failures("RDS"):
        for _ in range(_PAGES):
            answer = rds.describe_db_parameters(DBParameterGroupName=group, Source="user", **marker)
            found += answer.get("Parameters", [])
            if not answer.get("Marker"):
                break
            marker = {"Marker": answer["Marker"]}
        else:
            raise CallFailed("partial", f"parameter group {group} has more than {_PAGES} pages of values")
        # Every group has hundreds of parameters, so that none at all is no answer.
        if not found and not rds.describe_db_parameters(DBParameterGroupName=group).get("Parameters"):
            raise CallFailed("empty", f"RDS shows no parameter of {group}, which cannot be so")
    return found


def arn(group: str) -> str:
    """Return a group's ARN, with placeholders for the partition, the region and the account."""
    return f"arn:{{partition}}:rds:{{region}}:{{account}}:pg:{group}"
