"""Data that is kept between incidents: the change ledger, each minute, and AWS Health's events."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Aws, Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from responder.model.service import Service
from responder.sources import Statement, load
from stacks.deployment import Settings
from stacks.function import Function
from stacks.records import Records
from stacks.versions import live_function


class Memory(Construct):
    """The functions that keep this data, and the rules that start them."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, services: Sequence[Service],
                 code: lambda_.Code, records: Records, dead_letters: sqs.IQueue) -> None:
        super().__init__(scope, construct_id)
        statements: list[Statement] = []
        for service in services:
            statements += load("changes").statements(service)
        self.ledger = Function(
            self, "Ledger", name=f"{settings.prefix}-ledger", code=code, handler="responder.handlers.ledger.handler",
            description="Keeps the change ledger", environment={"TABLE": records.table.table_name},
            statements=list(dict.fromkeys(statements)))
        records.grant_partition(self.ledger.role, "LEDGER#*", write=True)
        records.grant_marks(self.ledger)
        events.Rule(self, "EachMinute", description="Compare what is there with what was there a minute ago",
                    schedule=events.Schedule.rate(Duration.minutes(1)),
                    targets=[targets.LambdaFunction(live_function(self.ledger, self.ledger.function),
                                                    retry_attempts=0)])
        self.health = Function(
            self, "Health", name=f"{settings.prefix}-health", code=code, handler="responder.handlers.health.handler",
            description="Keeps the events of AWS Health", environment={"TABLE": records.table.table_name})
        records.grant_partition(self.health.role, "HEALTH", write=True)
        events.Rule(self, "HealthEvent", description="AWS Health reports something",
                    event_pattern=events.EventPattern(source=["aws.health"], detail_type=["AWS Health Event"],
                                                      account=[Aws.ACCOUNT_ID]),
                    targets=[targets.LambdaFunction(live_function(self.health, self.health.function),
                                                    dead_letter_queue=dead_letters, retry_attempts=4)])
