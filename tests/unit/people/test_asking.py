"""What people are asked: each link reaches its person alone, and no text of others turns into markup or commands."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from responder.clients.failure import CallFailed
from responder.handlers import approval, remind, step
from responder.model.incident import Signal
from responder.model.masking import mask
from responder.model.service import Person, Service
from responder.people import slack, sns
from responder.plan.approvals import commands
from responder.records.table import Records, iso
from responder.records.tasks import Task, Tasks
from tests.conftest import shipped_service, timeline

TEAM = (Person("Ada", "sre", email="ada@example.com", slack="U1"), Person("Bob", "sre", email="bob@example.com"),
        Person("Cem", "sre", slack="U3"), Person("Dan", "sre"), Person("Net", "network", email="net@example.com"))
LINK = re.compile(r"https://page\.example/\?\S+")


class Post:
    """All that SNS and Slack were given, by where it went."""

    def __init__(self, records: Records) -> None:
        self.records, self.sent = records, []  # type: Records, list[tuple[str, str]]
        self.service = replace(shipped_service(), pagerduty=None, statuspage=None, team=TEAM)

    def sns(self, **given: Any) -> dict[str, str]:
        attributes = {name: value["StringValue"] for name, value in given["MessageAttributes"].items()}
        place = f"{given['TopicArn']} {attributes.get('person', '*')}"
        self.sent.append((place, json.dumps(given)))
        subject = given["Subject"]
        assert subject.isascii() and subject.isprintable() and 0 < len(subject) < 100
        return {"MessageId": "m"}

    def slack(self, method: str, tolerated: frozenset[str] = frozenset(), **given: Any) -> dict[str, Any]:
        if method == "chat.postMessage":
            self.sent.append((given["channel"], json.dumps(given)))
        return {"ok": True, "ts": "1", "channel": {"id": f"D{given['users'][1:]}" if "users" in given else "C1"}}

    def links(self) -> dict[str, set[str]]:
        """Return who each link is for, by where it was sent."""
        found: dict[str, set[str]] = {}
        for place, text in self.sent:
            for link in LINK.findall(text.replace("&amp;", "&").replace("\\n", "\n")):
                found.setdefault(place, set()).add(parse_qs(urlsplit(link).query)["to"][0])
        return found

    def ask(self, **record: Any) -> None:
        self.records.plan_action("i-1", 1, {
            "action": "rollback", "target": "deployment/x", "summary": "roll it back", "diff": "- 1\n+ 2",
            "risk": "low", "reversible": True, "status": "waiting"} | record)
        approval.handler(self.event() | {"number": 1, "token": "t", "otherwise": "people are paged to take over"}, None)

    @staticmethod
    def event() -> dict[str, Any]:
        return {"incident": {"id": "i-1", "service": "payment-gateway", "opened_at": iso(time.time() - 90),
                             "execution": "e"}, "entered": iso(time.time())}


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    for name, value in (("TOPIC", "incidents"), ("APPROVALS_TOPIC", "approvals"), ("APPROVAL_KEY", "key"),
                        ("APPROVAL_URL", "https://page.example/"), ("ANSWER_URL", "https://answer.example/"),
                        ("AWS_REGION", "eu-central-1")):
        monkeypatch.setenv(name, value)
    with mock_aws():
        made, now = Post(timeline()), iso(time.time())
        made.records.open("payment-gateway", "i-1", "e", now, Signal(now, "alarm", "a", "k"))
        real = sns.aws.client
        monkeypatch.setattr(sns.aws, "secret", lambda name: "k" * 40)
        monkeypatch.setattr(sns.aws, "client", lambda name, *given: type(
            "Sns", (), {"publish": staticmethod(made.sns)}) if name == "sns" else real(name, *given))
        monkeypatch.setattr(slack._Api, "call", lambda self, method, tolerated=frozenset(), **given: made.slack(
            method, tolerated, **given))
        monkeypatch.setattr(step, "records", lambda: made.records)
        monkeypatch.setattr(step, "load", lambda name: made.service)
        yield made


def test_each_link_goes_to_its_person_alone(post: Post) -> None:
    post.ask()
    assert post.links() == {"approvals ada@example.com": {"sre: Ada"}, "approvals bob@example.com": {"sre: Bob"},
                            "D1": {"sre: Ada"}, "D3": {"sre: Cem"}}
    # Everybody else reads the question and how to answer by IAM, in the channel, the topic and on record.
    for place in ("C1", "incidents *"):
        told = [text for where, text in post.sent if where == place]
        assert any("https://answer.example/" in text for text in told)
    assert "seal=" not in json.dumps(post.records.everything("i-1"))
    assert not [place for place, _ in post.sent if "net@" in place or "Dan" in place]


@pytest.mark.parametrize(("record", "approvals"), [
    ({"risk": "high"}, {"links": "medium"}), ({"risk": "high"}, {"links": "high"}), ({"risk": ""}, {"links": "medium"}),
    ({}, {"links": "medium", "two_person": ("rollback",)}), ({}, {"links": "none"}), ({}, {"links": True}),
    ({"risk": "medium"}, {"links": "low"})])
def test_no_link_is_made_for_high_risk_or_two_people_whatever_is_configured(
        post: Post, record: dict[str, Any], approvals: dict[str, Any]) -> None:
    post.service = replace(post.service, approval=replace(post.service.approval, **approvals))
    post.ask(**record)
    assert post.links() == {} and "seal=" not in str(post.sent)
    # Who is asked is told all the same, alone, and how to answer.
    told = dict(post.sent)["approvals bob@example.com"]
    assert "https://answer.example/" in told and "reject" in told


def test_without_a_topic_of_one_s_own_no_e_mail_gets_a_link(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    for topic in ("", "incidents"):
        monkeypatch.setenv("APPROVALS_TOPIC", topic)
        post.ask()
        assert set(post.links()) == {"D1", "D3"}


def test_a_reminder_s_link_goes_to_the_reminded_person(post: Post) -> None:
    now = time.time()
    post.service = replace(post.service, approval=replace(post.service.approval, remind_seconds=60),
                           team=(TEAM[4], *TEAM[:2]))
    Tasks(post.records).ask(Task("i-1", 1, "payment-gateway", "manual", now - 70, now + 600, ("network: Net",)), "")
    for _ in range(2):
        remind.handler(post.event(), None)
    assert post.links() == {"approvals ada@example.com": {"sre: Ada"}, "D1": {"sre: Ada"}}


def test_if_no_message_can_be_sent_nobody_was_asked(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: Any, **more: Any) -> Any:
        raise CallFailed("unavailable", "it answered with status 503")

    monkeypatch.setattr(sns, "_publish", broken)
    monkeypatch.setattr(slack._Api, "call", broken)
    with pytest.raises(approval.NobodyAsked):
        post.ask()


MARKUP = "<!channel> <https://evil.example|click> *b* & <@U1>\r\nBcc: eve@example.com"


def test_text_from_outside_is_no_markup(post: Post) -> None:
    post.ask(summary=MARKUP, diff=MARKUP)
    for place, text in post.sent:
        sent = json.loads(text)
        if "blocks" in sent:
            shown = sent["text"] + "".join(block["text"]["text"] for block in sent["blocks"]
                                           if block.get("text", {}).get("type") == "mrkdwn")
            own = re.sub(r"<https://page\.example/\?[\w.&;=%+-]+\|Read it all and decide>", "", shown)
            assert not re.search(r"<(?!$)", own), place


@given(st.text(max_size=300))
def test_a_subject_is_one_that_sns_takes(text: str) -> None:
    line = sns.subject_line(text)
    assert 0 < len(line) < 100
    assert line.isascii() and line.isprintable() and line == line.strip()


def test_the_question_says_the_deed_the_deadline_and_how_to_undo_it(post: Post) -> None:
    post.ask(deed="Scale deployment/x from 4 to 8 pods", action="scale_up",
             summary="scale deployment/x from 4 to 8 pods for 155 requests/s",
             undo="kubectl -n payments scale deployment/x --replicas=4")
    for place in ("C1", "incidents *", "approvals bob@example.com", "D3"):
        told = next(text for where, text in reversed(post.sent) if where == place)
        for words in ("Scale deployment/x from 4 to 8 pods?", "Risk: low: more pods take more", "- 1", "+ 2",
                      "If it does not help: it is undone by the responder",
                      "Ada (sre), Bob (sre), Cem (sre) and Dan (sre)",
                      "people are paged to take over", "kubectl -n payments scale deployment/x --replicas=4",
                      "# To approve:", "# To reject:"):
            assert words in told, (place, words)


class Signed(BaseHTTPRequestHandler):
    """A Function URL of auth type AWS_IAM, as far as it checks the signature; botocore makes the same one."""

    seen: ClassVar[list[tuple[bool, dict[str, Any]]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        given = self.headers["authorization"]
        scope = re.search(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request, ?SignedHeaders=([^,]+)", given)
        assert scope
        request = AWSRequest("POST", f"http://{self.headers['host']}/", data=body, headers={
            name: self.headers[name] for name in scope[4].split(";")})
        signer = SigV4Auth(Credentials(scope[1], "verysecret", None), scope[3], scope[2])
        request.context["timestamp"] = self.headers["x-amz-date"]
        text = signer.string_to_sign(request, signer.canonical_request(request))
        # AWS wants each header x-amz-* that is sent to be signed.
        own = {name.lower() for name in self.headers if name.lower().startswith("x-amz-")}
        matches = signer.signature(text, request) in given and own <= set(scope[4].split(";"))
        self.seen.append((matches, json.loads(body) | {
            "scope": f"{scope[2]}/{scope[3]}", "token": self.headers["x-amz-security-token"]}))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
@pytest.mark.parametrize("token", ["session==", None])
def test_the_commands_that_people_are_shown_are_signed_requests(tmp_path: Path, token: str | None) -> None:
    """As they are sent, masked; run by a shell, with and without a session's token."""
    server = HTTPServer(("127.0.0.1", 0), Signed)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    Signed.seen.clear()
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    text = commands(url, "eu-central-1", "payment-gateway-20261125T010422Z-a4d6", "01", "approval")
    assert mask(text) == text
    lines = [line for line in text.split("\n") if line.startswith("curl ")]
    environment = {"PATH": os.environ["PATH"], "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
                   "AWS_SECRET_ACCESS_KEY": "verysecret", **({"AWS_SESSION_TOKEN": token} if token else {})}
    for line in lines:
        subprocess.run(["sh", "-c", line], env=environment, cwd=tmp_path, check=True, timeout=20, capture_output=True)
    server.shutdown()
    server.server_close()
    assert Signed.seen == [(True, {
        "incident": "payment-gateway-20261125T010422Z-a4d6", "task": "01", "decision": wanted,
        "scope": "eu-central-1/lambda", "token": token}) for wanted in ("approve", "reject")]


@given(st.text(max_size=60), st.text(max_size=20))
def test_a_command_is_one_of_curl_whatever_the_names_are(incident: str, task: str) -> None:
    for line in commands("https://x/", "us-east-1", incident, task, "manual").split("\n"):
        if line.startswith("curl "):
            words = shlex.split(line)
            body = json.loads(words[words.index("-d") + 1])
            assert body == {"incident": incident, "task": task, "decision": "done"}
            assert words[-1] == "https://x/"


def test_shipped_asks_for_links_of_low_risk_at_most(service: Service) -> None:
    assert service.approval.links == "low"
