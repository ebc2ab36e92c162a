"""What else may start the state machine: other systems, by an address of their own, and alarms with a tag.

Both functions may start it and nothing more. The address takes requests of anybody, for the vendors have no identity in
AWS; each must prove that it is genuine (``responder/handlers/signals``), and what a flood may take is bounded
(``stacks/room.py``). Sources: AWS's pages "Control access to Lambda function URLs", "Alarm events and EventBridge" and
the Service Authorization Reference for CloudWatch (ListTagsForResource).
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Aws, CfnOutput, Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from responder.model.service import Service
from responder.sources import Statement
from stacks.deployment import Settings
from stacks.function import Function
from stacks.room import reserved
from stacks.versions import live_function


class Signals(Construct):
    """The functions; each is there only where the configuration of a service asks for it."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, services: Sequence[Service],
                 code: lambda_.Code, state_machine: sfn.IStateMachine, live: str, dead_letters: sqs.IQueue) -> None:
        super().__init__(scope, construct_id)
        self._prefix, self._code, self._machine, self._live = settings.prefix, code, state_machine, live
        secrets = sorted({starter.secret for service in services for starter in (
            service.starters.pagerduty, service.starters.newrelic, service.starters.splunk) if starter})
        self.functions: list[Function] = []
        if secrets:
            self._by_address(secrets)
        if any(own.tag for service in services for own in service.alarms.own):
            self._by_tag(dead_letters)

    def _by_address(self, secrets: Sequence[str]) -> None:
        function = self._starting("Outside", "signals", "Takes the alerts of other systems that prove to be genuine",
                                  secrets=secrets, reserved_copies=reserved(self, "signals"))
        url = live_function(function, function.function).add_function_url(auth_type=lambda_.FunctionUrlAuthType.NONE)
        CfnOutput(self, "Url", value=url.url, description="Where other systems report: this address, then "
                                                          "pagerduty, newrelic or splunk, then /SERVICE")

    def _by_tag(self, dead_letters: sqs.IQueue) -> None:
        function = self._starting(
            "Tagged", "own-alarms", "Starts the responder for alarms whose tag says whose they are",
            statements=[Statement(
                ("cloudwatch:ListTagsForResource",), ("arn:{partition}:cloudwatch:{region}:{account}:alarm:*",),
                why_all="Whose an alarm is, is known by its tags only; the names are the user's")])
        events.Rule(
            self, "AnyAlarm", description="An alarm went off that is none of the responder's own",
            event_pattern=events.EventPattern(
                source=["aws.cloudwatch"], detail_type=["CloudWatch Alarm State Change"], account=[Aws.ACCOUNT_ID],
                region=[Aws.REGION], detail={"alarmName": [{"anything-but": {"prefix": f"{self._prefix}-"}}],
                                             "state": {"value": ["ALARM"]}}),
            targets=[targets.LambdaFunction(
                live_function(function, function.function), dead_letter_queue=dead_letters, retry_attempts=8,
                max_event_age=Duration.hours(1))])

    def _starting(self, construct_id: str, name: str, description: str, *, secrets: Sequence[str] = (),
                  statements: Sequence[Statement] = (), reserved_copies: int | None = None) -> Function:
        function = Function(
            self, construct_id, name=f"{self._prefix}-{name}", code=self._code, description=description,
            handler=f"responder.handlers.{name.replace('-', '_')}.handler", secrets=secrets, statements=statements,
            environment={"STATE_MACHINE": self._live}, reserved=reserved_copies)
        # It starts the alias; Step Functions checks that by the machine's own ARN.
        self._machine.grant_start_execution(function.role)
        self.functions.append(function)
        return function
