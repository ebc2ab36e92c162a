"""``responder deploy`` deploys what was shown, after somebody said yes, and refuses before it touches anything."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from moto import mock_aws
from typer.testing import CliRunner, Result

from cli import app
from cli.deploying import steps
from cli.deploying.changes import changes
from cli.deploying.kept_logs import new_groups
from responder.model.service import Service
from tests.conftest import ROOT

STACK_ID = "arn:aws:cloudformation:us-east-1:123456789012:stack/IncidentResponse/1a2b3c4d-0000-11f0-8000-0123456789ab"
GROUP = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Fn::Join": ["", [
    "/aws/lambda/incident-response-action-rollback-", {"Fn::Select": [0, {"Fn::Split": ["-", {"Ref": "x"}]}]}]]}}}


class Cdk:
    """The CDK's command line: what it was called with, and what of it fails."""

    def __init__(self, tmp_path: Path) -> None:
        self.called: list[list[str]] = []
        self.environment: Mapping[str, str] = {}
        self.fails = ""
        self.template: dict[str, Any] = {"Resources": {}}
        self._tmp_path = tmp_path

    def run(self, command: list[str], *, env: Mapping[str, str], **_: Any) -> subprocess.CompletedProcess[str]:
        self.called.append(command[1:])
        self.environment = env
        if command[1] == "synth":
            out = Path(command[command.index("--output") + 1])
            out.mkdir(parents=True, exist_ok=True)
            (out / "IncidentResponse.template.json").write_text(json.dumps(self.template))
        return subprocess.CompletedProcess(command, int(command[1] == self.fails))

    @property
    def words(self) -> list[str]:
        return [command[0] for command in self.called]


