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
from responder.sources import load
from stacks import elsewhere
from stacks.deployment import Settings
from stacks.function import Function
from stacks.network import Unit, ledger_units
from stacks.records import Records
from stacks.versions import live_function


class Memory(Construct):
    """The functions that keep this data, and the rules that start them."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, services: Sequence[Service],
                 code: lambda_.Code, records: Records, dead_letters: sqs.IQueue) -> None:
        super().__init__(scope, construct_id)
        self.ledgers = {unit.key: self._ledger(unit, settings, services, code, records)
                        for unit in ledger_units(services)}
        """The functions that keep the ledger, one for each network."""
        events.Rule(self, "EachMinute", description="Compare what is there with what was there a minute ago",
                    schedule=events.Schedule.rate(Duration.minutes(1)),
                    targets=[targets.LambdaFunction(live_function(ledger, ledger.function), retry_attempts=0)
                             for ledger in self.ledgers.values()])
        self.health = Function(
            self, "Health", name=f"{settings.prefix}-health", code=code, handler="responder.handlers.health.handler",
            description="Keeps the events of AWS Health", environment={"TABLE": records.table.table_name})
        records.grant_partition(self.health.role, "HEALTH", add=True)
        events.Rule(self, "HealthEvent", description="AWS Health reports something",
                    event_pattern=events.EventPattern(source=["aws.health"], detail_type=["AWS Health Event"],
                                                      account=[Aws.ACCOUNT_ID]),
                    targets=[targets.LambdaFunction(live_function(self.health, self.health.function),
                                                    dead_letter_queue=dead_letters, retry_attempts=4)])

    def _ledger(self, unit: Unit, settings: Settings, services: Sequence[Service], code: lambda_.Code,
                records: Records) -> Function:
        name = elsewhere.ledger_suffix(unit)
        statements = [statement for service in unit.services for statement in elsewhere.placed(
            service, name, load("changes").statements(service))]
        alone = len(unit.services) == len(services)
        ledger = Function(
            self, "".join(part.capitalize() for part in unit.key.split("_")), name=settings.prefix + name,
            code=code, handler="responder.handlers.ledger.handler", description="Keeps the change ledger",
            environment={"TABLE": records.table.table_name, **({} if alone else {
                "SERVICES": ",".join(service.service for service in unit.services)})},
            statements=list(dict.fromkeys(statements)), network=unit.network,
            named=any(service.aws.role_arn for service in services))
        records.grant_partition(ledger.role, "LEDGER#*", write=True)
        records.grant_marks(ledger)
        return ledger
