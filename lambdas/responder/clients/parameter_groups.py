"""The database's parameter group, as the change ledger remembers it: what people set of it.

The record is as that of Kubernetes' objects in ``clients/watched.py``. Its ``body`` has ``parameters`` {name: value},
those that take effect at once, and ``at_reboot``, those that wait for one. RDS says neither when a value was written
nor by whom. Format: AWS's page "DescribeDBParameters".
"""

from __future__ import annotations

from typing import Any

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.masking import mask_all
from responder.model.service import Database, Service
from responder.plan.changes import PARAMETER_GROUP
from responder.sources import Statement

_PAGES = 20


def look(database: Database | None, seconds: int) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return the configured group by ``Kind/name``, none where none is, and why it could not be read.

    ``seconds`` is how long each answer may take.
    """
    if database is None or not database.parameter_group:
        return {}, []
    try:
        rows = user_set(database.parameter_group, seconds)
    except CallFailed as error:
        return {}, [f"{PARAMETER_GROUP}: {error.note}"]
    body: dict[str, dict[str, str]] = {"parameters": {}, "at_reboot": {}}
    for row in rows:
        body["parameters" if at_once(row) else "at_reboot"][row["ParameterName"]] = str(row.get("ParameterValue", ""))
    masked, name = mask_all(body, marks=True), database.parameter_group
    return {f"{PARAMETER_GROUP}/{name}": {
        "kind": PARAMETER_GROUP, "name": name, "namespace": "", "body": masked, "masked": masked != body,
        "created": 0.0, "written": 0.0, "by": ""}}, []


def user_set(group: str, seconds: int) -> list[dict[str, Any]]:
    """Return the rows of the parameters that somebody set in a group; raises CallFailed."""
    rds, found, marker = aws.client("rds", seconds), [], ""
    for _ in range(_PAGES):
        with aws.failures("RDS"):
            answer = rds.describe_db_parameters(DBParameterGroupName=group, Source="user",
                                                **({"Marker": marker} if marker else {}))
        found += answer.get("Parameters", [])
        marker = answer.get("Marker", "")
        if not marker:
            return found
    raise CallFailed("partial", f"parameter group {group} has more than {_PAGES} pages of values")


def at_once(row: dict[str, Any]) -> bool:
    """Whether a parameter took effect when it was set, and not at the next reboot."""
    return row.get("ApplyType") == "dynamic" and row.get("ApplyMethod") == "immediate"


def statements(service: Service) -> tuple[Statement, ...]:
    """What reading it takes."""
    database = service.database
    return (Statement(("rds:DescribeDBParameters",), (arn(database.parameter_group),)),) if (
        database and database.parameter_group) else ()


def arn(group: str) -> str:
    """Return a group's ARN, with placeholders for the partition, the region and the account."""
    return f"arn:{{partition}}:rds:{{region}}:{{account}}:pg:{group}"
