"""One deployment with every setting, in another partition, whose second service is in another account and Region."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from aws_cdk import App, Environment
from aws_cdk.assertions import Template

from responder.model.service import Service
from stacks.configuration import read_folder
from stacks.deployment import Keys, Settings
from stacks.elsewhere import unfit
from stacks.incident_response import IncidentResponse
from stacks.member import Member
from stacks.network import ENDPOINTS, GATEWAYS, needs
from tests.conftest import ROOT

HOME, THEIRS = "111111111111", "222222222222"
SETTINGS = Settings("stage", "platform-boundary", "/platform/", Keys(True, True, True, True))
Object = dict[str, Any]


def two(partition: str, region: str) -> list[Service]:
    """The shipped service with all functions inside, and a second one in another account, Region and network.

    The second has neither payments of its own nor switches nor further dependencies: what it cannot use is not
    deployed.
    """
    shipped, = read_folder(ROOT / "config")
    assert shipped.network
    first = replace(shipped, prefix="stage", network=replace(shipped.network, functions=("all",)))
    second = replace(first, service="shop", payments=None, switches=(), dependencies=())
    return [first, replace(second, cluster=replace(first.cluster, name="shop"), network=replace(
        shipped.network, name="shop", functions=("cluster",), subnets=("subnet-0000000000000000a",)), aws=replace(
        first.aws, role_arn=f"arn:{partition}:iam::{THEIRS}:role/ops/ir-shop", external_id="x-1", region=region))]


def synthesized(partition: str, region: str, other: str) -> tuple[Object, Object]:
    """Return the templates at home and where the second service is."""
    app, services = App(), two(partition, other)
    home = IncidentResponse(app, SETTINGS.stack_name, services=services, settings=SETTINGS, build=ROOT / ".build",
                            env=Environment(account=HOME, region=region))
    member = Member(app, "Stage-shop", service=services[1], services=services, settings=SETTINGS, home_account=HOME,
                    home_region=region, env=Environment(account=THEIRS, region=other))
    return Template.from_stack(home).to_json(), Template.from_stack(member).to_json()


@pytest.fixture(scope="module")
def china() -> tuple[Object, Object]:
    return synthesized("aws-cn", "cn-north-1", "cn-northwest-1")


@pytest.fixture(scope="module")
def home(china: tuple[Object, Object]) -> Object:
    return china[0]


@pytest.fixture(scope="module")
def there(china: tuple[Object, Object]) -> Object:
    return china[1]


def of_type(template: Object, kind: str) -> dict[str, Object]:
    return {name: item["Properties"] for name, item in template["Resources"].items() if item["Type"] == kind}


def foreign(template: Object, suffix: str) -> set[str]:
    """Texts that are of the commercial partition alone, besides the names of service principals."""
    text = re.sub(r'"(?:Service|Principal)": ?(\[[^\]]*\]|"[a-z.-]+\.amazonaws\.com")', "", json.dumps(template))
    # CDK's own condition for secrets; each role that reads one may use the key without it.
    text = re.sub(r'"kms:ViaService": ?"secretsmanager\.[a-z0-9.-]+"', "", text)
    # Hosts and certificates of the shipped configuration are what somebody wrote there.
    text = text.replace('\\"', '"')
    for written in ("payments-db.abc123.us-east-1.rds.amazonaws.com", "sqs.us-east-1.amazonaws.com",
                    "payments-tokens.abc123.ng.0001.use1.cache.amazonaws.com",
                    "arn:aws:acm:us-east-1:123456789012:certificate/6c1d6f4e-0000-4000-8000-000000000001"):
        text = text.replace(written, "")
    return {*re.findall(r"arn:aws:[^\"]*", text),
            *re.findall(rf"[\w.-]+\.amazonaws\.com(?!{re.escape(suffix)})\b", text)}


def test_nothing_names_the_commercial_partition_in_china(home: Object, there: Object) -> None:
    assert foreign(home, ".cn") == foreign(there, ".cn") == set()
    machine, = of_type(home, "AWS::StepFunctions::StateMachine").values()
    assert "arn:aws-cn:states:::lambda:invoke" in json.dumps(machine)


def test_every_name_begins_with_the_prefix(home: Object) -> None:
    names = {properties[field] for kind, field in (
        ("AWS::Lambda::Function", "FunctionName"), ("AWS::IAM::ManagedPolicy", "ManagedPolicyName"),
        ("AWS::CloudWatch::Alarm", "AlarmName"), ("AWS::StepFunctions::StateMachine", "StateMachineName"))
        for properties in of_type(home, kind).values() if field in properties}
    assert names and all(name.startswith("stage") for name in names)
    assert "incident-response" not in json.dumps([
        properties for kind in ("AWS::Lambda::Function", "AWS::IAM::Policy", "AWS::Logs::LogGroup")
        for properties in of_type(home, kind).values()]).replace("secret:incident-response/", "")


def test_boundary_path_and_keys_hold_for_each_resource(home: Object) -> None:
    roles = of_type(home, "AWS::IAM::Role")
    assert roles and all("policy/platform-boundary" in json.dumps(role["PermissionsBoundary"])
                         and role["Path"] == "/platform/" for role in roles.values())
    assert all(item["Path"] == "/platform/" for item in of_type(home, "AWS::IAM::ManagedPolicy").values())
    for kind, field in (("AWS::Logs::LogGroup", "KmsKeyId"), ("AWS::SQS::Queue", "KmsMasterKeyId"),
                        ("AWS::Lambda::Function", "KmsKeyArn"),
                        ("AWS::StepFunctions::StateMachine", "EncryptionConfiguration")):
        assert of_type(home, kind) and all("RecordsKey" in json.dumps(item[field])
                                           for item in of_type(home, kind).values()), kind


def test_what_a_function_in_a_network_may_call_is_what_the_network_is_said_to_need(home: Object) -> None:
    """The list is made of declarations; the template's own statements must not know more."""
    policies = of_type(home, "AWS::IAM::Policy").values()
    needed: dict[str, set[str]] = {}
    for need in needs(two("aws-cn", "cn-northwest-1")):
        needed.setdefault(f"stage-{need.function}", set()).add(need.what)
    prefixes = {action: action for action in GATEWAYS} | ENDPOINTS
    attached = [item for item in of_type(home, "AWS::Lambda::Function").values() if "VpcConfig" in item]
    assert len(attached) > 25
    for item in attached:
        role = item["Role"]["Fn::GetAtt"][0]
        called = {prefixes[action.split(":")[0]] for policy in policies if {"Ref": role} in policy["Roles"]
                  for statement in policy["PolicyDocument"]["Statement"] if statement["Effect"] == "Allow"
                  for action in ([statement["Action"]] if isinstance(statement["Action"], str)
                                 else statement["Action"])
                  # Lambda itself attaches the function, and encrypts and logs for it.
                  if action.split(":")[0] in prefixes and "NetworkInterface" not in action
                  and "DescribeSubnets" not in action and "PrivateIp" not in action
                  and not action.startswith(("logs:CreateLog", "logs:PutLog"))}
        assert called <= needed[item["FunctionName"]], item["FunctionName"]


