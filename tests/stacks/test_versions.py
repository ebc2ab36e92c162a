"""What a deployment leaves alone: executions that run, what they call, and what is kept when a stack ends."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.stacks.test_stack import ASL, of_type


def versions(resources: dict[str, Any]) -> dict[str, str]:
    """The logical id of each function's version, to that of its function."""
    return {name: item["Properties"]["FunctionName"]["Ref"] for name, item in resources.items()
            if item["Type"] == "AWS::Lambda::Version"}


def test_the_state_machine_calls_versions_and_nothing_else(resources: dict[str, Any]) -> None:
    machine, = of_type(resources, "AWS::StepFunctions::StateMachine")
    text = json.dumps(machine["DefinitionString"])
    given = {name: value for name, value in machine["DefinitionSubstitutions"].items() if name != "Topic"}
    assert {value["Ref"] for value in given.values()} <= set(versions(resources))
    assert set(re.findall(r"\$\{(\w+)\}", text)) == {*given, "Topic"}
    named = {item["FunctionName"] for item in of_type(resources, "AWS::Lambda::Function")}
    functions = json.loads(machine["DefinitionString"])["States"]["Open the incident"]["Assign"]["functions"]
    assert set(functions) == {name for name in named if re.search("-(source|action)-", name)}
    for state in json.dumps(ASL).split('"FunctionName": ')[1:]:
        # What is warmed beside the questions comes with its version, which the Map looks up.
        assert re.match(r'"(\$\{\w+Function\}|\{% \$lookup\(\$functions, |\{% \$states\.input\.warm \? '
                        r'\$states\.input\.function : \$lookup\(\$functions, )', state), state[:60]
    warming = [state["Items"] for state in ASL["States"].values() if "'warm': true" in state.get("Items", "")]
    assert len(warming) == 2 and all("$lookup($functions, $)" in items for items in warming)


def test_every_function_has_a_version_that_outlives_a_deployment_and_not_a_failed_one(
        resources: dict[str, Any]) -> None:
    functions = {name for name, item in resources.items() if item["Type"] == "AWS::Lambda::Function"}
    called = set(versions(resources).values())
    # Those that CDK itself adds, if any, are called by CloudFormation alone.
    assert functions == called
    for name in (*versions(resources), *(name for name, item in resources.items()
                                         if item["Type"] == "AWS::StepFunctions::StateMachineVersion")):
        assert (resources[name]["DeletionPolicy"], resources[name]["UpdateReplacePolicy"]) == (
            "RetainExceptOnCreate", "Retain"), name


def test_what_calls_from_outside_calls_the_alias_of_what_is_deployed(resources: dict[str, Any]) -> None:
    aliases = {name: item["Properties"] for name, item in resources.items() if item["Type"] == "AWS::Lambda::Alias"}
    assert {item["Name"] for item in aliases.values()} == {"live"}
    assert {item["Qualifier"] for item in of_type(resources, "AWS::Lambda::Url")} == {"live"}
    for mapping in of_type(resources, "AWS::Lambda::EventSourceMapping"):
        assert json.dumps(mapping["FunctionName"]).endswith('":live"]]}')
    machine_alias, = (name for name, item in resources.items()
                      if item["Type"] == "AWS::StepFunctions::StateMachineAlias")
    targets = [target["Arn"] for rule in of_type(resources, "AWS::Events::Rule") for target in rule["Targets"]]
    assert {"Fn::GetAtt": [machine_alias, "Arn"]} in targets
    for target in targets:
        assert target == {"Fn::GetAtt": [machine_alias, "Arn"]} or target.get("Ref") in aliases or (
            "sns" in json.dumps(target).lower() or "topic" in json.dumps(target).lower()), target


def test_roles_invoke_versions_of_functions_and_no_function_as_it_is_just_now(resources: dict[str, Any]) -> None:
    for policy in of_type(resources, "AWS::IAM::Policy"):
        for statement in policy["PolicyDocument"]["Statement"]:
            if "lambda:InvokeFunction" in json.dumps(statement["Action"]):
                listed = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
                # The heartbeat tries the sources as they were deployed last.
                for resource in () if "Heartbeat" in json.dumps(policy["Roles"]) else listed:
                    assert resource["Fn::Join"][1][1] == ":*", resource


def test_what_is_kept_has_a_name_that_no_later_stack_has(resources: dict[str, Any]) -> None:
    names = ("TableName", "BucketName", "LogGroupName", "AliasName", "Name")
    for name, item in resources.items():
        if item.get("DeletionPolicy", "").startswith("Retain") and "Version" not in item["Type"]:
            given = [item["Properties"][key] for key in names if key in item["Properties"]]
            assert all("AWS::StackId" in json.dumps(one) for one in given), name


def test_only_the_function_that_opens_and_rules_reads_the_settings_and_none_writes_them(
        resources: dict[str, Any]) -> None:
    readers = [policy for policy in of_type(resources, "AWS::IAM::Policy")
               if "appconfig:GetLatestConfiguration" in json.dumps(policy)]
    assert ["StepDecide" in json.dumps(policy["Roles"]) for policy in readers] == [True]
    for policy in of_type(resources, "AWS::IAM::Policy"):
        assert "appconfig:CreateHostedConfigurationVersion" not in json.dumps(policy) or (
            "switch" in json.dumps(policy["Roles"]).lower())
