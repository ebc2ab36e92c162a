"""``responder doctor`` in an account: what works is well, each thing that is broken is named with how to mend it.

The account is the embedded cloud's, with a stack of the resources whose names a deployment generates.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from cli.app import built
from responder.model.codec import encode
from responder.model.moment import iso
from responder.model.service import Service
from responder.plan.heartbeat import Heartbeat, Reading
from responder.records.store import Store
from stacks.alarm_names import alarm_names
from tests.conftest import ROOT, shipped_service
from tests.engine import running

PROBES = ("stack", "state-machine", "secrets", "rules", "queues", "alarms", "alarm-metrics", "kill-switch", "heartbeat",
          "table", "reports", "subscriptions")
"""Those that need neither a cluster nor running functions."""
_NAMED = ("newrelic", "splunk", "pagerduty", "pagerduty-api", "slack", "slack-signing", "statuspage")
LICENSE_KEY = "0123456789012345678901234567890123456NRAL"
_FORMS = {"newrelic": "NRAK-ABCDEFGHIJKLMNOPQRSTUVWXYZ1", "pagerduty": "0123456789abcdef0123456789abcdef",
          "slack": "xoxb-1-2-abc"}


Checks = list[dict[str, str]]


@dataclass(frozen=True)
class Place:
    """A deployment in an account."""

    outputs: dict[str, str]
    physical: dict[str, str]
    """Logical ids to physical ones."""


def look(*only: str, folder: str = str(ROOT / "config")) -> tuple[int, Checks]:
    """Run the doctor, and return its exit code and its checks."""
    words = ["doctor", "--config", folder, "--region", "us-east-1", "--json"]
    for name in only or PROBES:
        words += ["--only", name]
    done = CliRunner().invoke(built(), words)
    assert done.exit_code in (0, 1, 3), done.output
    return done.exit_code, json.loads(done.stdout)["checks"]


def _template(service: Service) -> dict[str, Any]:
    names = alarm_names("incident-response", service)
    return {
        "Metadata": {"Services": {service.service: json.dumps(encode(service))}},
        "Resources": {
            "Timeline": {"Type": "AWS::DynamoDB::GlobalTable", "Properties": {
                "BillingMode": "PAY_PER_REQUEST", "StreamSpecification": {"StreamViewType": "KEYS_ONLY"},
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
                "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
                "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
                "Replicas": [{"Region": "us-east-1", "DeletionProtectionEnabled": True,
                              "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}]}},
            "Reports": {"Type": "AWS::S3::Bucket", "Properties": {
                "BucketName": "reports", "VersioningConfiguration": {"Status": "Enabled"},
                "PublicAccessBlockConfiguration": dict.fromkeys((
                    "BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True),
                "LifecycleConfiguration": {"Rules": [
                    {"Id": "raw", "Status": "Enabled", "Prefix": "raw/", "ExpirationInDays": 30}]}}},
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {}},
            "DeadLetters": {"Type": "AWS::SQS::Queue", "Properties": {}},
            "Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": {
                "StateMachineName": "incident-response", "RoleArn": "arn:aws:iam::000000000000:role/machine",
                "DefinitionString": json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})}},
            "Version": {"Type": "AWS::StepFunctions::StateMachineVersion", "Properties": {
                "StateMachineArn": {"Ref": "Machine"}}},
            "Live": {"Type": "AWS::StepFunctions::StateMachineAlias", "Properties": {
                "Name": "live", "RoutingConfiguration": [
                    {"StateMachineVersionArn": {"Fn::GetAtt": ["Version", "Arn"]}, "Weight": 100}]}},
            "Rule": {"Type": "AWS::Events::Rule", "Properties": {
                "State": "ENABLED", "Description": "An alarm went off",
                "EventPattern": {"source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"],
                                 "detail": {"alarmName": names}},
                "Targets": [{"Id": "t", "Arn": {"Ref": "Live"}, "RoleArn": "arn:aws:iam::000000000000:role/rule"}]}},
            "Schedule": {"Type": "AWS::Events::Rule", "Properties": {
                "State": "ENABLED", "Description": "Each minute", "ScheduleExpression": "rate(1 minute)",
                "Targets": [{"Id": "t", "Arn": {"Fn::GetAtt": ["Idle", "Arn"]}}]}},
            "Idle": {"Type": "AWS::SQS::Queue", "Properties": {}}},
        "Outputs": {"Timeline": {"Value": {"Ref": "Timeline"}}, "Reports": {"Value": {"Ref": "Reports"}},
                    "Topic": {"Value": {"Ref": "Topic"}}, "StateMachine": {"Value": {"Ref": "Machine"}},
                    "Live": {"Value": {"Fn::GetAtt": ["Live", "Arn"]}}}}


def _deploy(service: Service) -> Place:
    cloud = boto3.client("cloudformation")
    cloud.create_stack(StackName="IncidentResponse", TemplateBody=json.dumps(_template(service)))
    outputs = {item["OutputKey"]: item["OutputValue"]
               for item in cloud.describe_stacks(StackName="IncidentResponse")["Stacks"][0]["Outputs"]}
    physical = {item["LogicalResourceId"]: item["PhysicalResourceId"]
                for item in cloud.list_stack_resources(StackName="IncidentResponse")["StackResourceSummaries"]}
    return Place(outputs, physical)


def _fill(place: Place, service: Service) -> None:
    secrets, cloudwatch = boto3.client("secretsmanager"), boto3.client("cloudwatch")
    for name in _NAMED:
        secrets.create_secret(Name=f"incident-response/{name}", SecretString=_FORMS.get(name, "a-key-of-the-vendor"))
    for name in alarm_names("incident-response", service):
        _alarm(name, "Requests")
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="made so")
    cloudwatch.put_metric_data(Namespace="PaymentPlatform", MetricData=[
        {"MetricName": "Requests", "Dimensions": [{"Name": "Component", "Value": "frontend"}], "Value": 5}])
    _beat(place, [])
    boto3.client("sns").subscribe(TopicArn=place.outputs["Topic"], Protocol="email", Endpoint="sre@example.com")


def _alarm(name: str, metric: str) -> None:
    boto3.client("cloudwatch").put_metric_alarm(
        AlarmName=name, Namespace="PaymentPlatform", MetricName=metric, Statistic="Sum", Period=60,
        Dimensions=[{"Name": "Component", "Value": "frontend"}], EvaluationPeriods=1, Threshold=1,
        ComparisonOperator="LessThanThreshold")


def _beat(place: Place, unread: list[tuple[str, str]], at: str = "") -> None:
    kept = Heartbeat(at or iso(time.time()), tuple(Reading(*reading) for reading in [("table", ""), *unread]))
    Store(place.outputs["Timeline"], boto3.client("dynamodb")).put(
        {"pk": "HEARTBEAT", "sk": "payment-gateway", **encode(kept)}, 30)


@pytest.fixture(scope="module")
def account() -> Iterator[Place]:
    """An account in which all is well."""
    with pytest.MonkeyPatch.context() as environment, running() as address:
        for name, value in (("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"),
                            ("AWS_DEFAULT_REGION", "us-east-1"), ("AWS_ENDPOINT_URL", address)):
            environment.setenv(name, value)
        environment.delenv("AWS_PROFILE", raising=False)
        boto3.setup_default_session()
        place = _deploy(shipped_service())
        _fill(place, shipped_service())
        yield place
    boto3.setup_default_session()


@pytest.fixture(scope="module")
def well(account: Place) -> tuple[int, Checks]:
    """What is found where all is well."""
    return look()


BROKEN = {
    "a deleted secret": (
        "secrets", "secret incident-response/splunk", "restore-secret --secret-id incident-response/splunk"),
    "a secret that was never made": (
        "secrets", "slack.secret in", "create-secret --name incident-response/slack"),
    "a key of another kind": (
        "secrets", "it is a license key", "put-secret-value --secret-id incident-response/newrelic"),
    "a disabled rule": ("rules", "it is disabled (An alarm went off)", "aws events enable-rule --name"),
    "alarms that start nothing": (
        "rules", "no rule that works takes incident-response-payment-gateway-error-rate", "enable the rule"),
    "a rule without a target": ("rules", "it has no target (Each minute)", "deploy again"),
    "an undelivered event": ("queues", "1 message could not be delivered", "aws sqs purge-queue"),
    "a deleted alarm": (
        "alarms", "alarm incident-response-payment-gateway-loss-of-traffic: there is no such alarm", "deploy again"),
    "an alarm without enough data": (
        "alarms", "alarm incident-response-payment-gateway-error-rate: it has INSUFFICIENT_DATA", "alarm-metrics"),
    "an alarm on a metric that nobody publishes": (
        "alarm-metrics", "PaymentPlatform Latencies (Component=frontend): nobody has published it", "metrics.* in"),
    "a missed heartbeat": ("heartbeat", "the last one was at 2026-01-01T00:00:00Z (UTC)", "lambda invoke"),
    "no TTL": ("table", ": TTL: it is DISABLED", "aws dynamodb update-time-to-live"),
    "no point-in-time recovery": ("table", "what is deleted by mistake is lost", "update-continuous-backups"),
    "an open bucket": ("reports", "public access: it is not blocked", "put-public-access-block"),
    "no versions": ("reports", "a report that is overwritten is lost", "put-bucket-versioning"),
    "raw answers that stay": ("reports", "no rule deletes the systems' unchanged answers", "deploy again"),
    "a moved alias": ("state-machine", "somebody has moved it", "aws stepfunctions update-state-machine-alias"),
    "an unconfirmed subscription": (
        "subscriptions", "https https://127.0.0.1/…: it was never confirmed", "aws sns subscribe"),
}
"""What is broken to the probe, what it must say, and how it is to be mended."""


def _break(place: Place) -> None:
    secrets, rules, alarms, dynamodb, s3, states = (boto3.client(name) for name in (
        "secretsmanager", "events", "cloudwatch", "dynamodb", "s3", "stepfunctions"))
    secrets.delete_secret(SecretId="incident-response/splunk")
    secrets.delete_secret(SecretId="incident-response/slack", ForceDeleteWithoutRecovery=True)
    secrets.put_secret_value(SecretId="incident-response/newrelic", SecretString=LICENSE_KEY)
    rules.disable_rule(Name=_rule(place, "Rule"))
    rules.remove_targets(Rule=_rule(place, "Schedule"), Ids=["t"])
    boto3.client("sqs").send_message(QueueUrl=place.physical["DeadLetters"], MessageBody="{}")
    alarms.delete_alarms(AlarmNames=["incident-response-payment-gateway-loss-of-traffic"])
    alarms.set_alarm_state(AlarmName="incident-response-payment-gateway-error-rate", StateValue="INSUFFICIENT_DATA",
                           StateReason="Unchecked")
    _alarm("incident-response-payment-gateway-latency", "Latencies")
    _beat(place, [], "2026-01-01T00:00:00Z")
    table, bucket = place.outputs["Timeline"], place.outputs["Reports"]
    dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification={
        "Enabled": False, "AttributeName": "expires"})
    dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification={
        "PointInTimeRecoveryEnabled": False})
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    s3.delete_bucket_lifecycle(Bucket=bucket)
    machine = place.outputs["StateMachine"]
    states.update_state_machine(stateMachineArn=machine, definition=json.dumps(
        {"StartAt": "Other", "States": {"Other": {"Type": "Succeed"}}}))
    other = states.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"]
    states.update_state_machine_alias(stateMachineAliasArn=place.outputs["Live"], routingConfiguration=[
        {"weight": 100, "stateMachineVersionArn": other}])
    boto3.client("sns").subscribe(TopicArn=place.outputs["Topic"], Protocol="https",
                                  Endpoint="https://127.0.0.1:1/pager")


def _rule(place: Place, logical: str) -> str:
    return place.physical[logical].rpartition("|")[2]


@pytest.fixture(scope="module")
def found(account: Place, well: tuple[int, Checks]) -> tuple[int, Checks]:
    """What is found where all of ``BROKEN`` is so."""
    _break(account)
    return look()


def test_nothing_is_found_where_all_is_well(well: tuple[int, Checks]) -> None:
    code, checks = well
    assert [check for check in checks if check["verdict"] not in ("well", "note")] == []
    assert code == 0
    assert {check["probe"] for check in checks} == set(PROBES)


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_named_with_how_to_mend_it(found: tuple[int, Checks], name: str) -> None:
    probe, said, mend = BROKEN[name]
    code, checks = found
    naming = [check for check in checks if check["verdict"] == "broken" and check["probe"] == probe
              and said in f"{check['subject']}: {check['says']}"]
    assert code == 1
    assert len(naming) == 1
    assert mend in naming[0]["mend"]
    assert naming[0]["mend"]


def test_nothing_is_named_that_is_not_broken(found: tuple[int, Checks]) -> None:
    assert sum(check["verdict"] == "broken" for check in found[1]) == len(BROKEN)
    assert not any(LICENSE_KEY in json.dumps(check) for check in found[1])


def test_a_configuration_that_is_not_what_is_deployed(account: Place, tmp_path: Path) -> None:
    text = (ROOT / "config" / "payment-gateway.yaml").read_text()
    (tmp_path / "payment-gateway.yaml").write_text(text.replace("error_rate: 0.05 ", "error_rate: 0.07 ", 1))
    code, checks = look("stack", folder=str(tmp_path))
    broken = [check for check in checks if check["verdict"] == "broken"]
    assert code == 1
    assert "alarms.error_rate: 0.05 → 0.07" in broken[0]["says"]


def test_what_may_not_be_asked_is_not_known_and_names_the_right(account: Place, monkeypatch: pytest.MonkeyPatch
                                                                ) -> None:
    call = BaseClient._make_api_call

    def refusing(self: Any, operation: str, arguments: Any) -> Any:
        if operation in ("DescribeContinuousBackups", "GetParameter"):
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, operation)
        return call(self, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", refusing)
    code, checks = look("kill-switch")
    assert code == 3
    assert [(check["verdict"], check["says"]) for check in checks] == [
        ("unknown", "you may not do ssm:GetParameter")]
    assert "arn:aws:" in checks[0]["mend"]
    # What else the same probe looks at is still judged.
    code, checks = look("table")
    assert code in (1, 3)
    assert {"unknown", "well"} <= {check["verdict"] for check in checks}


def test_a_stack_that_is_not_there_is_broken_and_the_rest_is_not_known(account: Place, tmp_path: Path) -> None:
    (tmp_path / "payment-gateway.yaml").write_text((ROOT / "config" / "payment-gateway.yaml").read_text())
    (tmp_path / "deployment.yaml").write_text("prefix: stage\n")
    code, checks = look("stack", "table", "subscriptions", folder=str(tmp_path))
    assert code == 1
    assert {check["probe"]: check["verdict"] for check in checks} == {
        "stack": "broken", "table": "unknown", "subscriptions": "unknown"}


def test_an_unknown_probe_and_an_unknown_service_are_refused() -> None:
    for words, said in ((["--only", "secret"], "no such probe"), (["--service", "shop"], "no such service")):
        done = CliRunner().invoke(built(), ["doctor", "--config", str(ROOT / "config"), *words])
        assert done.exit_code == 2
        assert said in done.stderr
