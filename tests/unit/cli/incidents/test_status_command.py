"""``responder status`` says what is open and what it waits for, and hides nothing that it could not read."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from cli.commands import status
from cli.incidents import overview
from responder.records.table import Records
from tests.conftest import shipped_service
from tests.unit.cli.incidents.conftest import Make
from tests.unit.cli.incidents.stage import MACHINE, Stage, two_services


def told(stage: Stage, *more: str) -> dict[str, Any]:
    done = stage.run("status", "--json", *more)
    return json.loads(done.stdout)


def test_nothing_open_and_everything_readable_is_well(stage: Stage) -> None:
    stage.switch("released")
    stage.beat()
    done = stage.run("status")
    assert done.exit_code == 0, done.output
    assert "No incident is open." in done.stdout
    assert "kill switch: released" in done.stdout
    assert "all of it can be read" in done.stdout


def test_an_incident_that_waits_for_a_yes_is_shown_with_its_question_and_deadline(stage: Stage) -> None:
    incident = stage.incident("approval-unanswered", "Ask for approval")
    stage.beat()
    done = stage.run("status")
    assert done.exit_code == 1
    assert f"OPEN  {incident}" in done.stdout
    assert "Waiting for a yes until" in done.stdout
    assert "Roll deployment/payment-gateway back to 1.0.0 (revision 1)?" in done.stdout
    assert f"responder approve {incident} yes|no --task 01" in done.stdout
    one, = told(stage)["open"]
    assert (one["waiting"][0]["task"], one["deadline"]) == ("01", one["waiting"][0]["until"])
    assert one["deadline_of"] == "the question expires"


def test_an_incident_whose_execution_was_stopped_is_said_to_be_nobody_s(stage: Stage) -> None:
    incident = stage.incident("bad-release", "Diagnose the root cause")
    arn = stage.table.lock("payment-gateway").execution
    boto3.client("stepfunctions").stop_execution(executionArn=arn, cause="Ada takes over")
    done = stage.run("status")
    assert "NOTHING HANDLES IT: its execution is ABORTED" in done.stdout
    assert "Open for" not in done.stdout
    assert f"responder take-over {incident} --give-back" in done.stdout


def test_an_execution_that_was_forgotten_counts_as_ended(stage: Stage) -> None:
    incident = stage.incident("bad-release", "Diagnose the root cause")
    gone = MACHINE.replace(":stateMachine:", ":execution:") + ":gone"
    stage.table.put({"pk": "SERVICE#payment-gateway", "sk": "OPEN", "incident": incident, "execution": gone,
                     "opened_at": "2026-11-24T10:00:00.000Z", "lease_until": 0, "again": False})
    assert told(stage)["open"][0]["execution"]["status"] == "FORGOTTEN"


def test_any_value_but_released_is_said_to_stop(stage: Stage) -> None:
    assert "never set, so nothing is changed" in stage.run("status").stdout
    for value, said in (("engaged", "kill switch: ENGAGED, since"), ("Released", "ENGAGED (its value is 'Released')")):
        stage.switch(value)
        assert said in stage.run("status").stdout


def test_a_late_heartbeat_and_what_it_could_not_read_are_not_well(stage: Stage) -> None:
    stage.beat(overview.LATE_SECONDS + 60)
    done = stage.run("status")
    assert (done.exit_code, "heartbeat: LATE" in done.stdout) == (1, True)
    stage.beat(60, {"source splunk": "Splunk refused the credentials (401)"})
    done = stage.run("status")
    assert (done.exit_code, "NOT READ: source splunk: Splunk refused the credentials (401)" in done.stdout) == (1, True)


def test_two_services_have_two_incidents_and_one_can_be_asked_for(make: Make) -> None:
    first, second = two_services()
    stage = make(first, second)
    one = stage.incident("bad-release", "Diagnose the root cause")
    other = stage.incident("approval-unanswered", "Ask for approval", second, "payouts-20261126T100000Z-abcd")
    assert [found["id"] for found in told(stage)["open"]] == [one, other]
    assert [found["id"] for found in told(stage, "--service", "payouts")["open"]] == [other]
    done = stage.run("status", "--service", "payout")
    assert (done.exit_code, "it has payment-gateway, payouts" in done.stderr) == (2, True)


def test_the_settings_of_now_are_shown_and_not_those_of_the_deployment(stage: Stage) -> None:
    stage.settings = {"payment-gateway": replace(shipped_service(), mode="auto")}
    done = stage.run("status")
    assert "payment-gateway: mode auto (configuration 12 of 2026-11-26T07:12Z)" in done.stdout


def test_the_last_ten_incidents_are_the_newest_first(stage: Stage) -> None:
    for day in range(1, 13):
        stage.past(f"payment-gateway-202611{day:02d}T100000Z-aaaa", f"2026-11-{day:02d}T10:00:00.000Z",
                   outcome="resolved", title="bad [release] of backend")
    last = told(stage)["last"]
    assert [found["opened_at"][8:10] for found in last] == [f"{day:02d}" for day in range(12, 2, -1)]
    assert "bad [release] of backend" in stage.run("status").stdout


def test_what_may_not_be_read_is_named_and_the_rest_is_shown(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.switch("released")

    def refuse(self: Records, *given: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetItem")

    monkeypatch.setattr(Records, "row", refuse)
    done = stage.run("status")
    assert done.exit_code == 1
    assert "kill switch: released" in done.stdout
    assert "No incident is known to be open." in done.stdout
    assert "you may not read the incidents of payment-gateway (dynamodb:GetItem, dynamodb:Query): ask " in done.stdout


def test_a_stack_that_is_not_there_is_said_so_with_where_it_was_looked_for(stage: Stage) -> None:
    done = stage.run("status", "--stack", "Nowhere")
    assert done.exit_code == 3
    assert "there is no stack Nowhere in us-east-1" in done.stderr


def test_a_stack_of_somebody_else_is_not_taken_for_the_responder_s(stage: Stage) -> None:
    done = stage.run("status", "--stack", "Other")
    assert (done.exit_code, "no output Timeline (the table)" in done.stderr) == (3, True)


def test_a_question_that_expired_is_not_offered_to_be_answered(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.incident("approval-unanswered", "Ask for approval")
    later = time.time() + 3600
    monkeypatch.setattr(status.time, "time", lambda: later)
    shown = stage.run("status").stdout
    assert "A question expired at" in shown
    assert "yes|no" not in shown
