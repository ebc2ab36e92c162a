"""A channel is one file: by being there it is used for the messages that it takes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from responder import people
from responder.handlers import notify
from responder.handlers.step import StepRun
from responder.model.service import Service
from responder.people import Message
from tests.added import forget, put
from tests.conftest import timeline

CHANNEL = '''
from dataclasses import dataclass

from responder.clients.failure import CallFailed
from responder.people import Channel

SAID = []


@dataclass(frozen=True)
class Said:
    """What is remembered of an incident."""

    last: str = ""


def send(service, message, state):
    if message.text == "fail":
        raise CallFailed("timeout", "nobody listens")
    SAID.append((message.subject, state.last))
    return Said(message.key)


CHANNEL = Channel("loudspeaker", frozenset({"page", "told"}), send, Said, secrets=lambda service: ("loudspeaker/key",))
'''


@pytest.fixture
def channel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[people.AnyChannel]:
    put(tmp_path, people, "loudspeaker", CHANNEL, monkeypatch)
    yield next(found for found in people.every() if found.name == "loudspeaker")
    monkeypatch.undo()
    forget(people, "loudspeaker")


def message(key: str, text: str = "") -> Message:
    return Message("page", key, "payment-gateway-1", f"{key}: high error rate", text)


def test_a_channel_by_being_there_delivers_each_thing_once(
        channel: people.AnyChannel, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [found.name for found in people.every()][-1] == "sns"
    # Only the functions that tell people may read its secrets.
    assert "loudspeaker/key" in people.secrets(service)
    assert "loudspeaker/key" not in people.secrets(service, frozenset({"customers"}))
    monkeypatch.setattr(people, "every", lambda: (channel,))
    said = sys.modules["responder.people.loudspeaker"].SAID
    with mock_aws():
        run = StepRun("Assemble the team", "payment-gateway-1", service, 0.0, "2026-11-25T00:00:00.000Z", timeline())
        assert notify.notify(run, message("first")).channels == ("loudspeaker",)
        assert not notify.notify(run, message("first")).fresh
        notify.notify(run, message("second"))
        assert notify.notify(run, message("third", "fail")).failed == ("loudspeaker",)
    # What it remembers of the incident comes back with the next message.
    assert said == [("first: high error rate", ""), ("second: high error rate", "first")]
