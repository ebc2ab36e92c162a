"""Upgrades on the embedded cloud, by the deployment's own parts: versions, a first deployment that fails, kept records.
"""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from aws_cdk import App, Duration, Environment, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from botocore.exceptions import ClientError, WaiterError

from responder.model.service import Service
from sandbox.places import ACCOUNT, REGION
from stacks import adopt, settings
from stacks.deployed import Place, Refused
from stacks.deployment import Settings
from stacks.function import Function
from stacks.records import Records
from stacks.settings import SettingsStore, metadata
from stacks.versions import StateMachineVersion, allow_versions, function_map, start_live
from tests.conftest import ROOT, shipped_service
from tests.engine import running

_PLAN = {"QueryLanguage": "JSONata", "StartAt": "Begin", "States": {
    "Begin": {"Type": "Pass", "Assign": {}, "Next": "Wait"},
    "Wait": {"Type": "Wait", "Seconds": 6, "Next": "Ask"},
    "Ask": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": {
        "FunctionName": "{% $lookup($functions, 'asked') %}", "Payload": {}},
        "Output": {"said": "{% $states.result.Payload %}", "plan": ""}, "End": True}}}


class Cloud:
    """The engine's APIs."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.stacks, self.machines = self.client("cloudformation"), self.client("stepfunctions")

    def client(self, service: str) -> Any:
        return boto3.client(service, endpoint_url=self._address, region_name=REGION, aws_access_key_id="test",
                            aws_secret_access_key="test")

    def deploy(self, name: str, template: dict[str, Any], update: bool = False) -> None:
        getattr(self.stacks, "update_stack" if update else "create_stack")(
            StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_NAMED_IAM"])
        self._wait(name, "stack_update_complete" if update else "stack_create_complete")

    def destroy(self, name: str) -> None:
        self.stacks.delete_stack(StackName=name)
        self._wait(name, "stack_delete_complete")

    def _wait(self, name: str, what: str) -> None:
        self.stacks.get_waiter(what).wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})

    def outputs(self, name: str) -> dict[str, str]:
        return {item["OutputKey"]: item["OutputValue"]
                for item in self.stacks.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]}

    def resource(self, name: str, kind: str) -> str:
        found: str = next(item["PhysicalResourceId"] for item in self.stacks.describe_stack_resources(StackName=name)[
            "StackResources"] if item["ResourceType"] == kind)
        return found


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with running() as address:
        yield Cloud(address)


def deployment(code: str, mode: str, plan: str) -> dict[str, Any]:
    """A deployment in small: one function by name, a state machine that asks it, and a rule that starts it."""
    stack = Stack(App(), "Upgraded")
    asked = Function(stack, "Asked", name="asked", handler="index.handler", description="Says what it is",
                     code=lambda_.Code.from_inline(code), environment={"MODE": mode})
    definition = json.loads(json.dumps(_PLAN))
    definition["States"]["Begin"]["Assign"]["functions"], versions = function_map({asked.name: asked.function})
    definition["States"]["Ask"]["Output"]["plan"] = plan
    machine = sfn.StateMachine(stack, "Plan", state_machine_name="upgraded", definition_substitutions=versions,
                               definition_body=sfn.DefinitionBody.from_string(json.dumps(definition)))
    allow_versions(machine.role, [asked.function], machine)
    rule = events.Rule(stack, "Rule", event_pattern=events.EventPattern(source=["test.upgrade"]),
                       targets=[targets.SfnStateMachine(machine, max_event_age=Duration.hours(1))])
    start_live(rule, StateMachineVersion(stack, "Deployed", machine=machine))
    found: dict[str, Any] = stack.node.root.synth().get_stack_by_name("Upgraded").template  # type: ignore[attr-defined]
    return without_bootstrap(found)


def without_bootstrap(template: dict[str, Any]) -> dict[str, Any]:
    """The template without the parameter and the rule by which CDK checks that an account is bootstrapped."""
    return {key: value for key, value in template.items() if key not in ("Parameters", "Rules")}


CODE = "import os\ndef handler(event, context):\n    return {'code': '%s', 'mode': os.environ['MODE']}\n"


def ended(cloud: Cloud, execution: str) -> dict[str, Any]:
    """What an execution returned, and what it ran."""
    for _ in range(60):
        found: dict[str, Any] = cloud.machines.describe_execution(executionArn=execution)
        if found["status"] != "RUNNING":
            assert found["status"] == "SUCCEEDED", found
            return found
        time.sleep(0.5)
    raise AssertionError(execution)


def test_an_execution_ends_on_what_it_began_with_and_the_next_one_uses_what_is_new(cloud: Cloud) -> None:
    cloud.deploy("Upgraded", deployment(CODE % "old", "auto", "old plan"))
    cloud.client("events").put_events(Entries=[{"Source": "test.upgrade", "DetailType": "x", "Detail": "{}"}])
    machine = cloud.resource("Upgraded", "AWS::StepFunctions::StateMachine")
    first = next(item["executionArn"] for item in cloud.machines.list_executions(stateMachineArn=machine)["executions"])
    cloud.deploy("Upgraded", deployment(CODE % "new", "observe", "new plan"), update=True)
    second = cloud.machines.start_execution(stateMachineArn=f"{machine}:live")["executionArn"]
    assert cloud.machines.describe_execution(executionArn=first)["status"] == "RUNNING"
    old, new = ended(cloud, first), ended(cloud, second)
    assert json.loads(old["output"]) == {"said": {"code": "old", "mode": "auto"}, "plan": "old plan"}
    assert json.loads(new["output"]) == {"said": {"code": "new", "mode": "observe"}, "plan": "new plan"}
    assert [found["stateMachineVersionArn"].rpartition(":")[2] for found in (old, new)] == ["1", "2"]
    # Where a deployment was wrong, the alias is put back: both versions, and the functions' own, are still there.
    cloud.machines.update_state_machine_alias(stateMachineAliasArn=f"{machine}:live", routingConfiguration=[
        {"stateMachineVersionArn": f"{machine}:1", "weight": 100}])
    again = cloud.machines.start_execution(stateMachineArn=f"{machine}:live")["executionArn"]
    assert json.loads(ended(cloud, again)["output"])["said"] == {"code": "old", "mode": "auto"}
    cloud.destroy("Upgraded")


def kept_records(broken: bool = False) -> dict[str, Any]:
    """The storage and a function's log; ``broken``: with a resource that cannot be made."""
    stack = Stack(App(), "Kept", env=Environment(account=ACCOUNT, region=REGION))
    records = Records(stack, "Records", settings=Settings(), emails=[])
    Function(stack, "Asked", name="kept", handler="index.handler", description="Has a log",
             code=lambda_.Code.from_inline(CODE % "x"), environment={"TABLE": records.table.table_name})
    template = without_bootstrap(stack.node.root.synth().get_stack_by_name("Kept").template)  # type: ignore[attr-defined]
    if broken:
        template["Resources"]["Broken"] = {"Type": "AWS::Lambda::Function", "DependsOn": list(template["Resources"]),
                                           "Properties": {"FunctionName": "broken", "Layers": ["no layer"],
                                                          "Role": "arn:aws:iam::000000000000:role/none"}}
    return template


