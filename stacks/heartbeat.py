"""The scheduled heartbeat: it walks the read path while there is no incident (``handlers/heartbeat.py``).

It is one function and no execution of the state machine: that would need the right to start one, and cost 30
transitions each time. It may invoke the sources' functions, and has none of their rights.
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from responder.model.service import Service
from responder.plan.heartbeat import OBJECT, PARTITION
from responder.sources import Statement
from stacks.deployment import Settings
from stacks.function import Function
from stacks.records import Records
from stacks.versions import live_function
from stacks.workflow import Workflow

HOURS = 3
"""How often: more often costs more than it tells (``docs/own-health.md`` has the sum)."""


class Heartbeat(Construct):
    """The function, its rights and its schedule."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, services: Sequence[Service],
                 code: lambda_.Code, records: Records, workflow: Workflow) -> None:
        super().__init__(scope, construct_id)
        machine = workflow.state_machine.state_machine_arn
        self.function = Function(
            self, "Function", name=f"{settings.prefix}-heartbeat", code=code,
            handler="responder.handlers.heartbeat.handler", memory_mib=256, timeout_seconds=600,
            description="Tries everything that an incident would read; changes nothing",
            environment={"TABLE": records.table.table_name, "BUCKET": records.bucket.bucket_name,
                         "TOPIC": records.topic.topic_arn, "STATE_MACHINE": machine},
            statements=(Statement(("ssm:GetParameter",), tuple(
                f"arn:{{partition}}:ssm:{{region}}:{{account}}:parameter{service.kill_switch}"
                for service in services)),))
        role = self.function.role
        for source in workflow.sources.values():
            role.add_to_policy(iam.PolicyStatement(
                actions=["lambda:InvokeFunction"], resources=[source.function.function_arn]))
        role.add_to_policy(iam.PolicyStatement(actions=["states:DescribeStateMachine"], resources=[machine]))
        role.add_to_policy(iam.PolicyStatement(
            actions=["sns:GetTopicAttributes", "sns:Publish"], resources=[records.topic.topic_arn]))
        role.add_to_policy(iam.PolicyStatement(
            actions=["s3:PutObject"], resources=[records.bucket.arn_for_objects(OBJECT)]))
        records.grant_partition(role, PARTITION, add=True)
        events.Rule(self, "EachFewHours", description="Try everything that an incident would read",
                    schedule=events.Schedule.cron(minute="7", hour=f"*/{HOURS}"),
                    targets=[targets.LambdaFunction(live_function(self.function, self.function.function),
                                                    retry_attempts=1, max_event_age=Duration.minutes(30))])
