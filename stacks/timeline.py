"""The functions' rights to an incident's record. Only one function writes the timeline, and it is append-only.

| function | reads | writes |
|---|---|---|
| timeline | | adds `TIMELINE#` |
| decide | all | `INCIDENT#`, `SERVICE#`, `TARGET#`, adds `REMEDIES#` and `REFUSED#`; of `REMEDY#` only `judged:…` |
| tell | all | of `INCIDENT#` its state and end; `SERVICE#`, `TARGET#`, `ALERT#`, `CHANNEL#` and `TASK#` |
| report | the incident, its remedies and timeline, `HISTORY#` | `HISTORY#`; of the incident only its report's address |
| a source | `SHARED#` of its own, and what it declares | `SHARED#` and `BUDGET#` of its own |
| a remedy | the incident, its remedies, its target's lease | of `REMEDY#` only its own attributes |
| a remedy with an audience | the same | `CHANNEL#`; `TASK#` where it gives somebody a task |

So no remedy can write the guardrails' ruling, another remedy's plan, an answer, a lease or a timeline entry.
"""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from responder.actions import AnyAction
from stacks.deployment import Settings
from stacks.function import Function
from stacks.records import Records
from stacks.room import reserved
from stacks.versions import allow_versions, version_arn

_INCIDENT = ("INCIDENT#*", "REMEDY#*", "TIMELINE#*")
_PEOPLE = ("CHANNEL#*", "TASK#*", "ANSWER#*")


class Timeline(Construct):
    """The function that keeps the timeline, and the right to call it."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, code: lambda_.Code,
                 records: Records) -> None:
        super().__init__(scope, construct_id)
        self.writer = Function(
            self, "Writer", name=f"{settings.prefix}-timeline", code=code,
            handler="responder.handlers.timeline.handler", description="Adds timeline entries, and changes none",
            environment={"TABLE": records.table.table_name}, memory_mib=256, reserved=reserved(self, "timeline"))
        self.writer.role.add_to_policy(iam.PolicyStatement(
            actions=["dynamodb:PutItem"], resources=[records.table.table_arn],
            conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["TIMELINE#*"]}}))
        records.grant_writing(self.writer.role)

    def grant(self, function: Function) -> None:
        """Let a function add timeline entries."""
        function.function.add_environment("TIMELINE", version_arn(self.writer.function))
        allow_versions(function.role, [self.writer.function], function.role)


def decides(records: Records, role: iam.Role) -> None:
    """The rights of the function that opens, judges and rules."""
    records.grant_partition(role, *_INCIDENT, *_PEOPLE)
    records.grant_partition(role, "INCIDENT#*", "SERVICE#*", "TARGET#*", add=True, change=True)
    records.grant_partition(role, "REMEDIES#*", "REFUSED#*", add=True)
    records.grant_partition(role, "REMEDY#*", change=True, attributes=["judged:*", "expires"])
    # Opening an incident is one transaction, on condition that no closed incident has judged this signal.
    role.add_to_policy(iam.PolicyStatement(
        actions=["dynamodb:ConditionCheckItem"], resources=[records.table.table_arn],
        conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["SERVICE#*"]}}))
    # A manual task may be marked as done by an execution's input.
    records.grant_partition(role, "ANSWER#*", change=True)


def tells(records: Records, role: iam.Role) -> None:
    """The rights of the function that notifies and asks people, stands down and escalates."""
    records.grant_partition(role, *_INCIDENT, *_PEOPLE)
    # Its state and its end, but not the diagnosis: neither a proposal nor the signs of an attack.
    records.grant_partition(role, "INCIDENT#*", change=True, attributes=[
        "status", "outcome", "cause", "closed_at", "cared_by", "escalated_at", "recovered_at", "well_since"])
    records.grant_partition(role, "TARGET#*", change=True)
    records.grant_partition(role, "SERVICE#*", add=True, change=True, delete=True)
    records.grant_partition(role, "CHANNEL#*", "TASK#*", add=True, change=True)
    records.grant_partition(role, "ALERT#*", add=True, change=True, delete=True)


def reports(records: Records, role: iam.Role) -> None:
    """The rights of the function that writes the postmortem."""
    records.grant_partition(role, *_INCIDENT)
    records.grant_partition(role, "HISTORY#*", add=True)
    records.grant_partition(role, "INCIDENT#*", change=True, attributes=["report", "reported_at"])


def remedies(records: Records, role: iam.Role, action: AnyAction) -> None:
    """The rights of one remedy's function."""
    records.grant_partition(role, "INCIDENT#*", "TARGET#*")
    records.grant_partition(role, "REMEDY#*", change=True, attributes=[f"{action.name}:*"])
    if action.audience:
        records.grant_partition(role, "CHANNEL#*", add=True, change=True)
    if action.task_for:
        records.grant_partition(role, "TASK#*", add=True, change=True)
