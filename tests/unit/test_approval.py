"""People decide once, by a link or by IAM; who scans, clicks twice or comes late decides nothing."""

from __future__ import annotations

import html
import json
import re
import time
from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from moto import mock_aws

from responder.clients import aws
from responder.handlers import approve, decide
from responder.model.masking import mask
from responder.records.links import BadLink, Link, read
from responder.records.table import Records
from responder.records.tasks import NotPossible, Task, Tasks
from tests.conftest import timeline

KEY = "k" * 48
TOKEN = "AQB-task-token-of-step-functions"


class Machine:
    """Step Functions, as far as it is woken."""

    def __init__(self) -> None:
        self.woken: list[tuple[str, str]] = []

    def send_task_success(self, **given: str) -> None:
        self.woken.append((given["taskToken"], json.loads(given["output"])["decision"]))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    woken, made = Machine(), aws.client
    monkeypatch.setattr(decide.aws, "client", lambda name, *a: woken if name == "stepfunctions" else made(name, *a))
    return woken


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> Iterator[Records]:
    monkeypatch.setenv("APPROVAL_KEY", "key")
    monkeypatch.setattr(approve.aws, "secret", lambda name: KEY)
    with mock_aws():
        found = timeline()
        monkeypatch.setattr(approve, "records", lambda: found)
        found.plan_action("i-1", 1, {"action": "rollback", "target": "deployment/x", "summary": "roll it <back>",
                                     "diff": "- 1.1.0\n+ 1.0.0 <script>alert(1)</script>", "risk": "low",
                                     "reversible": True, "status": "waiting"})
        yield found


def asked(records: Records, kind: str = "approval", seconds: float = 60.0, needed: int = 1) -> Tasks:
    tasks = Tasks(records)
    tasks.ask(Task("i-1", 1, "payment-gateway", kind, time.time(), time.time() + seconds, ("sre: Ada", "sre: Bob"),
                   needed), TOKEN if kind == "approval" else "")
    return tasks


def link(to: str = "sre: Ada", expires: float | None = None, task: str = "01") -> dict[str, str]:
    return Link("i-1", task, to, int(expires or time.time() + 60)).fields(KEY)


def called(method: str, fields: dict[str, str], encoded: bool = False) -> tuple[int, str]:
    event: dict[str, Any] = {"requestContext": {"http": {"method": method}}}
    if method == "POST":
        body = urlencode(fields)
        event |= {"body": b64encode(body.encode()).decode() if encoded else body, "isBase64Encoded": encoded}
    else:
        event["queryStringParameters"] = fields
    answer = approve.handler(event, None)
    assert "default-src 'none'" in answer["headers"]["content-security-policy"]
    return answer["statusCode"], answer["body"]


def test_looking_decides_nothing_however_often(records: Records, machine: Machine) -> None:
    tasks = asked(records)
    for method in ("GET", "HEAD", "GET"):
        status, page = called(method, link())
        assert status == 200
    task = tasks.get("i-1", "01")
    assert task is not None
    assert task.decision == ""
    assert machine.woken == []
    for told in ("Approve", "Reject", "low", "sre: Bob", "+ 1.0.0"):
        assert told in page
    assert "<script>alert" not in page
    assert html.escape("<script>alert(1)</script>") in page


@pytest.mark.parametrize("encoded", [False, True])
def test_the_form_of_the_page_decides_once(records: Records, machine: Machine, encoded: bool) -> None:
    asked(records)
    _, page = called("GET", link())
    fields = dict(re.findall(r'<input type=hidden name="([^"]+)" value="([^"]*)">', page))
    status, told = called("POST", {name: html.unescape(value) for name, value in fields.items()} | {
        "decision": "approve"}, encoded)
    assert (status, "Approved" in told) == (200, True)
    assert machine.woken == [(TOKEN, "approve")]
    status, told = called("POST", link("sre: Bob") | {"decision": "reject"})
    assert status == 409
    assert "holder of the link sent to sre: Ada" in told
    assert machine.woken == [(TOKEN, "approve")]
    assert "It is decided: approve" in called("GET", link())[1]


