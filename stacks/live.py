"""The page of an open incident, written by the timeline's own stream, and who may read it.

The table's stream invokes one function whenever entries were added to a timeline, with all of a second together. So no
step waits for the page, and none of the steps' functions needs a right for it; ``docs/running.md`` compares the other
ways. Sources: the Lambda Developer Guide's pages "Using AWS Lambda with Amazon DynamoDB" and "Control which events
Lambda sends to your function" (filters).
"""

from __future__ import annotations

from aws_cdk import ArnFormat, Aws, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from cdk_nag import NagSuppressions
from constructs import Construct

from stacks.deployment import Settings
from stacks.function import Function
from stacks.records import Records
from stacks.versions import live_function

TIMELINE_ONLY: dict[str, object] = {
    "eventName": lambda_.FilterRule.is_equal("INSERT"),
    "dynamodb": {"Keys": {"pk": {"S": lambda_.FilterRule.begins_with("TIMELINE#")}}}}
"""The stream has all changes of the table. The ledger alone makes some each minute, and what is filtered costs nothing.
"""
_TRIES = 3


class LivePage(Construct):
    """The function that keeps the page, what invokes it, and the policy of those who read it."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, code: lambda_.Code, records: Records,
                 answer_url: str) -> None:
        super().__init__(scope, construct_id)
        self._records = records
        self.function = Function(
            self, "Writer", name=f"{settings.prefix}-live", code=code, handler="responder.handlers.live.handler",
            description="Keeps the page of an open incident up to date",
            environment={"TABLE": records.table.table_name, "BUCKET": records.bucket.bucket_name,
                         "ANSWER_URL": answer_url},
            # The first page is wanted within seconds, and most of its time is a processor's.
            memory_mib=1024)
        records.grant_partition(self.function.role, "INCIDENT#*", "REMEDY#*", "TIMELINE#*", "SERVICE#*")
        records.grant_pages(self.function.role)
        self._follow_the_timeline()
        self._alarm_on_itself()
        self._let_people_read(settings.prefix)

    def _follow_the_timeline(self) -> None:
        stream = self._records.table.table_stream_arn
        if stream is None:
            raise ValueError("the timeline table has no stream")
        self.function.role.add_to_policy(iam.PolicyStatement(
            actions=["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
            resources=[stream]))
        self.function.role.add_to_policy(iam.PolicyStatement(actions=["dynamodb:ListStreams"], resources=["*"]))
        NagSuppressions.add_resource_suppressions(self.function.role, [
            {"id": "AwsSolutions-IAM5", "appliesTo": ["Resource::*"],
             "reason": "dynamodb:ListStreams knows no resources (Service Authorization Reference, Amazon DynamoDB); "
                       "Lambda asks for it (AWS: Using AWS Lambda with Amazon DynamoDB)."}], apply_to_children=True)
        lambda_.EventSourceMapping(
            self, "Entries", target=live_function(self, self.function.function), event_source_arn=stream,
            starting_position=lambda_.StartingPosition.LATEST, filters=[lambda_.FilterCriteria.filter(TIMELINE_ONLY)],
            # The entries of one incident are in one shard, so its page has one writer at a time.
            batch_size=1000, max_batching_window=Duration.seconds(1), parallelization_factor=1,
            # An older page than the next is of no use: it is soon given up, and holds nothing up.
            retry_attempts=_TRIES - 1, max_record_age=Duration.minutes(5))

    def _alarm_on_itself(self) -> None:
        """Tell people when a page could not be written at all; the incident is handled all the same."""
        alarm = cloudwatch.Alarm(
            self, "PageNotWritten", threshold=_TRIES, evaluation_periods=1,
            metric=self.function.function.metric_errors(period=Duration.minutes(5), statistic="Sum"),
            alarm_description="The page of an open incident could not be written; the incident is handled all the same",
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING)
        alarm.add_alarm_action(cloudwatch_actions.SnsAction(self._records.topic))

    def _let_people_read(self, prefix: str) -> None:
        """The policy for people who read reports, on a phone as well: they sign in to the console as themselves.

        An execution's history is left out, because it has the task tokens of open questions.
        """
        bucket, machine = self._records.bucket, f"{prefix}:*"
        executions = Stack.of(self).format_arn(service="states", resource="execution", resource_name=machine,
                                               arn_format=ArnFormat.COLON_RESOURCE_NAME)
        reader = iam.ManagedPolicy(
            self, "Reader", managed_policy_name=f"{prefix}-reader",
            description="May read the incident responder's reports and see how its executions stand; nothing else",
            statements=[
                iam.PolicyStatement(actions=["s3:GetObject"], resources=[bucket.arn_for_objects("postmortems/*")]),
                iam.PolicyStatement(actions=["s3:ListBucket"], resources=[bucket.bucket_arn], conditions={
                    "StringLike": {"s3:prefix": "postmortems/*"}}),
                iam.PolicyStatement(actions=["s3:GetBucketLocation"], resources=[bucket.bucket_arn]),
                # The key is the table's as well; through S3 it opens the bucket's objects alone.
                iam.PolicyStatement(actions=["kms:Decrypt"], resources=[self._records.key.key_arn], conditions={
                    "StringEquals": {"kms:ViaService": f"s3.{Aws.REGION}.{Aws.URL_SUFFIX}"}}),
                iam.PolicyStatement(actions=["states:DescribeExecution", "states:DescribeStateMachineForExecution"],
                                    resources=[executions])])
        NagSuppressions.add_resource_suppressions(reader, [
            {"id": "AwsSolutions-IAM5", "appliesTo": [
                {"regex": "/^Resource::<Records.*>/postmortems/\\*$/g"},
                {"regex": f"/^Resource::arn:.*:execution:{prefix}:\\*$/g"}],
             "reason": "Reports and executions have names that are not known before; only the responder's own."}])
