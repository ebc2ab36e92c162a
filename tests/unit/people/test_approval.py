"""People decide once, as themselves or for low risk by a link; who scans, repeats or comes late decides nothing."""

from __future__ import annotations

import html
import json
import re
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.handlers import answer, approve, decide, pressed
from responder.handlers import open as opening
from responder.model import service as model
from responder.model.codec import Malformed
from responder.model.incident import Cause, Remedy, RemedyStatus, Signal
from responder.model.masking import mask
from responder.model.moment import iso
from responder.model.service import Person, Service
from responder.people import slack
from responder.plan import approvals
from responder.plan.approvals import NotAllowed, Voter
from responder.plan.question import outcome
from responder.records.links import BadLink, Link, read
from responder.records.table import Records
from responder.records.tasks import NotPossible, Task, Tasks
from tests.conftest import shipped_service, timeline_in_aws

KEY = "k" * 48
TOKEN = "AQB-task-token-of-step-functions"
ACCOUNT = "123456789012"
CENTER = "AWSReservedSSO_Responder_0123456789abcdef"
ADA = f"arn:aws:sts::{ACCOUNT}:assumed-role/{CENTER}/ada@example.com"
BOB = f"arn:aws:iam::{ACCOUNT}:user/team/bob"
TEAM = (Person("Ada", "sre", slack="U1"), Person("Bob", "sre"), Person("Net", "network"))
Configure = Callable[..., Service]


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
def configure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Configure]:
    """What is configured at the time of an answer: how approvals are given, and the team."""
    monkeypatch.setenv("RESPONDER_CONFIG", str(tmp_path))

    def configured(team: tuple[Person, ...] = TEAM, **approval: Any) -> Service:
        service = replace(shipped_service(), team=team, approval=replace(
            shipped_service().approval, **({"links": "low"} | approval)))
        (tmp_path / "payment-gateway.json").write_text(json.dumps(asdict(service)))
        model.load.cache_clear()
        return service

    configured()
    yield configured
    model.load.cache_clear()


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch, configure: Configure) -> Iterator[Records]:
    monkeypatch.setenv("APPROVAL_KEY", "key")
    monkeypatch.setattr(approve.aws, "secret", lambda name: KEY)
    with mock_aws():
        found = timeline_in_aws()
        for module in (approve, answer, opening):
            monkeypatch.setattr(module, "records", lambda: found)
        found.plan_remedy("i-1", Remedy(1, "rollback", RemedyStatus.WAITING, target="deployment/x",
                                        summary="roll it <back>", risk="low", reversible=True,
                                        diff="- 1.1.0\n+ 1.0.0 <script>alert(1)</script>"))
        yield found


def asked(records: Records, kind: str = "approval", seconds: float = 60.0, needed: int = 1) -> Tasks:
    tasks = Tasks(records)
    tasks.ask(Task("i-1", 1, "payment-gateway", kind, time.time(), time.time() + seconds, ("sre: Ada", "sre: Bob"),
                   needed, "people are paged to take over"), TOKEN if kind == "approval" else "")
    return tasks


def link(to: str = "sre: Ada", expires: float | None = None, task: str = "01") -> dict[str, str]:
    return Link("i-1", task, to, int(expires or time.time() + 60)).fields(KEY)


def called(method: str, fields: dict[str, str], encoded: bool = False, **headers: str) -> tuple[int, str]:
    event: dict[str, Any] = {"requestContext": {"http": {"method": method}, "domainName": "x.lambda-url.on.aws"},
                             "headers": {name.replace("_", "-"): value for name, value in headers.items()}}
    if method == "POST":
        body = urlencode(fields)
        event |= {"body": b64encode(body.encode()).decode() if encoded else body, "isBase64Encoded": encoded}
    else:
        event["queryStringParameters"] = fields
    answered = approve.handler(event, None)
    assert "default-src 'none'" in answered["headers"]["content-security-policy"]
    return answered["statusCode"], answered["body"]


def signed(decision: str, arn: str = ADA, *, task: str = "01", body: Any = None, method: str = "POST",
           **more: Any) -> tuple[int, dict[str, Any]]:
    """Answer by the URL that knows its callers; the event is what Lambda makes of a request that IAM let through."""
    name = arn.rpartition("/")[2]
    session = f"AROA0123456789ABCDEF0:{name}" if "assumed-role" in arn else "AIDA0123456789ABCDEF0"
    given = {"incident": "i-1", "task": task, "decision": decision} if body is None else body
    event: dict[str, Any] = {"body": json.dumps(given) if isinstance(given, dict) else given, "requestContext": {
        "http": {"method": method}, "authorizer": {"iam": {
            "accessKey": "ASIA0123456789ABCDEF", "accountId": arn.split(":")[4], "callerId": session,
            "cognitoIdentity": None, "principalOrgId": "aws:PrincipalOrgID", "userArn": arn, "userId": session}}}}
    for key, value in more.items():
        event[key] = value
    answered = answer.handler(event, None)
    return answered["statusCode"], json.loads(answered["body"])


