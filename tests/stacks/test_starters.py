"""What else may start the responder, and that it may do nothing more."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk.assertions import Match, Template

from responder.model.service import OwnAlarm, Service, Starter, Starters, Tag
from stacks.deployment import Settings
from stacks.signals import Signals


def template(service: Service) -> Template:
    stack = Stack(App(), "S", env=Environment(account="000000000000", region="us-east-1"))
    machine = sfn.StateMachine(stack, "M", definition_body=sfn.DefinitionBody.from_chainable(sfn.Pass(stack, "P")))
    Signals(stack, "Signals", settings=Settings(), services=[service],
            code=lambda_.Code.from_inline("handler = None"), state_machine=machine,
            live="arn:aws:states:us-east-1:000000000000:stateMachine:M:live", dead_letters=sqs.Queue(stack, "Q"))
    return Template.from_stack(stack)


@pytest.fixture(scope="module")
def full() -> Template:
    from tests.conftest import shipped_service

    service = shipped_service()
    return template(replace(service, starters=Starters(Starter("own/pagerduty"), splunk=Starter("own/splunk")),
                            alarms=replace(service.alarms, own=(OwnAlarm(tag=Tag("team", "payments")),))))


def test_without_a_configured_system_there_is_no_address(service: Service) -> None:
    made = template(service)
    for kind in ("AWS::Lambda::Function", "AWS::Lambda::Url", "AWS::Events::Rule"):
        made.resource_count_is(kind, 0)


def test_they_may_start_the_state_machine_and_nothing_more(full: Template) -> None:
    allowed: dict[str, set[str]] = {}
    for name, item in full.find_resources("AWS::IAM::Policy").items():
        for statement in item["Properties"]["PolicyDocument"]["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            allowed.setdefault(name[:14], set()).update(actions)
            if "states:StartExecution" in actions:
                assert statement["Resource"]["Ref"].startswith("M"), statement
    logs = {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert allowed["SignalsOutside"] == logs | {"states:StartExecution", "secretsmanager:GetSecretValue"}
    assert allowed["SignalsTaggedR"] == logs | {"states:StartExecution", "cloudwatch:ListTagsForResource"}


def test_secrets_are_read_by_their_names_and_a_flood_is_bounded(full: Template) -> None:
    text = json.dumps(full.find_resources("AWS::IAM::Policy"))
    assert "secret:own/pagerduty-??????" in text and "secret:own/splunk-??????" in text
    full.has_resource_properties("AWS::Lambda::Function", {
        "FunctionName": "incident-response-signals", "ReservedConcurrentExecutions": 5,
        "Environment": {"Variables": {"STATE_MACHINE": Match.any_value()}}})
    # No secret is in the environment.
    assert "own/" not in json.dumps(full.find_resources("AWS::Lambda::Function"))


def test_only_alarms_of_others_are_asked_for_their_tags(full: Template) -> None:
    full.has_resource_properties("AWS::Events::Rule", {"EventPattern": {
        "account": [{"Ref": "AWS::AccountId"}], "detail": {
            "alarmName": [{"anything-but": {"prefix": "incident-response-"}}],
            "state": {"value": ["ALARM"]}}}})
