"""Which rights in AWS each command needs, and the two policies for people that are made of them.

Sources: the Service Authorization Reference (which actions know which resources and condition keys), and for the key
of the records the Key Management Service Developer Guide's page "kms:ViaService".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cli.incidents.asking import Role, asking
from cli.incidents.place import Place
from responder.model.frozen import dataclass

READERS = ("status", "report", "replay")
"""The commands that change nothing."""


@dataclass(frozen=True)
class Right:
    """One statement of a policy; resources and conditions have the fields of ``Where`` in braces."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, Any]]
    what: str
    """What it is for, as people read it."""


@dataclass(frozen=True)
class Where:
    """The names in AWS of what a deployment is made of."""

    partition: str
    region: str
    account: str
    stack: str
    prefix: str
    table: str
    bucket: str
    key: str
    """ARN of the KMS key."""
    answer: str
    """ARN of the alias of the function that takes answers."""
    application: str
    """AppConfig's id."""


_ARN = "arn:{partition}"
_STACK = Right(("cloudformation:DescribeStacks", "cloudformation:GetTemplate"),
               (f"{_ARN}:cloudformation:{{region}}:{{account}}:stack/{{stack}}/*",), {},
               "find the deployment and its services")
_RECORDS = Right(("dynamodb:GetItem", "dynamodb:Query"), (f"{_ARN}:dynamodb:{{region}}:{{account}}:table/{{table}}",), {
    "ForAllValues:StringLike": {"dynamodb:LeadingKeys": [
        "SERVICE#*", "INCIDENT#*", "REMEDY#*", "TIMELINE#*", "HISTORY#*", "HEARTBEAT"]}},
    "read incidents, but no task tokens")
_KEY = Right(("kms:Decrypt",), ("{key}",), {"StringEquals": {"kms:ViaService": [
    "dynamodb.{region}.{suffix}", "s3.{region}.{suffix}"]}}, "the same, as they are encrypted")
_EXECUTION = f"{_ARN}:states:{{region}}:{{account}}:execution:{{prefix}}:*"
_STANDS = Right(("states:DescribeExecution",), (_EXECUTION,), {}, "see whether the responder still works on it")
_SWITCH = f"{_ARN}:ssm:{{region}}:{{account}}:parameter/{{prefix}}/*/kill-switch"
_SWITCH_READ = Right(("ssm:GetParameterHistory",), (_SWITCH,), {}, "read the kill switch, and who set it")
_SWITCH_SET = Right(("ssm:PutParameter",), (_SWITCH,), {}, "set the kill switch")
_SETTINGS = Right(("appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"), (
    f"{_ARN}:appconfig:{{region}}:{{account}}:application/{{application}}/environment/*/configuration/*",), {},
    "read mode and policy of now")
_REPORTS = Right(("s3:GetObject",), (f"{_ARN}:s3:::{{bucket}}/postmortems/*",), {}, "read reports")
_LIST = Right(("s3:ListBucket",), (f"{_ARN}:s3:::{{bucket}}",), {"StringLike": {"s3:prefix": "postmortems/*"}},
              "be told that a report is not there yet")
_URL = Right(("lambda:InvokeFunctionUrl",), ("{answer}",), {
    "StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}, "answer, by the URL that asks who you are")
_INVOKE = Right(("lambda:InvokeFunction",), ("{answer}",), {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
                "the same; AWS asks for both")
_STOP = Right(("states:StopExecution",), (_EXECUTION,), {}, "take an incident over")
_START = Right(("states:StartExecution",), (f"{_ARN}:states:{{region}}:{{account}}:stateMachine:{{prefix}}",), {},
               "give it back, or start one by hand")
_BASE = (_STACK, _RECORDS, _KEY)
RIGHTS: Mapping[str, Sequence[Right]] = {
    "status": (*_BASE, _STANDS, _SWITCH_READ, _SETTINGS),
    "approve": (*_BASE, _STANDS, _URL, _INVOKE),
    "stop": (_STACK, _SWITCH_READ, _SWITCH_SET),
    "release": (*_BASE, _STANDS, _SWITCH_READ, _SWITCH_SET, _SETTINGS),
    "take-over": (*_BASE, _STANDS, _STOP, _START),
    "report": (*_BASE, _REPORTS, _LIST),
    "replay": (*_BASE, _REPORTS, _LIST),
}
"""Command to its rights. Each also asks who runs it (sts:GetCallerIdentity), which needs none."""


def policy(role: Role, where: Where) -> dict[str, Any]:
    """Return a policy document for people: all commands, or those that change nothing."""
    commands = READERS if role == "read-only" else tuple(RIGHTS)
    rights = {right.what: right for name in commands for right in RIGHTS[name]}
    return {"Version": "2012-10-17", "Statement": [_statement(right, where) for right in rights.values()]}


def _statement(right: Right, where: Where) -> dict[str, Any]:
    words = {**vars(where), "suffix": "amazonaws.com.cn" if where.partition == "aws-cn" else "amazonaws.com"}

    def filled(value: Any) -> Any:
        if isinstance(value, str):
            return value.format(**words)
        if isinstance(value, Mapping):
            return {name: filled(inner) for name, inner in value.items()}
        return [filled(inner) for inner in value]

    return {"Effect": "Allow", "Action": list(right.actions), "Resource": filled(right.resources),
            **({"Condition": filled(right.conditions)} if right.conditions else {})}


def where(place: Place) -> Where:
    """Return the names of a deployment, from its stack's resources; raises Refused."""
    with asking(f"list the resources of the stack {place.stack}", "cloudformation:ListStackResources"):
        found = {item["LogicalResourceId"]: (item["ResourceType"], str(item.get("PhysicalResourceId", "")))
                 for page in place.client("cloudformation").get_paginator("list_stack_resources").paginate(
                     StackName=place.stack) for item in page["StackResourceSummaries"]}
    partition, region, account = (place.outputs["StateMachine"].split(":")[index] for index in (1, 3, 4))
    return Where(
        partition, region, account, place.stack, place.prefix, place.table, place.bucket,
        f"arn:{partition}:kms:{region}:{account}:key/{_one(found, 'AWS::KMS::Key', 'RecordsKey')}",
        f"arn:{partition}:lambda:{region}:{account}:function:{place.prefix}-answer:live",
        _one(found, "AWS::AppConfig::Application", "Settings"))


def _one(found: Mapping[str, tuple[str, str]], kind: str, begins: str) -> str:
    return next((name for logical, (of, name) in found.items() if of == kind and logical.startswith(begins)), "*")


def table() -> Iterator[str]:
    """Yield the table of ``docs/commands.md``: each command's rights, with the commands in each policy."""
    yield "| command | rights in AWS | in the policies |"
    yield "|---|---|---|"
    for name, rights in RIGHTS.items():
        actions = ", ".join(dict.fromkeys(f"`{action}`" for right in rights for action in right.actions))
        policies = "`read-only`, `on-call`" if name in READERS else "`on-call`"
        yield f"| `{name}` | {actions} | {policies} |"