def test_of_two_that_both_saw_it_open_one_decides(records: Records, machine: Machine,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = asked(records)
    seen = tasks.get("i-1", "01")  # by both, before either answers
    tasks.answer("i-1", "01", "approve", "ada")
    real, looks = Tasks.get, iter([seen])
    monkeypatch.setattr(Tasks, "get", lambda self, incident, task: next(looks, None) or real(self, incident, task))
    with pytest.raises(NotPossible, match="approve by ada"):
        tasks.answer("i-1", "01", "reject", "bob")
    task = real(tasks, "i-1", "01")
    assert task is not None
    assert (task.decision, task.decided_by) == ("approve", "ada")


def test_after_the_expiry_nothing_is_decided(records: Records, machine: Machine) -> None:
    asked(records, seconds=-1)
    status, told = called("POST", link() | {"decision": "approve"})
    assert (status, "expired" in told, machine.woken) == (409, True, [])


@pytest.mark.parametrize("change", [
    {"task": "02"}, {"incident": "i-2"}, {"to": "sre: Eve"}, {"expires": "9999999999"}, {"signature": "0" * 64},
    {"signature": ""}, {"signature": "ü"}, {"expires": "x"}])
def test_a_link_that_was_changed_is_not_valid(records: Records, machine: Machine, change: dict[str, str]) -> None:
    asked(records)
    for method in ("GET", "POST"):
        assert called(method, link() | change | {"decision": "approve"})[0] == 403
    assert machine.woken == []


def test_what_is_no_request_of_the_page_is_refused(records: Records, machine: Machine) -> None:
    asked(records)
    assert called("GET", {})[0] == 403
    assert called("PUT", link())[0] == 405
    assert called("POST", link() | {"decision": "approve", "more": "x" * 9000})[0] == 403
    assert called("POST", link() | {"decision": "done"})[0] == 409
    assert called("POST", link())[0] == 409
    assert machine.woken == []


def test_two_people_must_approve_and_one_may_reject(records: Records, machine: Machine) -> None:
    asked(records, needed=2)
    assert called("POST", link() | {"decision": "approve"})[0] == 409  # a link proves no person
    first = by_iam(records, "approve", "ada")
    assert (first["result"], first["decision"]) == ("decided", "1 of 2 approvals")
    assert by_iam(records, "approve", " Ada", "e9")["result"] == "declined"
    assert machine.woken == []
    assert by_iam(records, "approve", "bob", "e2")["decision"] == "approve"
    assert machine.woken == [(TOKEN, "approve")]


def by_iam(records: Records, decision: str, by: str, execution: str = "e1") -> dict[str, Any]:
    given = {"incident": "i-1", "task": "01", "decision": decision, "by": by}
    return decide.by_iam(records, given, f"arn:aws:states:us-east-1:0:execution:plan:{execution}",
                         f"2026-11-25T00:00:0{len(records.everything('i-1'))}.000Z")


def test_by_iam_the_record_says_who_and_by_which_execution(records: Records, machine: Machine) -> None:
    asked(records)
    assert by_iam(records, "reject", "ada")["result"] == "decided"
    assert machine.woken == [(TOKEN, "reject")]
    noted = [item for item in records.everything("i-1") if item["sk"].startswith("TIMELINE#")]
    assert "ada (execution e1; CloudTrail knows" in noted[0]["by"]
    assert by_iam(records, "approve", "bob")["result"] == "declined"
    assert by_iam(records, "dance", "bob")["result"] == "declined"


def test_a_task_is_marked_as_done_though_its_remedy_had_been_approved(records: Records, machine: Machine) -> None:
    asked(records)
    assert called("POST", link() | {"decision": "approve"})[0] == 200
    tasks = asked(records, "manual")
    assert "Mark as done" in called("GET", link(task="01m"))[1]
    assert called("POST", link(task="01m") | {"decision": "approve"})[0] == 409
    assert called("POST", link(task="01m") | {"decision": "done"})[0] == 200
    assert machine.woken == [(TOKEN, "approve")]
    assert not tasks.open_of("i-1")


def test_a_repeat_of_the_decision_wakes_what_its_first_try_did_not(records: Records, machine: Machine) -> None:
    asked(records).answer("i-1", "01", "approve", "ada")  # and died before it could wake anybody
    assert called("POST", link() | {"decision": "reject"})[0] == 409
    assert machine.woken == []
    assert called("POST", link() | {"decision": "approve"})[0] == 409
    assert machine.woken == [(TOKEN, "approve")]


def test_a_second_vote_whose_first_try_died_decides(records: Records, machine: Machine) -> None:
    tasks = asked(records, needed=2)
    tasks.answer("i-1", "01", "approve", "x", "ada")
    records.change({"pk": "TASK#i-1", "sk": "01"}, "SET votes = list_append(votes, :by)", "attribute_exists(pk)",
                   {":by": ["bob"]})
    assert by_iam(records, "approve", "Bob", "e2")["decision"] == "approve"


def test_a_link_has_no_run_of_digits_that_could_be_masked() -> None:
    for number in range(300):
        made = Link("payment-gateway-20261125T010422Z-a4d6", f"{number:02d}", "sre: Ada", 1_800_000_000 + number)
        assert mask(made.query(KEY)) == made.query(KEY)


def test_the_task_token_is_nowhere_but_in_its_item(records: Records, machine: Machine) -> None:
    asked(records)
    called("POST", link() | {"decision": "approve"})
    assert TOKEN not in json.dumps(records.everything("i-1"))
    assert TOKEN not in called("GET", link())[1]


def test_a_question_asked_again_keeps_its_answer_and_takes_the_new_token(records: Records, machine: Machine) -> None:
    tasks = asked(records)
    Tasks(records).ask(Task("i-1", 1, "payment-gateway", "approval", time.time(), time.time() + 60, ("sre: Ada",)),
                       "new")
    assert tasks.token("i-1", "01") == "new"
    tasks.answer("i-1", "01", "approve", "ada")
    Tasks(records).ask(Task("i-1", 1, "payment-gateway", "approval", time.time(), time.time() + 60, ("sre: Ada",)),
                       "newer")
    task = tasks.get("i-1", "01")
    assert task is not None
    assert (task.decision, tasks.token("i-1", "01")) == ("approve", "new")


def test_there_is_no_answer_to_what_was_not_asked(records: Records) -> None:
    with pytest.raises(NotPossible, match="no task 07"):
        Tasks(records).answer("i-1", "07", "approve", "ada")


def test_a_link_reads_back_as_it_was_made() -> None:
    made = Link("i-1&x=ü", "03m", "sre: Ada & Bob", 1_800_000_000)
    assert read(dict(parse_qsl(made.query(KEY))), KEY) == made
    with pytest.raises(BadLink):
        read(dict(parse_qsl(made.query(KEY))), KEY + "x")
