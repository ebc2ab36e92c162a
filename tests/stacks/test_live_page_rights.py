"""The page of an open incident costs no step a right and no step a moment, and readers may read and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from responder.plan.review.live import LIVE_TAGS
from sandbox.rights import allowed
from tests.stacks.test_record_rights import TABLE, WRITES, may, names_of, policies_of
from tests.stacks.test_stack import ASL, of_type

ARN = "arn:aws:s3:::reports"


def statements_of(resources: dict[str, Any], function: str) -> list[dict[str, Any]]:
    return [statement for policy in policies_of(resources, function) for statement in policy["Statement"]]


def with_action(statements: list[dict[str, Any]], *actions: str) -> list[dict[str, Any]]:
    """The statements that allow one of these actions."""
    return [item for item in statements if set(actions) & set(
        item["Action"] if isinstance(item["Action"], list) else [item["Action"]])]


def test_no_step_but_the_report_s_may_write_a_page(resources: dict[str, Any]) -> None:
    writers = {name for name in names_of(resources) for item in with_action(
        statements_of(resources, name), "s3:PutObject") if "postmortems" in json.dumps(item["Resource"])}
    assert writers == {"step-report", "live"}


def test_the_page_s_function_writes_pages_and_nothing_else(resources: dict[str, Any]) -> None:
    statements = statements_of(resources, "live")
    buckets = [item for item in statements if "s3:" in json.dumps(item["Action"])]
    assert buckets and all("/postmortems/*/postmortem.html" in json.dumps(item["Resource"]) for item in buckets)
    for partition in ("INCIDENT#i-1", "REMEDY#i-1", "TIMELINE#i-1", "SERVICE#payment-gateway", "TASK#i-1",
                      "ANSWER#i-1", "CHANNEL#i-1", "HISTORY#payment-gateway"):
        assert not any(may(resources, "live", operation, partition, "x") for operation in WRITES), partition
    for partition, readable in (("INCIDENT#i-1", True), ("TIMELINE#i-1", True), ("REMEDY#i-1", True),
                                ("SERVICE#payment-gateway", True), ("TASK#i-1", False), ("LEDGER#x", False)):
        assert may(resources, "live", "Query", partition) is readable, partition
    assert not with_action(statements, "lambda:InvokeFunction", "states:StartExecution", "sns:Publish",
                           "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObjectRetention", "ssm:GetParameter")
    assert not allowed(policies_of(resources, "live"), "dynamodb:Scan", TABLE)


def test_no_step_calls_it_or_waits_for_it(resources: dict[str, Any]) -> None:
    function, = (name for name, item in resources.items() if item["Type"] == "AWS::Lambda::Function"
                 and item["Properties"]["FunctionName"] == "incident-response-live")
    invokers = [policy for policy in of_type(resources, "AWS::IAM::Policy")
                if any(function in json.dumps(item["Resource"]) for item in with_action(
                    policy["PolicyDocument"]["Statement"], "lambda:InvokeFunction"))]
    assert invokers == []
    assert "Live" not in json.dumps(ASL)
    assert not [item for item in of_type(resources, "AWS::Lambda::Permission")
                if function in json.dumps(item["FunctionName"])]


def test_only_new_entries_of_a_timeline_invoke_it_a_second_s_worth_at_once(resources: dict[str, Any]) -> None:
    table, = of_type(resources, "AWS::DynamoDB::GlobalTable")
    assert table["StreamSpecification"] == {"StreamViewType": "KEYS_ONLY"}
    mapping, = of_type(resources, "AWS::Lambda::EventSourceMapping")
    pattern, = mapping["FilterCriteria"]["Filters"]
    assert json.loads(pattern["Pattern"]) == {
        "eventName": ["INSERT"], "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "TIMELINE#"}]}}}}
    # A batch that cannot be written holds up no other incident for long.
    assert (mapping["MaximumBatchingWindowInSeconds"], mapping["ParallelizationFactor"]) == (1, 1)
    assert (mapping["MaximumRetryAttempts"], mapping["MaximumRecordAgeInSeconds"]) == (2, 300)


def test_a_page_that_cannot_be_written_is_told_to_people_and_to_no_execution(resources: dict[str, Any]) -> None:
    alarm, = (item for item in of_type(resources, "AWS::CloudWatch::Alarm")
              if "page of an open incident" in item.get("AlarmDescription", ""))
    assert (alarm["MetricName"], alarm["Statistic"], alarm["Threshold"], alarm["Period"]) == ("Errors", "Sum", 3, 300)
    assert len(alarm["AlarmActions"]) == 1 and "RecordsIncidents" in json.dumps(alarm["AlarmActions"])
    # The rule that starts the responder takes alarms by their names, and this one has none of its own.
    assert "AlarmName" not in alarm


def test_pages_that_were_replaced_are_forgotten_and_postmortems_are_not(resources: dict[str, Any]) -> None:
    rules = [rule for bucket in of_type(resources, "AWS::S3::Bucket")
             for rule in bucket.get("LifecycleConfiguration", {}).get("Rules", [])]
    key, value = LIVE_TAGS.split("=")
    tagged, = (rule for rule in rules if rule.get("TagFilters"))
    assert tagged["TagFilters"] == [{"Key": key, "Value": value}] and tagged["Prefix"] == "postmortems/"
    assert tagged["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}
    # The newest page of an incident never expires, whichever it is.
    assert not any("ExpirationInDays" in rule for rule in rules if rule.get("Prefix", "postmortems/") == "postmortems/"
                   and rule.get("NoncurrentVersionExpiration"))


@pytest.fixture
def reader(resources: dict[str, Any]) -> list[dict[str, Any]]:
    """The policy of those who read reports, with plain ARNs."""
    policy, = (item for item in of_type(resources, "AWS::IAM::ManagedPolicy")
               if item["ManagedPolicyName"] == "incident-response-reader")
    statements = []
    for item in policy["PolicyDocument"]["Statement"]:
        text = json.dumps(item["Resource"])
        resource = ("arn:aws:kms:us-east-1:000000000000:key/k" if "RecordsKey" in text
                    else "arn:aws:states:us-east-1:000000000000:execution:incident-response:*" if "execution" in text
                    else ARN + ("/postmortems/*" if "postmortems" in text else ""))
        statements.append({"Effect": item["Effect"], "Action": item["Action"], "Resource": [resource],
                           **({"Condition": json.loads(json.dumps(item["Condition"]).replace(
                               '{"Fn::Join": ["", ["s3.", {"Ref": "AWS::Region"}, ".", {"Ref": "AWS::URLSuffix"}]]}',
                               '"s3.us-east-1.amazonaws.com"'))} if "Condition" in item else {})})
    return [{"Version": "2012-10-17", "Statement": statements}]


def test_a_reader_reads_reports_and_how_executions_stand(reader: list[dict[str, Any]]) -> None:
    execution = "arn:aws:states:us-east-1:000000000000:execution:incident-response:e"
    for action, resource in (("s3:GetObject", f"{ARN}/postmortems/payment-gateway/i-1/postmortem.html"),
                             ("s3:GetBucketLocation", ARN), ("states:DescribeExecution", execution)):
        assert allowed(reader, action, resource), action
    # What the sources answered, task tokens in an execution's history, and everything that changes something.
    for action, resource in (("s3:GetObject", f"{ARN}/raw/x"), ("s3:PutObject", f"{ARN}/postmortems/x"),
                             ("s3:DeleteObject", f"{ARN}/postmortems/x"), ("states:GetExecutionHistory", execution),
                             ("states:StopExecution", execution), ("states:SendTaskSuccess", execution),
                             ("states:DescribeExecution", execution.replace("incident-response", "other")),
                             ("dynamodb:Query", TABLE), ("s3:ListBucket", ARN),
                             ("kms:Decrypt", "arn:aws:kms:us-east-1:000000000000:key/k")):
        assert not allowed(reader, action, resource), action
    key = "arn:aws:kms:us-east-1:000000000000:key/k"
    conditions: tuple[tuple[str, str, Any, bool], ...] = (
        ("s3:ListBucket", ARN, {"s3:prefix": "postmortems/payment-gateway/"}, True),
        ("s3:ListBucket", ARN, {"s3:prefix": "raw/"}, False),
        ("kms:Decrypt", key, {"kms:ViaService": "s3.us-east-1.amazonaws.com"}, True),
        ("kms:Decrypt", key, {"kms:ViaService": "dynamodb.us-east-1.amazonaws.com"}, False))
    for action, resource, keys, may_it in conditions:
        assert allowed(reader, action, resource, keys) is may_it, keys
