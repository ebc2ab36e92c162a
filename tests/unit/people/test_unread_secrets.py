"""A step has several messages to send: a secret that got no answer is not waited for with each of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from responder.clients import aws
from responder.clients.failure import CallFailed

NAME = "incident-response/pagerduty"


class Secrets:
    """Secrets Manager, with an answer that can be changed, and a clock."""

    def __init__(self) -> None:
        self.asked, self.now = 0, 1000.0
        self.answer: Any = ReadTimeoutError(endpoint_url="https://secretsmanager.us-east-1.amazonaws.com/")

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803 - the API's own name
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"SecretString": str(self.answer)}


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Secrets:
    made = Secrets()
    monkeypatch.setattr(aws, "client", lambda service: made)
    monkeypatch.setattr(aws, "time", SimpleNamespace(monotonic=lambda: made.now))
    monkeypatch.setattr(aws, "_UNREAD", {})
    aws._secret.cache_clear()
    return made


def refused(name: str = NAME) -> str:
    with pytest.raises(CallFailed) as failed:
        aws.secret(name)
    assert failed.value.status == "unauthorized"
    return failed.value.note


def test_what_got_no_answer_is_not_waited_for_again_at_once(secrets: Secrets) -> None:
    first = refused()
    secrets.now += 17
    assert refused() == first
    assert secrets.asked == 1


def test_another_secret_is_asked_for(secrets: Secrets) -> None:
    refused()
    secrets.answer = "xoxb-token"
    assert aws.secret("incident-response/slack") == "xoxb-token"


def test_a_while_later_it_is_asked_for_again_and_kept(secrets: Secrets) -> None:
    refused()
    secrets.now, secrets.answer = secrets.now + 31, "routing-key"
    assert [aws.secret(NAME), aws.secret(NAME)] == ["routing-key", "routing-key"]
    assert secrets.asked == 2


def test_a_refusal_takes_no_time_and_may_be_mended_at_any_moment(secrets: Secrets) -> None:
    secrets.answer = ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetSecretValue")
    refused()
    secrets.answer = "routing-key"
    assert aws.secret(NAME) == "routing-key"
