"""The record cannot be rewritten: each forbidden write is tried with the role's real policy, and each needed one too.

The policies are those of the template; the engine's evaluator decides, with the condition keys of real requests.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from aws_cdk import App, Environment
from aws_cdk.assertions import Template
from moto import mock_aws

from responder import actions
from responder.model.incident import Proposed, Remedy, RemedyStatus, Signal, SourceAnswer
from responder.model.service.foreign_changes import ChangeFeeds, FlagService
from responder.records.table import Records
from sandbox.rights import allowed, condition_keys, transaction
from stacks.configuration import read_folder
from stacks.deployment import Settings
from stacks.incident_response import IncidentResponse
from tests.conftest import ROOT, timeline_in_aws
from tests.stacks.test_stack import of_type

TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/timeline"
TELLING = {action.name for action in actions.every() if action.audience}


def policies_of(resources: dict[str, Any], function: str) -> list[dict[str, Any]]:
    """The policies of a function's role, with the table's ARN in place of what CloudFormation fills in."""
    role = next(item["Role"]["Fn::GetAtt"][0] for item in of_type(resources, "AWS::Lambda::Function")
                if item["FunctionName"] == f"incident-response-{function}")
    found = []
    for policy in of_type(resources, "AWS::IAM::Policy"):
        if {"Ref": role} in policy["Roles"]:
            statements = []
            for statement in policy["PolicyDocument"]["Statement"]:
                listed = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
                statements.append({**statement, "Resource": [
                    TABLE if '"Fn::GetAtt": ["RecordsTimeline' in json.dumps(item) else json.dumps(item)
                    for item in listed]})
            found.append({"Version": "2012-10-17", "Statement": statements})
    assert found, function
    return found


class Tried(Exception):
    """A request was about to be sent; nothing was."""


class Requests:
    """Catches the requests that the real code would send to DynamoDB."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, list[str]]]] = []
        client = boto3.client("dynamodb")
        client.meta.events.register("before-call.dynamodb.*", self._keep)
        self.records = Records("timeline", client)

    def _keep(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        body = json.loads(params["body"])
        self.sent += list(transaction(body)) if model.name == "TransactWriteItems" else [
            (f"dynamodb:{model.name}", condition_keys(body))]


@pytest.fixture(scope="module")
def of_every_action() -> dict[str, Any]:
    """The resources of services that can use each action, those that the shipped configuration leaves out too."""
    flags = ChangeFeeds(flags=FlagService("read", "shop", write_secret="write"))
    services = [replace(service, foreign_changes=flags) for service in read_folder(ROOT / "config")]
    stack = IncidentResponse(App(), "IncidentResponse", services=services, settings=Settings(), build=ROOT / ".build",
                             env=Environment(account="000000000000", region="us-east-1"))
    found: dict[str, Any] = Template.from_stack(stack).to_json()["Resources"]
    return found


@pytest.fixture
def requests() -> Iterator[Requests]:
    with mock_aws():
        timeline_in_aws()
        yield Requests()


def names_of(resources: dict[str, Any]) -> list[str]:
    return sorted(item["FunctionName"].removeprefix("incident-response-")
                  for item in of_type(resources, "AWS::Lambda::Function")
                  if item["FunctionName"].startswith("incident-response-"))


def may(resources: dict[str, Any], function: str, operation: str, partition: str, *attributes: str) -> bool:
    return allowed(policies_of(resources, function), f"dynamodb:{operation}", TABLE, {
        "dynamodb:LeadingKeys": [partition], "dynamodb:Attributes": ["pk", "sk", *attributes]})


WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "PartiQLUpdate", "PartiQLDelete", "PartiQLInsert")


def test_the_timeline_is_append_only_for_all(resources: dict[str, Any]) -> None:
    writers = {(name, operation) for name in names_of(resources) for operation in WRITES
               if may(resources, name, operation, "TIMELINE#i-1", "what")}
    assert writers == {("timeline", "PutItem")}
    # And the one that adds entries can do nothing else with the table.
    for partition in ("INCIDENT#i-1", "REMEDY#i-1", "ANSWER#i-1", "TASK#i-1", "SERVICE#x", "LEDGER#x", "TARGET#x"):
        assert not any(may(resources, "timeline", operation, partition, "x") for operation in (*WRITES, "GetItem"))


@pytest.mark.parametrize("action", [action.name for action in actions.every()])
def test_a_remedy_writes_what_it_did_and_nothing_else(of_every_action: dict[str, Any], action: str) -> None:
    resources = of_every_action
    name = f"action-{action.replace('_', '-')}"
    assert may(resources, name, "UpdateItem", "REMEDY#i-1", f"{action}:status")
    # Neither the ruling nor what another remedy planned, in whatever company.
    other = "scale_up" if action != "scale_up" else "rollback"
    for attributes in (("judged:status",), ("expires",), ("number",), (f"{other}:operands",),
                       (f"{action}:status", "judged:ruled_on"),
                       ("status",)):
        assert not may(resources, name, "UpdateItem", "REMEDY#i-1", *attributes)
    for operation in ("PutItem", "DeleteItem", "BatchWriteItem"):
        assert not may(resources, name, operation, "REMEDY#i-1", f"{action}:status")
    tells, asks = action in TELLING, bool(actions.find(action).task_for)
    for partition, mine in (("INCIDENT#i-1", False), ("TIMELINE#i-1", False), ("ANSWER#i-1", False), ("TASK#i-1", asks),
                            ("CHANNEL#i-1", tells), ("SERVICE#payment-gateway", False), ("TARGET#x", False),
                            ("REMEDIES#payment-gateway", False), ("LEDGER#payment-gateway", False),
                            ("HISTORY#payment-gateway", False), ("HEALTH", False), ("REFUSED#2026-11-25", False)):
        assert may(resources, name, "UpdateItem", partition, "x") is mine, partition
        assert may(resources, name, "PutItem", partition, "x") is mine, partition
        assert not may(resources, name, "DeleteItem", partition, "x"), partition


