"""``responder doctor``, live: nothing is found where all is well, and each of the things that are broken on purpose.

Everything is broken at once, looked at once, and mended again, so that it takes a minute. ``BROKEN`` says what is
broken, which probe must name it, and in which words.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from typer.testing import CliRunner

from cli.app import built
from sandbox.places import Ports, aws_environment
from sandbox.platform.cluster import Cluster
from sandbox.remote import Remote
from tests.sandboxes import Place, Sandbox

pytestmark = pytest.mark.drill
SERVICE, PREFIX = "payment-gateway", "incident-response"
_ROLES = f"incident-responder-{SERVICE}"
_RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/payments"
_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
Checks = list[dict[str, str]]

BROKEN = {
    "a missing RBAC rule": ("rbac", "group incident-responder:rollback: it may not patch daemonsets.apps"),
    "a missing RBAC rule, by a dry run": ("dry-run", "rollback: dry run: it may not patch deployments.apps"),
    "a deleted RoleBinding": ("rbac", "group incident-responder:scale-up: it may not"),
    "a deleted admission policy": ("admission", f"admission policy {_ROLES}-cycle-deployment: it is not there"),
    "a policy that only audits": (
        "admission", f"admission policy binding {_ROLES}-restore-database: it denies nothing"),
    "a deleted access entry": ("access-entries", f"access entry of {PREFIX}-action-cordon-node: there is none"),
    "an access entry of another group": (
        "access-entries", f"access entry of {PREFIX}-action-restart-pods: its groups in payments are others"),
    "a wrong key": ("keys", "PagerDuty refuses the routing key: Invalid routing key"),
    "a deleted secret": ("secrets", "secret incident-response/statuspage: it is deleted"),
    "a token of another kind": ("secrets", "secret incident-response/slack: it does not begin with xoxb-"),
    "a user whom PagerDuty does not know": ("keys", "PagerDuty has no user U404"),
    "a disabled rule": ("rules", "it is disabled (Try everything that an incident would read)"),
    "a rule that starts nothing any more": ("rules", "it is disabled (An alarm of a service"),
    "alarms that start nothing": ("rules", f"no rule that works takes {PREFIX}-{SERVICE}-error-rate"),
    "a deleted alarm": ("alarms", f"alarm {PREFIX}-{SERVICE}-loss-of-traffic-slow: there is no such alarm"),
    "an alarm without data": (
        "alarm-metrics", "PaymentPlatform Requestz (Component=frontend): nobody has published it"),
    "a deleted alias": ("state-machine", "state machine's alias live: it is gone"),
    "a throttled function": ("functions", f"function {PREFIX}-action-inform-provider: it is throttled"),
    "a role without its rights": ("aws-rights", f"rights of {PREFIX}-action-restore-database: IAM would refuse it"),
    "an unconfirmed subscription": ("subscriptions", "https https://127.0.0.1/…: it was never confirmed"),
    "an engaged kill switch": ("kill-switch", "it says 'engaged', so nothing is changed although the mode is auto"),
    "no TTL": ("table", "TTL: it is DISABLED"),
    "no point-in-time recovery": ("table", "point-in-time recovery: it is off"),
    "an undelivered message": ("queues", "1 message could not be delivered"),
    "a missing heartbeat": ("heartbeat", "none was ever kept"),
    "no versions of reports": ("reports", "versions: they are not kept"),
    "a status page that cannot be read": ("sources", "source provider: status page of provider:primary"),
    "a component without lines": ("components", "splunk: component frontend: no row"),
    "a configuration that is not deployed": ("stack", f"{SERVICE}: configuration: what is deployed differs"),
    "settings that are not in force": ("settings", "differs from what is on disk"),
    "a call that only the traces show": ("call-graph", "call frontend → backend: it is traced"),
}


@dataclass
class World:
    """The sandbox, as it is broken and looked at."""

    place: Place
    ports: Ports
    folder: Path
    """The configuration on disk."""

    @cached_property
    def outputs(self) -> dict[str, str]:
        outputs = boto3.client("cloudformation").describe_stacks(StackName="IncidentResponse")["Stacks"][0]["Outputs"]
        return {item["OutputKey"]: item["OutputValue"] for item in outputs}

    @cached_property
    def cluster(self) -> Cluster:
        return Cluster(f"https://127.0.0.1:{self.ports.apiserver}", str(self.place.state / "control-plane" / "ca.crt"),
                       "sandbox-admin")

    @cached_property
    def resources(self) -> list[dict[str, str]]:
        return [item for page in boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(
            StackName="IncidentResponse") for item in page["StackResourceSummaries"]]

    def physical(self, kind: str, beginning: str) -> str:
        return next(item["PhysicalResourceId"] for item in self.resources
                    if item["ResourceType"] == kind and item["LogicalResourceId"].startswith(beginning))

    def look(self, *only: str) -> tuple[int, Checks]:
        words = ["doctor", "--config", str(self.folder), "--context", "sandbox", "--json"]
        for name in only:
            words += ["--only", name]
        done = CliRunner().invoke(built(), words)
        assert done.exit_code in (0, 1, 3), done.output
        return done.exit_code, json.loads(done.stdout)["checks"]


@pytest.fixture(scope="module")
def world(sandbox: Sandbox, place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A sandbox in which all is well: the kill switch is released, and a heartbeat has run."""
    done = sandbox("up")
    assert done.returncode == 0, done.stderr[-3000:]
    folder = tmp_path_factory.mktemp("config")
    text = (place.state / "config" / f"{SERVICE}.yaml").read_text()
    (folder / f"{SERVICE}.yaml").write_text(text)
    ports = Ports(*range(place.port, place.port + len(fields(Ports))))
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {**aws_environment(ports), "KUBECONFIG": str(
                place.state / "control-plane" / "admin.kubeconfig")}.items():
            environment.setenv(name, value)
        boto3.setup_default_session()
        boto3.client("ssm").put_parameter(Name=f"/{PREFIX}/{SERVICE}/kill-switch", Value="released", Type="String",
                                          Overwrite=True)
        boto3.client("lambda").invoke(FunctionName=f"{PREFIX}-heartbeat", Payload=b"{}")
        yield World(place, ports, folder)
    boto3.setup_default_session()


