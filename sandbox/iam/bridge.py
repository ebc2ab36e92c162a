"""IAM between the responder's roles and the engine: every call is decided by the role's policies, and noted.

The engine evaluates what its own API is asked. Added here: the resources and condition keys that the action really has;
the stand-ins' calls; what the state machine's role and the roles of rules do, which the engine does for them without
asking.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from ministack.core import iam_actions
from ministack.core import iam_evaluator as engine
from ministack.core.iam_actions import identity_denial_message
from ministack.services import eventbridge, stepfunctions

from sandbox.iam.log import Log
from sandbox.iam.reference import authorized_on, known_keys
from sandbox.places import ACCOUNT, REGION

CALLS = Log()
_LOG = logging.getLogger("sandbox.iam")
_ENFORCE = engine.enforce


def enforced(caller: str, access_key: str, action: str, service: str, region: str, resource: str,
             keys: Mapping[str, Any]) -> Any:
    """Decide on a call of a function as the engine does, on the resource that the action knows; None: it is allowed.

    ``caller`` is the function's name.
    """
    (resource,) = authorized_on(action, (resource,))
    context = {**known_keys(action, keys), "lambda:SourceFunctionArn": (
        f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{caller}")}
    denied = _ENFORCE(access_key, action, service, region, resource_arn=resource, service_context=context)
    principal = engine.resolve_principal(access_key, ACCOUNT)
    policies = [] if isinstance(principal, engine.AuthError) else principal.policies or []
    _note(caller, action, resource, denied is None, policies, context)
    return denied


def refusal(enforce: Callable[..., Any], access_key: str, action: str, resources: list[str],
            keys: Mapping[str, Any]) -> str:
    """Say why the owner of an access key may not make a call of a stand-in; empty: it is allowed."""
    for resource in authorized_on(action, resources):
        denied = enforce(access_key, action, action.partition(":")[0], REGION, resource_arn=resource,
                         service_context=dict(keys))
        if isinstance(denied, engine.AuthError):
            return str(denied.message)
        if denied:
            return str(identity_denial_message(action, denied.principal_arn, resource, denied.decision == "Deny"))
    return ""


def role_may(role_arn: str, caller: str, action: str, resource: str) -> str:
    """Say why a role that a service assumes may not do something; empty: it may. The call is noted."""
    role = role_arn.rpartition("/")[2]
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{caller}"
    policies = engine._gather_role_policies(role, ACCOUNT)
    from ministack.services import iam

    context = engine.EvalContext(arn, "AssumedRole", ACCOUNT, action, resource, REGION)
    verdict = engine.evaluate(context, policies, *engine._permissions_boundary(iam._roles, role, ACCOUNT))
    _note(caller, action, resource, verdict.decision == "Allow", policies, {})
    return "" if verdict.decision == "Allow" else str(
        identity_denial_message(action, arn, resource, verdict.decision == "Deny"))


def _note(caller: str, action: str, resource: str, allowed: bool, policies: list[list[Any]],
          keys: Mapping[str, Any]) -> None:
    context = engine.EvalContext("", "AssumedRole", ACCOUNT, action, resource, REGION, service_context={
        key.lower(): value for key, value in keys.items()})
    by = engine._first_match(context, [item for policy in policies for item in policy], "Allow") if allowed else None
    listed = by.resources if by else []
    CALLS.note(caller, action, next((item for item in listed if engine.fnmatch_iam_cs(resource, item)), resource),
               allowed)
    if not allowed:
        _LOG.warning("IAM refuses %s: %s on %s", caller, action, resource)


_ROLE: ContextVar[str] = ContextVar("the role of the execution", default="")
_MACHINE: ContextVar[str] = ContextVar("the state machine of the execution", default="")
_TOKENS: dict[str, str] = {}
"""Task token to the state machine that waits for it."""


def bind_the_state_machine() -> None:
    """The engine invokes functions and publishes for a state machine without asking what its role may do.

    Errors: Lambda's and SNS's refusals as a task's error names (AWS: "Handling errors in Step Functions workflows").
    """
    task, call, publish = (stepfunctions._execute_task, stepfunctions._call_lambda, stepfunctions._invoke_sns_publish)

    def executed(state: Any, given: Any, execution: Any, context: Any) -> Any:
        started = execution["events"][0].get("executionStartedEventDetails", {})
        role, machine = _ROLE.set(started.get("roleArn", "")), _MACHINE.set(execution.get("stateMachineArn", ""))
        try:
            return task(state, given, execution, context)
        finally:
            _ROLE.reset(role)
            _MACHINE.reset(machine)

    def called(function: str, event: Any) -> Any:
        arn = function if function.startswith("arn:") else f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"
        _check("lambda:InvokeFunction", arn, "Lambda.AWSLambdaException")
        return call(function, event)

    def published(resource: Any, given: Any) -> Any:
        _check("sns:Publish", given.get("TopicArn", "*"), "SNS.AuthorizationErrorException")
        return publish(resource, given)

    stepfunctions._execute_task, stepfunctions._call_lambda = executed, called
    stepfunctions._invoke_sns_publish = published
    stepfunctions._SERVICE_DISPATCH["arn:aws:states:::sns:publish"] = published


def bind_task_tokens() -> None:
    """For a task token the engine knows no resource; on AWS it is the state machine that waits for it.

    Source: AWS's page "Creating granular permissions for non-admin users in Step Functions".
    """
    extract, wait = iam_actions.extract_resource_arn, stepfunctions._invoke_with_callback

    def waited(resource: Any, given: Any, token: str, state: Any) -> Any:
        _TOKENS[token] = _MACHINE.get()
        return wait(resource, given, token, state)

    def extracted(service: str, method: str, path: str, headers: dict[str, str], body: bytes, *given: Any) -> str:
        if service == "states" and ".SendTask" in headers.get("x-amz-target", ""):
            return _TOKENS.get(json.loads(body or b"{}").get("taskToken", "")) or "*"
        return str(extract(service, method, path, headers, body, *given))

    stepfunctions._invoke_with_callback, iam_actions.extract_resource_arn = waited, extracted


def bind_the_rules() -> None:
    """The engine starts executions for a rule without asking what the target's role may do."""
    invoke = eventbridge._invoke_target

    def invoked(target: Any, event: Any, rule: Any, view: Any = None) -> None:
        arn = target.get("Arn", "")
        # EventBridge retries for as long as the target says, and then gives up: here the event is given up at once.
        # A version or an alias is checked by its state machine's own ARN (Step Functions Developer Guide,
        # "Authorization for versions and aliases").
        if arn.startswith("arn:aws:states:") and role_may(
                target.get("RoleArn", ""), "events", "states:StartExecution", ":".join(arn.split(":")[:7])):
            return
        invoke(target, event, rule, view)

    eventbridge._invoke_target = invoked


def _check(action: str, resource: str, error: str) -> None:
    role = _ROLE.get()
    if role and (why := role_may(role, "states", action, resource)):
        raise stepfunctions._ExecutionError(error, why)
