"""A function of the responder: its code, a role with only what it declares, and its log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from cdk_nag import NagSuppressions
from constructs import Construct

from responder.sources import Statement


class Function(Construct):
    """One Lambda function with a role of its own."""

    def __init__(self, scope: Construct, construct_id: str, *, name: str, code: lambda_.Code, handler: str,
                 description: str, environment: Mapping[str, str], statements: Sequence[Statement] = (),
                 secrets: Sequence[str] = (), memory_mib: int = 512, timeout_seconds: int = 30) -> None:
        super().__init__(scope, construct_id)
        self.log = logs.LogGroup(self, "Log", log_group_name=f"/aws/lambda/{name}",
                                 retention=logs.RetentionDays.ONE_YEAR, removal_policy=RemovalPolicy.RETAIN)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
                             description=description)
        self.log.grant_write(self.role)
        for statement in statements:
            self._allow(statement)
        for secret in secrets:
            # Secrets Manager ends each ARN with six random characters; the name before them is exact.
            self._allow(Statement(("secretsmanager:GetSecretValue",),
                                  (f"arn:{{partition}}:secretsmanager:{{region}}:{{account}}:secret:{secret}-??????",)))
        self.function = lambda_.Function(
            self, "Function", function_name=name, code=code, handler=handler, description=description,
            runtime=lambda_.Runtime.PYTHON_3_14, architecture=lambda_.Architecture.ARM_64, memory_size=memory_mib,
            timeout=Duration.seconds(timeout_seconds), role=self.role, log_group=self.log,
            environment=dict(environment))

    def _allow(self, statement: Statement) -> None:
        filled = [resource.format(partition=Aws.PARTITION, region=Aws.REGION, account=Aws.ACCOUNT_ID)
                  for resource in statement.resources]
        self.role.add_to_policy(iam.PolicyStatement(actions=list(statement.actions), resources=filled))
        for resource in statement.resources:
            shown = resource.format(partition="<AWS::Partition>", region="<AWS::Region>", account="<AWS::AccountId>")
            if "*" in resource:
                if not statement.why_all:
                    raise ValueError(f"{statement.actions} on {resource} needs a reason")
                NagSuppressions.add_resource_suppressions(
                    self.role, [{"id": "AwsSolutions-IAM5", "reason": statement.why_all,
                                 "appliesTo": [f"Resource::{shown}"]}], apply_to_children=True)