@pytest.fixture(scope="module")
def before(world: World) -> tuple[int, Checks]:
    """What is found where all is well; asked once more where a busy machine did not answer in time."""
    code, checks = world.look()
    return (code, checks) if code == 0 else world.look()


@pytest.fixture(scope="module")
def found(world: World, before: tuple[int, Checks]) -> Iterator[tuple[int, Checks]]:
    """What is found where all of ``BROKEN`` is so; all is mended afterwards."""
    with _cluster(world), _rights(world), _secrets(), _starting(world), _kept(world), _vendors(world), _disk(world):
        yield world.look()


@contextmanager
def _cluster(world: World) -> Iterator[None]:
    """Take rules, bindings, policies and access entries away."""
    cluster, eks = world.cluster, boto3.client("eks")
    role, binding = f"{_RBAC}/roles/{_ROLES}-rollback", f"{_RBAC}/rolebindings/{_ROLES}-scale-up"
    policy = f"{_ADMISSION}/validatingadmissionpolicies/{_ROLES}-cycle-deployment"
    audited = f"{_ADMISSION}/validatingadmissionpolicybindings/{_ROLES}-restore-database"
    kept = [cluster.request("GET", path) for path in (role, binding, policy)]
    lost = [{**rule, "verbs": verbs} for rule in kept[0]["rules"]
            if (verbs := [verb for verb in rule["verbs"] if verb != "patch"])]
    cluster.merge(role, {"rules": lost})
    cluster.request("DELETE", binding)
    cluster.request("DELETE", policy)
    cluster.merge(audited, {"spec": {"validationActions": ["Audit"]}})
    gone, other = (_role(f"{PREFIX}-action-{name}") for name in ("cordon-node", "restart-pods"))
    entries = [eks.describe_access_entry(clusterName="payments", principalArn=arn)["accessEntry"] for arn in (
        gone, other)]
    eks.delete_access_entry(clusterName="payments", principalArn=gone)
    eks.update_access_entry(clusterName="payments", principalArn=other, kubernetesGroups=["others"])
    time.sleep(2)  # The API server takes up changed roles and policies within a second.
    try:
        yield
    finally:
        cluster.merge(role, {"rules": kept[0]["rules"]})
        for manifest in kept[1:]:
            inside = {"namespace": "payments"} if "roleRef" in manifest else {}
            plain = {"name": manifest["metadata"]["name"], **inside}
            cluster.apply({**{key: value for key, value in manifest.items() if key != "status"}, "metadata": plain})
        cluster.merge(audited, {"spec": {"validationActions": ["Deny"]}})
        eks.create_access_entry(clusterName="payments", principalArn=gone, type="STANDARD",
                                kubernetesGroups=entries[0]["kubernetesGroups"])
        eks.update_access_entry(clusterName="payments", principalArn=other,
                                kubernetesGroups=entries[1]["kubernetesGroups"])


