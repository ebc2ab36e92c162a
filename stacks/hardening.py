"""What a deployment's settings ask of all its roles, log groups, queues and functions, wherever they are made.

Sources: AWS's pages "Permissions boundaries for IAM entities", "Encrypt log data in CloudWatch Logs using AWS Key
Management Service", "Securing Lambda environment variables", "Data at rest encryption in Step Functions", and "Using
dead-letter queues to process undelivered events in EventBridge" (the statement for an encrypted queue).
"""

from __future__ import annotations

from typing import cast

import jsii
from aws_cdk import Aspects, Aws, IAspect, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import IConstruct

from stacks.deployment import Settings
from stacks.function import Function

_REUSE_SECONDS = 300
"""How long Step Functions uses one data key, so that not each state is a call of KMS."""


def harden(stack: Stack, settings: Settings, key: kms.Key) -> None:
    """Apply the settings to everything that the stack has by now: to be called last."""
    if settings.permissions_boundary:
        iam.PermissionsBoundary.of(stack).apply(iam.ManagedPolicy.from_managed_policy_arn(
            stack, "Boundary", boundary_arn(settings)))
    if settings.role_path != "/":
        Aspects.of(stack).add(_Path(settings.role_path))
    if settings.keys.logs:
        _logs(stack, settings, key)
    if settings.keys.queues:
        _queues(stack, key)
    if settings.keys.environment:
        for node in stack.node.find_all():
            if isinstance(node, Function):
                cast(lambda_.CfnFunction, node.function.node.default_child).kms_key_arn = key.key_arn
                key.grant_decrypt(node.role)
    if settings.keys.execution_data:
        _execution_data(stack, key)


@jsii.implements(IAspect)
class _Path:
    """Puts roles and policies below a path; an aspect, because CDK splits long policies as late as in the synthesis."""

    def __init__(self, path: str) -> None:
        self._path = path

    def visit(self, node: IConstruct) -> None:
        """Set the path of a role or a managed policy."""
        if isinstance(node, iam.CfnRole | iam.CfnManagedPolicy):
            node.add_property_override("Path", self._path)


def boundary_arn(settings: Settings) -> str:
    """Return the ARN of the permissions boundary; of a policy of this account where only its name is given."""
    given = settings.permissions_boundary
    return given if given.startswith("arn:") else f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:policy/{given}"


def _logs(stack: Stack, settings: Settings, key: kms.Key) -> None:
    groups = [f"arn:{Aws.PARTITION}:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:log-group:{name}" for name in (
        f"/aws/lambda/{settings.prefix}-*", f"/aws/vendedlogs/states/{settings.prefix}")]
    key.add_to_resource_policy(iam.PolicyStatement(
        principals=[iam.ServicePrincipal(f"logs.{Aws.REGION}.{Aws.URL_SUFFIX}")],
        actions=["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
        resources=["*"], conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}}))
    for node in stack.node.find_all():
        if isinstance(node, logs.CfnLogGroup):
            node.kms_key_id = key.key_arn
            # The key's policy has to name CloudWatch Logs before a group can use the key.
            node.node.add_dependency(key)


def _queues(stack: Stack, key: kms.Key) -> None:
    rules = f"arn:{Aws.PARTITION}:events:{Aws.REGION}:{Aws.ACCOUNT_ID}:rule/*"
    key.add_to_resource_policy(iam.PolicyStatement(
        principals=[iam.ServicePrincipal("events.amazonaws.com")], actions=["kms:Decrypt", "kms:GenerateDataKey"],
        resources=["*"], conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                                     "ArnLike": {"aws:SourceArn": rules}}))
    for node in stack.node.find_all():
        if isinstance(node, sqs.CfnQueue):
            node.sqs_managed_sse_enabled = None
            node.kms_master_key_id = key.key_arn


def _execution_data(stack: Stack, key: kms.Key) -> None:
    for node in stack.node.find_all():
        if isinstance(node, sfn.StateMachine):
            cast(sfn.CfnStateMachine, node.node.default_child).encryption_configuration = (
                sfn.CfnStateMachine.EncryptionConfigurationProperty(
                    type="CUSTOMER_MANAGED_KMS_KEY", kms_key_id=key.key_arn,
                    kms_data_key_reuse_period_seconds=_REUSE_SECONDS))
            key.grant_encrypt_decrypt(node.role)
