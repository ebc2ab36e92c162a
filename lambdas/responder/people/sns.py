"""The incident topic in SNS: the way that always works."""

from __future__ import annotations

import os
from typing import Any

from responder.clients import aws
from responder.model.masking import mask
from responder.model.service import Service
from responder.people import Channel, Message

_SUBJECT = 100  # AWS: "Publish", Subject: less than 100 characters, ASCII, no line breaks
_MESSAGE_BYTES = 200_000
_AUDIENCES = frozenset({"customers", "provider", "network_team"})


def publish(topic: str, subject: str, message: str, incident: str, audience: str = "team") -> str:
    """Publish a message to the incident topic and return its id; raises CallFailed.

    Subscriptions may filter by the attribute ``audience``: ``team``, ``customers``, ``provider`` or ``network_team``.
    """
    line = mask(" ".join(subject.split())).encode("ascii", "replace").decode()[:_SUBJECT - 1]
    with aws.failures("SNS"):
        answer = aws.client("sns").publish(
            TopicArn=topic, Subject=line,
            Message=mask(message).encode()[:_MESSAGE_BYTES].decode(errors="ignore"),
            MessageAttributes={"incident": {"DataType": "String", "StringValue": incident},
                               "audience": {"DataType": "String", "StringValue": audience}})
    return str(answer["MessageId"])


def _deliver(service: Service, message: Message, state: dict[str, Any]) -> dict[str, Any]:
    publish(os.environ["TOPIC"], message.subject, message.text, message.incident,
            message.kind if message.kind in _AUDIENCES else "team")
    return state


# How it stands is told at each decision: those who get e-mails get what matters alone.
CHANNEL = Channel("sns", frozenset({"page", "copy", "call", "told", "closed", "customers", "provider",
                                    "network_team"}), _deliver)
