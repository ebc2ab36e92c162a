"""Room to run, and who may start or tell: what is reserved, and whose events and alarms count."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Environment
from aws_cdk.assertions import Match, Template

from stacks.configuration import read_folder
from stacks.deployment import Settings
from stacks.incident_response import IncidentResponse
from stacks.room import CONTEXT, LEFT_FOR_OTHERS, QUOTA, QUOTA_CONTEXT, RESERVED, RoomError, reserved
from tests.conftest import ROOT


def synthesized(**context: Any) -> Template:
    stack = IncidentResponse(App(context=context), "IncidentResponse", services=read_folder(ROOT / "config"),
                             settings=Settings(), build=ROOT / ".build",
                             env=Environment(account="123456789012", region="eu-central-1"))
    return Template.from_stack(stack)


@pytest.fixture(scope="module")
def template(out: Path) -> Template:
    return Template.from_string((out / "IncidentResponse.template.json").read_text())


def reservations(template: Template) -> dict[str, int]:
    """Return what each function reserves, by its name."""
    functions = template.find_resources("AWS::Lambda::Function")
    return {item["Properties"]["FunctionName"]: item["Properties"]["ReservedConcurrentExecutions"]
            for item in functions.values() if "ReservedConcurrentExecutions" in item["Properties"]}


def test_deciding_and_notifying_reserve_concurrency_and_the_public_page_is_limited(template: Template) -> None:
    found = reservations(template)
    public = {name for name, item in template.find_resources("AWS::Lambda::Url").items()
              if item["Properties"]["AuthType"] == "NONE"}
    assert public, "the shipped configuration has links"
    named = {name: found[f"incident-response-{name}"] for name in (
        "step-decide", "step-tell", "timeline", "approve", "answer")}
    assert list(named.values()) == [RESERVED[name] for name in ("decide", "tell", "timeline", "page", "answer")]
    assert sum(found.values()) <= QUOTA - LEFT_FOR_OTHERS


def test_every_other_function_has_room_for_one_incident_of_each_service(template: Template) -> None:
    found = reservations(template)
    assert len(found) == len(template.find_resources("AWS::Lambda::Function"))
    assert min(found.values()) == 2 * len(read_folder(ROOT / "config"))


def test_an_account_without_room_is_told_so_before_anything_is_built() -> None:
    with pytest.raises(RoomError, match="account_concurrency is 260"):
        synthesized(**{QUOTA_CONTEXT: "260"})


def test_a_small_account_reserves_nothing() -> None:
    assert reservations(synthesized(**{CONTEXT: "off"})) == {}


def test_the_numbers_can_be_set_in_one_place() -> None:
    app = App(context={CONTEXT: "decide=7, page=2"})
    assert {name: reserved(app, name) for name in RESERVED} == RESERVED | {"decide": 7, "page": 2}


@pytest.mark.parametrize("given", ["decide", "decide=0", "decide=-1", "decide=many", "ledger=3", "no", "decide=\xb2"])
def test_a_number_that_cannot_be_is_refused_before_anything_is_built(given: str) -> None:
    with pytest.raises(RoomError, match=CONTEXT):
        reserved(App(context={CONTEXT: given}), "decide")


def test_only_alarms_of_this_account_and_region_start_the_plan(template: Template) -> None:
    template.has_resource_properties("AWS::Events::Rule", {"EventPattern": {
        "source": ["aws.cloudwatch"], "account": [{"Ref": "AWS::AccountId"}], "region": [{"Ref": "AWS::Region"}]}})
    for rule in template.find_resources("AWS::Events::Rule").values():
        pattern = rule["Properties"].get("EventPattern")
        assert pattern is None or pattern["account"] == [{"Ref": "AWS::AccountId"}]


OWN_ALARMS = {
    "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
    "ArnLike": {"aws:SourceArn": {"Fn::Join": ["", [
        "arn:", {"Ref": "AWS::Partition"}, ":cloudwatch:", {"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"},
        ":alarm:*"]]}}}


@pytest.mark.parametrize(("kind", "policy", "action"), [
    ("AWS::SNS::TopicPolicy", "PolicyDocument", "sns:Publish"), ("AWS::KMS::Key", "KeyPolicy", "kms:Decrypt")])
def test_cloudwatch_acts_for_alarms_of_this_account_alone(template: Template, kind: str, policy: str,
                                                         action: str) -> None:
    template.has_resource_properties(kind, {policy: {"Statement": Match.array_with([Match.object_like({
        "Principal": {"Service": "cloudwatch.amazonaws.com"}, "Condition": OWN_ALARMS})])}})
    for item in template.find_resources(kind).values():
        for statement in item["Properties"][policy]["Statement"]:
            if statement["Effect"] == "Allow" and "Service" in json.dumps(statement["Principal"]):
                assert "aws:SourceAccount" in json.dumps(statement["Condition"]), (action, statement)