@pytest.fixture
def cdk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Cdk]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    found = Cdk(tmp_path)
    monkeypatch.setattr(steps.subprocess, "run", found.run)
    monkeypatch.setattr(steps, "ROOT", tmp_path / "root")
    program = tmp_path / "root" / "node_modules" / ".bin" / "cdk"
    program.parent.mkdir(parents=True)
    program.touch()
    monkeypatch.setattr(steps, "_deployed", lambda session, stack: (None, ""))
    with mock_aws():
        yield found


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A folder with an environment ``staging``."""
    folder = tmp_path / "config"
    shutil.copytree(ROOT / "config", folder / "staging", ignore=shutil.ignore_patterns("*/"))
    return folder


def run(config: Path, *arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(app.built(), ["deploy", "--config", str(config), *arguments], input=typed)


def test_it_checks_shows_asks_and_deploys_what_was_shown(cdk: Cdk, config: Path) -> None:
    done = run(config, "staging", "-c", "reserved_concurrency=off", typed="y\n")
    assert done.exit_code == 0, done.output
    assert cdk.words == ["synth", "diff", "deploy"]
    synth, diff, deploy = cdk.called
    assert f"config={config / 'staging'}" in synth
    assert "reserved_concurrency=off" in synth
    out = synth[synth.index("--output") + 1]
    assert diff[diff.index("--app") + 1] == deploy[deploy.index("--app") + 1] == out
    assert "A first deployment" in done.stderr
    assert "payment-gateway: new, in mode observe" in done.stderr
    assert "Deploy IncidentResponse to account 123456789012, us-east-1?" in done.stderr


@pytest.mark.parametrize("typed", ["n\n", ""])
def test_without_a_yes_nothing_is_deployed(cdk: Cdk, config: Path, typed: str) -> None:
    assert run(config, "staging", typed=typed).exit_code == 1
    assert cdk.words == ["synth", "diff"]


def test_a_pipeline_says_yes_beforehand(cdk: Cdk, config: Path) -> None:
    assert run(config, "staging", "--yes").exit_code == 0
    assert cdk.words == ["synth", "diff", "deploy"]


def test_a_configuration_that_cannot_be_used_is_refused_without_credentials(
        cdk: Cdk, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = config / "staging" / "payment-gateway.yaml"
    file.write_text(file.read_text().replace("mode: observe", "mode: sometimes"))
    monkeypatch.setattr(steps.boto3, "Session", lambda **_: pytest.fail("AWS was asked"))
    done = run(config, "staging", "--yes")
    assert (done.exit_code, cdk.called) == (2, [])
    assert "mode: found 'sometimes'" in done.stderr


def test_without_credentials_nothing_is_built(cdk: Cdk, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    done = run(config, "staging", "--yes")
    assert (done.exit_code, cdk.called) == (3, [])
    assert "sign in" in done.stderr


def test_another_account_than_the_one_that_is_meant_is_refused(cdk: Cdk, config: Path) -> None:
    done = run(config, "staging", "--account", "999999999999", "--yes")
    assert (done.exit_code, cdk.called) == (2, [])
    assert "credentials of account 123456789012, and --account says 999999999999" in done.stderr


def test_an_environment_that_is_not_there_is_named_with_those_that_are(cdk: Cdk, config: Path) -> None:
    done = run(config, "stagin")
    assert (done.exit_code, "config has staging" in done.stderr, cdk.called) == (2, True, [])


@pytest.mark.parametrize(("fails", "words"), [("synth", ["synth"]), ("diff", ["synth", "diff"])])
def test_what_cannot_be_shown_is_not_deployed(cdk: Cdk, config: Path, fails: str, words: list[str]) -> None:
    cdk.fails = fails
    done = run(config, "staging", "--yes")
    assert (done.exit_code > 0, f"cdk {fails} failed" in done.stderr, cdk.words) == (True, True, words)


# --- what is said to change -----------------------------------------------------------------------------------------

def test_what_the_responder_may_do_more_is_said_so(service: Service) -> None:
    policy = service.policy | {"fail_open": "auto", "rollback": "off"}
    found = list(changes({"a": service}, {"a": replace(service, mode="auto", policy=policy)}))
    assert "a: mode observe → auto  (it may do MORE without asking)" in found
    assert "a: policy of fail_open approve → auto  (it may do MORE without asking)" in found
    assert "a: policy of rollback auto → off" in found
    assert "a: remedy rollback is taken away, with its function and rights" in found


def test_a_service_that_is_left_out_is_said_to_be_watched_no_more(service: Service) -> None:
    assert list(changes({"a": service}, {})) == ["a: REMOVED: nothing watches it any more"]
    assert list(changes({"a": service}, {"a": service})) == []


# --- log groups that are kept ---------------------------------------------------------------------------------------

@pytest.fixture
def again(cdk: Cdk, monkeypatch: pytest.MonkeyPatch) -> Cdk:
    """A remedy comes back whose log group was kept."""
    name = "/aws/lambda/incident-response-action-rollback-1a2b3c4d"
    cdk.template = {"Resources": {"RollbackLog": GROUP, "OtherLog": GROUP}}
    boto3.client("logs").create_log_group(logGroupName=name)
    monkeypatch.setattr(steps, "_deployed", lambda session, stack: ({}, ""))
    make = boto3.Session.client

    def made(session: boto3.Session, name: str, *given: Any, **named: Any) -> Any:
        client = make(session, name, *given, **named)
        client.meta.events.register("before-call.cloudformation.*", _stack)
        return client

    monkeypatch.setattr(boto3.Session, "client", made)
    return cdk


def _stack(model: Any, **_: Any) -> tuple[AWSResponse, dict[str, Any]]:
    """CloudFormation's answers (AWS CloudFormation API reference: "DescribeStacks", "ListStackResources")."""
    answers = {
        "DescribeStacks": {"Stacks": [{"StackName": "IncidentResponse", "StackId": STACK_ID}]},
        "ListStackResources": {"StackResourceSummaries": [
            {"LogicalResourceId": "OtherLog", "ResourceStatus": "CREATE_COMPLETE"},
            {"LogicalResourceId": "RollbackLog", "ResourceStatus": "DELETE_COMPLETE"}]}}
    return AWSResponse("", 200, {}, None), answers[model.name]


def test_a_kept_log_group_is_told_before_anything_is_deployed(again: Cdk, config: Path) -> None:
    done = run(config, "staging", "--yes")
    assert (done.exit_code, again.words) == (1, ["synth"])
    assert "/aws/lambda/incident-response-action-rollback-1a2b3c4d" in done.stderr
    assert "--forget-logs deletes them" in done.stderr


def test_it_is_deleted_only_when_the_deployment_was_confirmed(again: Cdk, config: Path) -> None:
    logs = boto3.client("logs")
    assert run(config, "staging", "--forget-logs", typed="n\n").exit_code == 1
    assert len(logs.describe_log_groups()["logGroups"]) == 1
    assert run(config, "staging", "--forget-logs", typed="y\n").exit_code == 0
    assert logs.describe_log_groups()["logGroups"] == []
    assert again.words[-1] == "deploy"


def test_only_groups_that_the_stack_does_not_have_are_new() -> None:
    template = {"Resources": {"A": GROUP, "B": GROUP, "C": {"Type": "AWS::SNS::Topic"}}}
    assert list(new_groups(template, {"A"}, STACK_ID)) == ["/aws/lambda/incident-response-action-rollback-1a2b3c4d"]
