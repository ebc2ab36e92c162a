"""Deliver a message by every channel that takes it: each thing once, and what fails is on record."""

from __future__ import annotations

import time
from typing import Any

from responder import people
from responder.clients.failure import CallFailed
from responder.handlers.step import Step
from responder.people import Message
from responder.records.table import iso


def notify(visit: Step, message: Message, number: int = 50) -> list[str]:
    """Return the channels by which it is delivered, now or before; ``number`` orders the notes of one visit."""
    delivered: list[str] = []
    for place, channel in enumerate(people.every()):
        if message.kind not in channel.takes or not channel.configured(visit.service):
            continue
        state, sent = visit.records.channel(message.incident, channel.name)
        if message.key and message.key in sent:
            delivered.append(channel.name)
            continue
        try:
            state = channel.deliver(visit.service, message, state)
        except CallFailed as failed:
            visit.note(f"{channel.name} could not be used", number=number + place, kind="notification",
                       why=failed.note, detail={"failed": channel.name, "status": failed.status})
            continue
        # Delivered first, kept then: who dies in between says it twice, which is better than never.
        visit.records.keep_channel(message.incident, channel.name, state, sent | (
            {message.key: iso(time.time())} if message.key else {}))
        delivered.append(channel.name)
    return delivered


def told(visit: Step, what: str, to: str, channels: list[str], number: int = 0, **more: Any) -> None:
    """Put on record who was told by which channels."""
    if channels:
        visit.note(what, number=number, kind="notification", detail={"to": to, "by": ", ".join(channels)}, **more)
