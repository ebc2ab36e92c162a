"""Deliver a message by every channel that takes it: each thing once, and what fails is on record."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from responder import people
from responder.clients.failure import CallFailed
from responder.handlers.step import Step, log
from responder.people import Message
from responder.records.table import iso

_WAIT_SECONDS = 12.0
"""Longer than any channel takes; who still waits then goes on, for a message twice is better than none."""


@dataclass(frozen=True)
class Delivered:
    """What became of a message."""

    channels: tuple[str, ...] = ()
    """By which it is delivered, now or before."""
    fresh: bool = False
    """Whether one of them delivered it now."""
    failed: tuple[str, ...] = ()
    """By which it could not be."""

    def __bool__(self) -> bool:
        return bool(self.channels)


def notify(visit: Step, message: Message, number: int = 50) -> Delivered:
    """Deliver a message; ``number`` orders the notes of one visit."""
    delivered: list[str] = []
    failures: list[str] = []
    fresh = False
    for place, channel in enumerate(people.every()):
        if message.kind not in channel.takes or not channel.configured(visit.service):
            continue
        # Several steps tell people at the same time: what a channel remembers is one at a time's to change.
        end = time.monotonic() + _WAIT_SECONDS
        while not visit.records.take_channel(message.incident, channel.name) and time.monotonic() < end:
            time.sleep(0.3)
        state, sent = visit.records.channel(message.incident, channel.name)
        known = bool(message.key) and message.key in sent
        kept: dict[str, Any] | None = state
        try:
            kept = state if known else channel.deliver(visit.service, message, state)
        except CallFailed as failed:
            failures.append(channel.name)
            visit.note(f"{channel.name} could not be used", number=number + place, kind="notification",
                       why=failed.note, detail={"failed": channel.name, "status": failed.status})
            visit.records.keep_channel(message.incident, channel.name, state, sent)
            continue
        # Delivered first, kept then: who dies in between says it twice, which is better than never.
        visit.records.keep_channel(message.incident, channel.name, state if kept is None else kept, sent | (
            {message.key: iso(time.time())} if message.key and kept is not None and not known else {}))
        if kept is None:
            log(step=visit.name, incident=message.incident, channel=channel.name, kind=message.kind, delivered=False)
            continue
        fresh = fresh or not known
        delivered.append(channel.name)
    return Delivered(tuple(delivered), fresh, tuple(failures))


def told(visit: Step, what: str, to: str, delivered: Delivered, number: int = 0, **more: Any) -> None:
    """Put on record who was told by which channels, where that was now."""
    if delivered.fresh:
        visit.note(what, number=number, kind="notification", detail={"to": to, "by": ", ".join(delivered.channels)},
                   **more)
