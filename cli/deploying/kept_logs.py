"""Log groups that an earlier function left, and that stand in the way of the same function.

A function that a configuration no longer needs is removed, and its log group is kept, because it says what the function
did. The name of a group is the same in the life of a stack (``stacks/versions.py:generated``), so CloudFormation cannot
make the group anew when the function comes back, and rolls the whole deployment back. By itself it imports only groups
with names that do not depend on the stack (CloudFormation User Guide: "Import AWS resources into a CloudFormation
stack automatically"). So this is looked for before anything is deployed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_GROUP = "AWS::Logs::LogGroup"


def in_the_way(session: Any, stack: str, template: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the log groups that the template would make and that are there; raises botocore's errors.

    ``session`` is boto3's; the stack must be there.
    """
    formation, logs = session.client("cloudformation"), session.client("logs")
    stack_id = str(formation.describe_stacks(StackName=stack)["Stacks"][0]["StackId"])
    mine = {item["LogicalResourceId"] for page in formation.get_paginator("list_stack_resources").paginate(
        StackName=stack) for item in page["StackResourceSummaries"] if item["ResourceStatus"] != "DELETE_COMPLETE"}
    return tuple(name for name in new_groups(template, mine, stack_id) if _is_there(logs, name))


def new_groups(template: Mapping[str, Any], deployed: Sequence[str] | set[str], stack_id: str) -> Iterator[str]:
    """Yield the names of a template's log groups that a stack does not have yet."""
    # The last part of the stack's id is a UUID; names end with the first part of it.
    suffix = stack_id.split("/")[-1].split("-")[0]
    for logical, resource in sorted(template.get("Resources", {}).items()):
        if resource["Type"] == _GROUP and logical not in deployed:
            name = resource.get("Properties", {}).get("LogGroupName")
            if isinstance(name, dict) and "Fn::Join" in name:
                glue, parts = name["Fn::Join"]
                yield str(glue).join(part if isinstance(part, str) else suffix for part in parts)
            elif isinstance(name, str):
                yield name


def forget(session: Any, names: Sequence[str]) -> None:
    """Delete log groups; raises botocore's errors."""
    for name in names:
        session.client("logs").delete_log_group(logGroupName=name)


def _is_there(logs: Any, name: str) -> bool:
    return any(found["logGroupName"] == name
               for found in logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"])