def entries(records: Records) -> list[dict[str, Any]]:
    return [item for item in records.everything("i-1") if item["sk"].startswith("TIMELINE#")]


def decision(records: Records, task: str = "01") -> str:
    found = Tasks(records).get("i-1", task)
    assert found is not None
    return found.decision


# --- by a link ----------------------------------------------------------------------------------------------------

def test_looking_decides_nothing_however_often(records: Records, machine: Machine) -> None:
    asked(records)
    for method in ("GET", "HEAD", "GET"):
        status, page = called(method, link(), sec_fetch_site="cross-site", purpose="prefetch")
        assert status == 200
    assert (decision(records), machine.woken) == ("", [])
    for told in ("Approve", "Reject", "Low", "Bob (sre)", "+ 1.0.0"):
        assert told in page
    assert "<script>alert" not in page
    assert html.escape("<script>alert(1)</script>") in page


@pytest.mark.parametrize("encoded", [False, True])
def test_the_form_of_the_page_decides_once(records: Records, machine: Machine, encoded: bool) -> None:
    asked(records)
    _, page = called("GET", link())
    fields = dict(re.findall(r'<input type=hidden name="([^"]+)" value="([^"]*)">', page))
    status, told = called("POST", {name: html.unescape(value) for name, value in fields.items()} | {
        "decision": "approve"}, encoded, origin="null", sec_fetch_site="same-origin",
        content_type="application/x-www-form-urlencoded")
    assert (status, "Approved" in told) == (200, True)
    assert machine.woken == [(TOKEN, "approve")]
    status, told = called("POST", link("sre: Bob") | {"decision": "reject"})
    assert status == 409
    assert "whoever holds the link sent to sre: Ada" in told
    assert machine.woken == [(TOKEN, "approve")]
    assert "Approved by whoever holds the link sent to sre: Ada" in called("GET", link())[1]
    assert [item["by"] for item in entries(records)] == ["whoever holds the link sent to sre: Ada"]


def text(page: str) -> str:
    """Return what a person reads of a page."""
    body = page[page.index("<main>"):]
    return html.unescape(" ".join(re.sub(r"<[^>]*>", " ", body).split()))


def happened(records: Records, **changed: Any) -> None:
    """Keep an incident of which the asked remedy is the first."""
    now = iso(time.time())
    records.open("payment-gateway", "i-1", "e", now, Signal(now, "alarm", "a", "k"))
    records.update("i-1", **changed)


def test_the_page_says_what_is_decided_and_what_follows(records: Records, machine: Machine) -> None:
    happened(records, kind="loss_of_connectivity", onset=iso(time.time() - 90), affected=["payment-gateway"],
             cause=Cause("code_bug", "bad_release", "payment-gateway", 0.997, "version 2 fails"))
    asked(records)
    said = text(called("GET", link())[1])
    for words in ("payment-gateway: it cannot be reached, since",
                  "ad release in payment-gateway, 99.7% likely. Seen: version 2 fails.",
                  "It is undone by the responder.", "If nobody answers, the question expires at", "in 1 min",
                  "then people are paged to take over.", "# To approve:", "# To reject:"):
        assert words in said, words


def test_an_expired_question_says_since_when_what_has_happened_and_how_to_do_it_now(records: Records,
                                                                                    machine: Machine) -> None:
    happened(records, escalated_at=iso(time.time() + 5))
    records.plan_remedy("i-1", Remedy(2, "restart_pods", RemedyStatus.APPLIED, deed="Restart 2 of 4 pods",
                                      by_hand="kubectl delete pod b", applied_at=iso(time.time())))
    asked(records, seconds=-60)
    for method, status in (("GET", 200), ("POST", 409)):
        found, page = called(method, link() | ({"decision": "approve"} if method == "POST" else {}))
        said = text(page)
        assert found == status and "<form" not in page and "<button" not in page
        for words in ("Expired: Roll it <back>", " ago: nobody decided in time, and it was not done.",
                      "Since then", "Restart 2 of 4 pods.", "People were paged to take over at"):
            assert words in said, words
    assert (decision(records), machine.woken) == ("", [])
    # Only the question's own commands, and not those of another remedy.
    assert "kubectl delete pod b" not in said