def test_a_source_keeps_its_own_budget_and_what_it_shares_and_writes_nothing_else(resources: dict[str, Any]) -> None:
    shares = {"cloudtrail", "aws_health", "rds", "eks", "provider"}
    for name in (name for name in names_of(resources) if name.startswith("source-")):
        source = name.removeprefix("source-").replace("-", "_")
        other = "splunk" if source != "splunk" else "newrelic"
        assert may(resources, name, "UpdateItem", f"BUDGET#{source}#own", "free_at") is (source != "network"), name
        for operation in ("GetItem", "PutItem", "UpdateItem"):
            assert may(resources, name, operation, f"SHARED#{source}#own", "x") is (source in shares), (name, operation)
        for partition in (f"BUDGET#{other}#own", f"SHARED#{other}#own", "INCIDENT#i-1", "SERVICE#x", "TARGET#x",
                          "REMEDY#i-1", "TIMELINE#i-1", "CHANNEL#i-1", "ANSWER#i-1", "HEALTH", "LEDGER#x"):
            assert not any(may(resources, name, operation, partition, "x") for operation in WRITES), (name, partition)
        assert not may(resources, name, "DeleteItem", f"SHARED#{source}#own")


def test_only_the_functions_that_take_answers_can_write_answers(resources: dict[str, Any]) -> None:
    writers = {name for name in names_of(resources) if may(resources, name, "UpdateItem", "ANSWER#i-1", "decision")}
    assert writers == {"answer", "approve", "step-decide"}
    for name in ("answer", "approve"):
        for partition in ("TASK#i-1", "INCIDENT#i-1", "REMEDY#i-1", "TIMELINE#i-1", "SERVICE#x", "CHANNEL#i-1"):
            assert not any(may(resources, name, operation, partition, "decision") for operation in WRITES), partition


def test_nobody_but_the_guardrails_function_writes_a_ruling(resources: dict[str, Any]) -> None:
    assert {name for name in names_of(resources)
            if may(resources, name, "UpdateItem", "REMEDY#i-1", "judged:status")} == {"step-decide"}
    for operation in ("PutItem", "UpdateItem"):
        for attribute in ("proposal", "attack_signs"):
            assert {name for name in names_of(resources)
                    if may(resources, name, operation, "INCIDENT#i-1", attribute)} == {"step-decide"}
    # It rules on plans, and writes none.
    assert not may(resources, "step-decide", "UpdateItem", "REMEDY#i-1", "rollback:operands")
    assert not may(resources, "step-decide", "PutItem", "REMEDY#i-1", "judged:status")


def test_nobody_may_scan_or_delete_the_table_or_undo_what_protects_it(resources: dict[str, Any]) -> None:
    for name in names_of(resources):
        policies = policies_of(resources, name)
        for operation in ("DeleteTable", "UpdateTable", "UpdateTimeToLive", "UpdateContinuousBackups", "Scan",
                          "RestoreTableFromBackup", "ExportTableToPointInTime", "PutResourcePolicy"):
            assert not allowed(policies, f"dynamodb:{operation}", TABLE), (name, operation)


def test_each_function_may_send_what_its_code_sends(resources: dict[str, Any], requests: Requests) -> None:
    """The real requests of the real code: what a policy that is too narrow would break in an account."""
    records, at = requests.records, "2026-11-25T00:00:00.000Z"

    def sent_by(function: str) -> None:
        policies = policies_of(resources, function)
        assert requests.sent
        for action, keys in requests.sent:
            assert allowed(policies, action, TABLE, keys), (function, action, keys)
        requests.sent.clear()

    signal = Signal(at, "alarm", "a", "k")
    records.open("payment-gateway", "i-1", "e", at, signal)
    records.open("payment-gateway", "i-2", "e2", at, signal)
    records.renew("payment-gateway", "e", 60)
    records.refuse(at, "k", "why", {})
    records.keep_evidence("i-1", at, "Confirm", [SourceAnswer("splunk")])
    records.update("i-1", confirmed=True)
    kept, = records.keep_proposals("i-1", at, [Proposed("", "rollback")])
    sent_by("step-decide")
    records.proposed("i-1", kept.id)
    for _ in range(2):
        records.plan_remedy("i-1", Remedy(1, "rollback", target="d", summary="s"))
    records.set_remedy("i-1", 1, "rollback", status=RemedyStatus.APPLIED)
    records.holds("t", "i-1", 1)
    sent_by("action-rollback")
    records.judge_remedy("i-1", 1, action="rollback", status=RemedyStatus.PERMITTED)
    records.hold("t", "i-1", 60)
    records.executed("payment-gateway", "i-1", Remedy(1, "rollback", target="d", mechanism="m"))
    records.past_failures("payment-gateway", 0.0, "i-9")
    records.next_number("i-1")
    records.load("i-1")
    sent_by("step-decide")
    records.take_channel("i-1", "sns")
    records.keep_channel("i-1", "sns", {}, {})
    records.without_timeline("i-1")
    sent_by("action-inform-customers")
    records.take_channel("i-1", "sns")
    records.load("i-1")
    records.release("t", "i-1")
    records.close("payment-gateway", "i-1", "e")
    sent_by("step-tell")
    records.load("i-1")
    records.update("i-1", report={}, reported_at=at)
    sent_by("step-report")
    records.find("i-1")
    records.items("i-1")
    records.lock("payment-gateway")
    sent_by("live")
    records.note("i-1", at, "Close", "closed")
    sent_by("timeline")
