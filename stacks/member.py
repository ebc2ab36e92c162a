"""A service in another account or Region: what is deployed where the service is, and what refers to it from home.

There, one stack per service has the functions' roles with the rights that each source and action declares, the entries
to the cluster, the alarms, and the rule that hands their events to the responder's event bus. At home, a function has
the right to assume its own role there, and nothing else of that service. Sources: AWS's pages "Create access entries"
(an entry's principal may be of another account), "The confused deputy problem" (external ids), and "Sending and
receiving events between AWS accounts in Amazon EventBridge".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import ArnFormat, Aws, Stack
from aws_cdk import aws_eks as eks
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from cdk_nag import NagSuppressions
from constructs import Construct

from responder import actions, sources
from responder.model.service import Service
from responder.sources import METRIC_DATA, Statement
from stacks.alarm_names import alarm_names, in_patterns
from stacks.alarms import Alarms
from stacks.deployment import Settings
from stacks.elsewhere import REPORT, SWEEP, TELL, alarm_states, asked, ledger_suffix, suffix
from stacks.network import action_units, ledger_units, source_units
from stacks.rbac import group_of


@dataclass(frozen=True)
class Remote:
    """A function's access to a service that is elsewhere."""

    function: str
    """The function's name without the deployment's prefix: ``-source-rds``."""
    statements: tuple[Statement, ...]
    group: str = ""
    """The Kubernetes group that it belongs to; empty: it does not speak to the cluster."""


def remotes(service: Service, services: Sequence[Service], settings: Settings) -> Iterator[Remote]:
    """Yield the functions that look after a service which is elsewhere, with what each may do there."""
    for unit in source_units(services):
        if service in unit.services:
            source = sources.load(unit.name)
            yield Remote(suffix("source", unit), asked(source, service, settings), source.kubernetes_group)
    for unit in action_units(services):
        if service in unit.services:
            action = actions.find(unit.name)
            yield Remote(suffix("action", unit), action.statements(service), action.kubernetes_group)
    for unit in ledger_units(services):
        if service in unit.services:
            changes = sources.load("changes")
            yield Remote(ledger_suffix(unit), changes.statements(service), changes.kubernetes_group)
    yield Remote(REPORT, (METRIC_DATA,))
    yield Remote(TELL, (alarm_states(service, settings),))
    yield Remote(SWEEP, (alarm_states(service, settings), METRIC_DATA))


class Member(Stack):
    """What is deployed in the account and Region of one service."""

    def __init__(self, scope: Construct, construct_id: str, *, service: Service, services: Sequence[Service],
                 settings: Settings, home_account: str, home_region: str, **stack: Any) -> None:
        super().__init__(scope, construct_id, **stack)
        self._service, self._settings, self._home_account = service, settings, home_account
        for remote in remotes(service, services, settings):
            if service.aws.role_arn and remote.statements:
                self._role(remote)
            if remote.group:
                # The token proves the function's own identity, so its own role is the entry's principal.
                eks.CfnAccessEntry(
                    self, f"Access{remote.function}", cluster_name=service.cluster.name, type="STANDARD",
                    principal_arn=self._own_role(remote), kubernetes_groups=[group_of(settings, remote.group)])
        Alarms(self, "Alarms", settings=settings, service=service)
        bus = f"arn:{Aws.PARTITION}:events:{home_region}:{home_account}:event-bus/default"
        home = events.EventBus.from_event_bus_arn(self, "Home", bus)
        for number, group in enumerate(in_patterns(alarm_names(settings.prefix, service))):
            events.Rule(
                self, f"Starting{number or ''}",
                description="Hands alarms of the service to the incident responder's event bus",
                event_pattern=events.EventPattern(
                    source=["aws.cloudwatch"], detail_type=["CloudWatch Alarm State Change"],
                    account=[Aws.ACCOUNT_ID], region=[Aws.REGION],
                    detail={"alarmName": group, "state": {"value": ["ALARM"]}}),
                targets=[targets.EventBus(home)])

    def _own_role(self, remote: Remote) -> str:
        path, name = self._settings.role_path, self._settings.prefix + remote.function
        return f"arn:{Aws.PARTITION}:iam::{self._home_account}:role{path}{name}"

    def _role(self, remote: Remote) -> None:
        arn = self._service.aws.role_arn.split(":role/")[1] + remote.function
        path, _, name = arn.rpartition("/")
        external = self._service.aws.external_id
        # The account is trusted with a condition, because a role has to exist before a policy can name it.
        role = iam.Role(
            self, f"Role{remote.function}", role_name=name, path=f"/{path}/" if path else "/",
            description=f"What the incident responder's function {self._settings.prefix}{remote.function} may do here",
            assumed_by=iam.PrincipalWithConditions(iam.AccountPrincipal(self._home_account), {
                "ArnEquals": {"aws:PrincipalArn": self._own_role(remote)},
                **({"StringEquals": {"sts:ExternalId": external}} if external else {})}))
        for statement in remote.statements:
            role.add_to_policy(iam.PolicyStatement(actions=list(statement.actions), resources=[
                resource.format(partition=Aws.PARTITION, region=Aws.REGION, account=Aws.ACCOUNT_ID)
                for resource in statement.resources]))
            if statement.why_all:
                NagSuppressions.add_resource_suppressions(role, [
                    {"id": "AwsSolutions-IAM5", "reason": statement.why_all}], apply_to_children=True)


def take_events(stack: Stack, services: Sequence[Service]) -> None:
    """Let the services' accounts put events on this account's bus: no others, and nothing but events."""
    for account in sorted({service.aws.account for service in services if service.aws.account}):
        events.CfnEventBusPolicy(
            stack, f"EventsOf{account}", statement_id=f"{stack.stack_name}-{account}", statement={
                "Effect": "Allow", "Action": "events:PutEvents", "Principal": {
                    "AWS": f"arn:{Aws.PARTITION}:iam::{account}:root"},
                "Resource": stack.format_arn(service="events", resource="event-bus", resource_name="default",
                                             arn_format=ArnFormat.SLASH_RESOURCE_NAME)})


def origins(services: Sequence[Service]) -> tuple[list[str], list[str]]:
    """Return the accounts and the Regions whose alarms may start the responder: its own, and those of services."""
    return ([Aws.ACCOUNT_ID, *sorted({service.aws.account for service in services if service.aws.account})],
            [Aws.REGION, *sorted({service.aws.region for service in services if service.aws.region})])