def _role(function: str) -> str:
    role: str = boto3.client("lambda").get_function_configuration(FunctionName=function)["Role"]
    return role


@contextmanager
def _rights(world: World) -> Iterator[None]:
    """Take a role's policies away, and throttle a function."""
    iam, functions = boto3.client("iam"), boto3.client("lambda")
    role, name = _role(f"{PREFIX}-action-restore-database").rpartition("/")[2], f"{PREFIX}-action-inform-provider"
    kept = {one: iam.get_role_policy(RoleName=role, PolicyName=one)["PolicyDocument"]
            for one in iam.list_role_policies(RoleName=role)["PolicyNames"]}
    for one in kept:
        iam.delete_role_policy(RoleName=role, PolicyName=one)
    reserved = functions.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        yield
    finally:
        for one, document in kept.items():
            iam.put_role_policy(RoleName=role, PolicyName=one, PolicyDocument=json.dumps(document))
        if reserved is None:
            functions.delete_function_concurrency(FunctionName=name)
        else:
            functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)


@contextmanager
def _secrets() -> Iterator[None]:
    """Give wrong keys, and delete a secret: of channels alone, for a source's function would keep a key that it read.
    """
    secrets, wrong = boto3.client("secretsmanager"), {
        "incident-response/pagerduty": "f" * 32, "incident-response/slack": "xoxp-of-a-person"}
    kept = {name: secrets.get_secret_value(SecretId=name)["SecretString"] for name in wrong}
    for name, value in wrong.items():
        secrets.put_secret_value(SecretId=name, SecretString=value)
    secrets.delete_secret(SecretId="incident-response/statuspage")
    try:
        yield
    finally:
        for name, value in kept.items():
            secrets.put_secret_value(SecretId=name, SecretString=value)
        secrets.restore_secret(SecretId="incident-response/statuspage")


@contextmanager
def _starting(world: World) -> Iterator[None]:
    """Break what starts an incident: rules, alarms, the alias, the kill switch, a subscription."""
    rules, alarms, states = (boto3.client(name) for name in ("events", "cloudwatch", "stepfunctions"))
    disabled = [world.physical("AWS::Events::Rule", name).rpartition("|")[2] for name in (
        "HeartbeatEachFewHours", "StarterRule")]
    for name in disabled:
        rules.disable_rule(Name=name)
    latency = alarms.describe_alarms(AlarmNames=[f"{PREFIX}-{SERVICE}-latency"])["MetricAlarms"][0]
    slow = alarms.describe_alarms(AlarmNames=[f"{PREFIX}-{SERVICE}-loss-of-traffic-slow"])["MetricAlarms"][0]
    alarms.delete_alarms(AlarmNames=[slow["AlarmName"]])
    alarms.put_metric_alarm(**_settings(latency) | {"MetricName": "Requestz"})
    alias = world.outputs["Live"]
    kept = states.describe_state_machine_alias(stateMachineAliasArn=alias)
    states.delete_state_machine_alias(stateMachineAliasArn=alias)
    switch: dict[str, Any] = {"Name": f"/{PREFIX}/{SERVICE}/kill-switch", "Type": "String", "Overwrite": True}
    boto3.client("ssm").put_parameter(Value="engaged", **switch)
    sns = boto3.client("sns")
    sns.subscribe(TopicArn=world.outputs["Topic"], Protocol="https", Endpoint="https://127.0.0.1:1/pager")
    try:
        yield
    finally:
        for name in disabled:
            rules.enable_rule(Name=name)
        alarms.put_metric_alarm(**_settings(latency))
        alarms.put_metric_alarm(**_settings(slow))
        for alarm in (latency, slow):
            alarms.set_alarm_state(AlarmName=alarm["AlarmName"], StateValue="OK", StateReason="mended")
        states.create_state_machine_alias(name="live", routingConfiguration=kept["routingConfiguration"])
        boto3.client("ssm").put_parameter(Value="released", **switch)
        for item in sns.list_subscriptions_by_topic(TopicArn=world.outputs["Topic"])["Subscriptions"]:
            if item["Endpoint"] == "https://127.0.0.1:1/pager":
                sns.unsubscribe(SubscriptionArn=item["SubscriptionArn"])


