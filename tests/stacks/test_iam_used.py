"""What is allowed is used: by the code under test, by a recorded drill, or by AWS itself for a reason given here.

``python -m sandbox drill … --record tests/records`` keeps what the roles called in ``tests/records/calls``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

import pytest

from sandbox.iam import calls, log
from sandbox.iam.evaluate import Call, decide
from sandbox.iam.reference import expanded
from tests.conftest import ROOT
from tests.iam import PREFIX, caller, reviewed
from tests.stacks.test_iam_calls import DRIVES, _no_network

__all__ = ["_no_network"]  # a fixture
pytestmark = pytest.mark.usefixtures("changes_pass", "_no_network")
RECORDED = sorted((ROOT / "tests" / "records" / log.FOLDER).glob("*.json.gz"))


@dataclass(frozen=True)
class Unused:
    """Rights that neither a test nor a recorded drill uses, and why a role has them all the same."""

    function: str
    """A pattern of function names."""
    action: str
    """A pattern of actions."""
    why: str


_KEY = ("AWS's page \"DynamoDB encryption at rest\" names these beside Decrypt for whoever uses a table under a key of "
        "one's own, and CDK's grants write them as patterns; KMS asks for one of them at a time")
UNUSED: tuple[Unused, ...] = (
    Unused("*", "logs:CreateLogStream", "Lambda itself writes the function's log, by the function's role"),
    Unused("*", "logs:PutLogEvents", "Lambda itself writes the function's log, by the function's role"),
    Unused("*", "kms:*", _KEY),
    Unused("*", "dynamodb:GetItem", "reading one item of a partition goes with reading the partition"),
    Unused("*", "dynamodb:Query", "reading a partition goes with reading one item of it"),
    Unused("action-*", "eks:DescribeCluster", "a remedy of the cluster finds its endpoint: not part of these drives"),
    Unused("action-*", "ssm:GetParameter", "the gate reads the kill switch before each change"),
    Unused("action-*", "dynamodb:UpdateItem", "a remedy keeps its plan and status"),
    Unused("action-*", "lambda:InvokeFunction", "a remedy adds timeline entries by the function that keeps them"),
    Unused("ledger", "secretsmanager:GetSecretValue", "it reads the key for marks at its first run, before a drill"),
    Unused("live", "dynamodb:*", "Lambda itself reads the table's stream, by the function's role"),
    Unused("live", "s3:PutObjectTagging", "S3 asks for it where an object is written with tags; the engine does not"),
    Unused("source-credentials", "s3:PutObject", "what it was answered is kept; the recorded drills are older than it"),
    Unused("source-network", "s3:PutObject", "what it was answered is kept, where a probe is configured that answers"),
    Unused("source-network", "ec2:*", "Lambda itself puts the function into the VPC; its code is denied all of them"),
    Unused("step-tell", "sqs:*", "Lambda itself sends what failed to the queue, as CDK grants it"),
    Unused("step-report", "cloudwatch:GetMetricData", "the postmortem's error budget, where an objective is set"),
    Unused("step-decide", "states:*", "an approval by an execution's input, and the look at an execution that ended"),
    Unused("a*", "states:SendTaskSuccess", "an answer resumes the execution: tests/unit/people/test_approval.py"),
    Unused("approve", "*", "the signed links and Slack's buttons, where they are used; tests/unit/people has both"),
    Unused("health", "dynamodb:PutItem", "an event of AWS Health is kept when AWS sends one"),
    Unused("step-decide", "appconfig:*", "opening reads the newest settings; tests/contract/test_upgrades.py has it"),
    Unused("usual-traffic", "*", "a schedule starts it; tests/unit/evidence/test_usual_traffic.py has all of it"),
    Unused("sweep", "*", "a schedule starts it; tests/unit/state_machine/test_sweep.py has all that it calls"),
    Unused("*", "xray:*", "Lambda itself sends a function's traces, by the function's role"),
    Unused("heartbeat", "*", "it runs every few hours and not in a drill; tests/stacks/test_own_health.py walks it"),
    Unused("states", "logs:*", "log delivery of Step Functions (AWS: Logging using CloudWatch Logs)"),
    Unused("states", "xray:*", "traces of Step Functions (AWS: X-Ray and Step Functions)"),
    Unused("states", "sns:Publish", "the last word, where a step failed for good"),
)


def allowed() -> set[tuple[str, str]]:
    """Each function or role, and each action that it may perform on something."""
    found = set()
    for name, role in reviewed().callers.items():
        for policy in role.policies:
            for statement in policy["Statement"]:
                if statement["Effect"] == "Allow":
                    listed = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                    found |= {(_short(name), action) for pattern in listed for action in expanded(pattern)}
    return found


def _short(name: str) -> str:
    return "events" if name.startswith("rule ") else name.removeprefix(PREFIX)


@cache
def used() -> frozenset[tuple[str, str]]:
    """What the code under test and the recorded drills performed."""
    return frozenset(_used())


def _used() -> Iterator[tuple[str, str]]:
    for function, drive in DRIVES.values():
        for action in drive().allowed:
            yield function, action
    for path in RECORDED:
        for made in log.decode(path.read_bytes()):
            if made.allowed:
                yield _short(made.caller), made.action


def test_nothing_was_refused_in_a_recorded_drill() -> None:
    refused = {(path.name.partition(".")[0], _short(made.caller), made.action)
               for path in RECORDED for made in log.decode(path.read_bytes()) if not made.allowed}
    assert refused == set()


def test_the_key_opens_for_whoever_uses_what_is_under_it() -> None:
    """Table, bucket, topic and the stack's own secrets are under one key: KMS asks the caller's policies and its own.
    """
    template, tried = reviewed(), 0
    (name, item), = template.of_type("AWS::KMS::Key").items()
    for function, action in used():
        if function in ("states", "events") or action == "secretsmanager:GetSecretValue":
            continue  # the vendors' secrets are under the account's default key
        for call in calls.implied(Call(action), template.arn(name)):
            tried += 1
            assert decide(caller(function), call, item["KeyPolicy"]).allowed, (function, action, call)
    assert tried > 30
    for function in ("ledger", "source-changes", "step-tell", "approve", "action-engage-network-team"):
        for call in calls.implied(Call("secretsmanager:GetSecretValue"), template.arn(name)):
            assert decide(caller(function), call, item["KeyPolicy"]).allowed, function
    for call in calls.implied(Call("sns:Publish"), template.arn(name)):
        assert decide(template.callers["states"], call, item["KeyPolicy"]).allowed
    # It keeps no budget in the table, and no answer that others share.
    assert not decide(caller("source-network"), Call("kms:Decrypt", (template.arn(name),)), item["KeyPolicy"]).allowed


def test_each_right_is_used_or_has_a_reason() -> None:
    unused = sorted(allowed() - used())
    reasons = {item: [reason for reason in UNUSED if fnmatchcase(item[0], reason.function)
                      and fnmatchcase(item[1], reason.action)] for item in unused}
    assert [item for item, found in reasons.items() if not found] == []
    needed = {reason for found in reasons.values() for reason in found}
    assert [reason for reason in UNUSED if reason not in needed] == [], "a reason for nothing"