def log_groups(cloud: Cloud) -> list[str]:
    found = cloud.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/kept")["logGroups"]
    return [item["logGroupName"] for item in found]


def test_a_first_deployment_that_failed_can_be_repeated(cloud: Cloud) -> None:
    with pytest.raises(WaiterError):
        cloud.deploy("Kept", kept_records(broken=True))
    assert cloud.stacks.describe_stacks(StackName="Kept")["Stacks"][0]["StackStatus"] == "ROLLBACK_COMPLETE"
    assert log_groups(cloud) == []
    cloud.destroy("Kept")  # as `cdk deploy` does by itself
    cloud.deploy("Kept", kept_records())
    assert len(log_groups(cloud)) == 1


def test_the_records_outlive_their_stack_and_the_next_one_has_them(cloud: Cloud) -> None:
    """It goes on from the deployment of the test above."""
    template = kept_records()
    physical = {item["LogicalResourceId"]: item["PhysicalResourceId"]
                for item in cloud.stacks.describe_stack_resources(StackName="Kept")["StackResources"]}
    named = {name: physical[name] for name in adopt.kept(template)}
    assert len(named) == 4
    table = next(name for logical, name in named.items() if logical.startswith("RecordsTimeline"))
    item = {"pk": {"S": "INCIDENT#a"}, "sk": {"S": "META"}}
    cloud.client("dynamodb").put_item(TableName=table, Item=item)
    cloud.destroy("Kept")
    assert len(log_groups(cloud)) == 1
    with pytest.raises(adopt.NotAdopted, match="nothing was named for RecordsReports"):
        adopt.adopt(cloud.stacks, "Kept", template, {name: value for name, value in named.items()
                                                     if not name.startswith("RecordsReports")})
    adopt.adopt(cloud.stacks, "Kept", template, named)
    cloud.deploy("Kept", template, update=True)
    after = {item["LogicalResourceId"]: item["PhysicalResourceId"]
             for item in cloud.stacks.describe_stack_resources(StackName="Kept")["StackResources"]}
    assert {name: after[name] for name in named} == named
    assert cloud.client("dynamodb").get_item(TableName=table, Key=item)["Item"] == item
    assert len(log_groups(cloud)) == 2


