"""The incident topic in SNS, the channel that is always there, and the topic for approvals, where each person gets only
their own messages."""

from __future__ import annotations

import os

from responder.clients import aws
from responder.model.masking import mask
from responder.model.service import Person, Service
from responder.people import Channel, Message, Nothing

_SUBJECT = 100  # AWS: "Publish", Subject: less than 100 characters, ASCII, no line breaks
_MESSAGE_BYTES = 200_000
_AUDIENCES = frozenset({"customers", "provider", "network_team"})


def publish(topic: str, subject: str, message: str, incident: str, audience: str = "team", joins: str = "") -> str:
    """Publish a message, masked by ``plain``, to the incident topic and return its id; raises CallFailed.

    Subscriptions may filter by the attribute ``audience``: ``team``, ``customers``, ``provider`` or ``network_team``,
    and by ``joins``, which is there where the same people were woken already for the incident that it names.
    """
    return _publish(topic, subject, message, {"incident": incident, "audience": audience,
                                              **({"joins": joins} if joins else {})})


def publish_to(topic: str, person: Person, subject: str, message: str, incident: str) -> str:
    """Publish a message, masked by ``plain``, to one person's own subscription of the topic for approvals.

    Raises CallFailed.

    Each subscription there has a filter policy: none gets a message whose attribute ``person`` is not its own.
    """
    return _publish(topic, subject, message, {"incident": incident, "person": person.email})


def subject_line(text: str) -> str:
    """Return a subject that SNS takes: ASCII that can be printed, in one line, of less than 100 characters."""
    line = mask(" ".join(text.split())).encode("ascii", "replace").decode()
    return "".join(character for character in line if character.isprintable())[:_SUBJECT - 1].strip() or "Incident"


def plain(message: Message) -> str:
    """Return a message as one text: what is so, commands and diffs, and the pages with their addresses, unmasked.

    The addresses are made by ``plan/links.py``; masking could take a part of one for a card number.
    """
    parts = (mask(message.text).rstrip(), mask(message.code).rstrip(), "\n".join(
        f"{page.label}: {page.url}" + (f"\n  ask: {mask(page.query)}" if page.query else "")
        for page in message.references))
    return "\n\n".join(part for part in parts if part) + "\n"


def _publish(topic: str, subject: str, message: str, attributes: dict[str, str]) -> str:
    with aws.failures("SNS"):
        return str(aws.client("sns").publish(
            TopicArn=topic, Subject=subject_line(subject),
            Message=message.encode()[:_MESSAGE_BYTES].decode(errors="ignore"),
            MessageAttributes={name: {"DataType": "String", "StringValue": value}
                               for name, value in attributes.items()})["MessageId"])


def _deliver(service: Service, message: Message, state: Nothing) -> Nothing | None:
    if message.kind == "copy":
        return _to_one(message, state)
    publish(os.environ["TOPIC"], message.subject, plain(message), message.incident,
            message.kind if message.kind in _AUDIENCES else "team", message.joins)
    return state


def _to_one(message: Message, state: Nothing) -> Nothing | None:
    """Deliver to one person only, never to the incident topic; None where the person has no own subscription."""
    topic = os.environ.get("APPROVALS_TOPIC", "")
    person = message.persons[0] if len(message.persons) == 1 else None
    if not topic or topic == os.environ.get("TOPIC") or person is None or not person.email:
        return None
    publish_to(topic, person, message.subject, plain(message), message.incident)
    return state


# The current state is sent at each decision; e-mail subscribers get only the important messages.
CHANNEL = Channel("sns", frozenset({"page", "escalation", "question", "copy", "call", "told", "closed", "customers",
                                    "provider", "network_team"}), _deliver, Nothing)
