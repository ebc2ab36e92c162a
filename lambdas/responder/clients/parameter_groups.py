"""The database's parameter group, as the change ledger remembers it: what people set of it.

The record is as that of Kubernetes' objects in ``clients/watched.py``. Its ``body`` has ``parameters`` {name: value}; a
value that waits for a reboot says so (``plan/changes.py``: ``AT_REBOOT``). RDS says neither when a value was written
nor by whom, so the record has ``unread_since`` as well: when the group was last read, where the looks since could not.
Format: AWS's page "DescribeDBParameters".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from responder.clients import aws, marks
from responder.clients.failure import CallFailed
from responder.model.service import Database, Service
from responder.model.shown import RULES, hide, is_hidden
from responder.plan.changes import AT_REBOOT, PARAMETER_GROUP
from responder.sources import Statement

_PAGES = 20


def look(database: Database | None, seconds: int) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return the configured group by ``Kind/name``, none where none is, and why it could not be read.

    ``seconds`` is how long each answer may take; it is asked once, for the next look comes soon.
    """
    if database is None or not database.parameter_group:
        return {}, []
    try:
        rows = user_set(database.parameter_group, seconds, attempts=1)
    except CallFailed as error:
        return {}, [f"{PARAMETER_GROUP}: {error.note}"]
    values = hide({row["ParameterName"]: str(row.get("ParameterValue", "")) for row in rows}, marks.key())
    waiting = {row["ParameterName"] for row in rows
               if (row.get("ApplyType"), row.get("ApplyMethod")) != ("dynamic", "immediate")}
    body = {"parameters": {name: value + AT_REBOOT if name in waiting and not is_hidden(value) else value
                           for name, value in values.items()}}
    name = database.parameter_group
    return {f"{PARAMETER_GROUP}/{name}": {
        "kind": PARAMETER_GROUP, "name": name, "namespace": "", "body": body, "rules": RULES,
        "created": 0.0, "written": 0.0, "by": ""}}, []


def unread(before: Mapping[str, Mapping[str, Any]], last: float | None) -> dict[str, dict[str, Any]]:
    """Return the group as it was known at the ``last`` look, for a look that cannot read it."""
    return {key: {**item, "unread_since": item.get("unread_since") or last} for key, item in before.items()
            if item["kind"] == PARAMETER_GROUP}


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


def statements(service: Service) -> tuple[Statement, ...]:
    """What reading it takes."""
    database = service.database
    return (Statement(("rds:DescribeDBParameters",), (arn(database.parameter_group),)),) if (
        database and database.parameter_group) else ()


def arn(group: str) -> str:
    """Return a group's ARN, with placeholders for the partition, the region and the account."""
    return f"arn:{{partition}}:rds:{{region}}:{{account}}:pg:{group}"
