"""Each command needs the rights that it is said to need, and no other; the printed policies give them.

What a command asks of AWS is kept while it runs, and held against the policy by the evaluator of the embedded cloud.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from cli.incidents.rights import READERS, RIGHTS, Where, policy, table
from sandbox import rights as evaluator
from tests.conftest import ROOT
from tests.unit.cli.incidents.stage import ACCOUNT, BUCKET, MACHINE, REGION, Stage

WHERE = Where("aws", REGION, ACCOUNT, "IncidentResponse", "incident-response", "timeline", BUCKET,
              f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k-1",
              f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:incident-response-answer:live", "a1b2c3d")
WITHOUT_A_RIGHT = {"sts:GetCallerIdentity"}
COMMANDS = (("status",), ("approve", "latest", "yes", "--yes"), ("release", "--reason", "x", "--yes"), ("stop",),
            ("take-over", "--yes"), ("take-over", "--give-back", "--yes"), ("report", "latest"), ("replay", "latest"))


def asked(stage: Stage) -> Iterator[tuple[str, str, dict[str, list[str]]]]:
    """The IAM action, resource and condition keys of each call that a command made."""
    for service, operation, given in stage.asked:
        prefix = "states" if service == "stepfunctions" else service
        home = f"arn:aws:{prefix}:{REGION}:{ACCOUNT}"
        resource = {
            "dynamodb": f"{home}:table/timeline", "cloudformation": f"{home}:stack/IncidentResponse/id", "sts": "*",
            "ssm": f"{home}:parameter{given.get('Name')}",
            "s3": f"arn:aws:s3:::{given.get('Bucket')}/{given.get('Key')}",
            "states": str(given.get("executionArn") or given.get("stateMachineArn"))}[prefix]
        yield f"{prefix}:{operation}", resource, evaluator.condition_keys(given) if prefix == "dynamodb" else {}


@pytest.fixture
def ready(stage: Stage) -> Stage:
    """An incident that waits for a yes, and one that has a report."""
    incident = stage.incident("approval-unanswered", "Ask for approval")
    stage.ask(incident)
    stage.past(incident, "2026-11-24T10:00:00.000Z")
    for name in ("postmortem.md", "record.json.gz"):
        content = (ROOT / "tests" / "records" / "bad-release.json.gz").read_bytes() if name.endswith("gz") else b"# x"
        boto3.client("s3").put_object(Bucket=BUCKET, Key=f"postmortems/payment-gateway/{incident}/{name}", Body=content)
    stage.switch("engaged")
    return stage


def test_commands_ask_for_nothing_that_their_rights_do_not_have_and_use_them_all(ready: Stage) -> None:
    document, used = policy("on-call", WHERE), set()
    for arguments in COMMANDS:
        ready.asked.clear()
        done = ready.run(*arguments)
        assert done.exit_code in (0, 1), done.output
        mine = document | {"Statement": [statement for statement in document["Statement"] if any(
            set(statement["Action"]) == set(right.actions) for right in RIGHTS[arguments[0]])]}
        calls = [call for call in asked(ready) if call[0] not in WITHOUT_A_RIGHT]
        assert calls
        for action, resource, keys in calls:
            assert evaluator.allowed([mine], action, resource, keys), (arguments, action, resource, keys)
        used |= {action for action, *_ in calls}
    assert {arguments[0] for arguments in COMMANDS} == set(RIGHTS)
    given = {action for rights in RIGHTS.values() for right in rights for action in right.actions}
    # Not asked by boto3 here: AppConfig, the URL, and what AWS asks of KMS in one's name.
    elsewhere = {"appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration", "lambda:InvokeFunctionUrl",
                 "lambda:InvokeFunction", "kms:Decrypt", "s3:ListBucket"}
    assert used == given - elsewhere


def test_who_only_looks_can_change_nothing() -> None:
    document = policy("read-only", WHERE)
    actions = [action for statement in document["Statement"] for action in statement["Action"]]
    assert [action for action in actions if not action.partition(":")[2].startswith(
        ("Get", "List", "Describe", "Query", "Decrypt", "StartConfigurationSession"))] == []
    assert not evaluator.allowed([document], "states:StopExecution", MACHINE)


@pytest.mark.parametrize("role", ["on-call", "read-only"])
def test_no_policy_reaches_task_tokens_or_raw_answers(role: Any) -> None:
    document = policy(role, WHERE)
    table_arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/timeline"
    for partition in ("TASK#i-1", "ANSWER#i-1", "LEDGER#payment-gateway"):
        assert not evaluator.allowed([document], "dynamodb:GetItem", table_arn, {"dynamodb:LeadingKeys": [partition]})
    assert evaluator.allowed([document], "dynamodb:GetItem", table_arn, {"dynamodb:LeadingKeys": ["INCIDENT#i-1"]})
    assert not evaluator.allowed([document], "s3:GetObject", f"arn:aws:s3:::{BUCKET}/raw/x")
    execution = MACHINE.replace(":stateMachine:", ":execution:") + ":one"
    assert not evaluator.allowed([document], "states:GetExecutionHistory", execution)


def test_a_policy_has_room_in_iam_and_no_star_alone() -> None:
    """A managed policy has at most 6,144 characters without white space (IAM User Guide: "IAM and AWS STS quotas")."""
    document = policy("on-call", WHERE)
    assert len(json.dumps(document, separators=(",", ":"))) < 6144
    assert [statement for statement in document["Statement"] if "*" in statement["Resource"]] == []


def test_the_policy_is_printed_with_the_names_of_the_deployment(stage: Stage) -> None:
    done = stage.run("rights", "on-call")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == policy("on-call", WHERE)
    refused = stage.run("rights", "admin")
    assert (refused.exit_code, "expected on-call or read-only" in refused.stderr) == (2, True)


def test_the_docs_have_the_table() -> None:
    assert "\n".join(table()) in (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    assert set(READERS) < set(RIGHTS)
