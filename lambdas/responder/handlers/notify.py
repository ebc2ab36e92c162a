"""Deliver a message by every channel that takes it: once per channel; failures are recorded."""

from __future__ import annotations

import time

from responder import people
from responder.clients.failure import CallFailed
from responder.handlers import environment
from responder.handlers.step import StepRun, log
from responder.model.facts import Delivered as DeliveredFact
from responder.model.facts import Undelivered
from responder.model.frozen import dataclass
from responder.model.incident import IncidentRecord
from responder.model.moment import iso
from responder.people import AnyChannel, Kind, Message
from responder.plan.links import references
from responder.plan.messages import Said
from responder.plan.needs import needs
from responder.records.deliveries import Delivery

_WAIT_SECONDS = 12.0
"""Longer than any channel takes; then this step continues, because a duplicate message is better than none."""


@dataclass(frozen=True)
class Delivered:
    """The result of a delivery."""

    channels: tuple[str, ...] = ()
    """The channels that have delivered it, now or before."""
    fresh: bool = False
    """Whether one of the channels delivered it now."""
    failed: tuple[str, ...] = ()
    """The channels that failed."""

    def __bool__(self) -> bool:
        return bool(self.channels)


def message(run: StepRun, record: IncidentRecord, kind: Kind, key: str, said: Said) -> Message:
    """Return a message to the team, with the pages to open and with what still needs a person."""
    return Message(kind, key, run.incident, said.subject, said.text, affected=record.incident.affected,
                   topic=said.subject, references=references(run.service, record, environment.reports()),
                   needs=needs(record), code=said.code)


def notify(run: StepRun, message: Message, number: int = 50) -> Delivered:
    """Deliver a message; ``number`` orders the notes of one step."""
    delivered: list[str] = []
    failures: list[str] = []
    fresh = False
    for place, channel in enumerate(people.every()):
        if message.kind not in channel.takes or not channel.configured(run.service):
            continue
        # Several steps may notify people at the same time; only one at a time may change a channel's state.
        end = time.monotonic() + _WAIT_SECONDS
        while not run.records.take_channel(message.incident, channel.name) and time.monotonic() < end:
            time.sleep(0.3)
        before = run.records.delivery(message.incident, channel.name)
        known = bool(message.key) and message.key in before.sent
        try:
            taken = known or _deliver(run, channel, message, before)
        except CallFailed as failed:
            failures.append(channel.name)
            run.note(f"{channel.name} could not be used", number=number + place, kind="notification",
                       why=failed.note, fact=Undelivered(channel.name, failed.status))
            taken = False
        if known or channel.name in failures:
            run.records.keep_channel(message.incident, channel.name, before.state, before.sent)
        if taken:
            fresh = fresh or not known
            delivered.append(channel.name)
    return Delivered(tuple(delivered), fresh, tuple(failures))


def _deliver(run: StepRun, channel: AnyChannel, message: Message, before: Delivery) -> bool:
    """Deliver a message by a channel that is reserved, and release it; False where there was no recipient.

    At-least-once delivery: deliver, then record. Raises CallFailed where nothing was delivered.
    """
    state = channel.deliver(run.service, message, before.state)
    now = {message.key: iso(time.time())} if message.key and state is not None else {}
    run.records.keep_channel(message.incident, channel.name, before.state if state is None else state,
                               before.sent | now)
    if state is None:
        log(step=run.name, incident=message.incident, channel=channel.name, kind=message.kind, delivered=False)
    return state is not None


def record_notification(run: StepRun, what: str, to: str, delivered: Delivered, number: int = 0) -> None:
    """Record a notification and its channels, if it was delivered now."""
    if delivered.fresh:
        run.note(what, number=number, kind="notification", fact=DeliveredFact(to, ", ".join(delivered.channels)))