def test_an_expired_question_gives_the_commands_to_do_it_by_hand(records: Records) -> None:
    records.plan_remedy("i-1", Remedy(2, "rollback", RemedyStatus.REJECTED, risk="low", deed="Roll it back",
                                      by_hand="kubectl rollout undo deployment/x --to-revision=1"))
    tasks = Tasks(records)
    tasks.ask(Task("i-1", 2, "payment-gateway", "approval", time.time() - 90, time.time() - 60, ("sre: Ada",)), TOKEN)
    said = text(called("GET", link(task="02"))[1])
    assert "To do it now, by hand Look first whether it is still needed. kubectl rollout undo deployment/x" in said


@pytest.mark.parametrize(("status", "became"), [
    (RemedyStatus.PERMITTED, "It has not been done yet"), (RemedyStatus.VERIFIED, ", and it helped."),
    (RemedyStatus.REVERTED, "did not help, and was undone"), (RemedyStatus.REFUSED, "the guardrails refused it")])
def test_a_decided_question_says_who_decided_and_what_became_of_it(records: Records, machine: Machine,
                                                                  status: RemedyStatus, became: str) -> None:
    asked(records)
    called("POST", link() | {"decision": "approve"})
    records.set_remedy("i-1", 1, "rollback", status=status, reason="a freeze is on")
    page = called("GET", link())[1]
    assert "Approved by whoever holds the link sent to sre: Ada at" in text(page) and became in text(page)
    assert "<form" not in page


def test_a_remedy_that_stays_though_it_did_not_help_is_not_said_to_be_watched() -> None:
    applied = Remedy(1, "rollback", RemedyStatus.APPLIED, applied_at="2026-11-25T00:00:00.000Z")
    assert outcome(applied) == "It was done at 00:00:00 UTC; whether it helps is being watched."
    assert outcome(replace(applied, kept=True)) == "It was done at 00:00:00 UTC, did not help, and stays as it is."
    assert "was too little" in outcome(replace(applied, insufficient=True))