def test_each_network_has_its_functions_and_each_service_its_own(home: Object) -> None:
    functions = {item["FunctionName"]: item for item in of_type(home, "AWS::Lambda::Function").values()}
    assert functions["stage-source-kubernetes-shop"]["VpcConfig"]["SubnetIds"] == ["subnet-0000000000000000a"]
    assert functions["stage-source-kubernetes"]["VpcConfig"]["SubnetIds"] != ["subnet-0000000000000000a"]
    assert "VpcConfig" not in functions.get("stage-step-decide", {})
    services = {name: functions[name]["Environment"]["Variables"]["SERVICES"]
                for name in ("stage-ledger", "stage-ledger-shop")}
    assert services == {"stage-ledger": "payment-gateway", "stage-ledger-shop": "shop"}


def test_at_home_a_function_may_only_assume_its_own_role_there(home: Object) -> None:
    assumed = {resource for policy in of_type(home, "AWS::IAM::Policy").values()
               for statement in policy["PolicyDocument"]["Statement"] if statement["Action"] == "sts:AssumeRole"
               for resource in [statement["Resource"]]}
    assert f"arn:aws-cn:iam::{THEIRS}:role/ops/ir-shop-source-kubernetes-shop" in assumed
    roles = {item["FunctionName"]: item["Role"]["Fn::GetAtt"][0]
             for item in of_type(home, "AWS::Lambda::Function").values()}
    for name, role in roles.items():
        mine = {statement["Resource"] for policy in of_type(home, "AWS::IAM::Policy").values()
                if {"Ref": role} in policy["Roles"] for statement in policy["PolicyDocument"]["Statement"]
                if statement["Action"] == "sts:AssumeRole"}
        assert mine <= {f"arn:aws-cn:iam::{THEIRS}:role/ops/ir-shop{name.removeprefix('stage')}"}


