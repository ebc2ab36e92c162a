"""What keeps the metric of usual traffic: a function, each half hour, that reads the last weeks and publishes ahead.

Of the ways to compare with other weeks (``docs/alarms.md``) it is the one whose every value can be explained; it costs
one metric and 1,460 runs a month, about $0.40.
"""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from cdk_nag import NagSuppressions
from constructs import Construct

from responder.sources import METRIC_DATA
from stacks.deployment import Settings
from stacks.function import Function
from stacks.versions import live_function


class UsualTraffic(Construct):
    """The function and its schedule."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, code: lambda_.Code) -> None:
        super().__init__(scope, construct_id)
        self.function = Function(
            self, "Publisher", name=f"{settings.prefix}-usual-traffic", code=code,
            handler="responder.handlers.usual_traffic.handler", statements=(METRIC_DATA,),
            environment={"POWERTOOLS_METRICS_NAMESPACE": settings.prefix},
            description="Publishes how many requests are usual, by the last weeks")
        self.function.role.add_to_policy(iam.PolicyStatement(
            actions=["cloudwatch:PutMetricData"], resources=["*"],
            conditions={"StringEquals": {"cloudwatch:namespace": settings.prefix}}))
        NagSuppressions.add_resource_suppressions(self.function.role, [
            {"id": "AwsSolutions-IAM5", "appliesTo": ["Resource::*"],
             "reason": "cloudwatch:GetMetricData and PutMetricData know no resources (Service Authorization Reference, "
                       "Amazon CloudWatch); what is published is bound to one namespace."}], apply_to_children=True)
        events.Rule(self, "EachHalfHour", description="Publish the usual requests of the next two hours",
                    schedule=events.Schedule.rate(Duration.minutes(30)),
                    targets=[targets.LambdaFunction(live_function(self.function, self.function.function),
                                                    retry_attempts=2)])
