"""The people of a drill: they read their messages and answer as the drill says, each in the own name.

They answer by turns: the first answer of a drill is the first person's, the second answer the second person's.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Sequence
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import boto3
import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox.drill.contract import Answer
from sandbox.places import PEOPLE, REGION, Human, Up
from sandbox.remote import Remote
from sandbox.vendors.people import SIGNING_SECRET

_QUESTION = re.compile(r'\{"incident": "([^"]+)", "task": "(\d+m?)", "decision": "([^"]+)"')
_LINK = re.compile(r"https?://[^\s?]+\?\S*seal=\S+")
_FIELD = re.compile(r'<input type=hidden name="([^"]+)" value="([^"]*)">')


class People:
    """The people on call."""

    def __init__(self, sandbox: Up, inbox: str, answers: Sequence[Answer]) -> None:
        self._sandbox, self._inbox, self._answers = sandbox, inbox, answers
        self._sqs = boto3.client("sqs")
        self._due: list[tuple[float, Answer, Human, str, str]] = []
        self._links: dict[tuple[str, str], str] = {}
        """(incident, task) to the link that decides; only questions of low risk have one."""
        self._seen: set[tuple[str, str]] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self.bodies: list[str] = []
        """All messages so far."""
        self.letters: list[tuple[float, str]] = []
        """The same with the time at which each was read, seconds since 1970 (UTC)."""
        self.said: list[str] = []
        """What became of each answer."""

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return bool(self._due)

    def start(self) -> None:
        """Begin to read and to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Read the messages that are left, and end."""
        self._over.set()
        self._thread.join(10)
        self._read()

    def _live(self) -> None:
        while not self._over.wait(0.3):
            self._read()
            due = [item for item in self._due if item[0] <= time.time()]
            self._due = [item for item in self._due if item not in due]
            for _, answer, human, incident, task in due:
                link = self._links.get((incident, task), "")
                for _ in range(answer.times):
                    try:
                        if answer.way == "slack":
                            told = self._by_slack(human, incident, task, answer.answer)
                        elif answer.way == "link" and link:
                            told = self._by_link(link, answer.answer)
                        else:
                            told = self._by_iam(human, incident, task, answer.answer)
                    except Exception as error:
                        told = f"{type(error).__name__}: {error}"
                    self.said.append(f"{answer.answer} to {incident}/{task}: {told}")

    def _read(self) -> None:
        while messages := self._sqs.receive_message(QueueUrl=self._inbox, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self.bodies.append(message["Body"])
                self.letters.append((time.time(), message["Body"]))
                self._sqs.delete_message(QueueUrl=self._inbox, ReceiptHandle=message["ReceiptHandle"])
                try:
                    text = str(json.loads(message["Body"]).get("Message", ""))
                except ValueError:
                    text = message["Body"]
                self._take(text)

    def _take(self, text: str) -> None:
        for link in _LINK.findall(text):
            fields = parse_qs(urlsplit(link).query)
            self._links.setdefault((fields["incident"][0], fields["task"][0]), link)
        asked: dict[tuple[str, str], list[str]] = {}
        for incident, task, decision in _QUESTION.findall(text):
            asked.setdefault((incident, task), []).append(decision)
        for (incident, task), decisions in asked.items():
            if (incident, task) in self._seen:
                continue
            self._seen.add((incident, task))
            for place, answer in enumerate(self._answers):
                if answer.answer in decisions:
                    self._due.append((time.time() + answer.after, answer, PEOPLE[place % len(PEOPLE)], incident, task))

    def _by_link(self, link: str, answer: str) -> str:
        """Open the page and press its button, as a browser would; only the embedded cloud knows its host."""
        parts = urlsplit(link)
        address = f"http://127.0.0.1:{self._sandbox.ports.aws}{parts.path or '/'}"
        headers = {"host": parts.netloc}
        page = httpx.get(f"{address}?{parts.query}", headers=headers, timeout=20)
        fields = {name: unescape(value) for name, value in _FIELD.findall(page.text)}
        if not fields:
            return f"{page.status_code}, no form"
        done = httpx.post(address, data=fields | {"decision": answer}, headers=headers, timeout=20)
        return str(done.status_code)

    def _by_slack(self, human: Human, incident: str, task: str, answer: str) -> str:
        """Press the button of the question in Slack, and play Slack: sign what it sends to the app's Request URL."""
        for message in Remote(self._sandbox.ports).told()["slack"]:
            for block in message.get("blocks", []):
                for element in block["elements"] if block["type"] == "actions" else ():
                    value = json.loads(element["value"])
                    if (value["incident"], value["task"], value["decision"]) == (incident, task, answer):
                        return self._press(human, element)
        return "no such button"

    def _press(self, human: Human, element: dict[str, Any]) -> str:
        body = urlencode({"payload": json.dumps({
            "type": "block_actions", "user": {"id": human.slack, "username": human.session}, "actions": [
                {"type": "button", "action_id": element["action_id"], "value": element["value"]}]})}).encode()
        stamp = str(int(time.time()))
        signature = hmac.new(SIGNING_SECRET.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        parts = urlsplit(self._sandbox.outputs["ApprovalUrl"])
        done = httpx.post(f"http://127.0.0.1:{self._sandbox.ports.aws}{parts.path or '/'}", content=body, timeout=20,
                          headers={"host": parts.netloc, "content-type": "application/x-www-form-urlencoded",
                                   "x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={signature}"})
        return str(done.status_code)

    def _by_iam(self, human: Human, incident: str, task: str, answer: str) -> str:
        """Sign a request to the URL that checks its callers; only the embedded cloud knows its host."""
        url = self._sandbox.outputs["AnswerUrl"]
        request = AWSRequest("POST", url, headers={"content-type": "application/json"}, data=json.dumps(
            {"incident": incident, "task": task, "decision": answer}))
        SigV4Auth(Credentials(human.access_key, human.secret_key), "lambda", REGION).add_auth(request)
        parts = urlsplit(url)
        done = httpx.post(f"http://127.0.0.1:{self._sandbox.ports.aws}{parts.path or '/'}", content=request.body,
                          headers={**dict(request.headers.items()), "host": parts.netloc}, timeout=20)
        return f"{done.status_code} {done.text.strip()}"