def test_there_each_role_trusts_one_function_with_the_external_id(there: Object) -> None:
    roles = of_type(there, "AWS::IAM::Role")
    named = {item["RoleName"]: item for item in roles.values() if "RoleName" in item}
    rds = named["ir-shop-source-rds-outside"]
    assert rds["Path"] == "/ops/"
    assert {"ir-shop-sweep", "ir-shop-step-tell", "ir-shop-step-report", "ir-shop-ledger-shop"} <= set(named)
    condition, = [statement["Condition"] for statement in rds["AssumeRolePolicyDocument"]["Statement"]]
    assert condition["StringEquals"] == {"sts:ExternalId": "x-1"}
    assert f"{HOME}:role/platform/stage-source-rds-outside" in json.dumps(condition["ArnEquals"])
    assert "iam::" + HOME in json.dumps(rds["AssumeRolePolicyDocument"])
    entries = of_type(there, "AWS::EKS::AccessEntry").values()
    groups = {item["KubernetesGroups"][0] for item in entries}
    assert {"stage:readers", "stage:rollback"} <= groups and {item["ClusterName"] for item in entries} == {"shop"}


def test_the_service_s_alarms_are_where_it_is_and_start_the_responder(home: Object, there: Object) -> None:
    def named(template: Object) -> set[str]:
        return {item["AlarmName"] for item in of_type(template, "AWS::CloudWatch::Alarm").values()
                if "AlarmName" in item}

    assert named(there) and all(name.startswith("stage-shop-") for name in named(there))
    assert not named(home) & named(there)
    rule, = of_type(there, "AWS::Events::Rule").values()
    assert f"{HOME}:event-bus/default" in json.dumps(rule["Targets"])
    taken, = of_type(home, "AWS::Events::EventBusPolicy").values()
    assert THEIRS in json.dumps(taken["Statement"]["Principal"])
    starter, = [item for item in of_type(home, "AWS::Events::Rule").values()
                if item.get("EventPattern", {}).get("source") == ["aws.cloudwatch"]]
    assert THEIRS in starter["EventPattern"]["account"] and "cn-northwest-1" in starter["EventPattern"]["region"]


@pytest.mark.parametrize(("arn", "said"), [
    ("arn:aws:iam::222222222222:user/x", "how the roles' ARNs begin"), ("nonsense", "how the roles' ARNs begin"),
    (f"arn:aws:iam::222222222222:role/{'x' * 40}", "a name of up to")])
def test_a_role_that_cannot_be_named_is_refused(arn: str, said: str) -> None:
    services = two("aws", "eu-west-1")
    services[1] = replace(services[1], aws=replace(services[1].aws, role_arn=arn))
    (path, _, expected), = unfit(services[1], services)
    assert path == ("aws", "role_arn") and expected.startswith(said)


def test_nothing_names_the_commercial_partition_in_govcloud() -> None:
    for template in synthesized("aws-us-gov", "us-gov-west-1", "us-gov-east-1"):
        assert {text for text in foreign(template, "") if text.startswith("arn:")} == set()
