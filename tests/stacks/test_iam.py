"""What the roles may do, by the Service Authorization Reference: no right that never allows, none that is too wide."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Iterator
from typing import Any

import parliament
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.iam.evaluate import Call, Caller, Policy, admits, decide
from sandbox.iam.faults import faults
from sandbox.iam.reference import authorized_on, expanded, privilege
from sandbox.iam.template import Template
from sandbox.places import ACCOUNT
from tests.iam import PREFIX, caller, reviewed

DB = "arn:aws:rds:us-east-1:000000000000:db:payments-db"
ARGUED = {
    ("RESOURCE_MISMATCH", "states:SendTaskSuccess"): (
        "Step Functions' page on granular permissions names the state machine; the reference names no resource"),
    ("RESOURCE_MISMATCH", "states:DescribeExecution"): (
        "parliament wants the ARN of an express execution as well, and this state machine has none"),
    ("RESOURCE_MISMATCH", "ec2:DeleteNetworkInterface"): (
        "Lambda refuses a role that may not delete in all resource ids, as its page on VPCs says"),
    ("UNKNOWN_CONDITION_FOR_ACTION", "lambda:SourceFunctionArn"): (
        "Lambda adds this key to each request of a function's code, to whatever service"),
    ("UNKNOWN_CONDITION_FOR_ACTION", "lambda:InvokedViaFunctionUrl"): (
        "Lambda's page on Function URLs has it since October 2025; parliament's data are older"),
}
"""What parliament finds and is right all the same: the finding, what it is about, and why."""


def policies() -> Iterator[tuple[str, Policy]]:
    """Each identity policy of the template, with the name of what it belongs to."""
    template = reviewed()
    for role, documents in template.policies.items():
        for document in documents:
            yield role, document
    for name, item in template.of_type("AWS::IAM::ManagedPolicy").items():
        yield name, item["PolicyDocument"]
    for name, item in template.of_type("AWS::IAM::Role").items():
        for inline in item.get("Policies", []):
            yield name, inline["PolicyDocument"]


def document(*statements: dict[str, Any]) -> Policy:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement} for statement in statements]}


def anyone(*policies: Policy, **more: Any) -> Caller:
    return Caller(f"arn:aws:sts::{ACCOUNT}:assumed-role/role/function", policies, **more)


def test_every_right_allows_something_and_none_allows_all() -> None:
    found = [(name, fault) for name, policy in policies() for fault in faults(policy)]
    assert found == []
    assert len(list(policies())) > 35


@pytest.mark.parametrize(("statement", "said"), [
    ({"Action": "rds:DescribeEvents", "Resource": DB}, "knows no resources"),
    ({"Action": ["rds:DescribeDBInstances", "rds:DescribeEvents"], "Resource": DB}, "Events knows no resources"),
    ({"Action": "dynamodb:ListStreams", "Resource": "arn:aws:dynamodb:us-east-1:1:table/t/stream/s"},
     "knows no resources"),
    ({"Action": "rds:RebootDBInstance", "Resource": "*"}, "is allowed on all"),
    ({"Action": "kms:GenerateDataKey*", "Resource": "*"}, "is allowed on all"),
    ({"Action": "rds:RebootDBInstance", "Resource": "arn:aws:rds:us-east-1:1:pg:group"}, "is about none of"),
    ({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket"}, "is about none of"),
    ({"Action": "rds:RebootDBInstance", "Resource": DB, "Condition": {"StringEquals": {"ec2:Vpc": "v"}}},
     "has no condition key"),
    ({"Action": "rds:RebootDBInstances", "Resource": DB}, "no such action")])
def test_a_faulty_right_is_found(statement: dict[str, Any], said: str) -> None:
    assert any(said in fault for fault in faults(document(statement)))


def test_parliament_finds_nothing_that_is_not_argued(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    used = set()
    for name, policy in policies():
        for finding in parliament.analyze_policy_string(json.dumps(policy)).findings:
            text = f"{finding.detail}"
            by = {key for key in ARGUED if key[0] == finding.issue and key[1] in text}
            assert by, (name, finding.issue, text)
            # A finding may be about several actions, and each must be argued.
            if isinstance(finding.detail, list):
                assert {item["action"] for item in finding.detail} <= {key[1] for key in ARGUED}, (name, text)
            used |= by
    assert used == set(ARGUED), "an argument is not needed any more"


def test_parliament_would_find_the_fault_that_stopped_the_reboot() -> None:
    found = parliament.analyze_policy_string(json.dumps(document({
        "Action": ["rds:DescribeDBInstances", "rds:DescribeEvents"], "Resource": DB}))).findings
    assert any(finding.issue == "RESOURCE_MISMATCH" for finding in found)


# --- the evaluator ---------------------------------------------------------------------------------------------------


def test_an_action_without_resources_is_allowed_by_a_star_alone() -> None:
    events = Call("rds:DescribeEvents", (DB,))
    assert not decide(anyone(document({"Action": "rds:DescribeEvents", "Resource": DB})), events).allowed
    assert not decide(anyone(document({"Action": "rds:*", "Resource": "arn:aws:rds:*:*:*"})), events).allowed
    found = decide(anyone(document({"Action": "rds:DescribeEvents", "Resource": "*"})), events)
    assert found.allowed and found.resource == "*"


def test_a_condition_key_that_the_action_does_not_have_is_in_no_request() -> None:
    tagged = {"Action": "rds:RebootDBInstance", "Resource": DB, "Condition": {"StringEquals": {"ec2:Vpc": "v"}}}
    assert not decide(anyone(document(tagged)), Call("rds:RebootDBInstance", (DB,), {"ec2:Vpc": "v"})).allowed
    tagged["Condition"] = {"StringEquals": {"rds:DatabaseEngine": "postgres"}}
    assert decide(anyone(document(tagged)), Call("rds:RebootDBInstance", (DB,), {"rds:DatabaseEngine": "postgres"})
                  ).allowed


def test_each_resource_of_a_call_is_decided_on() -> None:
    root = "arn:aws:appconfig:us-east-1:000000000000:application/a"
    both = Call("appconfig:CreateHostedConfigurationVersion", (root, f"{root}/configurationprofile/p"))
    assert not decide(anyone(document({"Action": both.action, "Resource": root})), both).allowed
    assert decide(anyone(document({"Action": both.action, "Resource": list(both.resources)})), both).allowed


def test_deny_boundary_and_key_policy_limit_what_is_allowed() -> None:
    reboot, allowed = Call("rds:RebootDBInstance", (DB,)), document({"Action": "rds:*", "Resource": DB})
    denied = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "rds:Reboot*", "Resource": "*"}]}
    assert decide(anyone(allowed), reboot).allowed
    found = decide(anyone(allowed, denied), reboot)
    assert not found.allowed and found.statement == denied["Statement"][0]
    assert not decide(anyone(allowed, boundary=document({"Action": "s3:*", "Resource": "*"})), reboot).allowed
    key, user = "arn:aws:kms:us-east-1:000000000000:key/k", document({"Action": "kms:Decrypt", "Resource": "*"})
    decrypt = Call("kms:Decrypt", (key,))
    delegates = document({"Action": "kms:*", "Resource": "*", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}})
    assert decide(anyone(user), decrypt, delegates).allowed
    assert not decide(anyone(user), decrypt, document({
        "Action": "kms:Encrypt", "Resource": "*", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}})).allowed


@given(st.sampled_from(expanded("rds:*") + expanded("ec2:Describe*") + expanded("dynamodb:*")),
       st.sampled_from([DB, "arn:aws:ec2:us-east-1:1:instance/i-1", "arn:aws:dynamodb:us-east-1:1:table/t"]))
def test_what_knows_no_resources_is_authorized_on_a_star_whatever_it_is_about(action: str, arn: str) -> None:
    assert authorized_on(action, (arn,)) == (("*",) if not privilege(action).types else (arn,))


def test_a_boundary_that_is_not_known_is_not_taken_for_none() -> None:
    given = copy.deepcopy({name: dict(item) for name, item in reviewed().resources.items()})
    role = next(name for name, item in given.items() if item["Type"] == "AWS::IAM::Role" and "Ledger" in name)
    given[role]["Properties"]["PermissionsBoundary"] = "arn:aws:iam::000000000000:policy/boundary"
    with pytest.raises(LookupError):
        _ = Template(given).callers
    name, = (name for name, item in given.items() if item["Type"] == "AWS::IAM::ManagedPolicy" and "Reader" in name)
    given[role]["Properties"]["PermissionsBoundary"] = {"Ref": name}
    bounded = Template(given).callers[f"{PREFIX}ledger"]
    table, = (reviewed().arn(name) for name in reviewed().of_type("AWS::DynamoDB::GlobalTable"))
    put = Call("dynamodb:PutItem", (table,), {"dynamodb:LeadingKeys": ["LEDGER#x"]})
    assert decide(caller("ledger"), put).allowed and not decide(bounded, put).allowed


# --- what AWS's services do in the responder's name ------------------------------------------------------------------


def test_the_state_machine_may_invoke_what_it_names_and_the_rule_may_start_it() -> None:
    template = reviewed()
    machine, = template.of_type("AWS::StepFunctions::StateMachine")
    invoked = set()
    for item in template.of_type("AWS::Lambda::Function").values():
        if name := item.get("FunctionName"):
            arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
            # Any version, because an execution ends on its own; a right to these is none to what has no version.
            if decide(template.callers["states"], Call("lambda:InvokeFunction", (f"{arn}:7",))).allowed:
                invoked.add(name.removeprefix(PREFIX))
            assert not decide(template.callers["states"], Call("lambda:InvokeFunction", (arn,))).allowed
    names = {item["FunctionName"].removeprefix(PREFIX) for item in template.of_type("AWS::Lambda::Function").values()
             if "FunctionName" in item}
    assert invoked == {name for name in names if name.startswith(("step-", "source-", "action-"))}
    topic, = (template.arn(name) for name in template.of_type("AWS::SNS::Topic"))
    assert decide(template.callers["states"], Call("sns:Publish", (topic,))).allowed
    rule, = (name for name in template.callers if name.startswith("rule "))
    start = Call("states:StartExecution", (template.arn(machine),))
    assert decide(template.callers[rule], start).allowed
    assert not decide(template.callers[rule], Call("states:StopExecution", (template.arn(machine),))).allowed
    # Of the functions, only the one that looks at alarms that stay on may start it.
    assert {name for name in names if decide(caller(name), start).allowed} == {"sweep"}


def test_services_may_do_with_the_resources_what_is_meant_and_nobody_else() -> None:
    template = reviewed()
    topic, = template.of_type("AWS::SNS::TopicPolicy").values()
    arn, = topic["Topics"]
    own = {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:a"}
    alien = {"aws:SourceAccount": "1" * 12, "aws:SourceArn": f"arn:aws:cloudwatch:us-east-1:{'1' * 12}:alarm:a"}
    for keys, wanted in ((own, True), (alien, False), ({}, False)):
        assert admits(topic["PolicyDocument"], "cloudwatch.amazonaws.com", "sns:Publish", arn, keys) is wanted
    assert not admits(topic["PolicyDocument"], "events.amazonaws.com", "sns:Publish", arn, own)
    key, = template.of_type("AWS::KMS::Key").values()
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        assert admits(key["KeyPolicy"], "cloudwatch.amazonaws.com", action, "arn:key", own)
        assert not admits(key["KeyPolicy"], "cloudwatch.amazonaws.com", action, "arn:key", alien)
    queues = template.of_type("AWS::SQS::QueuePolicy")
    letters, = (item for name, item in queues.items() if "DeadLetters" in name)
    arn = letters["PolicyDocument"]["Statement"][0]["Resource"]
    for name, rule in template.of_type("AWS::Events::Rule").items():
        uses = any("DeadLetterConfig" in target for target in rule["Targets"])
        assert admits(letters["PolicyDocument"], "events.amazonaws.com", "sqs:SendMessage", arn, {
            "aws:SourceArn": template.arn(name)}) is uses, name


def test_only_its_rules_and_urls_may_invoke_a_function_from_outside() -> None:
    template, found = reviewed(), []
    rules = {template.arn(name): rule for name, rule in template.of_type("AWS::Events::Rule").items()}
    for item in template.of_type("AWS::Lambda::Permission").values():
        function, alias = item["FunctionName"].split(":")[-2:]
        assert alias == "live"
        function = function.removeprefix(PREFIX)
        found.append((function, item["Principal"], item["Action"]))
        if item["Principal"] == "events.amazonaws.com":
            assert any(target["Arn"] == item["FunctionName"] for target in rules[item["SourceArn"]]["Targets"])
    assert sorted(found) == [
        ("approve", "*", "lambda:InvokeFunction"), ("approve", "*", "lambda:InvokeFunctionUrl"),
        *((name, "events.amazonaws.com", "lambda:InvokeFunction") for name in (
            "health", "heartbeat", "ledger", "sweep", "usual-traffic"))]


def test_the_stream_and_the_queue_of_failures_are_within_their_functions_rights() -> None:
    """What Lambda does as the function: read the table's stream, and send what failed to the queue."""
    template = reviewed()
    mapping, = template.of_type("AWS::Lambda::EventSourceMapping").values()
    for action in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"):
        assert decide(caller("live"), Call(f"dynamodb:{action}", (mapping["EventSourceArn"],))).allowed, action
    config, = template.of_type("AWS::Lambda::EventInvokeConfig").values()
    queue = config["DestinationConfig"]["OnFailure"]["Destination"]
    assert decide(caller("step-tell"), Call("sqs:SendMessage", (queue,))).allowed
