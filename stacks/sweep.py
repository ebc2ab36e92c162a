"""The sweep: every five minutes, whether an alarm stays on although no incident is open, and the error budget burns."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from responder.model.service import Service
from responder.plan.burn import PARTITION
from responder.sources import METRIC_DATA
from stacks.deployment import Settings
from stacks.elsewhere import SWEEP, alarm_states, placed
from stacks.function import Function
from stacks.records import Records
from stacks.versions import live_function

EVERY_MINUTES = 5


class Sweep(Construct):
    """The function that looks, and its schedule."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, services: Sequence[Service],
                 code: lambda_.Code, records: Records, state_machine: sfn.IStateMachine,
                 live: str) -> None:
        super().__init__(scope, construct_id)
        self.function = Function(
            self, "Function", name=settings.prefix + SWEEP, code=code, handler="responder.handlers.sweep.handler",
            description="Looks again at alarms that stay on while no incident is open, and at the error budget",
            environment={"TABLE": records.table.table_name, "STATE_MACHINE": live,
                         "TOPIC": records.topic.topic_arn},
            statements=list(dict.fromkeys(statement for service in services for statement in placed(
                service, SWEEP, (alarm_states(service, settings), METRIC_DATA)))),
            memory_mib=256, named=any(service.aws.role_arn for service in services))
        records.grant_partition(self.function.role, "SERVICE#*")
        records.grant_partition(self.function.role, PARTITION, add=True)
        self.function.role.add_to_policy(iam.PolicyStatement(
            actions=["sns:Publish"], resources=[records.topic.topic_arn]))
        # It starts the alias; Step Functions checks that by the machine's own ARN.
        self.function.role.add_to_policy(iam.PolicyStatement(
            actions=["states:StartExecution"], resources=[state_machine.state_machine_arn]))
        events.Rule(self, "EveryFiveMinutes", description="Look for alarms that stay on while no incident is open",
                    schedule=events.Schedule.rate(Duration.minutes(EVERY_MINUTES)),
                    targets=[targets.LambdaFunction(live_function(self.function, self.function.function),
                                                    retry_attempts=1)])
