"""A function of the responder: its code, a role with only the rights that it declares, and its log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from aws_cdk import Aws, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from cdk_nag import NagSuppressions
from constructs import Construct

from responder.model.service import Network
from responder.sources import Statement
from stacks.versions import KEPT, generated

_EC2 = "arn:{partition}:ec2:{region}:{account}:"


class Function(Construct):
    """One Lambda function with a role of its own."""

    def __init__(self, scope: Construct, construct_id: str, *, name: str, code: lambda_.Code, handler: str,
                 description: str, environment: Mapping[str, str], statements: Sequence[Statement] = (),
                 secrets: Sequence[str] = (), memory_mib: int = 512, timeout_seconds: int = 30,
                 network: Network | None = None, reserved: int | None = None, named: bool = False) -> None:
        super().__init__(scope, construct_id)
        self.name = name
        self.log = logs.LogGroup(self, "Log", log_group_name=generated(f"/aws/lambda/{name}"),
                                 retention=logs.RetentionDays.ONE_YEAR, removal_policy=KEPT)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
                             description=description, role_name=name if named else None)
        self.log.grant_write(self.role)
        for statement in statements:
            self._allow(statement)
        for secret in secrets:
            # Secrets Manager ends each ARN with six random characters; the name before them is exact.
            self._allow(Statement(("secretsmanager:GetSecretValue",),
                                  (f"arn:{{partition}}:secretsmanager:{{region}}:{{account}}:secret:{secret}-??????",)))
        attached = _attached(network) if network else ()
        for statement in attached:
            self._allow(statement)
        if attached:
            # Only Lambda itself may use them, not the code that runs as the function.
            self.role.add_to_policy(iam.PolicyStatement(
                effect=iam.Effect.DENY, actions=[action for item in attached for action in item.actions],
                resources=["*"], conditions={"ArnEquals": {"lambda:SourceFunctionArn": [_filled(
                    f"arn:{{partition}}:lambda:{{region}}:{{account}}:function:{name}{version}")
                    for version in ("", ":*")]}}))
        self.function = lambda_.Function(
            self, "Function", function_name=name, code=code, handler=handler, description=description,
            runtime=lambda_.Runtime.PYTHON_3_14, architecture=lambda_.Architecture.ARM_64, memory_size=memory_mib,
            timeout=Duration.seconds(timeout_seconds), role=self.role, log_group=self.log,
            environment={**environment, **(_proxied(network) if network else {})},
            reserved_concurrent_executions=reserved,
            current_version_options=lambda_.VersionOptions(removal_policy=KEPT))
        if network:
            # Lambda needs only the ids; CDK's own classes would need the VPC's zones as well.
            resource = cast(lambda_.CfnFunction, self.function.node.default_child)
            resource.vpc_config = lambda_.CfnFunction.VpcConfigProperty(
                subnet_ids=list(network.subnets), security_group_ids=list(network.security_groups))

    def _allow(self, statement: Statement) -> None:
        self.role.add_to_policy(iam.PolicyStatement(actions=list(statement.actions), resources=[
            _filled(resource) for resource in statement.resources]))
        for resource in statement.resources:
            shown = resource.format(partition="<AWS::Partition>", region="<AWS::Region>", account="<AWS::AccountId>")
            if "*" in resource:
                if not statement.why_all:
                    raise ValueError(f"{statement.actions} on {resource} needs a reason")
                NagSuppressions.add_resource_suppressions(
                    self.role, [{"id": "AwsSolutions-IAM5", "reason": statement.why_all,
                                 "appliesTo": [f"Resource::{shown}"]}], apply_to_children=True)


def _filled(arn: str) -> str:
    return arn.format(partition=Aws.PARTITION, region=Aws.REGION, account=Aws.ACCOUNT_ID)


def _proxied(network: Network) -> dict[str, str]:
    """Return the environment that leads a function's HTTPS through the network's proxy, but not to what is inside.

    boto3 and ``clients/wire.py`` read it. Source: the page "Using proxies" of botocore, and curl's of NO_PROXY.
    """
    if not network.proxy:
        return {}
    region = f"{Aws.REGION}.{Aws.URL_SUFFIX}"
    direct = ["localhost", "127.0.0.1", *network.inner, f".eks.{region}", f".{Aws.REGION}.eks.{Aws.URL_SUFFIX}",
              *(name for endpoint in network.endpoints for name in (f"{endpoint}.{region}", f".{endpoint}.{region}"))]
    return {"HTTPS_PROXY": network.proxy, "NO_PROXY": ",".join(direct)}


def _attached(network: Network) -> tuple[Statement, ...]:
    """The rights that Lambda needs to put the function into a VPC: AWSLambdaVPCAccessExecutionRole, narrowed.

    Source: AWS's page "Giving Lambda functions access to resources in an Amazon VPC", "Required IAM permissions" (also
    for the denial of them to the function's own code).
    """
    places = (*(f"{_EC2}subnet/{name}" for name in network.subnets),
              *(f"{_EC2}security-group/{name}" for name in network.security_groups))
    unknown = "Lambda makes the network interfaces and names them; which ones is not known before"
    return (
        Statement(("ec2:CreateNetworkInterface",), (*places, f"{_EC2}network-interface/*"), why_all=unknown),
        Statement(("ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"), (f"{_EC2}network-interface/*",),
                  why_all=unknown),
        Statement(("ec2:DeleteNetworkInterface",), (f"{_EC2}*/*",), why_all=(
            "Lambda refuses a role that may not delete in all of the account's resource ids, as its documentation "
            "says")),
        Statement(("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"), ("*",), why_all=(
            "EC2's Describe actions know no resources (Service Authorization Reference, Amazon EC2)")))
