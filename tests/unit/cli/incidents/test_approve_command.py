"""``responder approve`` shows the question, answers as whoever runs it, and gets past no rule of the responder.

Behind the URL is the real function that takes answers; only the network is left out.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import boto3
import pytest

from responder.model import service as model
from responder.model.service import Person
from responder.records.tasks import Tasks
from tests.conftest import shipped_service
from tests.unit.cli.incidents.conftest import Make
from tests.unit.cli.incidents.stage import ACCOUNT, Stage, two_services

ASKED = "Ask for approval"


@pytest.fixture
def waiting(stage: Stage) -> tuple[Stage, str]:
    """An incident that waits for a yes."""
    incident = stage.incident("approval-unanswered", ASKED)
    stage.ask(incident)
    return stage, incident


def decision(stage: Stage, incident: str, task: str = "01") -> str:
    found = Tasks(stage.table).get(incident, task)
    assert found is not None
    return found.decision


def test_a_yes_is_answered_after_the_whole_question_was_shown(waiting: tuple[Stage, str]) -> None:
    stage, incident = waiting
    done = stage.run("approve", "latest", "yes", "--reason", "seen it before", typed="y\n")
    assert done.exit_code == 0, done.output
    assert "Roll deployment/payment-gateway back to 1.0.0 (revision 1)?" in done.stderr
    assert "- template.spec.containers.payment-gateway.image" in done.stderr
    assert "Risk: medium" in done.stderr
    assert "kubectl -n payments rollout undo" in done.stderr
    assert "decided: approve: decided by" in done.stdout
    assert decision(stage, incident) == "approve"
    assert stage.woken == ["AQB-token"]
    request, = stage.requests
    assert "/us-east-1/lambda/aws4_request" in request.headers["authorization"]
    assert request.headers["host"].startswith("abcdefghijklmnop")
    assert json.loads(request.content) == {"incident": incident, "task": "01", "decision": "approve",
                                           "note": "seen it before"}


def test_without_a_confirmation_nothing_is_sent(waiting: tuple[Stage, str]) -> None:
    stage, incident = waiting
    for typed in ("n\n", "\n", ""):
        assert stage.run("approve", incident, "yes", typed=typed).exit_code == 1
    assert (stage.requests, decision(stage, incident)) == ([], "")


def test_without_an_answer_a_pipeline_is_told_what_is_needed(waiting: tuple[Stage, str]) -> None:
    stage, _ = waiting
    done = stage.run("approve", "latest", "--yes")
    assert (done.exit_code, stage.requests) == (2, [])
    assert "an answer is needed: yes or no" in done.stderr


def test_the_answer_alone_means_the_newest_incident(waiting: tuple[Stage, str]) -> None:
    stage, incident = waiting
    assert stage.run("approve", "no", "--yes").exit_code == 0
    assert decision(stage, incident) == "reject"


def test_who_answers_second_is_told_who_did_before(waiting: tuple[Stage, str]) -> None:
    stage, incident = waiting
    stage.run("approve", "latest", "no", "--yes")
    stage.caller = f"arn:aws:iam::{ACCOUNT}:user/bob"
    # The timeline does not say it yet, as where both look at the same moment.
    for item in stage.table.partition(f"TIMELINE#{incident}"):
        if item.get("fact") == "answered":
            stage.table.delete(item["pk"], item["sk"])
    done = stage.run("approve", "latest", "yes", "--yes", "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert (found["result"], "somebody has already decided: reject by ada" in found["said"]) == ("declined", True)


def test_an_answer_after_the_question_expired_decides_nothing(stage: Stage) -> None:
    incident = stage.incident("approval-unanswered", ASKED)
    stage.ask(incident, seconds_left=-1)
    done = stage.run("approve", "latest", "yes", "--yes")
    assert (done.exit_code, "declined: the question expired at" in done.stdout) == (1, True)
    assert (decision(stage, incident), stage.woken) == ("", [])


def test_somebody_whom_the_team_does_not_name_is_refused_by_the_responder_itself(
        stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    incident = stage.incident("approval-unanswered", ASKED)
    stage.ask(incident)
    strict = replace(shipped_service(), team=(Person("Bob", "sre", iam=f"arn:aws:iam::{ACCOUNT}:user/bob"),))
    (tmp_path / "payment-gateway.json").write_text(json.dumps(asdict(strict)))
    model.load.cache_clear()
    done = stage.run("approve", "latest", "yes", "--yes")
    assert (done.exit_code, decision(stage, incident)) == (1, "")
    assert "refused: only sre may decide this, by the identities in team[].iam; you are ada" in done.stdout


def test_the_first_of_two_who_must_approve_is_told_that_another_is_needed(
        stage: Stage, tmp_path: Path) -> None:
    incident = stage.incident("approval-unanswered", ASKED)
    stage.ask(incident, needed=2)
    two = replace(shipped_service(), approval=replace(shipped_service().approval, two_person=("rollback",)))
    (tmp_path / "payment-gateway.json").write_text(json.dumps(asdict(two)))
    model.load.cache_clear()
    done = stage.run("approve", "latest", "yes", "--yes", "--json")
    assert (done.exit_code, json.loads(done.stdout)["result"], decision(stage, incident)) == (0, "approved", "")


REFUSED = [
    (("latest", "done"), "'done' is no answer to task 01: it takes yes or no"),
    (("latest", "maybe"), "'maybe' is no answer"),
    (("latest", "yes", "--task", "07"), "task 07 of"),
    (("latest", "yes", "--task", "../../x"), "is not one such as 01 or 01m"),
    (("latest", "no", "--value", "3"), "--value goes with yes"),
    (("latest", "yes", "--instead", "x"), "--instead goes with no"),
    (("nobody-knows", "yes"), "there is no open incident 'nobody-knows'; the newest are"),
]


def test_what_the_question_does_not_take_is_refused_before_anything_is_sent(waiting: tuple[Stage, str]) -> None:
    stage, _ = waiting
    for arguments, said in REFUSED:
        done = stage.run("approve", *arguments, "--yes")
        assert (done.exit_code, said in done.stderr) == (2, True), (arguments, done.stderr)
    assert stage.requests == []


def test_without_an_open_incident_nothing_waits(stage: Stage) -> None:
    done = stage.run("approve", "latest", "yes", "--yes")
    assert (done.exit_code, "no incident is open, so nothing waits for an answer" in done.stderr) == (2, True)


def test_an_incident_that_asks_nobody_says_what_it_does(stage: Stage) -> None:
    incident = stage.incident("bad-release", "Diagnose the root cause")
    done = stage.run("approve", "latest", "yes", "--yes")
    assert done.exit_code == 2
    assert f"{incident} waits for no answer: Open for" in done.stderr


def test_a_stopped_execution_waits_for_nothing(waiting: tuple[Stage, str]) -> None:
    stage, _ = waiting
    lock = stage.table.lock("payment-gateway")
    assert lock is not None
    boto3.client("stepfunctions").stop_execution(executionArn=lock.execution)
    done = stage.run("approve", "latest", "yes", "--yes")
    assert (done.exit_code, stage.requests) == (2, [])
    assert "nothing waits for an answer: the execution" in done.stderr


def test_of_two_incidents_the_one_that_is_named_is_answered(make: Make) -> None:
    first, second = two_services()
    stage = make(first, second)
    one = stage.incident("approval-unanswered", ASKED)
    other = stage.incident("approval-unanswered", ASKED, second, "payouts-20261126T100000Z-abcd")
    stage.ask(one)
    stage.ask(other, service="payouts")
    assert stage.run("approve", "payouts-2026", "yes", "--yes").exit_code == 0
    assert (decision(stage, one), decision(stage, other)) == ("", "approve")


NOT_THE_FUNCTION = [
    (403, '{"Message":"Forbidden"}', "you may not answer what the responder asks (lambda:InvokeFunctionUrl"),
    (502, "Internal Server Error", "answered with 502: whether the answer was taken is not known"),
    (200, "[]", "whether the answer was taken is not known"),
]


def test_what_is_not_the_function_s_answer_is_not_taken_for_one(waiting: tuple[Stage, str]) -> None:
    stage, _ = waiting
    for status, text, said in NOT_THE_FUNCTION:
        stage.answers_with = status, text
        done = stage.run("approve", "latest", "yes", "--yes")
        assert (done.exit_code, said in done.stderr) == (3, True), (status, done.stderr)


def test_a_task_that_is_done_by_hand_is_marked_as_done(stage: Stage) -> None:
    incident = stage.incident("database-path-loses-half")
    stage.ask(incident, kind="manual")
    assert f"responder approve {incident} done --task 01m" in stage.run("status").stdout
    done = stage.run("approve", "latest", "done", "--task", "1m", "--yes")
    assert (done.exit_code, decision(stage, incident, "01m")) == (0, "done"), done.output
