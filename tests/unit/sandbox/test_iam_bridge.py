"""The engine asks IAM for what functions, the state machine and rules do, and keeps what they asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.core import iam_actions, iam_evaluator
from ministack.services import eventbridge, iam, stepfunctions, sts

from sandbox.iam import bridge, log
from sandbox.places import ACCOUNT

KEY, ROLE = "ASIATRYTRYTRYTRYTRY1", f"arn:aws:iam::{ACCOUNT}:role/tried"
DB = f"arn:aws:rds:us-east-1:{ACCOUNT}:db:payments-db"
MACHINE = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:plan"


@pytest.fixture
def may(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Gives the role its statements; the engine then knows a session of it."""
    monkeypatch.setattr(iam_evaluator, "authenticate", lambda access_key, account: None)
    sts.register_session(KEY, {"Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/tried/function", "UserId": "tried:function",
                               "SecretAccessKey": "s", "SessionToken": "t"})

    def given(*statements: tuple[str, str]) -> None:
        iam._roles["tried"] = {"RoleName": "tried", "Arn": ROLE, "AttachedPolicies": [], "InlinePolicies": {
            "own": json.dumps({"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in statements]})}}

    bridge.CALLS.take()
    yield given
    iam._roles.pop("tried", None)
    bridge.CALLS.take()


def asked(action: str, resource: str) -> Any:
    return bridge.enforced("function", KEY, action, "rds", "us-east-1", resource, {})


def test_a_function_s_call_is_decided_on_the_resource_that_the_action_knows(may: Any) -> None:
    may(("rds:DescribeEvents", DB), ("rds:RebootDBInstance", DB))
    assert asked("rds:DescribeEvents", DB).decision == "ImplicitDeny" and asked("rds:RebootDBInstance", DB) is None
    may(("rds:DescribeEvents", "*"))
    assert asked("rds:DescribeEvents", DB) is None and asked("rds:RebootDBInstance", DB) is not None
    made = bridge.CALLS.take()
    assert [(one.action, one.resource, one.allowed, one.count) for one in made] == [
        ("rds:DescribeEvents", "*", False, 1), ("rds:DescribeEvents", "*", True, 1),
        ("rds:RebootDBInstance", DB, False, 1), ("rds:RebootDBInstance", DB, True, 1)]
    assert log.decode(log.encode(made)) == made and log.encode(made) == log.encode(reversed(made))


def test_a_stand_in_is_told_why(may: Any) -> None:
    def enforce(key: str, action: str, service: str, region: str, **more: Any) -> Any:
        return bridge.enforced("function", key, action, service, region, more["resource_arn"], more["service_context"])

    may(("rds:RebootDBInstance", DB))
    assert bridge.refusal(enforce, KEY, "rds:RebootDBInstance", [DB], {}) == ""
    why = bridge.refusal(enforce, KEY, "rds:DescribeEvents", [DB], {})
    assert "not authorized to perform: rds:DescribeEvents on resource: *" in why and "tried/function" in why


def test_the_state_machine_invokes_and_publishes_by_its_role(may: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(stepfunctions, "_call_lambda", lambda function, event: done.append(function))
    monkeypatch.setattr(stepfunctions, "_invoke_sns_publish", lambda resource, given: done.append(given["TopicArn"]))
    monkeypatch.setattr(stepfunctions, "_SERVICE_DISPATCH", dict(stepfunctions._SERVICE_DISPATCH))
    monkeypatch.setattr(stepfunctions, "_execute_task", lambda state, given, execution, context: (
        stepfunctions._call_lambda(state["function"], {}) if "function" in state
        else stepfunctions._invoke_sns_publish("", state)))
    bridge.bind_the_state_machine()
    execution = {"events": [{"executionStartedEventDetails": {"roleArn": ROLE}}]}
    may(("lambda:InvokeFunction", f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:one"))
    stepfunctions._execute_task({"function": "one"}, {}, execution, {})
    for state, error in (({"function": "two"}, "Lambda.AWSLambdaException"),
                         ({"TopicArn": "arn:aws:sns:us-east-1:1:t"}, "SNS.AuthorizationErrorException")):
        with pytest.raises(stepfunctions._ExecutionError) as raised:
            stepfunctions._execute_task(state, {}, execution, {})
        assert raised.value.error == error and "is not authorized to perform" in raised.value.cause
    assert done == ["one"]
    assert {(one.caller, one.allowed) for one in bridge.CALLS.take()} == {("states", True), ("states", False)}


def test_a_rule_starts_executions_by_its_target_s_role(may: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    monkeypatch.setattr(eventbridge, "_invoke_target", lambda target, event, rule, view: started.append(target["Arn"]))
    bridge.bind_the_rules()
    may(("states:StartExecution", f"{MACHINE}-of-another"))
    eventbridge._invoke_target({"Arn": MACHINE, "RoleArn": ROLE}, {}, {})
    assert started == []
    may(("states:StartExecution", MACHINE))
    eventbridge._invoke_target({"Arn": MACHINE, "RoleArn": ROLE}, {}, {})
    eventbridge._invoke_target({"Arn": "arn:aws:lambda:us-east-1:1:function:f"}, {}, {})
    assert started == [MACHINE, "arn:aws:lambda:us-east-1:1:function:f"]


def test_an_answer_to_a_task_is_about_the_state_machine_that_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    target, asked = {"x-amz-target": "AWSStepFunctions.SendTaskSuccess"}, []
    monkeypatch.setattr(iam_actions, "extract_resource_arn", lambda *given: "of the engine")
    monkeypatch.setattr(stepfunctions, "_call_lambda", lambda function, event: None)
    monkeypatch.setattr(stepfunctions, "_SERVICE_DISPATCH", dict(stepfunctions._SERVICE_DISPATCH))
    monkeypatch.setattr(stepfunctions, "_invoke_sns_publish", stepfunctions._invoke_sns_publish)
    monkeypatch.setattr(stepfunctions, "_execute_task", lambda state, given, execution, context: (
        stepfunctions._invoke_with_callback("", {}, "token", state)))

    def about(token: str, headers: dict[str, str] = target) -> str:
        body = json.dumps({"taskToken": token}).encode()
        return str(iam_actions.extract_resource_arn("states", "POST", "/", headers, body, {}, "us-east-1", ACCOUNT))

    monkeypatch.setattr(stepfunctions, "_invoke_with_callback", lambda *given: asked.append(about("token")))
    bridge.bind_the_state_machine()
    bridge.bind_task_tokens()
    stepfunctions._execute_task({}, {}, {"events": [{}], "stateMachineArn": MACHINE}, {})
    assert (asked, about("another"), about("token", {})) == ([MACHINE], "*", "of the engine")
