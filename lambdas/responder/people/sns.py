"""The incident topic in SNS: the way that always works."""

from __future__ import annotations

from responder.clients import aws
from responder.model.masking import mask

_SUBJECT = 100  # AWS: "Publish", Subject: less than 100 characters, ASCII, no line breaks
_MESSAGE_BYTES = 200_000


def publish(topic: str, subject: str, message: str, incident: str, audience: str = "team") -> str:
    """Publish a message to the incident topic and return its id; raises CallFailed.

    Subscriptions may filter by the attribute ``audience``: ``team``, ``customers`` or ``network_team``.
    """
    line = mask(" ".join(subject.split())).encode("ascii", "replace").decode()[:_SUBJECT - 1]
    with aws.failures("SNS"):
        answer = aws.client("sns").publish(
            TopicArn=topic, Subject=line,
            Message=mask(message).encode()[:_MESSAGE_BYTES].decode(errors="ignore"),
            MessageAttributes={"incident": {"DataType": "String", "StringValue": incident},
                               "audience": {"DataType": "String", "StringValue": audience}})
    return str(answer["MessageId"])
