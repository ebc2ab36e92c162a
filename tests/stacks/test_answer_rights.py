"""Who may write and read the sources' answers in S3, and how much of a state each of them has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from responder import sources
from responder.plan.fitting import STATE_BYTES
from sandbox.quotas.functions import check_environment
from tests.conftest import shipped_service
from tests.stacks.test_stack import of_type

ASKED = [source for source in sources.all() if source.configured(shipped_service())]
"""The sources of the shipped configuration; the others have no function."""


def folders(resources: dict[str, Any], function: str, action: str) -> set[str]:
    """The places in the bucket for reports on which a function's role allows an action."""
    role = next(item["Role"]["Fn::GetAtt"][0] for item in of_type(resources, "AWS::Lambda::Function")
                if item["FunctionName"] == f"incident-response-{function}")
    found = set()
    for policy in of_type(resources, "AWS::IAM::Policy"):
        for statement in policy["PolicyDocument"]["Statement"] if {"Ref": role} in policy["Roles"] else ():
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            given = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
            if any(action in one or one in ("*", "s3:*") for one in actions):
                found |= {item["Fn::Join"][1][-1] for item in given if "RecordsReports" in json.dumps(item)}
    return found


@pytest.mark.parametrize("name", [source.name for source in ASKED])
def test_a_source_writes_below_its_own_folder_and_reads_no_answer(resources: dict[str, Any], name: str) -> None:
    function = f"source-{name.replace('_', '-')}"
    assert folders(resources, function, "s3:PutObject") == {"/raw/*", f"/evidence/{name}/*"}
    assert not folders(resources, function, "s3:GetObject")


def test_the_steps_that_decide_read_all_answers_and_write_none(resources: dict[str, Any]) -> None:
    assert folders(resources, "step-decide", "s3:GetObject") == {"/evidence/*"}
    assert not folders(resources, "step-decide", "s3:PutObject")


def test_answers_are_forgotten_once_no_execution_can_need_them(resources: dict[str, Any]) -> None:
    rules = [rule for bucket in of_type(resources, "AWS::S3::Bucket")
             for rule in bucket.get("LifecycleConfiguration", {}).get("Rules", []) if rule.get("Prefix") == "evidence/"]
    # An execution can be redriven for 14 days.
    assert [rule["ExpirationInDays"] for rule in rules] == [15]


def test_the_answers_of_all_sources_of_a_state_have_room_in_it(resources: dict[str, Any]) -> None:
    shares = {int(item["Environment"]["Variables"]["ANSWER_BYTES"])
              for item in of_type(resources, "AWS::Lambda::Function")
              if item["FunctionName"].startswith("incident-response-source-")}
    most = max(sum(phase in source.phases for source in ASKED)
               for phase in {phase for source in ASKED for phase in source.phases})
    assert max(shares) * most <= STATE_BYTES - 60_000


def test_every_environment_has_room(resources: dict[str, Any]) -> None:
    for item in of_type(resources, "AWS::Lambda::Function"):
        # What CloudFormation fills in is shorter than what stands for it here, but for ARNs.
        variables = item.get("Environment", {}).get("Variables", {})
        check_environment(item["FunctionName"], {key: json.dumps(value) + "x" * 60 for key, value in variables.items()})
