"""Answer a question of an incident as yourself, by the URL that asks IAM who you are: the same as curl in the message.

The function behind it (``handlers/answer.py``) decides who may answer and what an answer decides. Nothing here checks
that instead, and nothing goes past it. Sources: the Lambda Developer Guide's page "Invoking Lambda function URLs"
(requests are signed by SigV4 for the service ``lambda``; a caller without the right gets 403 and ``{"Message":
"Forbidden"}``); the AWS SDKs and Tools Reference Guide's page "Service-specific endpoints".
"""

from __future__ import annotations

import json
import os
from typing import Literal
from urllib.parse import urlsplit

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from cli.incidents.asking import may_not
from cli.incidents.place import Place
from cli.incidents.waiting import Waiting
from cli.output import NOT_ASKED, WRONG_INPUT, Refused
from responder.model.codec import Foreign, Json, Malformed, decode, encode
from responder.model.frozen import dataclass
from responder.plan.approvals import Decision

_SECONDS = 30.0
"""The function's own time-out."""
RIGHT = "lambda:InvokeFunctionUrl, lambda:InvokeFunction"
Result = Literal["decided", "approved", "declined", "refused"]
DECISIONS: dict[str, Decision] = {"yes": "approve", "no": "reject", "done": "done"}
"""What people say to what the function takes."""


@dataclass(frozen=True)
class Answer:
    """What is sent."""

    incident: str
    task: str
    decision: Decision
    note: str = ""
    value: int | None = None
    other: str = ""


@dataclass(frozen=True)
class Answered:
    """What became of an answer."""

    incident: str
    task: str
    decision: Decision
    result: Result
    """``approved``: one yes of several that are needed; ``declined``: it decides nothing; ``refused``: not allowed."""
    said: str
    """The same in words."""

    @property
    def counts(self) -> bool:
        """Whether the answer was taken."""
        return self.result in ("decided", "approved")


@dataclass(frozen=True)
class _Said(Foreign):
    """The function's answer."""

    result: Result | Literal[""] = ""
    said: str = ""


def answer_of(one: Waiting, incident: str, word: str, note: str, value: int | None, other: str) -> Answer:
    """Return the answer that somebody's words are; raises Refused where the question takes no such answer.

    ``word`` is ``yes``, ``no`` or ``done``; ``other`` is the id of the remedy that is to come first instead.
    """
    takes = ("yes", "no") if one.kind == "approval" else ("done",)
    if word not in takes:
        raise Refused(f"{word[:40]!r} is no answer to task {one.task}: it takes {' or '.join(takes)}", WRONG_INPUT)
    if value is not None and word != "yes":
        raise Refused("--value goes with yes", WRONG_INPUT)
    if other and (word != "no" or one.kind != "approval"):
        raise Refused("--instead goes with no: this remedy is rejected, and the other one comes first", WRONG_INPUT)
    return Answer(incident, one.task, "instead" if other else DECISIONS[word], note, value, other)


def send(place: Place, answer: Answer) -> Answered:
    """Send an answer, and return what became of it; raises Refused where it could not be given."""
    url = place.outputs["AnswerUrl"]
    body = json.dumps({name: value for name, value in encode(answer).items() if value not in (None, "")})
    credentials = place.session.get_credentials()
    if credentials is None:
        raise Refused("no AWS credentials were found; sign in (aws sso login), or name a --profile", NOT_ASKED)
    request = AWSRequest("POST", url, headers={"content-type": "application/json"}, data=body)
    SigV4Auth(credentials.get_frozen_credentials(), "lambda", place.region).add_auth(request)
    try:
        response = httpx.post(_address(url), content=body, timeout=_SECONDS, headers={
            **{str(name): str(value) for name, value in request.headers.items()}, "host": urlsplit(url).netloc})
    except httpx.HTTPError as error:
        raise Refused(f"the function that takes answers could not be reached ({type(error).__name__}): whether the "
                      f"answer was taken is not known; `responder status` tells", NOT_ASKED) from error
    return answered(answer, response.status_code, response.text)


def _address(url: str) -> str:
    """Return where a request to a function URL goes: to the endpoint that boto3 would use, where one is set."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_LAMBDA") or os.environ.get("AWS_ENDPOINT_URL")
    return endpoint.rstrip("/") + (urlsplit(url).path or "/") if endpoint else url


def answered(answer: Answer, status: int, text: str) -> Answered:
    """Return what an HTTP answer says; raises Refused where it is not the function's."""
    try:
        given: Json = json.loads(text)
        said = decode(_Said, given, "answer")
    except (ValueError, Malformed):
        said = _Said()
    if said.result:
        return Answered(answer.incident, answer.task, answer.decision, said.result, said.said)
    if status == 403:
        raise Refused(may_not("answer what the responder asks", RIGHT, "on-call"), NOT_ASKED)
    raise Refused(f"the function that takes answers answered with {status}: whether the answer was taken is not known; "
                  "`responder status` tells", NOT_ASKED)