def test_the_engine_refuses_a_log_group_that_is_there_already_as_aws_does(cloud: Cloud) -> None:
    cloud.client("logs").create_log_group(logGroupName="taken")
    with pytest.raises(WaiterError):
        cloud.deploy("Taken", {"Resources": {"Log": {"Type": "AWS::Logs::LogGroup",
                                                     "Properties": {"LogGroupName": "taken"}}}})
    with pytest.raises(ClientError):
        cloud.machines.start_execution(stateMachineArn="arn:aws:states:us-east-1:000000000000:stateMachine:no:live")


_READER = """
import os
from responder.clients import settings
def handler(event, context):
    found = settings.read(os.environ["SETTINGS"], event["service"])
    return {"version": found.version, "text": found.text}
"""


def settings_stack(service: Service, code: lambda_.Code) -> dict[str, Any]:
    """The store of one service's settings, and a function that reads them as the responder does, with its rights."""
    stack = Stack(App(), "IncidentResponse")
    stack.template_options.metadata = metadata([service])
    store = SettingsStore(stack, "Settings", prefix="incident-response", services=[service])
    reader = Function(stack, "Reader", name="reader", handler="reader.handler", description="Reads the settings",
                      code=code, environment={})
    store.grant_read(reader)
    found: dict[str, Any] = stack.node.root.synth().get_stack_by_name(  # type: ignore[attr-defined]
        "IncidentResponse").template
    return without_bootstrap(found)


def test_settings_are_deployed_as_data_and_what_needs_a_deployment_is_refused(cloud: Cloud, tmp_path: Path) -> None:
    shipped = (ROOT / "config" / "payment-gateway.yaml").read_text()
    cloud.client("s3").create_bucket(Bucket="code")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("reader.py", _READER)
        for path in (ROOT / "lambdas" / "responder").rglob("*.py"):
            file.write(path, str(path.relative_to(ROOT / "lambdas")))
    cloud.client("s3").put_object(Bucket="code", Key="code.zip", Body=archive.getvalue())
    code = lambda_.Code.from_bucket(s3.Bucket.from_bucket_name(Stack(App(), "Other"), "Code", "code"), "code.zip")
    service = shipped_service()

    def read() -> dict[str, Any]:
        answer = cloud.client("lambda").invoke(FunctionName="reader", Payload=json.dumps({"service": service.service}))
        found: dict[str, Any] = json.loads(answer["Payload"].read())
        assert "text" in found, found
        return {**found, "settings": json.loads(found["text"])}

    def deploy(old: str, new: str) -> list[str]:
        assert old in shipped
        (tmp_path / "payment-gateway.yaml").write_text(shipped.replace(old, new, 1))
        said: list[str] = []
        settings.change(tmp_path / "payment-gateway.yaml", cloud.client, said.append)
        return said

    cloud.deploy("IncidentResponse", settings_stack(service, code))
    assert read()["settings"]["mode"] == "observe"
    assert re.fullmatch("[0-9a-f]{8}", read()["version"])
    assert deploy("description", "description") == ["payment-gateway: nothing differs from configuration 1"]
    for old, new, needed in (("name: payments   ", "name: others   ", "cluster.name"),
                             ("latency_p95_ms: 1500", "latency_p95_ms: 1501", "alarms.latency_p95_ms")):
        with pytest.raises(Refused, match=f"needs a deployment: {needed}"):
            deploy(old, new)
    said = deploy("mode: observe", "mode: approve")
    assert said[0] == 'mode: "observe" → "approve"'
    assert re.fullmatch(r"2 of [\d-]+T[\d:]+Z", read()["version"])
    assert read()["settings"]["mode"] == "approve"
    # Nobody else gets past the schema either: a version that does not fit it is never deployed.
    place = Place(cloud.client("appconfig"), "incident-response", service.service)
    with pytest.raises(ClientError, match="JSON Schema"):
        place.deploy('{"mode": "atuo"}')
    assert read()["settings"]["mode"] == "approve"
    # The next deployment of code with other settings brings them with it.
    cloud.deploy("IncidentResponse", settings_stack(replace(service, mode="auto"), code), update=True)
    assert read()["settings"]["mode"] == "auto"
