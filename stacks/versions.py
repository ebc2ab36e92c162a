"""Versions of the functions and of the state machine: an execution ends on what it began with.

Each deployment publishes a version of each function (its code, its configuration and its environment) and a version of
the state machine whose definition names those. The alias ``live`` leads to the newest; a deployment moves it at its
end, so executions that run keep what they began with. Sources: the Lambda Developer Guide's pages "Manage Lambda
function versions" and "Using Lambda aliases in event sources and permissions policies" (a qualified ARN needs a right
of its own); the Step Functions Developer Guide's pages "State machine versions" and "Authorization for versions and
aliases" (rights are checked against the machine's unqualified ARN); CloudFormation's pages on
``AWS::StepFunctions::StateMachineVersion`` and "DeletionPolicy attribute" (``RetainExceptOnCreate``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from aws_cdk import Aws, CfnResource, Fn, RemovalPolicy
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from cdk_nag import NagSuppressions
from constructs import Construct, IConstruct

LIVE = "live"
"""The alias of what is deployed, of the state machine and of each function that is called from outside."""
KEPT = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
"""Kept by an update and by the stack's end, but not after a deployment that failed: a version that a failed deployment
left behind would make Lambda refuse to publish the same code again."""


class StateMachineVersion(Construct):
    """The published version of a state machine, and the alias that leads to it."""

    def __init__(self, scope: Construct, construct_id: str, *, machine: sfn.StateMachine) -> None:
        super().__init__(scope, construct_id)
        version = sfn.CfnStateMachineVersion(
            self, "Version", state_machine_arn=machine.state_machine_arn,
            # Another definition is another revision, which replaces this resource: that publishes the next version.
            state_machine_revision_id=machine.state_machine_revision_id)
        version.apply_removal_policy(KEPT)
        version.node.add_dependency(machine)
        alias = sfn.CfnStateMachineAlias(self, "Live", name=LIVE, routing_configuration=[
            sfn.CfnStateMachineAlias.RoutingConfigurationVersionProperty(
                state_machine_version_arn=version.attr_arn, weight=100)])
        self.arn = alias.attr_arn
        """ARN of the alias."""


def live_function(scope: Construct, function: lambda_.Function) -> lambda_.Alias:
    """Return the alias ``live`` of a function that is called from outside."""
    return lambda_.Alias(scope, "Live", alias_name=LIVE, version=function.current_version)


def version_arn(function: lambda_.Function) -> str:
    """Return the ARN of the version that this deployment publishes of a function."""
    return function.current_version.function_arn


def allow_versions(role: iam.IRole, functions: Sequence[lambda_.Function], named: IConstruct) -> None:
    """Let a role invoke all versions of functions, because it also serves what began before the newest.

    ``named`` is where the policy is.
    """
    role.add_to_principal_policy(iam.PolicyStatement(
        actions=["lambda:InvokeFunction"], resources=[f"{function.function_arn}:*" for function in functions]))
    NagSuppressions.add_resource_suppressions(named, [
        {"id": "AwsSolutions-IAM5", "appliesTo": [{"regex": "/^Resource::<.*\\.Arn>:\\*$/g"}],
         "reason": "The versions of these functions alone: what began before a deployment ends on its own version, "
                   "whose number is not known before."}], apply_to_children=True)


def keep_with_its_version(construct: IConstruct) -> None:
    """Keep a resource that belongs to one version of a function, as long as that version is there."""
    for resource in construct.node.find_all():
        if isinstance(resource, CfnResource):
            resource.apply_removal_policy(KEPT)


def start_live(rule: events.Rule, machine: StateMachineVersion) -> None:
    """Let a rule start the alias of its state machine.

    Its role's right stays on the machine's own ARN, against which Step Functions checks calls of aliases.
    """
    cast(events.CfnRule, rule.node.default_child).add_property_override("Targets.0.Arn", machine.arn)


def function_map(functions: Mapping[str, lambda_.Function]) -> tuple[dict[str, str], dict[str, str]]:
    """Return what the definition says of functions whose names come with its data, and the substitutions for that.

    The first maps each function's name to a placeholder, the second each placeholder's name to the version's ARN. So
    the versions of a deployment are part of the state machine's version, which nobody can change.
    """
    keys = {name: "".join(part.capitalize() for part in name.split("-")) for name in functions}
    return ({name: f"${{{keys[name]}}}" for name in sorted(functions)},
            {keys[name]: version_arn(function) for name, function in functions.items()})


def generated(name: str) -> str:
    """Return a name that no other stack of this account has, not even an earlier one that was called the same.

    What is kept when a stack ends would otherwise be in the way of the next one (a stack's id ends in a UUID).
    """
    return f"{name}-{Fn.select(0, Fn.split('-', Fn.select(2, Fn.split('/', Aws.STACK_ID))))}"
