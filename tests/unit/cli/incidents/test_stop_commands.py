"""``stop`` and ``release`` set the switch that the responder reads, with who and why; ``take-over`` ends its work."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import boto3
import pytest

from responder.handlers import step
from tests.conftest import shipped_service
from tests.unit.cli.incidents.conftest import Make
from tests.unit.cli.incidents.stage import MACHINE, Stage, two_services


def parameter(service: str = "payment-gateway") -> dict[str, Any]:
    history = boto3.client("ssm").get_parameter_history(Name=f"/incident-response/{service}/kill-switch")
    return max(history["Parameters"], key=lambda version: version["Version"])


def test_stop_holds_at_once_and_says_who_and_why(stage: Stage) -> None:
    stage.switch("released")
    done = stage.run("stop", "--reason", "the wrong pods")
    assert done.exit_code == 0, done.output
    assert step.kill_switch(shipped_service()) == "engaged"
    assert parameter()["Description"].endswith(": the wrong pods")
    assert "responder release --service payment-gateway" in done.stdout
    assert "(engaged by " in stage.run("status").stdout


def test_stop_works_where_the_switch_was_never_set(stage: Stage) -> None:
    assert stage.run("stop").exit_code == 0
    assert step.kill_switch(shipped_service()) == "engaged"


def test_a_second_stop_leaves_the_first_one_s_reason(stage: Stage) -> None:
    stage.run("stop", "--reason", "first")
    done = stage.run("stop", "--reason", "second", "--json")
    assert (done.exit_code, json.loads(done.stdout)[0]["is_changed"]) == (0, False)
    assert parameter()["Description"].endswith("first")


def test_a_secret_in_a_reason_is_masked(stage: Stage) -> None:
    stage.run("stop", "--reason", "card 4111111111111111 seen")
    assert "4111111111111111" not in parameter()["Description"]


def test_of_several_services_one_is_named_or_all_are_stopped(make: Make) -> None:
    stage = make(*two_services())
    done = stage.run("stop")
    assert (done.exit_code, "name one with --service: payment-gateway, payouts" in done.stderr) == (2, True)
    assert stage.run("stop", "--all").exit_code == 0
    assert [parameter(name)["Value"] for name in ("payment-gateway", "payouts")] == ["engaged", "engaged"]
    assert stage.run("release", "--service", "payouts", "--reason", "done", "--yes").exit_code == 0
    assert [parameter(name)["Value"] for name in ("payment-gateway", "payouts")] == ["engaged", "released"]


def test_release_says_what_may_happen_next_and_asks(stage: Stage) -> None:
    stage.settings = {"payment-gateway": replace(shipped_service(), mode="auto")}
    stage.incident("approval-unanswered", "Ask for approval")
    stage.switch("engaged")
    refused = stage.run("release", "--reason", "all well", typed="n\n")
    assert (refused.exit_code, parameter()["Value"]) == (1, "engaged")
    assert "The mode is auto: without asking it may apply cap_retries, engage_network_team" in refused.stderr
    assert "Waiting for a yes until" in refused.stderr
    assert stage.run("release", "--reason", "all well", typed="y\n").exit_code == 0
    assert step.kill_switch(shipped_service()) == "released"


def test_release_needs_a_reason(stage: Stage) -> None:
    assert stage.run("release", "--yes").exit_code == 2
    assert step.kill_switch(shipped_service()) is None


# --- taking over --------------------------------------------------------------------------------------------------

def execution(stage: Stage) -> dict[str, Any]:
    lock = stage.table.lock("payment-gateway")
    assert lock is not None
    return boto3.client("stepfunctions").describe_execution(executionArn=lock.execution)


def test_taking_over_ends_the_execution_and_says_what_stays(stage: Stage) -> None:
    incident = stage.incident("bad-release", "Apply the remedy")
    done = stage.run("take-over", incident, "--reason", "I know it", typed="y\n")
    assert done.exit_code == 0, done.output
    assert "Stays as it is: Roll deployment/payment-gateway back" in done.stderr
    assert execution(stage)["status"] == "ABORTED"
    assert f"{incident} is yours." in done.stdout


def test_without_a_confirmation_the_responder_goes_on(stage: Stage) -> None:
    stage.incident("bad-release", "Apply the remedy")
    assert stage.run("take-over", typed="n\n").exit_code == 1
    assert execution(stage)["status"] == "RUNNING"


def test_what_was_taken_over_is_not_taken_over_again(stage: Stage) -> None:
    stage.incident("bad-release", "Apply the remedy")
    assert stage.run("take-over", "--yes").exit_code == 0
    done = stage.run("take-over", "--yes")
    assert (done.exit_code, "nothing is to be taken over: the execution is ABORTED" in done.stderr) == (1, True)


def test_giving_back_starts_what_the_state_machine_takes_as_a_take_over(stage: Stage) -> None:
    incident = stage.incident("bad-release", "Apply the remedy")
    running = stage.run("take-over", "--give-back", "--yes")
    assert (running.exit_code, "the responder has" in running.stderr) == (1, True)
    stage.run("take-over", "--yes")
    done = stage.run("take-over", incident, "--give-back", "--yes", "--json")
    assert done.exit_code == 0, done.output
    started = boto3.client("stepfunctions").describe_execution(executionArn=json.loads(done.stdout)["execution"])
    given = json.loads(started["input"])
    assert (started["stateMachineArn"], given["service"], given["take_over"]) == (MACHINE, "payment-gateway", True)


@pytest.mark.parametrize("command", ["take-over", "approve"])
def test_without_an_open_incident_there_is_nothing_to_take(stage: Stage, command: str) -> None:
    assert stage.run(command, "--yes").exit_code == 2