def _settings(alarm: dict[str, Any]) -> dict[str, Any]:
    """What ``PutMetricAlarm`` takes of what ``DescribeAlarms`` gives."""
    taken = ("AlarmName", "AlarmDescription", "ActionsEnabled", "OKActions", "AlarmActions", "InsufficientDataActions",
             "MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Dimensions", "Period", "EvaluationPeriods",
             "DatapointsToAlarm", "Threshold", "ComparisonOperator", "TreatMissingData")
    return {name: alarm[name] for name in taken if alarm.get(name) not in (None, "", [])}


@contextmanager
def _kept(world: World) -> Iterator[None]:
    """Break what keeps: the table, the bucket, a queue, the heartbeat."""
    dynamodb, s3, sqs = boto3.client("dynamodb"), boto3.client("s3"), boto3.client("sqs")
    table, bucket = world.outputs["Timeline"], world.outputs["Reports"]
    queue = world.physical("AWS::SQS::Queue", "StarterDeadLetters")
    key = {"pk": {"S": "HEARTBEAT"}, "sk": {"S": SERVICE}}

    def keep(on: bool) -> None:
        dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification={
            "Enabled": on, "AttributeName": "expires"})
        dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification={
            "PointInTimeRecoveryEnabled": on})
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled" if on else "Suspended"})

    beat = dynamodb.get_item(TableName=table, Key=key)["Item"]
    keep(False)
    dynamodb.delete_item(TableName=table, Key=key)
    sqs.send_message(QueueUrl=queue, MessageBody="{}")
    try:
        yield
    finally:
        keep(True)
        dynamodb.put_item(TableName=table, Item=beat)
        sqs.purge_queue(QueueUrl=queue)


@contextmanager
def _vendors(world: World) -> Iterator[None]:
    """Let a status page say nothing readable, and Splunk have no lines."""
    remote = Remote(world.ports)
    for source, fault in (("status_page", "malformed"), ("splunk", "empty")):
        remote.begin(source, "telemetry", {"source": source, "fault": fault})
    try:
        yield
    finally:
        for source in ("status_page", "splunk"):
            remote.heal(source)


@contextmanager
def _disk(world: World) -> Iterator[None]:
    """Change the configuration on disk, without deploying it."""
    file = world.folder / f"{SERVICE}.yaml"
    text = file.read_text()
    value = yaml.safe_load(text)
    value["mode"] = "auto"
    value["recovery"]["hold_seconds"] += 1
    value["components"][0]["calls"] = ["payment-gateway"]
    value["pagerduty"]["requester"] = "U404"
    file.write_text(yaml.safe_dump(value, sort_keys=False))
    try:
        yield
    finally:
        file.write_text(text)


def test_nothing_is_found_where_all_is_well(before: tuple[int, Checks]) -> None:
    code, checks = before
    assert [check for check in checks if check["verdict"] in ("broken", "unknown")] == []
    assert code == 0


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_named(found: tuple[int, Checks], name: str) -> None:
    probe, said = BROKEN[name]
    code, checks = found
    naming = [check for check in checks if check["verdict"] == "broken" and check["probe"] == probe
              and said in f"{check['subject']}: {check['says']}"]
    assert code == 1
    assert naming, [f"{check['subject']}: {check['says']}" for check in checks if check["probe"] == probe]
    assert naming[0]["mend"]