def test_each_refusal_of_the_page_says_what_to_do(records: Records, machine: Machine, configure: Configure,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    asked(records)
    for fields in ({}, link() | {"seal": "x"}, link("sre: Eve")):
        said = text(called("GET", fields)[1])
        assert "Nothing was decided" in said and "answer in Slack or by IAM" in said

    def down(name: str) -> str:
        raise CallFailed("unavailable", "no answer")

    monkeypatch.setattr(aws, "secret", down)
    status, page = called("GET", link())
    assert status == 503 and "Try again in a minute" in text(page)


@pytest.mark.parametrize("headers", [
    {"content_type": "text/plain"}, {"content_type": "application/json"}, {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site"}, {"origin": "https://evil.example"}, {"content_type": "multipart/form-data; x=y"}])
def test_a_form_of_another_page_decides_nothing(records: Records, machine: Machine, headers: dict[str, str]) -> None:
    asked(records)
    assert called("POST", link() | {"decision": "approve"}, **headers)[0] == 403
    assert (decision(records), machine.woken) == ("", [])


def test_one_of_two_concurrent_answers_decides(records: Records, machine: Machine,
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
    status, said = signed("approve")
    assert (status, "expired" in said["said"], machine.woken) == (409, True, [])


@pytest.mark.parametrize("change", [
    {"task": "02"}, {"task": "01m"}, {"incident": "i-2"}, {"to": "sre: Eve"}, {"to": "sre: Bob"},
    {"expires": "9999999999"}, {"seal": "0" * 64}, {"seal": ""}, {"seal": "ü"}, {"expires": "x"}])
def test_a_link_that_was_forged_moved_or_extended_is_not_valid(records: Records, machine: Machine,
                                                              change: dict[str, str]) -> None:
    asked(records)
    asked(records, "manual")
    for method in ("GET", "POST"):
        assert called(method, link() | change | {"decision": "approve"})[0] == 403
    assert machine.woken == []


def test_a_request_that_the_page_did_not_send_is_refused(records: Records, machine: Machine) -> None:
    asked(records)
    assert called("GET", {})[0] == 403
    assert called("PUT", link())[0] == 405
    assert called("POST", link() | {"decision": "approve", "more": "x" * 9000})[0] == 403
    assert called("POST", link() | {"decision": "done"})[0] == 409
    assert called("POST", link())[0] == 409
    assert machine.woken == []


@pytest.mark.parametrize(("approval", "record"), [
    ({"two_person": ("rollback",)}, {}), ({"links": "none"}, {}), ({}, {"risk": "medium"}), ({}, {"risk": "high"}),
    ({"links": "medium"}, {"risk": "high"}), ({"links": "medium"}, {"risk": "?"}), ({"links": "medium"}, {"risk": ""}),
    ({"roles": ("network",)}, {}),
    ({"team": TEAM[1:]}, {})])
def test_a_link_is_judged_when_it_is_used_and_not_by_what_held_when_it_was_made(
        records: Records, machine: Machine, configure: Configure, approval: dict[str, Any],
        record: dict[str, Any]) -> None:
    asked(records)
    assert called("GET", link())[0] == 200
    configure(**approval)
    if record:
        records.set_action("i-1", 1, "rollback", **record)
    for method in ("GET", "POST"):
        assert called(method, link() | {"decision": "approve"})[0] == 403
    assert (decision(records), machine.woken) == ("", [])


@pytest.mark.parametrize("links", ["high", True])
def test_an_invalid_configuration_is_refused(records: Records, machine: Machine, configure: Configure,
                                             links: Any) -> None:
    asked(records)
    configure(links=links)
    with pytest.raises(Malformed, match=r"approval\.links"):
        called("POST", link() | {"decision": "approve"})
    assert (decision(records), machine.woken) == ("", [])


def test_a_link_for_medium_risk_where_that_is_wanted(records: Records, machine: Machine, configure: Configure) -> None:
    asked(records)
    configure(links="medium")
    records.set_action("i-1", 1, "rollback", risk="medium")
    assert called("POST", link() | {"decision": "approve"})[0] == 200


def test_without_a_record_of_the_remedy_nothing_is_approved(records: Records, machine: Machine) -> None:
    asked(records)
    records.delete("REMEDY#i-1", "ACTION#01")
    assert called("POST", link() | {"decision": "approve"})[0] == 403
    assert signed("approve")[0] == 403


@given(risk=st.sampled_from(["low", "medium", "high", "", "HIGH", "none"]) | st.text(max_size=8),
       links=st.sampled_from(["none", "low", "medium", "high", "all", "", True, False, None]), two=st.booleans())
def test_there_is_never_a_link_for_high_risk_or_two_people(risk: str, links: Any, two: bool) -> None:
    service = replace(shipped_service(), approval=replace(shipped_service().approval, links=links,
                                                          two_person=("rollback",) if two else ()))
    refused = approvals.link_refused(service, "approval", Remedy(1, "rollback", risk=risk))
    assert bool(refused) == (two or (links, risk) not in {("low", "low"), ("medium", "low"), ("medium", "medium")})


def test_a_link_has_no_run_of_digits_that_could_be_masked() -> None:
    for number in range(300):
        made = Link("payment-gateway-20261125T010422Z-a4d6", f"{number:02d}", "sre: Ada", 1_800_000_000 + number)
        address = f"https://abcdefg.lambda-url.us-east-1.on.aws/?{made.query(KEY)}"
        assert mask(address) == address


def test_a_link_reads_back_as_it_was_made() -> None:
    made = Link("i-1&x=ü", "03m", "sre: Ada & Bob", 1_800_000_000)
    assert read(dict(parse_qsl(made.query(KEY))), KEY) == made
    with pytest.raises(BadLink):
        read(dict(parse_qsl(made.query(KEY))), KEY + "x")


# --- by IAM -------------------------------------------------------------------------------------------------------

def test_an_answer_by_iam_is_recorded_with_the_caller(records: Records, machine: Machine) -> None:
    asked(records)
    status, said = signed("reject", body={"incident": "i-1", "task": "1", "decision": "reject", "note": "not now"})
    assert (status, said["result"]) == (200, "decided")
    assert machine.woken == [(TOKEN, "reject")]
    entry, = entries(records)
    assert entry["by"] == f"ada (role {CENTER} of account {ACCOUNT})"
    assert entry["detail"] == {"task": "01", "decision": "reject", "decided": True, "note": "not now"}
    status, said = signed("approve", BOB)
    assert (status, said["result"]) == (409, "declined")
    assert "already decided: reject by ada" in said["said"]
    assert machine.woken == [(TOKEN, "reject")]


@pytest.mark.parametrize("arn", [
    f"arn:aws:iam::{ACCOUNT}:root", "", "ada", f"arn:aws:iam::{ACCOUNT}:", "arn:aws:iam::1:user/ada", "AIDA0123"])
def test_root_and_identities_of_nobody_decide_nothing(records: Records, machine: Machine, arn: str) -> None:
    asked(records)
    iam = {"userArn": arn, "accountId": ACCOUNT, "callerId": ACCOUNT}
    event = {"body": json.dumps({"incident": "i-1", "task": "01", "decision": "approve"}),
             "requestContext": {"http": {"method": "POST"}, "authorizer": {"iam": iam}}}
    assert answer.handler(event, None)["statusCode"] == 403
    assert (decision(records), machine.woken) == ("", [])


@pytest.mark.parametrize("about", [
    {}, {"authorizer": None}, {"authorizer": {}}, {"authorizer": {"iam": None}}, {"authorizer": {"lambda": {}}},
    {"authorizer": {"iam": {"userArn": ADA, "accountId": "000000000000", "callerId": "AROA:ada@example.com"}}},
    {"authorizer": {"iam": {"userArn": ADA, "accountId": ACCOUNT, "callerId": "AROA:eve"}}}])
def test_a_caller_without_an_identity_decides_nothing(records: Records, machine: Machine,
                                                      about: dict[str, Any]) -> None:
    asked(records)
    given = {"incident": "i-1", "task": "01", "decision": "approve", "note": ADA}
    event = {"body": json.dumps(given), "requestContext": {"http": {"method": "POST"}, **about}}
    assert answer.handler(event, None)["statusCode"] == 403
    assert decision(records) == ""


def test_an_address_signed_in_advance_or_another_method_decides_nothing(records: Records, machine: Machine) -> None:
    asked(records)
    assert signed("approve", queryStringParameters={"X-Amz-Signature": "0" * 64})[0] == 403
    for method in ("GET", "HEAD", "PUT", "OPTIONS"):
        assert signed("approve", method=method)[0] == 405
    assert decision(records) == ""


@pytest.mark.parametrize("body", [
    "", "[]", "null", "{", "\x00", "[" * 4000, {}, {"incident": "i-1", "task": "01"},
    {"incident": "i-1", "task": 1, "decision": "approve"}, {"incident": "i-1", "task": "01", "decision": ["approve"]},
    {"incident": "i-1", "task": "01", "decision": "approve", "by": "ada"},
    {"incident": "i-1", "task": "01", "decision": "approve", "needed": "1"},
    {"incident": "i-1", "task": "01", "decision": "approve", "note": "x" * 5000}])
def test_an_unreadable_request_is_answered_with_what_was_expected(records: Records, machine: Machine,
                                                                  body: Any) -> None:
    asked(records)
    status, said = signed("", body=body)
    assert (status, said["result"]) == (400, "refused")
    assert "incident" in said["said"] or "4096" in said["said"]
    assert decision(records) == ""


@pytest.mark.parametrize(("body", "told"), [
    ({"incident": "i-2", "task": "01", "decision": "approve"}, "has no task"),
    ({"incident": "i-1", "task": "x", "decision": "approve"}, "not one such as 01"),
    ({"incident": "i-1", "task": "01", "decision": "done"}, "approve or reject"),
    ({"incident": "i-1", "task": "01", "decision": "dance"}, "approve or reject")])
def test_an_answer_to_no_question_is_declined_in_a_sentence(records: Records, machine: Machine, body: dict[str, str],
                                                            told: str) -> None:
    asked(records)
    status, said = signed("", body=body)
    assert (status, told in said["said"]) == (409, True)


def test_if_the_team_has_identities_only_those_decide(records: Records, machine: Machine, configure: Configure) -> None:
    asked(records)
    pattern = f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Responder_*/ada@example.com"
    configure((Person("Ada", "sre", iam=pattern), Person("Bob", "developer", iam=BOB)))
    for other in (BOB, ADA.replace(ACCOUNT, "210987654321"), ADA.replace("ada@", "eve@"),
                  ADA.replace("Responder", "Reader"), f"arn:aws:iam::{ACCOUNT}:user/ada@example.com"):
        assert signed("approve", other)[0] == 403, other
    assert (decision(records), machine.woken) == ("", [])
    assert signed("approve", ADA.replace("ada@", "Ada@"))[0] == 200
    assert "Ada (Ada, role" in entries(records)[0]["by"]


# --- two people ---------------------------------------------------------------------------------------------------

@pytest.fixture
def two(records: Records, configure: Configure) -> Tasks:
    """A question that two people must approve by the configuration, though it was asked when one was enough."""
    configure(two_person=("rollback",))
    return asked(records, needed=1)


def test_two_people_must_approve_and_are_two_identities(two: Tasks, records: Records, machine: Machine) -> None:
    assert signed("approve")[1]["result"] == "approved"
    assert (decision(records), machine.woken) == ("", [])
    assert signed("approve", BOB)[1]["result"] == "decided"
    assert machine.woken == [(TOKEN, "approve")]
    task = two.get("i-1", "01")
    assert task is not None
    assert [vote.arn for vote in task.votes] == [ADA, BOB]
    assert task.decided_by == f"ada (role {CENTER} of account {ACCOUNT}) and bob (account {ACCOUNT})"
    assert [item["what"] for item in entries(records)] == [
        "rollback on deployment/x is approved by 1 of 2", "rollback on deployment/x is approved"]


@pytest.mark.parametrize("again", [
    ADA, ADA.replace("ada@", "ADA@"), ADA.replace(CENTER, "AWSReservedSSO_Admin_fedcba9876543210"),
    ADA.replace("@example.com", ""), f"arn:aws:iam::{ACCOUNT}:user/ada", f"arn:aws:iam::{ACCOUNT}:user/ops/Ada",
    ADA.replace(ACCOUNT, "210987654321")])
def test_one_person_by_two_roles_spellings_or_accounts_is_one(two: Tasks, records: Records, machine: Machine,
                                                              again: str) -> None:
    signed("approve")
    status, said = signed("approve", again)
    assert (status, "has approved it already; 2 people must" in said["said"]) == (409, True)
    assert (decision(records), machine.woken) == ("", [])


def test_one_person_in_slack_and_by_iam_is_one(two: Tasks, records: Records, machine: Machine,
                                               configure: Configure) -> None:
    configure((Person("Ada", "sre", slack="U1", iam=ADA), Person("Bob", "sre", slack="U2")), two_person=("rollback",))
    by_slack(records, "U1")
    assert signed("approve")[0] == 409
    assert decision(records) == ""
    by_slack(records, "U2")
    assert decision(records) == "approve"
    assert machine.woken == [(TOKEN, "approve")]


def test_votes_that_may_be_one_person_s_count_once(two: Tasks, records: Records, machine: Machine) -> None:
    """Ada is known in Slack alone: whether who comes by IAM is Ada cannot be told."""
    by_slack(records, "U1")
    status, said = signed("approve", BOB)
    assert (status, "only where both are named" in said["said"]) == (409, True)
    assert (decision(records), machine.woken) == ("", [])


@pytest.mark.parametrize("arn", [
    f"arn:aws:sts::{ACCOUNT}:assumed-role/Operator/bob", f"arn:aws:sts::{ACCOUNT}:federated-user/bob"])
def test_a_name_that_its_bearer_may_choose_is_no_second_person(two: Tasks, records: Records, machine: Machine,
                                                               arn: str) -> None:
    signed("approve")
    status, said = signed("approve", arn)
    assert (status, "may choose the session's name" in said["said"]) == (403, True)
    assert decision(records) == ""
    assert signed("reject", arn)[0] == 200


def test_two_people_of_the_configuration_may_use_a_role_of_one_s_own(records: Records, machine: Machine,
                                                                     configure: Configure) -> None:
    role = f"arn:aws:sts::{ACCOUNT}:assumed-role/Operator"
    configure((Person("Ada", "sre", iam=f"{role}/ada"), Person("Bob", "sre", iam=f"{role}/bob")),
              two_person=("rollback",))
    asked(records)
    signed("approve", f"{role}/ada")
    assert signed("approve", f"{role}/bob")[0] == 200
    assert machine.woken == [(TOKEN, "approve")]


def test_one_of_two_required_approvers_can_reject(two: Tasks, records: Records, machine: Machine) -> None:
    signed("approve")
    assert signed("reject", BOB)[0] == 200
    assert machine.woken == [(TOKEN, "reject")]
    assert "bob" in entries(records)[-1]["by"] and "ada" not in entries(records)[-1]["by"]


def test_two_at_the_same_moment_are_two_and_one_twice_is_one(two: Tasks, records: Records, machine: Machine,
                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    seen = two.get("i-1", "01")  # before either votes
    real = Tasks.get
    for arn, wanted in ((ADA, ""), (ADA, ""), (BOB, "approve")):
        looks = iter([seen, seen])
        monkeypatch.setattr(Tasks, "get", lambda self, incident, task, looks=looks: next(
            looks, None) or real(self, incident, task))
        signed("approve", arn)
        monkeypatch.setattr(Tasks, "get", real)
        assert decision(records) == wanted
    assert machine.woken == [(TOKEN, "approve")]


def test_a_second_vote_whose_first_try_died_decides(two: Tasks, records: Records, machine: Machine,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    signed("approve")
    changed, real = [], Records.change

    def dies(self: Records, key: Any, expression: str, *given: Any) -> bool:
        changed.append(expression)
        if "decision" in expression:
            raise RuntimeError("the function was stopped")
        return real(self, key, expression, *given)

    monkeypatch.setattr(Records, "change", dies)
    with pytest.raises(RuntimeError):
        signed("approve", BOB)
    monkeypatch.setattr(Records, "change", real)
    assert decision(records) == ""
    assert signed("approve", BOB)[0] == 200
    assert machine.woken == [(TOKEN, "approve")]


@given(st.lists(st.sampled_from(["person:ada", "person:bob", "iam:ada", "iam:eve", "iam:bob"]), max_size=6))
def test_votes_are_never_more_people_than_there_can_be_for_certain(keys: list[str]) -> None:
    count = approvals.people(keys)
    assert count <= len(set(keys))
    assert (count > 1) == any(len({key for key in keys if key.startswith(way)}) > 1 for way in ("person:", "iam:"))


# --- by an execution ----------------------------------------------------------------------------------------------

def started(**given: Any) -> dict[str, Any]:
    return opening.handler({"input": {"incident": "i-1", "task": "01"} | given, "started": "2026-11-25T00:00:00.000Z",
                            "execution": "arn:aws:states:us-east-1:0:execution:plan:e1",
                            "entered": "2026-11-25T00:00:01.000Z"}, None)


@pytest.mark.parametrize("wanted", ["approve", "reject"])
@pytest.mark.parametrize("kind", ["approval", "manual"])
def test_the_right_to_start_an_execution_gives_no_right_to_approve(records: Records, machine: Machine, wanted: str,
                                                                   kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSWER_URL", "https://abc.lambda-url.us-east-1.on.aws/")
    asked(records, kind)
    task = "01" if kind == "approval" else "01m"
    said = started(decision=wanted, by="Ada", task=task)
    assert said["result"] == "declined"
    assert "https://abc.lambda-url.us-east-1.on.aws/" in said["reason"]
    assert (decision(records, task), machine.woken, entries(records)) == ("", [], [])
    with pytest.raises((NotAllowed, NotPossible)):
        decide.decide(records, "i-1", task, wanted, approvals.starter("arn:x:e1"))


def test_a_manual_task_is_marked_as_done_by_an_execution(records: Records, machine: Machine) -> None:
    asked(records, "manual")
    assert started(decision="done", task="01m", by="Ada")["result"] == "decided"
    assert entries(records)[0]["by"] == "whoever may start executions (execution e1)"
    assert started(decision="done", task="01m", by="Bob")["result"] == "declined"


def test_an_approval_is_not_marked_as_done(records: Records, machine: Machine) -> None:
    asked(records)
    assert started(decision="done")["result"] == "declined"
    assert decision(records) == ""


# --- all ways -----------------------------------------------------------------------------------------------------

def by_slack(records: Records, user: str, wanted: str = "approve") -> Task:
    voter = approvals.in_slack(model.load("payment-gateway"), approvals.SlackPress(user, "block_actions"))
    return decide.decide(records, "i-1", "01", wanted, voter)


def test_a_task_is_marked_as_done_though_its_remedy_had_been_approved(records: Records, machine: Machine) -> None:
    asked(records)
    assert called("POST", link() | {"decision": "approve"})[0] == 200
    tasks = asked(records, "manual")
    assert "Mark as done" in called("GET", link(task="01m"))[1]
    assert called("POST", link(task="01m") | {"decision": "approve"})[0] == 409
    assert called("POST", link(task="01m") | {"decision": "done"})[0] == 200
    assert machine.woken == [(TOKEN, "approve")]
    assert not tasks.open_of("i-1")


def test_a_retry_records_and_resumes_what_the_first_attempt_did_not(records: Records, machine: Machine) -> None:
    asked(records).answer("i-1", "01", "approve", "ada")  # and died before it could note or wake anybody
    assert signed("reject")[0] == 409
    assert (machine.woken, entries(records)) == ([], [])
    for _ in range(2):
        assert signed("approve")[0] == 409
    assert machine.woken == [(TOKEN, "approve")] * 2
    assert [item["by"] for item in entries(records)] == ["ada"]


def test_the_waiting_execution_resumes_although_the_timeline_cannot_be_written(records: Records, machine: Machine,
                                                                               monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: Any, **more: Any) -> bool:
        raise RuntimeError("the timeline cannot be written")

    asked(records)
    monkeypatch.setattr(Records, "note", broken)
    with pytest.raises(RuntimeError):
        signed("approve")
    assert machine.woken == [(TOKEN, "approve")]


def test_functions_that_answer_write_only_answers(records: Records, machine: Machine, configure: Configure,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the timeline, whose entries another function writes."""
    configure(two_person=("rollback",))
    asked(records)
    asked(records, "manual")
    written: set[tuple[str, str]] = set()

    def watch(params: dict[str, Any], model: Any, **more: Any) -> None:
        if model.name not in ("GetItem", "Query"):
            written.add((model.name, params["Key"]["pk"]["S"] if "Key" in params else str(params)))

    monkeypatch.setattr(Records, "note", lambda *given, **more: True)
    records._client.meta.events.register("provide-client-params.dynamodb", watch)
    assert [signed("approve")[0], signed("approve")[0], signed("approve", BOB)[0], signed("reject")[0]] == [
        200, 409, 200, 409]
    assert called("POST", link(task="01m") | {"decision": "done"})[0] == 200
    assert written == {("UpdateItem", "ANSWER#i-1")}


def test_the_task_token_is_nowhere_but_in_its_item(records: Records, machine: Machine) -> None:
    asked(records)
    called("POST", link() | {"decision": "approve"})
    assert TOKEN not in json.dumps(records.everything("i-1"))
    assert TOKEN not in json.dumps(records.partition("ANSWER#i-1"))
    assert TOKEN not in called("GET", link())[1]


def test_a_question_asked_again_keeps_its_answer_and_takes_the_new_token(records: Records, machine: Machine) -> None:
    tasks = asked(records)
    Tasks(records).ask(Task("i-1", 1, "payment-gateway", "approval", time.time(), time.time() + 60, ("sre: Ada",)),
                       "new")
    assert tasks.token("i-1", "01") == "new"
    tasks.answer("i-1", "01", "approve", "ada")
    Tasks(records).ask(Task("i-1", 1, "payment-gateway", "approval", time.time(), time.time() + 60, ("sre: Ada",)),
                       "newer")
    # Whoever repeats the answer wakes the state that waits now.
    assert (decision(records), tasks.token("i-1", "01")) == ("approve", "newer")


def test_an_answer_without_a_question_is_refused(records: Records) -> None:
    with pytest.raises(NotPossible, match="no task 07"):
        Tasks(records).answer("i-1", "07", "approve", "ada")


def test_an_answer_that_nobody_asked_for_is_no_answer(records: Records) -> None:
    """Whoever may write answers cannot make a question of one."""
    records.put({"pk": "ANSWER#i-1", "sk": "01", "decision": "approve", "decided_by": "me"})
    assert Tasks(records).get("i-1", "01") is None
    assert list(Tasks(records).open_of("i-1")) == []


def press_of(payload: dict[str, Any]) -> approvals.SlackPress:
    body = urlencode({"payload": json.dumps(payload | {"actions": [{"value": "v"}]})}).encode()
    return pressed.in_plan(slack.pressed(body))


@pytest.mark.parametrize("payload", [
    {"user": {"id": "U9"}}, {"user": {"id": "B1"}}, {"user": {"id": "U1", "is_bot": True}}, {"user": {}}, {"user": 1},
    {"user": {"id": "USLACKBOT"}}, {"type": "view_submission"}, {"api_app_id": "A9"}, {"api_app_id": None},
    {"team": {"id": "T9"}}, {"team": None}, {"user": {"id": "U1", "team_id": "T9"}}, {"user": {"id": "u1"}}])
def test_in_slack_only_a_person_of_the_team_of_this_workspace_and_app_decides(payload: dict[str, Any]) -> None:
    shipped = shipped_service()
    assert shipped.slack
    service = replace(shipped, team=TEAM, slack=replace(shipped.slack, team="T1", app="A1"))
    good = {"type": "block_actions", "user": {"id": "U1", "team_id": "T1"}, "team": {"id": "T1"}, "api_app_id": "A1"}
    assert approvals.in_slack(service, press_of(good)) == Voter("slack", "Ada (U1 in Slack)", "u1", person="Ada")
    with pytest.raises(NotAllowed):
        approvals.in_slack(service, press_of(good | payload))


def test_high_risk_is_decided_only_by_identified_people(records: Records, machine: Machine) -> None:
    records.set_action("i-1", 1, "rollback", risk="high")
    asked(records)
    assert by_slack(records, "U1").decided_by == "Ada (U1 in Slack)"
